"""A model's things as rows of the city: set down where they stand, each with a digest."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from twin.bim._georef import Stand
from twin.bim._shape import areas

_DECIMALS = 6
_NOT_LIVED_IN = re.compile(r"\broof\b|foundation|fdn|屋面|屋顶|基础|地基", re.I)
_USES = {
    "residential": re.compile(r"resident|dwelling|apartment|housing|wohn|住宅|居住", re.I),
    "office": re.compile(r"office|büro|办公", re.I),
    "commercial": re.compile(r"commerc|retail|shop|hotel|商业|商场", re.I),
    "school": re.compile(r"school|universit|kindergarten|educat|学校|教育|幼儿园", re.I),
    "hospital": re.compile(r"hospital|clinic|医院|医疗", re.I),
    "industrial": re.compile(r"industr|factory|warehouse|工业|厂房|仓库", re.I),
}

Row = dict[str, Any]


@dataclass(frozen=True)
class Mesh:
    """One mesh as the database holds it."""

    digest: str
    vertex_count: int
    triangle_count: int
    vertices: bytes
    triangles: bytes


@dataclass(frozen=True)
class Placed:
    """All rows of a model by table, and the meshes they name."""

    rows: dict[str, list[Row]]
    meshes: dict[str, Mesh]


@dataclass(frozen=True)
class _Set:
    """Where a model is set down: how it stands, and the number of the city's frame."""

    stand: Stand
    srid: int


def place(document: Row, folder: Path, stand: Stand, srid: int) -> Placed:
    """Return the rows of a model.

    Parameters
    ----------
    document : dict
        What the reader wrote.
    folder : Path
        Where it left the meshes.
    stand : Stand
        How the model stands in the city.
    srid : int
        The city's frame.
    """
    down = _Set(stand, srid)
    points = _mapped(folder / "vertices.f8", "<f8")
    faces = _mapped(folder / "triangles.i4", "<i4")
    meshes: dict[str, Mesh] = {}
    solids: dict[str, list[Row]] = {"space": [], "element": []}
    for table, name in (("space", "spaces"), ("element", "elements")):
        for told in document[name]:
            row = _SOLIDS[table](told) | _common(told, down) | _in_storey(told)
            row |= _solid(told, stand, points, faces, meshes)
            solids[table].append(row)
    storeys = list(_storeys(document["storeys"], down))
    rows = {
        "building": [_building(told, document, storeys, down) for told in document["buildings"]],
        "storey": storeys,
        **solids,
        "opening": [_opening(told, down) for told in document["openings"]],
    }
    for several in rows.values():
        for row in several:
            row["digest"] = _digest(row)
    return Placed(rows, meshes)


def _mapped(path: Path, kind: str) -> NDArray[Any]:
    if path.stat().st_size == 0:
        return np.empty((0, 3), kind)
    return np.memmap(path, kind, "r").reshape(-1, 3)


def _common(told: Row, down: _Set) -> Row:
    attrs = {name: told[name] for name in ("description", "object_type") if told.get(name)}
    return {
        "source_id": told["guid"],
        "building": told["building"],
        "name": told["name"],
        "ifc_class": told["ifc_class"],
        "psets": told["psets"],
        "attrs": attrs,
        "geom": _moved(told.get("shape"), down),
    }


def _in_storey(told: Row) -> Row:
    return {"storey": told["storey"]}


def _solid(
    told: Row, stand: Stand, points: NDArray[Any], faces: NDArray[Any], meshes: dict[str, Mesh]
) -> Row:
    """Return heights, volume, and the mesh about its own centre."""
    low, high = told.get("z_min_m"), told.get("z_max_m")
    row: Row = {
        "z_min_m": None if low is None else _round(stand.height(low)),
        "z_max_m": None if high is None else _round(stand.height(high)),
        "volume_m3": _round(told.get("volume_m3")),
        "is_closed": told.get("is_closed"),
        **dict.fromkeys(("mesh", "centre_x_m", "centre_y_m", "centre_z_m")),
    }
    if told["mesh"] is None:
        return row
    first, count, first_face, face_count = told["mesh"]
    own = np.array(points[first : first + count], np.float64)
    own[:, :2] = stand.plan(own[:, :2])
    own[:, 2] += stand.lift_m
    # On whole millimetres, so that the numbers in the row are the numbers that were used.
    centre = np.round((own.min(axis=0) + own.max(axis=0)) / 2, 3)
    vertices = (own - centre).astype("<f4").tobytes()
    kind = "<u2" if count < 65_536 else "<u4"
    triangles = faces[first_face : first_face + face_count].astype(kind).tobytes()
    digest = hashlib.sha256(vertices + b"/" + triangles).hexdigest()
    meshes[digest] = Mesh(digest, count, face_count, vertices, triangles)
    x, y, z = (float(v) for v in centre)
    return row | {"mesh": digest, "centre_x_m": x, "centre_y_m": y, "centre_z_m": z}


def _space(told: Row) -> Row:
    return {
        "use": told["use"],
        "number": told["name"],
        "area_m2": _round(told["area_m2"]),
        "area_from": told["area_from"],
        "plan_area_m2": _round(told["plan_area_m2"]),
        "cim_level": 5,
    }


