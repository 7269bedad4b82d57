"""A building model into the city, beside plain iteration over its shapes with IfcOpenShell.

The floor of any loader is the mesher itself: open the file, mesh every product, keep nothing.  Ours
does that and all the rest: a process of its own, two readers, footprints, volumes, property sets,
georeference, database.
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

import orjson
from sqlalchemy import Engine, text

from api.settings import Settings
from benchmarks._bench import Bench, Benchmark, Result
from twin.bim import load_model
from twin.errors import NotFoundError

_PLAIN = """
import sys, time
import ifcopenshell, ifcopenshell.geom
began = time.perf_counter()
model = ifcopenshell.open(sys.argv[1])
settings = ifcopenshell.geom.settings()
for name in ("use-world-coords", "weld-vertices", "no-normals"):
    settings.set(name, True)
# As the loader does: what is no solid, and the terrain, is left out.
left_out = ["IfcAnnotation", "IfcGrid", "IfcSite"]
iterator = ifcopenshell.geom.iterator(settings, model, 1, exclude=left_out)
shapes = triangles = 0
going = iterator.initialize()
while going:
    shape = iterator.get()
    shapes += 1
    triangles += len(shape.geometry.faces_buffer) // 12
    going = iterator.next()
print(time.perf_counter() - began, shapes, len(model.by_type("IfcElement")))
"""
_MODELS = ("AC20-FZK-Haus.ifc", "duplex.ifc")
_QUICK = ("IfcOpenHouse_IFC4.ifc",)
_PLACE = "116.7,23.3,0,0"

_COUNTS = text("""
    SELECT (SELECT count(*) FROM twin.element)
         , (SELECT count(*) FROM twin.element WHERE mesh IS NOT NULL)
         + (SELECT count(*) FROM twin.space WHERE mesh IS NOT NULL)
""")


def _run(bench: Bench) -> Result:
    folder = Settings().real_data / "ifc"
    if not folder.is_dir():
        raise NotFoundError(f"there are no models in {folder}; name the data by TWIN_REAL_DATA")
    rows, ratios, equal = [], {}, True
    rounds = 1 if bench.quick else 3
    for number, name in enumerate(_QUICK if bench.quick else _MODELS):
        path = folder / name
        plain: list[tuple[float, float, int, int]] = []
        ours: list[float] = []
        again: list[float] = []
        for turn in range(rounds):
            plain.append(_plain(path))
            with bench.city(f"bench_bim_{number}_{turn}") as engine:
                ours.append(_load(engine, path))
                equal &= _counted(engine) == plain[-1][2:]
                if turn == 0:
                    again.append(_load(engine, path))
        floor, whole = statistics.median(each[0] for each in plain), statistics.median(ours)
        process = statistics.median(each[1] for each in plain)
        size = path.stat().st_size / 1e6
        rows.append(
            [
                name,
                f"{size:.2f}",
                f"{plain[-1][2]} / {plain[-1][3]}",
                f"{floor:.2f}",
                f"{process:.2f}",
                f"{whole:.2f}",
                f"{whole / size:.2f}",
                f"{statistics.median(again):.2f}",
            ]
        )
        ratios[path.stem] = process / whole
    return Result(
        [
            "model",
            "MB",
            "elements / shapes",
            "plain iteration, s",
            "with its process, s",
            "citytwin load bim, s",
            "s/MB",
            "again, unchanged, s",
        ],
        rows,
        ratios,
        equal,
        [
            "Plain: open and mesh, nothing measured, nothing kept, one thread. Ours: file to "
            "committed rows with footprints, volumes, property sets, meshes, change set. Ratio: "
            "plain with its process over ours; 1 would be the floor itself. Equal: elements, and "
            "shapes in the database.",
        ],
    )


def _plain(path: Path) -> tuple[float, float, int, int]:
    """Return seconds inside, seconds of the process, elements, shapes."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", _PLAIN, str(path)], capture_output=True, text=True, check=True
    )
    took = time.perf_counter() - began
    seconds, shapes, elements = done.stdout.split()[-3:]
    return float(seconds), took, int(elements), int(shapes)


def _load(engine: Engine, path: Path) -> float:
    began = time.perf_counter()
    verdict = load_model(engine, path, place=_PLACE)
    assert verdict.accepted, orjson.dumps(verdict.as_dict())
    return time.perf_counter() - began


def _counted(engine: Engine) -> tuple[int, int]:
    with engine.connect() as connection:
        elements, shapes = connection.execute(_COUNTS).one()
    return elements, shapes


BENCHMARK = Benchmark("bim", "a building model into the city, beside plain IfcOpenShell", _run)
