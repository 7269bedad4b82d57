"""The process that reads a foreign model: parses, meshes, writes plain data, and ends.

A model of 1 300 bytes can crash a parser, and a larger one can eat all memory; so nothing else
lives in this process, and it locks itself in before it parses the file.  It writes ``model.json``,
``vertices.f8`` and ``triangles.i4`` into a folder, and tells its progress as lines of JSON on its
standard output.  Started as ``python -m twin.bim._child FILE FOLDER LIMITS``.
"""

from __future__ import annotations

import base64
import errno
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ifcopenshell
import ifcopenshell.geom
import numpy as np
import orjson
import shapely

from twin.bim._facts import georeference, units
from twin.bim._letters import spelled_out
from twin.bim._limits import Limits, lock_in
from twin.bim._read import Reading, contents, counts
from twin.bim._relations import check_placements, of_class, said
from twin.bim._shape import Body, body
from twin.bim._step import Scan, scan
from twin.errors import InvalidInputError, TwinError

REFUSED, OUT_OF_MEMORY = 3, 4
"""Exit status where the file is to blame, and where it wants more memory than allowed."""

_NOT_SOLID = ["IfcAnnotation", "IfcGrid", "IfcSite"]
_TOLD_MOST = 300
_LONGEST_REASON = 1_000
_MOST_NOTES, _MOST_ERRORS = 20, 10_000
_STAMP = re.compile(r"^\[error\]|\s*\[[A-Z]{3}\d{3}\]|\s*\[\d{4}-[^\]]*\]\s*")

Tell = Callable[[str, int, int | None], None]


def main() -> int:
    """Read one file under limits."""
    file, folder, words = sys.argv[1:4]
    limits = Limits.of(orjson.loads(words))
    content = Path(file).read_bytes()
    lock_in(limits)
    try:
        document = read(file, content, Path(folder), _tell)
        (Path(folder) / "model.json").write_bytes(orjson.dumps(document, default=_as_json))
    except TwinError as error:
        return _ended(Path(folder), str(error), REFUSED)
    except (MemoryError, SystemError) as error:
        # The parser's wrapper turns a lack of memory into an error of Python's own.
        if isinstance(error, SystemError) and not isinstance(error.__cause__, MemoryError):
            raise
        return _ended(Path(folder), "out of memory", OUT_OF_MEMORY)
    except (RuntimeError, ifcopenshell.Error) as error:
        if "bad_alloc" in str(error):
            return _ended(Path(folder), "out of memory", OUT_OF_MEMORY)
        said_more = "; ".join(line for line in _errors() if line not in str(error))
        reason = f"the parser refuses it: {_first_line(error)}" + (said_more and f" ({said_more})")
        return _ended(Path(folder), reason[:_LONGEST_REASON], REFUSED)
    except OSError as error:
        if error.errno != errno.EFBIG:
            raise
        most = f"{limits.output_bytes / 2**20:,.0f} MiB"
        return _ended(Path(folder), f"its meshes take more than the {most} allowed", REFUSED)
    return 0


def read(file: str, content: bytes, folder: Path, tell: Tell) -> dict[str, Any]:
    """Return what a model holds, and write its meshes.

    Raises
    ------
    InvalidInputError
        If the file cannot be read, or the two readers do not find the same in it.
    """
    tell("reading", 0, None)
    plain, letters = spelled_out(content)
    seen = scan(plain)
    if plain is not content:
        file = str(folder / "spelled-out.ifc")
        Path(file).write_bytes(plain)
    del content, plain
    model = ifcopenshell.open(file)
    _compare(model, seen)
    check_placements(model)
    unit = units(model)
    reading = Reading(model, unit)
    if letters is not None:
        reading.notes.append(f"letters that are not spelled out as STEP asks: read as {letters}")
    mesh(reading, tell)
    tell("measuring", 0, None)
    found = contents(reading)
    middle = _write(reading, found, folder)
    return {
        "schema": model.schema_identifier,
        "application": _applications(model),
        "project": [said(each.Name) for each in of_class(model, "IfcProject")],
        "units": unit,
        "counts": counts(model),
        "instances": seen.instances,
        "with_geometry": sum(1 for row in found["elements"] if row["mesh"] is not None),
        "georeference": georeference(model, reading.relations, unit["length_m"]),
        "middle": middle,
        "notes": reading.notes,
        **found,
    }


