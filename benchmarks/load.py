"""Loading a file: ours beside ogr2ogr and geopandas, file to queryable table with its index."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import geopandas
import numpy as np
import pyogrio
import shapely
from sqlalchemy import Connection, Engine, text

from benchmarks._bench import Bench, Benchmark, Result, in_turn
from benchmarks._peers import libpq, tool
from twin import ingest

_CONTENT = """
    SELECT count(*), round(sum(ST_Area({geom}))::numeric, 1), round(sum(height_m)::numeric, 3),
           sum(hashtext(name)::bigint), sum(storeys)
    FROM   {table}
"""


def _run(bench: Bench) -> Result:
    rows = 20_000 if bench.quick else 400_000
    file = _write(bench.folder / "buildings.gpkg", rows)
    with bench.city("bench_load") as engine:
        contenders: dict[str, Callable[[], object]] = {
            "ours": lambda: ingest.load(
                engine, "building", [file], data_dir=bench.folder, judged_up_to=0
            ),
            "ogr2ogr": lambda: _ogr2ogr(engine, file),
            "geopandas": lambda: _geopandas(engine, file),
        }
        rounds = 1 if bench.quick else 3
        seconds: dict[str, list[float]] = {name: [] for name in contenders}
        contents: dict[str, tuple[object, ...]] = {}
        for _ in range(rounds):
            with engine.begin() as connection:
                _empty(connection)
            for name, once in in_turn(1, **contenders).items():
                seconds[name].append(once)
            contents = _contents(engine)
    median = {name: float(np.median(values)) for name, values in seconds.items()}
    return Result(
        ["loader", "s", "rows/s", "index", "checks, feed, reload by source id"],
        [
            ["citytwin load", *_figures(median["ours"], rows), "GiST + 4 btree", "yes"],
            ["ogr2ogr, PG_USE_COPY", *_figures(median["ogr2ogr"], rows), "GiST + 1 btree", "no"],
            [
                "geopandas read_file + to_postgis",
                *_figures(median["geopandas"], rows),
                "GiST",
                "no",
            ],
        ],
        {
            "ogr2ogr": median["ogr2ogr"] / median["ours"],
            "to_postgis": median["geopandas"] / median["ours"],
        },
        len(set(contents.values())) == 1,
        [
            f"{rows:,} polygons, four attributes, GeoPackage in the city's frame. Each from the "
            "file to a table that can be queried by box; ours also gives each row its BeiDou code "
            "and its cell. Equal: count, area, heights, storeys, names."
        ],
    )


def _write(path: Path, rows: int) -> Path:
    """Write houses of a few shapes in rows of streets."""
    random = np.random.default_rng(7)
    number = np.arange(rows)
    x = 450_000 + number % 1500 * 24.0 + random.random(rows) * 6
    y = 2_565_000 + number // 1500 * 24.0 + random.random(rows) * 6
    width, depth = 8 + random.random(rows) * 8, 8 + random.random(rows) * 8
    corners = np.stack(
        [
            np.stack([x, y], 1),
            np.stack([x + width, y], 1),
            np.stack([x + width, y + depth], 1),
            np.stack([x + width / 2, y + depth], 1),
            np.stack([x + width / 2, y + depth * 0.7], 1),
            np.stack([x, y + depth * 0.7], 1),
        ],
        1,
    )
    storeys = random.integers(1, 34, rows)
    frame = geopandas.GeoDataFrame(
        {
            "fid": number + 1,
            "name": [f"{n % 97}号楼-{n}" for n in number],
            "height_m": storeys * 3.0 + random.random(rows).round(3),
            "storeys": storeys.astype(np.int32),
            "use": np.array(["residential", "office", "industrial"])[number % 3],
        },
        geometry=shapely.polygons(corners),
        crs="EPSG:4548",
    )
    pyogrio.write_dataframe(frame, path, layer="buildings")
    return path


def _empty(connection: Connection) -> None:
    # Without the triggers that refuse it; what hangs on buildings is empty and goes with them.
    connection.execute(text("SET LOCAL session_replication_role = replica"))
    connection.execute(text("TRUNCATE twin.building, twin.change, twin.change_set CASCADE"))
    connection.execute(text("SET LOCAL session_replication_role = origin"))
    connection.execute(text("DROP TABLE IF EXISTS public.by_ogr, public.by_geopandas"))


def _ogr2ogr(engine: Engine, file: Path) -> None:
    database = libpq(engine.url.render_as_string(hide_password=False))
    subprocess.run(
        [
            tool("ogr2ogr", "gdal-bin"),
            *("-f", "PostgreSQL", f"PG:{database}", file),
            *("-nln", "public.by_ogr", "-nlt", "PROMOTE_TO_MULTI", "-lco", "GEOMETRY_NAME=geom"),
            *("--config", "PG_USE_COPY", "YES", "-gt", "unlimited"),
        ],
        check=True,
    )


def _geopandas(engine: Engine, file: Path) -> None:
    frame = geopandas.read_file(file)
    frame.to_postgis("by_geopandas", engine, schema="public", index=False)
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE INDEX IF NOT EXISTS idx_by_geopandas_geometry "
                "ON public.by_geopandas USING gist (geometry)"
            )
        )


def _contents(engine: Engine) -> dict[str, tuple[object, ...]]:
    tables = {
        "ours": ("twin.building", "geom"),
        "ogr2ogr": ("public.by_ogr", "geom"),
        "geopandas": ("public.by_geopandas", "geometry"),
    }
    with engine.connect() as connection:
        return {
            name: tuple(connection.execute(text(_CONTENT.format(table=table, geom=geom))).one())
            for name, (table, geom) in tables.items()
        }


def _figures(seconds: float, rows: int) -> tuple[str, str]:
    return f"{seconds:.2f}", f"{rows / seconds:,.0f}"


BENCHMARK = Benchmark("load", "a file into the city, beside ogr2ogr and geopandas", _run)
