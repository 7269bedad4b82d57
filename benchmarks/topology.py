"""The topology of pipe networks, beside PostGIS statements and networkx on the same pipes.

Net6 of the EPANET examples (3 323 junctions, 3 892 links) and 10 and 100 copies of it side by side,
damaged alike: some ends forget their node, some of those are moved away, some pipes are there
twice.  Every contender reads the same two tables.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import networkx
import numpy as np
import shapely
from sqlalchemy import Engine, text

from api.settings import Settings
from benchmarks._bench import Bench, Benchmark, Result
from benchmarks._inp import inp_network
from twin.errors import NotFoundError
from twin.topology import Network, Nodes, Segments, examine

_SNAP_M = 0.05
_CHECKS = ("ends", "near", "crossings", "duplicates", "parts")

_TABLES = """
    CREATE SCHEMA peer;
    CREATE TABLE peer.node (id integer PRIMARY KEY, geom geometry(Point) NOT NULL);
    CREATE TABLE peer.pipe (
        id integer PRIMARY KEY, a integer, b integer, geom geometry(LineString) NOT NULL
    );
"""
_INDEXES = """
    CREATE INDEX ON peer.node USING gist (geom);
    CREATE INDEX ON peer.pipe USING gist (geom);
    ANALYZE peer.node;
    ANALYZE peer.pipe;
"""

_DANGLING = text("""
    -- Ends that name no node, lie at none, and meet no other such end.
    WITH tip AS (
        SELECT id, 0 AS side, a AS node, ST_StartPoint(geom) AS place FROM peer.pipe
        UNION ALL
        SELECT id, 1, b, ST_EndPoint(geom) FROM peer.pipe
    ), loose AS (
        SELECT id, side, ST_ClusterDBSCAN(place, :snap_m, 1) OVER () AS spot
        FROM   tip
        WHERE  node IS NULL
        AND    NOT EXISTS (SELECT FROM peer.node WHERE ST_DWithin(node.geom, tip.place, :snap_m))
    )
    SELECT min(id) FROM loose GROUP BY spot HAVING count(*) = 1
""")

_CROSSING = text("""
    -- Pipes that cross one another away from the ends of both.
    SELECT DISTINCT one.id, other.id
    FROM   peer.pipe AS one
    JOIN   peer.pipe AS other ON one.id < other.id AND ST_Intersects(one.geom, other.geom)
    CROSS JOIN LATERAL ST_Dump(ST_Intersection(one.geom, other.geom)) AS met
    WHERE  GeometryType(met.geom) = 'POINT'
    AND    ST_Distance(met.geom, ST_StartPoint(one.geom)) > :snap_m
    AND    ST_Distance(met.geom, ST_EndPoint(one.geom)) > :snap_m
    AND    ST_Distance(met.geom, ST_StartPoint(other.geom)) > :snap_m
    AND    ST_Distance(met.geom, ST_EndPoint(other.geom)) > :snap_m
""")

_ON_PIPE = text("""
    -- Nodes on pipes that do not hang on them.
    SELECT node.id, pipe.id
    FROM   peer.node
    JOIN   peer.pipe ON ST_DWithin(pipe.geom, node.geom, :snap_m)
    CROSS JOIN LATERAL (
        SELECT ST_LineLocatePoint(pipe.geom, node.geom) * ST_Length(pipe.geom) AS along_m
    ) AS at
    WHERE  pipe.a IS DISTINCT FROM node.id AND pipe.b IS DISTINCT FROM node.id
    AND    along_m > :snap_m AND along_m < ST_Length(pipe.geom) - :snap_m
""")


@dataclass(frozen=True)
class Told:
    """What a contender found, and how long it took."""

    seconds: float
    cpu_s: float = 0.0
    """Of this process; the database server's is not counted."""
    dangling: frozenset[int] = frozenset()
    crossings: frozenset[tuple[int, int]] = frozenset()
    on_pipe: frozenset[tuple[int, int]] = frozenset()
    parts: int = -1
    bridges: int = -1


