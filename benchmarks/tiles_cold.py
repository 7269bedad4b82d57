"""Tiles that nobody keeps, over HTTP and compressed, beside the peers that ask PostGIS for each."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, text

from benchmarks import _contenders as servers
from benchmarks._bench import Bench, Benchmark, Result
from benchmarks._contenders import Contender
from benchmarks._demo import demo_buildings
from benchmarks._equal import Compared, compare
from benchmarks._load import Load, memory_mb
from benchmarks._places import distinct, places_of, visit
from tiles.grid import Tile
from twin.errors import UnavailableError

_TABLE_4490 = text("""
    CREATE TABLE twin.building_4490 AS
    SELECT id, name, use, height_m, storeys,
           ST_Transform(geom, 4490)::geometry(MultiPolygon, 4490) AS geom
    FROM   twin.building
""")
_INDEX_4490 = (
    "ALTER TABLE twin.building_4490 ADD PRIMARY KEY (id)",
    "CREATE INDEX ON twin.building_4490 USING gist (geom)",
    "ANALYZE twin.building_4490",
)
_TARGETS = {12: 15.0, 14: 10.0, 16: 4.0}


class _Table:
    """What was measured, and how it is told."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self.ratios: dict[str, float] = {}
        self.equal = True
        self.notes: list[str] = []
        self.martin: dict[str, Load] = {}

    def add(self, what: str, features: str, found: dict[str, Load]) -> None:
        """Add a line a server, and how many times as fast as each we are."""
        ours, self.martin[what] = found["citytwin"], found["Martin 1.14.0"]
        for name, load in found.items():
            self.rows.append(
                [
                    *(what, features, name, f"{load.per_s:,.1f}", f"{load.cpu_us / 1e3:,.2f}"),
                    f"{load.bytes_per_s / load.per_s / 1e3:,.1f}",
                    "" if name == "citytwin" else f"{ours.per_s / load.per_s:.1f}",
                    "" if name == "citytwin" else f"{load.cpu_us / ours.cpu_us:.1f}",
                ]
            )
            if not name.startswith("citytwin"):
                short = name.split()[0].lower().replace("pg_tileserv's", "sql")
                self.ratios[f"{what}_{short}"] = ours.per_s / load.per_s
                self.ratios[f"{what}_{short}_cpu"] = load.cpu_us / ours.cpu_us


def _run(bench: Bench) -> Result:
    count = 20_000 if bench.quick else 400_000
    seconds, rounds = (2, 1) if bench.quick else (12, 5) if bench.full else (5, 2)
    zooms = (12, 13, 14, 15, 16) if bench.full else (12, 14, 16)
    table = _Table()
    with demo_buildings(bench, "bench_tiles_cold", count) as engine:
        places = places_of(engine)
        with _all(bench, engine, table) as contenders:
            for zoom in zooms:
                tiles = distinct(places, zoom)
                found = _compared(table, engine, contenders, tiles)
                loads = _in_turn(bench, contenders, tiles, seconds, rounds)
                if not any(each.name.startswith("pg_tileserv") for each in contenders):
                    per_s, cpu_us = servers.sql_floor(bench, engine, tiles, seconds=seconds)
                    loads["pg_tileserv's SQL alone"] = Load(per_s, 0.0, cpu_us)
                table.add(f"z{zoom}", f"{found.shown:,.0f} ({found.drawn:,.0f})", loads)
            trace = visit(places, 200 if bench.quick else 2000)
            table.add("trace", "", _in_turn(bench, contenders[:2], trace, seconds, 1))
            table.notes.append(_memory(contenders))
        _two_processes(bench, engine, table, places, seconds)
        _degrees(bench, engine, table, distinct(places, 14), seconds)
    return Result(
        ["tiles", "features (PostGIS's)", "server", "tiles/s", "CPU, ms a tile", "kB a tile",
         "we are × tiles/s", "× per CPU second"],
        table.rows,
        table.ratios,
        table.equal,
        [_method(count, rounds), *table.notes],
    )  # fmt: skip


@contextmanager
def _all(bench: Bench, engine: Engine, table: _Table) -> Iterator[list[Contender]]:
    """Start every server that can be had here; say which cannot."""
    with ExitStack() as stack:
        found = [
            stack.enter_context(servers.citytwin(bench, engine)),
            stack.enter_context(servers.martin(bench, engine)),
            stack.enter_context(servers.tipg(bench, engine)),
        ]
        try:
            found.append(stack.enter_context(servers.tileserv(bench, engine)))
        except UnavailableError as error:
            table.notes.append(
                f"Not run: {error}. In its place stands the statement that it sends, run by "
                "pgbench on two connections without HTTP and without gzip: no server that sends "
                "it can be faster."
            )
        yield found