def mesh(reading: Reading, tell: Tell) -> None:
    """Mesh all that is solid, and measure it."""
    settings = ifcopenshell.geom.settings()
    for name, value in (
        ("use-world-coords", True),
        ("weld-vertices", True),
        ("no-normals", True),
        ("apply-default-materials", False),
    ):
        settings.set(name, value)
    iterator = ifcopenshell.geom.iterator(settings, reading.model, 1, exclude=_NOT_SOLID)
    total = sum(
        1 for each in of_class(reading.model, "IfcProduct") if each.Representation is not None
    )
    if not iterator.initialize():
        _failures(reading)
        return
    done = 0
    while True:
        shape = iterator.get()
        found = _body(shape.geometry)
        if found is not None:
            reading.bodies[shape.id] = found
        done += 1
        tell("meshing", done, max(done, total))
        if not iterator.next():
            break
    _failures(reading)


def _body(geometry: Any) -> Body | None:
    vertices = np.frombuffer(geometry.verts_buffer, np.float64).reshape(-1, 3)
    triangles = np.frombuffer(geometry.faces_buffer, np.int32).reshape(-1, 3)
    return body(vertices, triangles)


def _failures(reading: Reading) -> None:
    """Keep what the mesher's log says of each thing that failed, and of the rest what it says."""
    for line in _errors():
        found = re.search(r"\{([^}]{22})\}\s*(.*)", line)
        if found:
            reading.failures.setdefault(found[1], found[2][:_TOLD_MOST])
        elif len(reading.notes) < _MOST_NOTES:
            reading.notes.append(f"the mesher says: {line[:_TOLD_MOST]}")


def _errors() -> list[str]:
    """Return the errors in the log, without their times."""
    lines = ifcopenshell.get_log().splitlines()
    return [_STAMP.sub("", line) for line in lines if line.startswith("[error]")][:_MOST_ERRORS]


def _compare(model: Any, seen: Scan) -> None:
    """Hold the parser against the plain reading of the text: both must find the same.

    Raises
    ------
    InvalidInputError
        The message names a class and both counts.
    """
    for name, number in seen.classes.items():
        if not name.startswith("IFC"):
            continue
        try:
            parsed = len(model.by_type(name, include_subtypes=False))
        except RuntimeError:
            raise InvalidInputError(f"its schema has no {name}") from None
        if parsed != number:
            raise InvalidInputError(
                f"{name}: the text holds {number}, the parser found {parsed}; the file is damaged"
            )


def _write(
    reading: Reading, found: dict[str, list[dict[str, Any]]], folder: Path
) -> list[float] | None:
    """Write the meshes, name their place in the rows, and return the middle of all in plan."""
    at_vertex = at_triangle = 0
    low, high = np.full(2, np.inf), np.full(2, -np.inf)
    with (folder / "vertices.f8").open("wb") as points, (folder / "triangles.i4").open("wb") as out:
        for row in (*found["spaces"], *found["elements"]):
            one = reading.bodies.get(row["number"])
            row["mesh"] = None
            if one is None:
                continue
            points.write(np.ascontiguousarray(one.vertices, "<f8").tobytes())
            out.write(np.ascontiguousarray(one.triangles, "<i4").tobytes())
            row["mesh"] = [at_vertex, len(one.vertices), at_triangle, len(one.triangles)]
            row |= {
                "z_min_m": one.z_min_m,
                "z_max_m": one.z_max_m,
                "is_closed": one.is_closed,
                "volume_m3": one.volume_m3,
            }
            at_vertex += len(one.vertices)
            at_triangle += len(one.triangles)
            low = np.minimum(low, one.vertices[:, :2].min(axis=0))
            high = np.maximum(high, one.vertices[:, :2].max(axis=0))
    return [float(v) for v in (low + high) / 2] if at_vertex else None


def _applications(model: Any) -> list[str]:
    words = [
        " ".join(filter(None, (said(each.ApplicationFullName), said(each.Version))))
        for each in of_class(model, "IfcApplication")
    ]
    return list(dict.fromkeys(words))


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:_TOLD_MOST] if lines else type(error).__name__


def _as_json(value: Any) -> Any:
    if isinstance(value, shapely.Geometry):
        return base64.b64encode(shapely.to_wkb(value)).decode()
    raise TypeError(type(value).__name__)


def _ended(folder: Path, reason: str, status: int) -> int:
    (folder / "refused.txt").write_text(reason)
    return status


_told = ""


def _tell(stage: str, done: int, total: int | None) -> None:
    """Write a line, but not more than about a hundred a stage."""
    global _told
    share = f"{stage} {done * 100 // total if total else done // 100}"
    if share != _told:
        _told = share
        sys.stdout.buffer.write(orjson.dumps([stage, done, total]) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main())
