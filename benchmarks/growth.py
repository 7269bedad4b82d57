"""How columns and cold tiles grow with the layer: the same town, ever larger."""

import http.client
import math
import time
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from sqlalchemy import Engine, text

from benchmarks import _contenders as servers
from benchmarks._bench import Bench, Benchmark, Result
from benchmarks._contenders import Contender
from benchmarks._equal import compare
from benchmarks._load import memory_mb
from benchmarks._places import full, places_of
from layers import layers
from sample_data._write import _drop_indexes
from tiles.build import build
from tiles.columns import FILE
from tiles.grid import Tile

_TOWN = text("""
    -- A square of houses 20 m apart, :side in a row: as many a tile however many there are.
    INSERT INTO twin.building (source, source_id, name, use, height_m, storeys, geom)
    SELECT 'bench', n::text, n % 97 || '号楼', (ARRAY['residential', 'office'])[n % 2 + 1],
           3 * (n % 33 + 1), n % 33 + 1,
           ST_SetSRID(ST_Multi(ST_MakePolygon(ST_MakeLine(ARRAY[
               ST_MakePoint(x, y), ST_MakePoint(x + 12, y), ST_MakePoint(x + 12, y + 10),
               ST_MakePoint(x + 6, y + 10), ST_MakePoint(x + 6, y + 7), ST_MakePoint(x, y + 7),
               ST_MakePoint(x, y)
           ]))), 4548)
    FROM   generate_series(0, :last) AS n,
           LATERAL (
               SELECT 450000 + n % :side * 20.0 + n % 7 / 3.0 AS x,
                      2562000 + n / :side * 20.0 + n % 11 / 3.0 AS y
           ) AS corner
""")
_ZOOMS = (14, 16)
_TILES = 300


def _run(bench: Bench) -> Result:
    sizes = [20_000, 50_000] if bench.quick else [50_000, 100_000, 200_000, 400_000]
    if bench.full:
        sizes += [1_000_000, 2_000_000, 4_000_000]
    rows, took, equal = list[list[str]](), dict[str, list[float]](), True
    for size in sizes:
        with bench.city(f"bench_growth_{size}") as engine:
            _fill(engine, size)
            build_s, file_mb = _built(bench, engine, size)
            began = time.monotonic()
            with servers.citytwin(bench, engine) as ours:
                ready_s = time.monotonic() - began
                places = places_of(engine)
                tiles = {zoom: full(places, zoom, _TILES) for zoom in _ZOOMS}
                equal = equal and compare(engine, [ours], tiles[16][:6]).equal
                cold_ms = {zoom: _cold_ms(ours, tiles[zoom]) for zoom in _ZOOMS}
                memory = memory_mb(ours.pids[:-1])
        took.setdefault("build", []).append(build_s)
        for zoom in _ZOOMS:
            # A level that the small layers do not fill has no exponent.
            took.setdefault(f"z{zoom}", []).extend([cold_ms[zoom]] if tiles[zoom] else [])
        rows.append(
            [f"{size:,}", f"{build_s:.2f}",
             *(f"{cold_ms[zoom]:.2f}" if tiles[zoom] else "–" for zoom in _ZOOMS),
             f"{file_mb:,.0f}", f"{memory:,.0f}", f"{ready_s:.1f}"]
        )  # fmt: skip
    powers = {
        name: _exponent(sizes, values) for name, values in took.items() if len(values) == len(sizes)
    }
    told = ", ".join(f"{name} {power:+.2f}" for name, power in powers.items())
    return Result(
        ["features", "columns made, s", *(f"z{zoom} cold p50, ms" for zoom in _ZOOMS),
         "file, MB", "memory, MB", "start with columns, s"],
        rows,
        # A layer twice as large may not take more than twice as long to make; a tile, none at all.
        {"build_linear": 1 / max(powers["build"], 0.01)},
        equal,
        [
            f"Exponents (time as a power of the number of features): {told}. A square of "
            "houses 20 m apart; tiles in which it fills the ground, so that one holds as many "
            "however many there are. "
            f"Columns: from PostGIS to a file that is mapped and checked. Cold: up to {_TILES} "
            "tiles over HTTP, gzip, one connection, no memory for tiles. Memory: of the server's "
            "process, the mapped file included (proportional set size). Start: from the command "
            "until every layer is served from columns, which it opens or makes; machine code is "
            "there. Equal: the tiles stand for as many houses as PostGIS draws."
        ],
    )  # fmt: skip


def _fill(engine: Engine, size: int) -> None:
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL twin.load_id = '1'"))
        connection.execute(text("SET LOCAL maintenance_work_mem = '512MB'"))
        indexes = _drop_indexes(connection.connection.driver_connection)  # type: ignore[arg-type]
        # Codes of places are no part of a tile, and take longer than all else.
        connection.execute(text("ALTER TABLE twin.building DISABLE TRIGGER codes_insert"))
        connection.execute(_TOWN, {"last": size - 1, "side": math.isqrt(size - 1) + 1})
        connection.execute(text("ALTER TABLE twin.building ENABLE TRIGGER codes_insert"))
        for definition in indexes:
            connection.execute(text(definition))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE twin.building"))


def _built(bench: Bench, engine: Engine, size: int) -> tuple[float, float]:
    """Return how long columns take, the median of three for small layers, and their file's size."""
    folder, seconds = bench.folder / f"columns-{size}", list[float]()
    for _ in range(3 if size <= 400_000 else 1):
        began = time.monotonic()
        build(engine, layers()["building"], folder)
        seconds.append(time.monotonic() - began)
    file = folder / Path((folder / "current").read_text().strip()) / FILE
    # The first one may have had machine code to load.
    return float(np.median(seconds)), file.stat().st_size / 1e6


def _cold_ms(server: Contender, tiles: list[Tile]) -> float:
    parts, found = urlsplit(server.address), []
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    for tile in [*tiles[:20], *tiles]:
        began = time.perf_counter()
        connection.request("GET", server.path(tile), headers={"Accept-Encoding": "gzip"})
        connection.getresponse().read()
        found.append(time.perf_counter() - began)
    connection.close()
    return float(np.median(found[len(tiles[:20]) :] or [0.0])) * 1e3


def _exponent(sizes: list[int], values: list[float]) -> float:
    """Return the power of the size that fits some times best.

    >>> round(_exponent([1, 2, 4], [3.0, 6.0, 12.0]), 6)
    1.0
    """
    logs = [math.log(size) for size in sizes], [math.log(value) for value in values]
    return float(np.polyfit(*logs, 1)[0])


BENCHMARK = Benchmark("growth", "columns and cold tiles of ever larger layers", _run)