def _compared(
    table: _Table, engine: Engine, contenders: Sequence[Contender], tiles: Sequence[Tile]
) -> Compared:
    """Look at the same tiles of all, before any is timed."""
    few = tiles[:: max(1, len(tiles) // (4 if tiles[0].z < 14 else 12))]
    found = compare(engine, contenders, few)
    table.equal = table.equal and found.equal
    lacking = ", ".join(f"{name} {n:,}" for name, n in found.lacking.items() if n)
    if lacking:
        table.notes.append(
            f"z{tiles[0].z}: of {found.all_drawn:,} features in {len(few)} tiles, features that "
            f"lie in the buffer alone are missing: {lacking}."
        )
    table.notes += found.wrong[:3]
    return found


def _in_turn(
    bench: Bench, contenders: Sequence[Contender], tiles: Sequence[Tile], seconds: int, rounds: int
) -> dict[str, Load]:
    """Load one after another, several times; return the medians."""
    found: dict[str, list[Load]] = {each.name: [] for each in contenders}
    for _ in range(rounds):
        for each in contenders:
            found[each.name].append(each.loaded(tiles, bench.folder, seconds=seconds))
    return {
        name: Load(
            *(float(np.median(column)) for column in zip(*map(_numbers, loads), strict=True))
        )
        for name, loads in found.items()
    }


def _numbers(load: Load) -> tuple[float, float, float]:
    return load.per_s, load.bytes_per_s, load.cpu_us


def _two_processes(
    bench: Bench, engine: Engine, table: _Table, places: NDArray[np.float64], seconds: int
) -> None:
    """Say what a second process brings: the peers have PostgreSQL's beside their own."""
    with servers.citytwin(bench, engine, workers=2) as ours:
        for zoom in (12, 14, 16):
            load = ours.loaded(distinct(places, zoom), bench.folder, seconds=seconds)
            theirs = table.martin[f"z{zoom}"]
            table.rows.append(
                [
                    *(f"z{zoom}", "", ours.name, f"{load.per_s:,.1f}", f"{load.cpu_us / 1e3:,.2f}"),
                    f"{load.bytes_per_s / load.per_s / 1e3:,.1f}",
                    f"({load.per_s / theirs.per_s:.1f} × Martin's)",
                    f"({theirs.cpu_us / load.cpu_us:.1f})",
                ]
            )
            table.ratios[f"z{zoom}_martin_2_processes"] = load.per_s / theirs.per_s


def _degrees(
    bench: Bench, engine: Engine, table: _Table, tiles: Sequence[Tile], seconds: int
) -> None:
    """Serve the same buildings from EPSG:4490, as a peer finds them there."""
    with engine.begin() as connection:
        connection.execute(_TABLE_4490)
        for statement in _INDEX_4490:
            connection.execute(text(statement))
    with (
        servers.citytwin(bench, engine) as ours,
        servers.martin(bench, engine, table="building_4490", srid=4490) as theirs,
    ):
        few = tiles[:: max(1, len(tiles) // 12)]
        found = compare(engine, (ours, theirs), few)
        table.equal = table.equal and found.equal
        loads = _in_turn(bench, (ours, theirs), tiles, seconds, 1)
        table.add("z14, EPSG:4490", f"{found.shown:,.0f}", loads)
        table.notes.append(
            f"From EPSG:4490, Martin lacks {found.lacking[theirs.name]:,} of {found.all_drawn:,} "
            f"features in {len(few)} tiles of z14; ours lacks none."
        )


def _memory(contenders: Sequence[Contender]) -> str:
    told = ", ".join(f"{each.name} {memory_mb(each.pids[:-1]):,.0f} MB" for each in contenders)
    return f"Memory after the runs, without the database's (proportional set size): {told}."


def _method(count: int, rounds: int) -> str:
    wanted = ", ".join(f"z{zoom} {times:.0f}" for zoom, times in _TARGETS.items())
    return (
        f"{count:,} buildings of the demonstration city; every tile with a building in it, each "
        f"once, in random order; {servers.CONNECTIONS} connections of one thread of wrk, gzip on "
        "both sides, the same four attributes asked of the peers (ours carries two more), "
        "no tile kept by anybody (Martin: cache disabled; ours: no memory for tiles). One process "
        "each, on the machine that asks; the peers have PostgreSQL's processes beside theirs, and "
        "these are in their CPU time as the feed's are in ours. TiPg: buffer 64, no limit. Medians "
        f"of {rounds} rounds in turn. Equal: ids and four attributes of what shows in a sample of "
        "the tiles; where our layer draws fewer features, their counts add up to PostGIS's. "
        f"Trace: visitors who pan and zoom, popular places by Zipf's law. Aim beside Martin: "
        f"{wanted}."
    )


BENCHMARK = Benchmark("tiles-cold", "tiles made at each request, beside the peers", _run)
