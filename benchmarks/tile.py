"""Vector tiles over HTTP, beside the plain SQL that makes them."""

import gzip
import math
from typing import Any

import mapbox_vector_tile
import psycopg

from benchmarks._bench import Bench, Benchmark, Result, in_turn
from benchmarks._served import Client, build_town, our_server

_SQL = """
    SELECT ST_AsMVT(clipped, 'building', 4096, 'geom', 'id') FROM (
        SELECT id, name, use, height_m, storeys,
               ST_AsMVTGeom(ST_Transform(geom, 3857), ST_TileEnvelope(%(z)s, %(x)s, %(y)s),
                            4096, 64) AS geom
        FROM   twin.building
        WHERE  geom && ST_Transform(
                   ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => 64.0 / 4096), 4548)
    ) AS clipped WHERE geom IS NOT NULL
"""
_FIELDS = ("name", "use", "height_m", "storeys")
_MIDDLE = (116.655, 23.3235)


def _run(bench: Bench) -> Result:
    houses = 20_000 if bench.quick else 100_000
    rounds = 5 if bench.quick else 30
    rows, ratios, equal = [], {}, True
    with bench.city("bench_tile") as engine:
        build_town(engine, houses)
        url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with our_server(bench, engine) as address, psycopg.connect(url) as connection:
            client = Client(address)
            for zoom in (14, 15, 16):
                x, y = _tile(zoom, *_MIDDLE)
                path = f"/tiles/building/{zoom}/{x}/{y}"
                values = {"z": zoom, "x": x, "y": y}

                def plain(values: dict[str, int] = values) -> bytes:
                    row = connection.execute(_SQL, values, prepare=True).fetchone()
                    return bytes(row[0]) if row else b""

                def ours(path: str = path) -> bytes:
                    return client.get(path)

                mine, theirs = _content(ours()), _content(plain())
                equal = equal and bool(mine) and mine == theirs
                seconds = in_turn(rounds, ours=ours, sql=plain)
                rows.append(
                    [
                        f"z{zoom}",
                        f"{len(mine):,}",
                        f"{seconds['ours'] * 1e3:.1f}",
                        f"{seconds['sql'] * 1e3:.1f}",
                    ]
                )
                ratios[f"z{zoom}_sql"] = seconds["sql"] / seconds["ours"]
            client.close()
    return Result(
        ["tile", "features", "citytwin over HTTP, ms", "plain SQL, no HTTP, ms"],
        rows,
        ratios,
        equal,
        [
            "Medians. Equal: feature ids and four attributes of every feature in the tile. The SQL "
            "runs prepared on an open connection and sends no HTTP, so it is the floor of any "
            "server that sends this SQL; ours carries more attributes."
        ],
    )


def _tile(zoom: int, lon: float, lat: float) -> tuple[int, int]:
    n = 2**zoom
    x = int((lon + 180) / 360 * n)
    y = int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * n)
    return x, y


def _content(tile: bytes) -> dict[Any, Any]:
    decoded = mapbox_vector_tile.decode(gzip.decompress(tile) if tile[:2] == b"\x1f\x8b" else tile)
    return {
        feature["id"]: [feature["properties"].get(name) for name in _FIELDS]
        for feature in decoded.get("building", {}).get("features", [])
    }


BENCHMARK = Benchmark("tile", "vector tiles over HTTP, beside the plain SQL", _run)