def _run(bench: Bench) -> Result:
    path = Settings().real_data / "networks" / "Net6.inp"
    if not path.exists():
        raise NotFoundError(f"there is no {path}; name the data by TWIN_REAL_DATA")
    whole = inp_network(path)
    # Compiling is not what is compared.
    examine(whole, checks=_CHECKS)
    rows, ratios, equal = [], {}, True
    for copies in (1,) if bench.quick else (1, 10, 100):
        made = damaged(repeated(whole, copies))
        with bench.city(f"bench_topology_{copies}") as engine:
            _fill(engine, made)
            rounds = 1 if copies == 100 or bench.quick else 3
            ours = _best(partial(_ours, engine), rounds)
            graph = _best(partial(_networkx, engine), rounds)
            # Minutes at the largest size.
            with_postgis = copies < 100 or bench.full
            postgis = _best(partial(_postgis, engine), rounds) if with_postgis else None
        equal &= (ours.parts, ours.bridges) == (graph.parts, graph.bridges)
        if postgis is not None:
            equal &= ours.dangling == postgis.dangling and ours.crossings == postgis.crossings
            equal &= ours.on_pipe == postgis.on_pipe
            ratios[f"{copies} × Net6, PostGIS"] = postgis.seconds / ours.seconds
        ratios[f"{copies} × Net6, networkx"] = graph.seconds / ours.seconds
        rows.append(
            [
                f"{made.segments.count:,}".replace(",", " "),
                f"{len(ours.dangling)} / {len(ours.crossings)} / {len(ours.on_pipe)}",
                f"{ours.parts} / {ours.bridges}",
                f"{ours.seconds:.2f} ({ours.cpu_s:.2f})",
                "—" if postgis is None else f"{postgis.seconds:.2f}",
                f"{graph.seconds:.2f} ({graph.cpu_s:.2f})",
            ]
        )
    return Result(
        [
            "pipes",
            "dangling / crossings / nodes on pipes",
            "parts / bridges",
            "citytwin, all of it, s (CPU)",
            "PostGIS, the first three, s",
            "networkx, the last two, s (CPU)",
        ],
        rows,
        ratios,
        equal,
        [
            "Ours: rows read, ends joined, all rules of ends, near, crossings, duplicates and "
            "parts, and bridges. PostGIS: three statements over GiST indexes, built before, for "
            "three of these rules. networkx: rows read, components and bridges. Equal: the same "
            "ends, pairs, parts and bridges. The best of three rounds, of one for the largest, "
            "which PostGIS is asked only by `--full`. Seconds by the clock, of computing in "
            "brackets: the machine was shared with other work.",
        ],
    )


def repeated(network: Network, copies: int) -> Network:
    """Return copies of a network side by side."""
    nodes, segments = network.nodes, network.segments
    away = float(np.ptp(nodes.x)) + 100.0
    which = np.arange(copies)
    columns = int(np.ceil(np.sqrt(copies)))
    down = float(np.ptp(nodes.y)) + 100.0

    def shifted(values: Any, step: float, place: Any) -> Any:
        return (values[None, :] + step * place[:, None]).ravel()

    def many(values: Any) -> Any:
        return np.tile(values, copies)

    def ends(values: Any) -> Any:
        return (values[None, :] + len(nodes.ids) * which[:, None]).ravel()

    x, y = which % columns, which // columns
    lengths = many(np.diff(segments.starts))
    return Network(
        Nodes(
            ids=np.arange(len(nodes.ids) * copies),
            x=shifted(nodes.x, away, x),
            y=shifted(nodes.y, down, y),
            **{name: many(getattr(nodes, name)) for name in
               ("kind", "ground_z_m", "invert_z_m", "may_end", "outlet")},
        ),
        Segments(
            ids=np.arange(segments.count * copies),
            starts=np.concatenate([[0], np.cumsum(lengths)]),
            x=shifted(segments.x, away, x),
            y=shifted(segments.y, down, y),
            from_node=ends(segments.from_node),
            to_node=ends(segments.to_node),
            **{name: many(getattr(segments, name)) for name in
               ("kind", "centre_z_m", "width_m", "height_m", "conduit", "pressure_pa",
                "voltage_v", "flow", "device")},
        ),
    )  # fmt: skip


def damaged(network: Network) -> Network:
    """Return a network of which 2 in 100 first ends forget their node, half of them moved 0.3 m."""
    random = np.random.default_rng(6)
    segments = network.segments
    forget = random.random(segments.count) < 0.02
    moved = forget & (random.random(segments.count) < 0.5)
    x = segments.x.copy()
    x[segments.first[moved]] += 0.3
    return replace(
        network,
        segments=replace(
            segments,
            x=x,
            from_node=np.where(forget, -1, segments.from_node),
            device=np.zeros(segments.count, np.bool_),
        ),
    )


def _fill(engine: Engine, network: Network) -> None:
    nodes, segments = network.nodes, network.segments
    with engine.begin() as connection:
        connection.execute(text(_TABLES))
        driver: Any = connection.connection.driver_connection
        with driver.cursor() as cursor:
            with cursor.copy("COPY peer.node FROM STDIN") as copy:
                for row in zip(nodes.ids.tolist(), shapely.to_wkb(nodes.points, hex=True),
                               strict=True):  # fmt: skip
                    copy.write_row(row)
            ends = [[None if end < 0 else end for end in each.tolist()]
                    for each in (segments.from_node, segments.to_node)]  # fmt: skip
            lines = shapely.to_wkb(segments.lines, hex=True)
            with cursor.copy("COPY peer.pipe FROM STDIN") as copy:
                for pipe in zip(segments.ids.tolist(), *ends, lines, strict=True):
                    copy.write_row(pipe)
        connection.execute(text(_INDEXES))


