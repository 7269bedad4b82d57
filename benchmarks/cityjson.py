"""A city model into the database, beside cjdb, which keeps CityJSON in three tables of PostgreSQL.

Both load the same CityJSONSeq: the district of Delft, and the same set down again and again side by
side until there are enough objects.  cjdb keeps geometries as JSON and a 2D footprint; ours
adds triangles, closedness, volumes, footprints of every level of detail, codes and history.
"""

import json
import os
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from api.settings import Settings
from benchmarks._bench import Bench, Benchmark, Result
from benchmarks._peers import python_with
from twin.cityjson import load_cityjson
from twin.crs import CityBox, Frame
from twin.database import connect, create_city
from twin.errors import NotFoundError, UnavailableError

_FILE = "delft.city.json"
_FRAME = Frame(28992, CityBox(0, 300_000, 290_000, 630_000))
_SIZES = ((1, 3), (5, 1))
"""How many times the district, and in how many rounds; the peer takes minutes."""
_STEP_MM = 600_000
"""Delft's district is 524 m wide."""

_OURS = text("SELECT count(*) FROM twin.city_object")
_THEIRS = text("SELECT count(*) FROM cjdb.city_object")


def _run(bench: Bench) -> Result:
    whole = Settings().real_data / "cityjson" / _FILE
    if not whole.is_file():
        raise NotFoundError(f"there is no {whole}; name the data by TWIN_REAL_DATA")
    document = json.loads(whole.read_bytes())
    cjdb = python_with("cjdb==2.3.0", "sqlalchemy==2.0.44").parent / "cjdb"
    rows, ratios, equal = [], {}, True
    for copies, rounds in _SIZES[:1] if bench.quick else _SIZES:
        path = bench.folder / f"delft-{copies}.city.jsonl"
        _write(document, copies, path)
        seconds: dict[str, list[float]] = {"ours": [], "cjdb": [], "again": []}
        for turn in range(1 if bench.quick else rounds):
            database = f"bench_cityjson_{copies}_{turn}"
            engine = connect(bench.cluster.ensure_database(database))
            create_city(engine, "Delft", _FRAME)
            seconds["ours"].append(_load(engine, path))
            found = _count(engine, _OURS)
            seconds["again"].append(_load(engine, path))
            engine.dispose()
            _drop(bench, database)
            took, theirs = _cjdb(bench, cjdb, path, f"bench_cjdb_{copies}_{turn}")
            seconds["cjdb"].append(took)
            equal &= found == theirs == copies * len(document["CityObjects"])
        ours, peer, again = (statistics.median(seconds[name]) for name in ("ours", "cjdb", "again"))
        size = path.stat().st_size / 1e6
        rows.append(
            [
                f"Delft × {copies}", f"{size:.1f}", f"{found:,}", f"{ours:.2f}",
                f"{found / ours:,.0f}", f"{peer:.2f}", f"{found / peer:,.0f}", f"{again:.2f}",
            ]
        )  # fmt: skip
        ratios[f"Delft x {copies}"] = peer / ours
    return Result(
        [
            "file", "MB", "objects", "citytwin, s", "objects/s", "cjdb, s", "objects/s",
            "citytwin again, unchanged, s",
        ],
        rows,
        ratios,
        equal,
        [
            "From a CityJSONSeq to committed rows, in turn; medians of three rounds of the smaller "
            "file, one of the larger. citytwin runs in "
            "this process; cjdb in its own, whose start and imports are in its seconds. cjdb keeps "
            "geometries as JSON; citytwin also makes triangles, footprints and volumes of every "
            "geometry, rows of `building`, codes and a change set. Equal: city objects in both "
            "databases.",
        ],
    )  # fmt: skip


def _write(document: dict[str, Any], copies: int, path: Path) -> None:
    """Write the district so many times, side by side, as CityJSONSeq."""
    head = {name: document[name] for name in ("type", "version", "transform", "metadata")}
    vertices = document["vertices"]
    with path.open("w") as file:
        file.write(json.dumps(head | {"CityObjects": {}, "vertices": []}) + "\n")
        for copy in range(copies):
            for name, one in document["CityObjects"].items():
                own, geometry = _own(one["geometry"], vertices, copy * _STEP_MM)
                told = one | {"geometry": geometry}
                named = f"{name}-{copy}"
                feature = {
                    "type": "CityJSONFeature", "id": named, "CityObjects": {named: told},
                    "vertices": own,
                }  # fmt: skip
                file.write(json.dumps(feature, separators=(",", ":")) + "\n")


def _own(geometry: Any, vertices: list[Any], east_mm: int) -> tuple[list[Any], Any]:
    """Return the vertices that geometries use, moved, and the geometries with their numbers."""
    places: dict[int, int] = {}

    def number(nested: Any) -> Any:
        if isinstance(nested, int):
            return places.setdefault(nested, len(places))
        return [number(one) for one in nested]

    renumbered = [one | {"boundaries": number(one["boundaries"])} for one in geometry]
    return [[vertices[v][0] + east_mm, *vertices[v][1:]] for v in places], renumbered


def _load(engine: Engine, path: Path) -> float:
    began = time.perf_counter()
    assert load_cityjson(engine, path).accepted
    return time.perf_counter() - began


def _count(engine: Engine, question: Any) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(question))


def _cjdb(bench: Bench, program: Path, path: Path, database: str) -> tuple[float, int]:
    """Load a file with cjdb into a database of its own; return the seconds and its objects."""
    url = bench.cluster.ensure_database(database)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE EXTENSION IF NOT EXISTS postgis"))
    parts = make_url(url)
    # It writes the host into an address, where the path of a socket has no place: libpq knows it
    # from the environment.
    command = [
        str(program), "import", "-H", "", "-p", str(parts.query["port"]), "-P", "none",
        "-U", str(parts.username), "-d", database, "-s", "cjdb", "-I", str(_FRAME.srid),
        "-f", str(path),
    ]  # fmt: skip
    env = {**os.environ, "PGHOST": str(parts.query["host"])}
    began = time.perf_counter()
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    took = time.perf_counter() - began
    if done.returncode != 0:
        raise UnavailableError(f"cjdb does not load {path.name}: {done.stderr[-2000:]}")
    found = _count(engine, _THEIRS)
    engine.dispose()
    _drop(bench, database)
    return took, found


def _drop(bench: Bench, database: str) -> None:
    maintenance = create_engine(bench.cluster.url, isolation_level="AUTOCOMMIT")
    with maintenance.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{database}" WITH (FORCE)'))
    maintenance.dispose()


BENCHMARK = Benchmark("cityjson", "a city model into the database, beside cjdb", _run)