def _element(told: Row) -> Row:
    names = ("predefined_type", "type_name", "tag", "material", "part_of", "is_external")
    return {name: told[name] for name in (*names, "no_geometry")} | {"cim_level": 6}


_SOLIDS = {"space": _space, "element": _element}


def _storeys(told: list[Row], down: _Set) -> Iterator[Row]:
    """Yield the storeys of each building, from the lowest up."""
    for building in dict.fromkeys(each["building"] for each in told):
        own = sorted(
            (each for each in told if each["building"] == building),
            key=lambda each: each["floor_z_m"],
        )
        for number, each in enumerate(own):
            above = own[number + 1]["floor_z_m"] if number + 1 < len(own) else None
            height, source = _height(each, above)
            yield _common(each, down) | {
                "number": number,
                "floor_z_m": _round(down.stand.height(each["floor_z_m"])),
                "elevation_m": _round(each["elevation_m"]),
                "height_m": height,
                "height_from": source,
                "cim_level": 5,
                "attrs": {"spaces": each["spaces"]},
            }


def _height(storey: Row, above: float | None) -> tuple[float | None, str | None]:
    """Return how high a storey is, and how that is known: floor to floor goes first."""
    if above is not None and above > storey["floor_z_m"]:
        return _round(above - storey["floor_z_m"]), "next_storey"
    if storey["quantity_height_m"]:
        return _round(storey["quantity_height_m"]), "quantity"
    if storey["top_m"] is not None and storey["top_m"] > storey["floor_z_m"]:
        return _round(storey["top_m"] - storey["floor_z_m"]), "elements"
    return None, None


def _building(told: Row, document: Row, storeys: list[Row], down: _Set) -> Row:
    stand, top = down.stand, told["top_m"]
    ground = stand.height(told["ground_m"])
    height = None if top is None else _round(stand.height(top) - ground)
    own = [each for each in storeys if each["building"] == told["guid"]]
    lived_in = [each for each in own if not _NOT_LIVED_IN.search(each["name"] or "")]
    above = [each for each in lived_in if each["floor_z_m"] + (each["height_m"] or 3) / 2 > ground]
    common = told["psets"].get("Pset_BuildingCommon", {})
    year = re.search(r"\b(1[0-9]|20)\d\d\b", str(common.get("YearOfConstruction", "")))
    words = f"{common.get('OccupancyType', '')} {told['object_type'] or ''}"
    row = _common(told, down)
    attrs = row.pop("attrs") | {
        "ifc_class": row.pop("ifc_class"),
        "psets": row.pop("psets"),
        "schema": document["schema"],
        "long_name": told["long_name"],
    }
    row.pop("building")
    return row | {
        "name": row["name"] or told["long_name"] or document["source"],
        "use": next((use for use, pattern in _USES.items() if pattern.search(words)), None),
        "ground_z_m": _round(ground),
        "height_m": height if height is not None and 0 <= height < 1000 else None,
        "storeys": len(above) or None,
        "storeys_below": len(lived_in) - len(above),
        "built_year": int(year[0]) if year else None,
        "attrs": {name: value for name, value in attrs.items() if value},
    }


def _opening(told: Row, down: _Set) -> Row:
    stand = down.stand
    x, y = stand.plan(np.array([told["at"]]))[0]
    z = stand.height(told["sill_z_m"])
    names = ("kind", "host", "filling", "is_external")
    sizes = {name: _round(told[name]) for name in ("width_m", "height_m", "sill_m")}
    row = _common(told, down) | _in_storey(told) | {name: told[name] for name in names} | sizes
    point = shapely.Point(np.round([x, y, z], _DECIMALS))
    row["attrs"] = {"host_class": told["host_class"]} if told["host_class"] else {}
    return row | {"sill_z_m": _round(z), "cim_level": 6, "geom": _hex(point, down.srid)}


def _moved(shape: str | None, down: _Set) -> str:
    """Return a footprint in the city's frame as the database reads it."""
    found = shapely.MultiPolygon() if shape is None else shapely.from_wkb(base64.b64decode(shape))
    moved = shapely.transform(found, lambda xy: np.round(down.stand.plan(xy), _DECIMALS))
    if not moved.is_valid:
        # Rounding closed a hole or a neck thinner than itself; on its grid that is left out.
        exact = shapely.transform(found, down.stand.plan)
        moved = areas(shapely.set_precision(shapely.make_valid(exact), 10.0**-_DECIMALS))
    return _hex(moved, down.srid)


def _hex(shape: BaseGeometry, srid: int) -> str:
    return str(shapely.to_wkb(shapely.set_srid(shape, srid), hex=True, include_srid=True))


def _round(value: float | None) -> float | None:
    """Return a number to a micrometre: what differs by less is the same."""
    return None if value is None else round(float(value), _DECIMALS) + 0.0


def _digest(row: Row) -> str:
    return hashlib.sha256(orjson.dumps(row, option=orjson.OPT_SORT_KEYS)).hexdigest()