def _read(engine: Engine) -> Network:
    """Return the two tables as a network."""
    with engine.connect() as connection:
        nodes = connection.execute(
            text("SELECT id, ST_X(geom), ST_Y(geom) FROM peer.node ORDER BY id")
        ).all()
        pipes = connection.execute(
            text("SELECT id, a, b, ST_AsBinary(geom) FROM peer.pipe ORDER BY id")
        ).all()
    ids, x, y = (np.array(column) for column in zip(*nodes, strict=True))
    number, first, last, wkb = zip(*pipes, strict=True)
    lines = shapely.from_wkb([bytes(each) for each in wkb])
    xy = shapely.get_coordinates(lines)
    nothing, unknown = np.full(len(ids), np.nan), np.full(len(number), np.nan)
    none, no = np.zeros(len(ids), np.bool_), np.zeros(len(number), np.bool_)
    kind = np.zeros(len(number), np.int64)
    a, b = (np.array([-1 if each is None else each for each in ends]) for ends in (first, last))
    starts = np.concatenate([[0], np.cumsum(shapely.get_num_coordinates(lines))])
    return Network(
        Nodes(ids, np.zeros(len(ids), np.int64), x, y, nothing, nothing, none, none),
        Segments(np.array(number), kind, starts, xy[:, 0].copy(), xy[:, 1].copy(),
                 np.full(len(xy), np.nan), a, b, unknown, unknown, no, unknown, unknown, kind, no),
    )  # fmt: skip


def _best(action: Callable[[], Told], rounds: int) -> Told:
    return min((action() for _ in range(rounds)), key=lambda told: told.seconds)


def _ours(engine: Engine) -> Told:
    began, used = time.perf_counter(), time.process_time()
    report = examine(_read(engine), checks=_CHECKS)
    bridges = int(report.bridges.sum())
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - used
    found = {each.rule.id: each for each in report.found}
    on_pipe = found["node-on-pipe"]
    return Told(
        seconds,
        cpu_s,
        frozenset(found["dangling-end"].segments[:, 0].tolist()),
        frozenset(map(tuple, found["crossing"].segments.tolist())),
        frozenset(zip(on_pipe.nodes[:, 0].tolist(), on_pipe.segments[:, 0].tolist(), strict=True)),
        len(report.parts.kind),
        bridges,
    )


def _postgis(engine: Engine) -> Told:
    began = time.perf_counter()
    with engine.connect() as connection:
        dangling, crossings, on_pipe = (
            connection.execute(question, {"snap_m": _SNAP_M}).all()
            for question in (_DANGLING, _CROSSING, _ON_PIPE)
        )
    seconds = time.perf_counter() - began
    return Told(
        seconds,
        0.0,
        frozenset(row[0] for row in dangling),
        frozenset((row[0], row[1]) for row in crossings),
        frozenset((row[0], row[1]) for row in on_pipe),
    )


def _networkx(engine: Engine) -> Told:
    """Hang ends that name no node on the node that a tree finds, else on nothing; ask the graph."""
    began, used = time.perf_counter(), time.process_time()
    network = _read(engine)
    nodes, segments = network.nodes, network.segments
    tree = shapely.STRtree(nodes.points)
    graph = networkx.MultiGraph()
    for at, (a, b) in enumerate(
        zip(segments.from_node.tolist(), segments.to_node.tolist(), strict=True)
    ):
        ends = []
        for side, (end, vertex) in enumerate(((a, segments.first[at]), (b, segments.last[at]))):
            if end < 0:
                point = shapely.Point(segments.x[vertex], segments.y[vertex])
                near = tree.query_nearest(point, max_distance=_SNAP_M, all_matches=False)
                ends.append(int(near[0]) if len(near) else f"{at}/{side}")
            else:
                ends.append(end)
        graph.add_edge(*ends)
    parts = networkx.number_connected_components(graph)
    simple = networkx.Graph(graph)
    alone = sum(graph.number_of_edges(*pair) == 1 for pair in networkx.bridges(simple))
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - used
    return Told(seconds, cpu_s, parts=parts, bridges=alone)


BENCHMARK = Benchmark("topology", "the topology of pipes, beside PostGIS and networkx", _run)
