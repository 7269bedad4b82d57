"""Edits while tiles are looked at: how long until a client sees each, and whether any is missed."""

import gzip
import http.client
import time
from urllib.parse import urlsplit

import numpy as np
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from benchmarks._bench import Bench, Benchmark, Result
from benchmarks._served import build_town, our_server
from benchmarks._tiles import await_columns, compared, fetched, martin_server, tiles_of_town
from layers import layers
from tiles.encodings.mvt import vector_tile
from tiles.grid import Tile
from twin.database import open_city

_PER_S = 50
_ZOOM = 15
_CLIENTS = 8
_EDIT = text("UPDATE twin.building SET name = :name WHERE id = :id")
_TILE = text("""
    SELECT floor((ST_X(at) + 20037508.342789244) / 40075016.685578488 * :side)::int AS x,
           floor((20037508.342789244 - ST_Y(at)) / 40075016.685578488 * :side)::int AS y
    FROM   (SELECT ST_Centroid(ST_Transform(geom, 3857)) AS at
            FROM twin.building WHERE id = :id) AS middle
""")


def _run(bench: Bench) -> Result:
    houses, seconds = (20_000, 5) if bench.quick else (400_000, 60)
    with bench.city("bench_storm") as engine:
        build_town(engine, houses)
        arguments = ("--workers", "2")
        with (
            our_server(bench, engine, *arguments) as ours,
            martin_server(bench, engine, cache=True) as theirs,
        ):
            for _ in range(10):
                await_columns(ours)
            places = tiles_of_town(_ZOOM, houses // 500)
            west = {place for place in places if place[1] < places[len(places) // 2][1]}
            paths = {p: f"{ours}/tiles/building/{p[0]}/{p[1]}/{p[2]}" for p in places}
            for z, x, y in places:
                fetched(f"{theirs}/building/{z}/{x}/{y}")  # Martin keeps it now
            before = {place: fetched(path)[1].get("etag") for place, path in paths.items()}
            waited_s, edited = _storm(engine, ours, seconds, houses, west)
            stale, lost, other = _checked(engine, paths, f"{theirs}/building")
            far = [p for p in places if all(abs(p[1] - e[0]) > 1 for e in edited)]
            kept = sum(fetched(paths[p])[1].get("etag") == before[p] for p in far)
    p50, p95, worst = (float(np.percentile(waited_s, q)) * 1e3 for q in (50, 95, 100))
    return Result(
        ["edits", "p50, ms", "p95, ms", "longest, ms", "stale tiles", "Martin's stale tiles"],
        [
            [
                f"{len(waited_s):,}",
                f"{p50:.1f}",
                f"{p95:.1f}",
                f"{worst:.1f}",
                str(stale),
                f"{other} of {len(places)}",
            ]
        ],
        {"p95_of_100_ms": 100 / p95},
        stale == 0 and kept == len(far) > 0 and lost == 0,
        [
            f"{_PER_S} edits a second among {houses:,} buildings, two processes, {_CLIENTS} open "
            "connections that ask without pause. Measured from the commit's return until every "
            "connection got the new tile, the time of asking included. Afterwards every tile of "
            f"level {_ZOOM} was compared with PostGIS; {kept} of {len(far)} tiles away from the "
            "edits kept their ETag. Martin's cache was on, as it is by default."
        ],
    )


def _storm(
    engine: Engine, address: str, seconds: int, houses: int, west: set[tuple[int, int, int]]
) -> tuple[list[float], set[tuple[int, int]]]:
    """Edit houses of the west at a steady pace; return how long each took, and their tiles."""
    parts = urlsplit(address)
    clients = [
        http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        for _ in range(_CLIENTS)
    ]
    random, waited_s, edited = np.random.default_rng(1), [], set()
    began = time.monotonic()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        number = 0
        while time.monotonic() - began < seconds:
            id = int(random.integers(1, houses))
            x, y = connection.execute(_TILE, {"id": id, "side": 2**_ZOOM}).one()
            if (_ZOOM, x, y) not in west:
                continue
            name = f"edit-{number:06d}"
            connection.execute(_EDIT, {"id": id, "name": name})
            waited_s.append(_seen(clients, f"/tiles/building/{_ZOOM}/{x}/{y}", name.encode()))
            edited.add((x, y))
            number += 1
            time.sleep(max(0.0, began + number / _PER_S - time.monotonic()))
    for client in clients:
        client.close()
    return waited_s, edited


def _seen(clients: list[http.client.HTTPConnection], path: str, word: bytes) -> float:
    """Return how long it took until every client saw a word in a tile."""
    began = time.perf_counter()
    for client in clients:
        while True:
            client.request("GET", path, headers={"Accept-Encoding": "gzip"})
            body = client.getresponse().read()
            if word in gzip.decompress(body):
                break
            if time.perf_counter() - began > 30:
                raise RuntimeError(f"{word!r} was never seen in {path}")
    return time.perf_counter() - began


def _checked(
    engine: Engine, paths: dict[tuple[int, int, int], str], martin: str
) -> tuple[int, int, int]:
    """Return how many of our tiles are stale, lack features, and how many of Martin's are stale."""
    stale = lost = other = 0
    with Session(engine) as session:
        city = open_city(session)
        for (z, x, y), path in paths.items():
            truth = vector_tile(city, [layers()["building"]], Tile(z, x, y))
            same, _, lacking = compared(truth, fetched(path)[2])
            stale += not same
            lost += lacking
            other += not compared(truth, fetched(f"{martin}/{z}/{x}/{y}")[2])[0]
    return stale, lost, other


BENCHMARK = Benchmark("edit-storm", "from a commit to the new tile at a client", _run)
