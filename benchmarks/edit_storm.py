"""Edits while tiles are looked at: how long until a client sees each, and whether any is missed."""

import gzip
import json
import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from benchmarks import _contenders as servers
from benchmarks._bench import Bench, Benchmark, Result
from benchmarks._demo import demo_buildings
from benchmarks._equal import Features, features
from benchmarks._load import family
from benchmarks._places import distinct, places_of
from benchmarks._served import our_server
from benchmarks._storm import Edit, Storm, percentiles_ms, run
from benchmarks._tiles import await_columns, fetched
from layers import layers
from tiles._world import WorldBox
from tiles.build import build
from tiles.encodings.mvt import vector_tile
from tiles.engine import dirty_tiles, encode
from tiles.grid import Tile
from twin.changes import latest
from twin.database import open_city

_PER_S = 50.0
_ZOOM = 15
_READS_PER_S = 150.0
_AIM_S = 0.1
_PEER_PATIENCE_S = 20.0
_SIDE_M = 40075016.685578488
_LAYER = "building"


class _Truth:
    """What tiles must show: fresh columns, and PostGIS."""

    def __init__(self, bench: Bench, engine: Engine) -> None:
        self._engine, self._folder = engine, bench.folder / "truth"
        self._most = 2000 if bench.full else 60
        self.by_postgis = 0

    def stale(self, address: str, tiles: list[Tile], edited: set[Tile]) -> list[str]:
        """Return what is wrong with tiles: of all by fresh columns, of edited ones by PostGIS."""
        self._await(address)
        columns = build(self._engine, layers()[_LAYER], self._folder)
        wrong = [
            f"{tile} is not that of fresh columns."
            for tile in tiles
            if encode(columns, tile) != _plain(address, tile)
        ]
        few = sorted(edited & set(tiles))[: self._most]
        self.by_postgis = len(few)
        with Session(self._engine) as session:
            city = open_city(session)
            for tile in few:
                drawn = vector_tile(city, [layers()[_LAYER]], tile)
                if apart := _apart(features(drawn), features(_plain(address, tile))):
                    wrong.append(f"{tile} differs from PostGIS's in {apart[:5]}.")
        return wrong

    def _await(self, address: str) -> None:
        """Wait until no process is behind the feed; which one answers is chance."""
        with Session(self._engine) as session:
            end = list(latest(session))
        deadline, good = time.monotonic() + 60, 0
        while good < 24:
            body = fetched(f"{address}/health")[2]
            told = json.loads(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)["tiles"]
            whole = told["layers"][_LAYER]["from"] == "columns" and told["position"] >= end
            good = good + 1 if whole else 0
            if time.monotonic() > deadline:
                raise RuntimeError(f"the server stays behind: {told}")
            if not whole:
                time.sleep(0.05)


def _apart(one: Features, other: Features) -> list[Any]:
    """Return what differs; whether a speck in the buffer is drawn is left to each."""
    alone = [
        key for key in one.keys() ^ other.keys() if one.get(key, other.get(key, ([], True)))[1]
    ]
    return alone + [key for key in one.keys() & other.keys() if one[key][0] != other[key][0]]


def _plain(address: str, tile: Tile) -> bytes:
    body = fetched(f"{address}/tiles/{_LAYER}/{tile.z}/{tile.x}/{tile.y}")[2]
    return gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body


def _run(bench: Bench) -> Result:
    count = 20_000 if bench.quick else 400_000
    seconds = 5 if bench.quick else 300 if bench.full else 30
    rows: list[list[str]] = []
    with demo_buildings(bench, "bench_storm", count) as engine:
        tiles = distinct(places_of(engine), _ZOOM)
        with (
            our_server(bench, engine, "--workers", "2") as ours,
            servers.martin(bench, engine, cache=True) as martin,
            servers.tipg(bench, engine) as tipg,
        ):
            for _ in range(12):
                await_columns(ours)
            truth = _Truth(bench, engine)
            before = {tile: _tag(ours, tile) for tile in tiles}
            for tile in tiles[:200]:
                fetched(martin.url(tile))  # Martin keeps it now
            storm = _storm(bench, engine, ours, tiles, count, seconds, 1)
            edited = _edited(storm.edits)
            stale = truth.stale(ours, tiles, edited)
            far = [tile for tile in tiles if tile not in edited]
            kept = sum(_tag(ours, tile) == before[tile] for tile in far)
            rows.append(_row("both processes", storm, len(tiles), len(stale)))
            others = _peers(engine, [martin, tipg], tiles[:200], count)
            never = storm.never
            for seed, (what, kill) in enumerate(_killers(bench, ours).items(), 2):
                after = _storm(bench, engine, ours, tiles, count, seconds, seed, kill)
                edited |= _edited(after.edits)
                wrong = truth.stale(ours, tiles, edited)
                stale += wrong
                never += after.never
                rows.append(_row(what, after, len(tiles), len(wrong)))
    p95_ms = float(percentiles_ms(storm.waited_s)[1])
    return Result(
        ["", "edits", "edits/s", "p50, ms", "p95, ms", "longest, ms", "over 100 ms", "never seen",
         "tiles compared", "stale"],
        rows,
        {"p95_of_100_ms": 1e3 * _AIM_S / p95_ms},
        not stale and never == 0 and kept == len(far) > 0,
        [
            f"{_PER_S:.0f} edits a second (names, moves, new and removed ones) among {count:,} "
            f"buildings of the demonstration city, two processes, {_READS_PER_S:.0f} other tiles a "
            "second read meanwhile. Measured from the commit's return until both processes gave "
            f"the new tile of level {_ZOOM} to clients that ask every 2 ms. Afterwards every "
            "tile of that level was compared, byte for byte, with columns made anew from PostGIS, "
            f"and {truth.by_postgis} edited ones with PostGIS's own; {kept:,} of {len(far):,} "
            "tiles that "
            "hold no edit kept their ETag. Then once more, a process killed (SIGKILL) in the "
            "middle, and once more, the database. A process that takes another's place gives "
            "tiles by PostGIS, and right ones, until its columns hold all edits; two who watch "
            "then fall behind, and edits wait for them.",
            *others,
            *stale[:5],
        ],
    )  # fmt: skip


