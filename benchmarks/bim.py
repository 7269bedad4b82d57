"""A building model into the city, beside plain iteration over its shapes with IfcOpenShell.

The floor of any loader is the mesher itself: open the file, mesh every product, keep nothing.  Ours
does that and all the rest: a process of its own, two readers, footprints, volumes, property sets,
georeference, database.
"""

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, text

from api.settings import Settings
from benchmarks._bench import Bench, Benchmark, Result
from twin.bim import load_model
from twin.errors import NotFoundError

_PLAIN = """
import sys
import ifcopenshell, ifcopenshell.geom
model = ifcopenshell.open(sys.argv[1])
settings = ifcopenshell.geom.settings()
for name in ("use-world-coords", "weld-vertices", "no-normals"):
    settings.set(name, True)
settings.set("apply-default-materials", False)
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
print(shapes, len(model.by_type("IfcElement")))
"""
_MODELS = ("AC20-FZK-Haus.ifc", "duplex.ifc")
_QUICK = ("IfcOpenHouse_IFC4.ifc",)
_PLACE = "116.7,23.3,0,0"


@dataclass
class Cost:
    """Seconds by the clock, and of computing."""

    wall_s: float = 0.0
    cpu_s: float = 0.0


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
    for number, name in enumerate(_QUICK if bench.quick else _MODELS):
        path = folder / name
        plain: list[Cost] = []
        ours: list[Cost] = []
        again: list[Cost] = []
        for turn in range(1 if bench.quick else 3):
            cost, expected = _plain(path)
            plain.append(cost)
            with bench.city(f"bench_bim_{number}_{turn}") as engine:
                ours.append(_load(engine, path))
                equal &= _counted(engine) == expected
                again.append(_load(engine, path))
        size = path.stat().st_size / 1e6
        floor, whole, repeated = _middle(plain), _middle(ours), _middle(again)
        rows.append(
            [
                name,
                f"{size:.2f}",
                f"{expected[0]} / {expected[1]}",
                f"{floor.wall_s:.2f} ({floor.cpu_s:.2f})",
                f"{whole.wall_s:.2f} ({whole.cpu_s:.2f})",
                f"{whole.wall_s / size:.2f}",
                f"{repeated.wall_s:.2f} ({repeated.cpu_s:.2f})",
            ]
        )
        ratios[path.stem] = floor.wall_s / whole.wall_s
        ratios[f"{path.stem}, CPU"] = floor.cpu_s / whole.cpu_s
    return Result(
        [
            "model",
            "MB",
            "elements / shapes",
            "plain iteration, s (CPU)",
            "citytwin load bim, s (CPU)",
            "s/MB",
            "again, unchanged, s (CPU)",
        ],
        rows,
        ratios,
        equal,
        [
            "Plain: open and mesh, nothing measured, nothing kept, one thread. Ours: file to "
            "committed rows with footprints, volumes, property sets, meshes, change set. "
            "Ratio: plain over ours; 1 would be the floor itself. CPU counts this process and "
            "those it starts, not the database server. Equal: elements, shapes in the database.",
        ],
    )


def _plain(path: Path) -> tuple[Cost, tuple[int, int]]:
    """Return what plain iteration costs, and how many elements and shapes it found."""
    with _measured() as cost:
        done = subprocess.run(
            [sys.executable, "-c", _PLAIN, str(path)], capture_output=True, text=True, check=True
        )
    shapes, elements = done.stdout.split()[-2:]
    return cost, (int(elements), int(shapes))


def _load(engine: Engine, path: Path) -> Cost:
    with _measured() as cost:
        verdict = load_model(engine, path, place=_PLACE)
    assert verdict.accepted
    return cost


@contextmanager
def _measured() -> Iterator[Cost]:
    """Measure this process and those it started; the database server's own work is not in CPU."""
    cost = Cost()
    began, used = time.perf_counter(), _cpu_s()
    yield cost
    cost.wall_s, cost.cpu_s = time.perf_counter() - began, _cpu_s() - used


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _middle(costs: list[Cost]) -> Cost:
    return Cost(
        statistics.median(each.wall_s for each in costs),
        statistics.median(each.cpu_s for each in costs),
    )


def _counted(engine: Engine) -> tuple[int, int]:
    with engine.connect() as connection:
        elements, shapes = connection.execute(_COUNTS).one()
    return elements, shapes


BENCHMARK = Benchmark("bim", "a building model into the city, beside plain IfcOpenShell", _run)