def _storm(
    bench: Bench,
    engine: Engine,
    address: str,
    tiles: list[Tile],
    count: int,
    seconds: float,
    seed: int,
    meanwhile: Callable[[], None] | None = None,
) -> Storm:
    return run(
        address,
        engine.url.set(drivername="postgresql").render_as_string(hide_password=False),
        last_id=count,
        zoom=_ZOOM,
        seconds=seconds,
        per_s=_PER_S,
        reads=[f"/tiles/{_LAYER}/{z}/{x}/{y}" for z, x, y in tiles[:500]],
        reads_per_s=_READS_PER_S,
        seed=seed,
        meanwhile=meanwhile,
    )


def _row(what: str, storm: Storm, tiles: int, stale: int) -> list[str]:
    p50, p95, most = percentiles_ms(storm.waited_s)
    slow = sum(waited > _AIM_S for waited in storm.waited_s) / max(len(storm.waited_s), 1)
    return [
        *(what, f"{len(storm.edits):,}", f"{len(storm.edits) / storm.seconds:.1f}"),
        *(f"{p50:.1f}", f"{p95:.1f}", f"{most:,.0f}", f"{slow:.2%}"),
        *(str(storm.never), f"{tiles:,}", str(stale)),
    ]


def _edited(edits: Iterable[Edit]) -> set[Tile]:
    """Return the tiles that show a feature that was edited, before or after."""
    found: set[Tile] = set()
    for edit in edits:
        for west, south, east, north in edit.boxes:
            box = WorldBox(
                *(west / _SIDE_M + 0.5, 0.5 - north / _SIDE_M),
                *(east / _SIDE_M + 0.5, 0.5 - south / _SIDE_M),
            )
            found |= dirty_tiles(box, None, [_ZOOM])
    return found


def _tag(address: str, tile: Tile) -> str:
    head = fetched(f"{address}/tiles/{_LAYER}/{tile.z}/{tile.x}/{tile.y}")[1]
    return head.get("etag", "")


def _killers(bench: Bench, address: str) -> dict[str, Callable[[], None]]:
    """Return what is killed in the middle of a storm, and how."""

    def process() -> None:
        body = fetched(f"{address}/health")[2]
        told = json.loads(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)
        os.kill(told["tiles"]["process"], signal.SIGKILL)

    def database() -> None:
        # PostgreSQL takes the end of any of its processes for a crash of all: it cuts every
        # connection and recovers from its log.
        own = servers.database_pid(bench)
        helper = next(
            pid for pid in sorted(family([own]) - {own}) if b"checkpointer" in _words(pid)
        )
        os.kill(helper, signal.SIGKILL)

    return {"a process killed": process, "the database killed": database}


def _words(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def _peers(
    engine: Engine, peers: list[servers.Contender], tiles: list[Tile], count: int
) -> list[str]:
    """Say how long after an edit each peer shows it, whose tile it has given before."""
    told = []
    for number, peer in enumerate(peers):
        id, word = count // 2 + number, f"peer-{number}"
        with engine.begin() as connection:
            row = connection.execute(_WHERE, {"id": id, "side": 2**_ZOOM}).one()
            tile = Tile(_ZOOM, int(row[0]), int(row[1]))
        fetched(peer.url(tile))
        with engine.begin() as connection:
            connection.execute(_EDIT, {"id": id, "name": word})
        began = time.monotonic()
        head: dict[str, str] = {}
        while time.monotonic() - began < _PEER_PATIENCE_S:
            _, head, body = fetched(peer.url(tile))
            if word.encode() in (gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body):
                break
            time.sleep(0.02)
        else:
            told.append(f"{peer.name}, its cache on: not within {_PEER_PATIENCE_S:.0f} s.")
            continue
        caching = head.get("cache-control", "none")
        told.append(
            f"{peer.name}: {1e3 * (time.monotonic() - began):.0f} ms for who asks the server; its "
            f"Cache-Control is {caching}, and it gives "
            f"{'an' if 'etag' in head else 'no'} ETag to ask by."
        )
    return told


_EDIT = text("UPDATE twin.building SET name = :name WHERE id = :id")
_WHERE = text("""
    SELECT floor((ST_X(at) + 20037508.342789244) / 40075016.685578488 * :side)::int AS x,
           floor((20037508.342789244 - ST_Y(at)) / 40075016.685578488 * :side)::int AS y
    FROM   (SELECT ST_Centroid(ST_Transform(geom, 3857)) AS at
            FROM twin.building WHERE id = :id) AS middle
""")

BENCHMARK = Benchmark("edit-storm", "from a commit to the new tile at a client", _run)
