"""Roads into a graph: lines are cut where they meet, and hung between nodes.

Where the file has OSM's node numbers, lines meet where they share one.  Else they meet where one
ends on a vertex of another, or where two on the same level share a vertex: a bridge that passes over
a street is not joined to it although both may have a vertex there.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from twin.errors import InvalidInputError
from twin.ingest._attrs import to_json
from twin.ingest._copy import Column, rows, time_ordered_uuids
from twin.ingest._features import Features, Request
from twin.ingest._job import Job
from twin.ingest._place import Placer, split_parts
from twin.ingest._plan import Plan, make_plan
from twin.ingest._report import Tally
from twin.ingest._roadwords import deck_levels, directions, speeds
from twin.ingest._shapes import LINE, POINT, Shapes, write_ewkb
from twin.ingest._table import TableLoader, constant
from twin.ingest._target import Target
from twin.ingest._words import NO_CARRIAGEWAY, ROAD_SPEEDS_KM_PER_H

_SNAP_M = 0.001
_PLAIN = ("name", "lanes", "width_m", "owner", "manager", "maintainer", "class_code", "state",
          "cell_id", "accuracy_class", "visibility")  # fmt: skip


@dataclass(frozen=True)
class Lines:
    """Road lines in the city's frame, before they are cut."""

    ids: NDArray[np.object_]
    """Each line's name in the source, shape (n,)."""
    starts: NDArray[np.int64]
    """Where each line's vertices begin, shape (n + 1,)."""
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    z: NDArray[np.float64]
    refs: NDArray[np.int64] | None
    """OSM's number of each vertex, where the file has them."""
    fields: dict[str, pa.Array]
    """What is known of each line, by the columns of ``road_edge``."""


@dataclass(frozen=True)
class Graph:
    """Nodes, and edges between them."""

    node_name: NDArray[np.object_]
    node_vertex: NDArray[np.int64]
    """A vertex of the lines at each node, shape (nodes,)."""
    line: NDArray[np.int64]
    """The line each edge is cut from, shape (edges,)."""
    piece: NDArray[np.int64]
    """Its number along that line, from 0; -1 where the line was not cut."""
    first: NDArray[np.int64]
    """Its first vertex."""
    last: NDArray[np.int64]
    """Its last vertex, part of it."""
    from_node: NDArray[np.int64]
    to_node: NDArray[np.int64]


def roads_into_graph(job: Job) -> None:
    """Load every file of a job into ``road_node`` and ``road_edge``."""
    for path, sublayer, reader in job.files:
        if reader.features is None:
            raise InvalidInputError(f"{path.name} is a raster; roads are lines")
        with ExitStack() as stack:
            features = stack.enter_context(
                reader.features(Request(path, sublayer, "road", job.mapping))
            )
            plan = make_plan("road", features, job.mapping)
            lines = _read(job, features, plan)
            job.reader_says(features)
        if len(lines.ids):
            _store(job, lines, build_graph(lines))


def build_graph(lines: Lines) -> Graph:
    """Cut lines where they meet.

    >>> cross = Lines(
    ...     ids=np.array(["a", "b"], object), starts=np.array([0, 3, 5]),
    ...     x=np.array([0.0, 1, 2, 1, 1]), y=np.array([0.0, 0, 0, 0, 5]), z=np.zeros(5),
    ...     refs=None, fields={"deck_level": pa.array([0, 0])},
    ... )
    >>> graph = build_graph(cross)
    >>> len(graph.node_name), graph.line.tolist(), graph.piece.tolist()
    (4, [0, 0, 1], [0, 1, -1])
    """
    line_of = np.repeat(np.arange(len(lines.ids)), np.diff(lines.starts))
    place = _places(lines)
    is_node = _nodes_among(lines, place, line_of)
    at = np.flatnonzero(is_node)
    within = line_of[at[:-1]] == line_of[at[1:]]
    first, last = at[:-1][within], at[1:][within]
    used, node_of = np.unique(place[np.concatenate([first, last])], return_inverse=True)
    vertex = np.empty(len(used), np.int64)
    vertex[node_of] = np.concatenate([first, last])
    line = line_of[first]
    pieces = np.bincount(line, minlength=len(lines.ids))
    begins = np.concatenate([[0], np.cumsum(pieces)])
    number = np.arange(len(line)) - begins[line]
    return Graph(
        _node_names(lines, vertex),
        vertex,
        line,
        np.where(pieces[line] > 1, number, -1),
        first,
        last,
        node_of[: len(first)],
        node_of[len(first) :],
    )


def _places(lines: Lines) -> NDArray[np.int64]:
    """Return a number for each vertex that is the same where vertices are at one place."""
    if lines.refs is not None:
        _, place = np.unique(lines.refs, return_inverse=True)
    else:
        grid = np.round(lines.x / _SNAP_M) + 1j * np.round(lines.y / _SNAP_M)
        _, place = np.unique(grid, return_inverse=True)
    numbers: NDArray[np.int64] = place.astype(np.int64)
    return numbers


def _nodes_among(
    lines: Lines, place: NDArray[np.int64], line_of: NDArray[np.int64]
) -> NDArray[np.bool_]:
    ends = np.zeros(len(place), np.bool_)
    ends[lines.starts[:-1]] = True
    ends[lines.starts[1:] - 1] = True
    ended = np.zeros(place.max(initial=-1) + 1, np.bool_)
    ended[place[ends]] = True
    if lines.refs is not None:
        times = np.bincount(place)
        return ended[place] | (times[place] > 1)
    level = lines.fields["deck_level"].to_numpy(zero_copy_only=False).astype(np.int64)[line_of]
    _, storey, times = np.unique(
        place * 64 + (level + 32), return_inverse=True, return_counts=True
    )
    met: NDArray[np.bool_] = ended[place] | (times[storey] > 1)
    return met


def _node_names(lines: Lines, vertex: NDArray[np.int64]) -> NDArray[np.object_]:
    if lines.refs is not None:
        return np.char.add("node/", lines.refs[vertex].astype(np.str_)).astype(object)
    pairs = zip(lines.x[vertex].tolist(), lines.y[vertex].tolist(), strict=True)
    return np.array([f"{x:.3f} {y:.3f}" for x, y in pairs], object)


def _read(job: Job, features: Features, plan: Plan) -> Lines:
    """Read a file's lines into the city's frame, and what is known of them."""
    placer = Placer(job.frame, job.frame_of(features), job.datum, LINE, job.tally)
    loader = _Names(job, features, plan, LINE, False)
    parts: list[Lines] = []
    for chunk in features.chunks:
        count = chunk.table.num_rows
        job.tally.rows_read += count
        if chunk.wkb is None:
            raise InvalidInputError(f"{features.layer_name} has no geometry; roads are lines")
        ids = loader.source_ids(chunk)
        placed = placer.place(chunk.wkb, ids)
        loader.refuse_names(chunk, ids, placed.sound)
        values = loader.values(chunk, placed.sound, ids)
        fields = road_fields(job.tally, values)
        _skip_no_carriageway(job.tally, fields["road_class"], placed.sound)
        chosen, part = split_parts(placed, "road")
        fields["attrs"] = to_json(chunk.table, plan.left)
        parts.append(_gather(placed.shapes, placed.pick, chosen, part, ids, fields, chunk.refs))
        job.progress("reading", job.tally.rows_read, features.total)
    return _together(parts)


class _Names(TableLoader):
    """The naming and refusing of rows that tables and roads share."""

    def __post_init__(self) -> None:
        """Need no table."""
        self.has_attrs = False

    def refuse_names(self, chunk, ids, sound) -> None:  # type: ignore[no-untyped-def]
        self._refuse("the source id comes twice", self._twice(chunk, ids), sound, ids)
        self._refuse("no source id", ids == "", sound, ids)

    def values(self, chunk, sound, ids):  # type: ignore[no-untyped-def]
        return self._values(chunk, sound, ids)


def road_fields(tally: Tally, values: dict[str, pa.Array]) -> dict[str, pa.Array]:
    """Return the columns of ``road_edge`` that a chunk's values give."""
    count = len(next(iter(values.values())))
    classes = values.get("road_class", pa.repeat(pa.scalar("unclassified"), count))
    known = pc.is_in(classes, value_set=pa.array([*ROAD_SPEEDS_KM_PER_H, *NO_CARRIAGEWAY]))
    for word, number in sorted(_counted(classes.filter(pc.invert(known)))):
        tally.repaired[f"road class {word!r}: speed of an unclassified road"] += number
    fields = {name: values[name] for name in _PLAIN if name in values}
    fields["road_class"] = classes
    fields["direction"] = directions(
        values.get("oneway"), values.get("junction"), classes, tally.repaired
    )
    fields["speed_m_per_s"] = speeds(
        values.get("speed_m_per_s"), values.get("maxspeed"), classes, tally.repaired
    )
    fields["deck_level"] = deck_levels(
        values.get("layer"), values.get("bridge"), values.get("tunnel"), count, tally.repaired
    )
    return fields


def _counted(values: pa.Array) -> list[tuple[str, int]]:
    found = pc.value_counts(values)
    return [(str(one["values"]), int(one["counts"])) for one in found.to_pylist()]


def _skip_no_carriageway(tally: Tally, classes: pa.Array, sound: NDArray[np.bool_]) -> None:
    for_feet = pc.is_in(classes, value_set=pa.array(sorted(NO_CARRIAGEWAY)))
    where = for_feet.to_numpy(zero_copy_only=False) & sound
    for word, number in _counted(classes.filter(pa.array(where))):
        tally.skipped[f"not for vehicles: {word}"] += number
    sound &= ~where


def _gather(
    shapes: Shapes,
    pick: NDArray[np.int64],
    chosen: NDArray[np.int64],
    part: NDArray[np.int64] | None,
    ids: NDArray[np.object_],
    fields: dict[str, pa.Array],
    refs: pa.Array | None,
) -> Lines:
    """Take the lines of chosen rows out of a chunk, without vertices that repeat the one before."""
    first_part = shapes.parts[pick[chosen]] + (0 if part is None else np.maximum(part, 0))
    begin = shapes.points[shapes.rings[first_part]]
    end = shapes.points[shapes.rings[first_part + 1]]
    taken, starts = _ranges(begin, end)
    x, y, z = shapes.x[taken], shapes.y[taken], shapes.z[taken]
    numbers = None
    if refs is not None:
        flat = refs.flatten().to_numpy(zero_copy_only=False)
        numbers = flat[taken]
    line_of = np.repeat(np.arange(len(chosen)), np.diff(starts))
    again = np.zeros(len(x), np.bool_)
    again[1:] = (x[1:] == x[:-1]) & (y[1:] == y[:-1]) & (line_of[1:] == line_of[:-1])
    kept = ~again
    lengths = np.bincount(line_of[kept], minlength=len(chosen))
    names = ids[chosen]
    if part is not None:
        several = np.isin(chosen, chosen[part > 0])
        names = np.array(
            [f"{n}#{p + 1}" if cut else n for n, p, cut in zip(names, part, several, strict=True)],
            object,
        )
    return Lines(
        names,
        np.concatenate([[0], np.cumsum(lengths)]),
        x[kept],
        y[kept],
        z[kept],
        None if numbers is None else numbers[kept],
        {name: values.take(pa.array(chosen)) for name, values in fields.items()},
    )


def _ranges(
    begin: NDArray[np.int64], end: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return all numbers of many ranges end to end, and where each range begins among them."""
    lengths = end - begin
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    flat = np.arange(starts[-1]) + np.repeat(begin - starts[:-1], lengths)
    return flat, starts


def _together(parts: list[Lines]) -> Lines:
    if len(parts) == 1:
        return parts[0]
    if not parts:
        none = np.zeros(0)
        return Lines(np.zeros(0, object), np.zeros(1, np.int64), none, none, none, None, {})
    offsets = np.cumsum([0, *(part.starts[-1] for part in parts[:-1])])
    starts = [part.starts[:-1] + offset for part, offset in zip(parts, offsets, strict=True)]
    total = offsets[-1] + parts[-1].starts[-1]
    known = [part.refs for part in parts if part.refs is not None]
    return Lines(
        np.concatenate([part.ids for part in parts]),
        np.concatenate([*starts, [total]]).astype(np.int64),
        np.concatenate([part.x for part in parts]),
        np.concatenate([part.y for part in parts]),
        np.concatenate([part.z for part in parts]),
        np.concatenate(known) if len(known) == len(parts) else None,
        {
            name: pa.concat_arrays([part.fields[name] for part in parts])
            for name in parts[0].fields
        },
    )


def _store(job: Job, lines: Lines, graph: Graph) -> None:
    _store_nodes(job, lines, graph)
    job.progress("merging", 0, None)
    taken, starts = _ranges(graph.first, graph.last + 1)
    x, y = lines.x[taken], lines.y[taken]
    steps = np.hypot(np.diff(x, append=0.0), np.diff(y, append=0.0))
    steps[starts[1:] - 1] = 0.0  # the step from one edge's end to the next one's start
    edges = _simple(LINE, starts, x, y, lines.z[taken])
    count = len(graph.line)
    names = lines.ids[graph.line]
    cut = graph.piece >= 0
    names[cut] = [f"{n}#{p + 1}" for n, p in zip(names[cut], graph.piece[cut], strict=True)]
    columns = [
        *_head(job, count, pa.array(names, pa.string())),
        Column("geom", f"geometry(LINESTRINGZ,{job.frame.srid})", _ewkb(job, edges)),
        Column("length_m", "double precision", pa.array(np.add.reduceat(steps, starts[:-1]))),
    ]
    line = pa.array(graph.line)
    columns += [
        Column(name, _EDGE_TYPES.get(name, "text"), values.take(line))
        for name, values in lines.fields.items()
    ]
    extra = [
        Column(name, "text", pa.array(graph.node_name[nodes], pa.string()))
        for name, nodes in (("from_ref", graph.from_node), ("to_ref", graph.to_node))
    ]
    target = Target(
        job.connection,
        "road_edge",
        [(one.name, one.type) for one in columns],
        job.source,
        job.load_id,
        extra=[(one.name, one.type) for one in extra],
        derived=(("from_node_id", "bigint"), ("to_node_id", "bigint")),
    )
    target.begin_staged()
    with target.copy(staged=True) as sink:
        sink.put(rows([*columns, *extra], count))
    target.run("""
        UPDATE load_stage SET from_node_id = a.id, to_node_id = b.id
        FROM   twin.road_node AS a, twin.road_node AS b
        WHERE  a.source = load_stage.source AND a.source_id = load_stage.from_ref
        AND    b.source = load_stage.source AND b.source_id = load_stage.to_ref
    """)
    target.merge(job.tally)
    target.run("DROP TABLE load_stage")
    job.made += count


def _store_nodes(job: Job, lines: Lines, graph: Graph) -> None:
    count = len(graph.node_name)
    at = graph.node_vertex
    starts = np.arange(count + 1)
    points = _simple(POINT, starts, lines.x[at], lines.y[at], lines.z[at])
    columns = [
        *_head(job, count, pa.array(graph.node_name, pa.string())),
        Column("geom", f"geometry(POINTZ,{job.frame.srid})", _ewkb(job, points)),
    ]
    target = Target(
        job.connection,
        "road_node",
        [(one.name, one.type) for one in columns],
        job.source,
        job.load_id,
    )
    tally = Tally()
    target.begin_staged()
    with target.copy(staged=True) as sink:
        sink.put(rows(columns, count))
    target.merge(tally)
    target.run("DROP TABLE load_stage")
    job.made += count
    job.tally.note(f"{count} junctions and ends, {tally.loaded} of them new")


_EDGE_TYPES = {
    "direction": "integer",
    "speed_m_per_s": "double precision",
    "deck_level": "integer",
    "lanes": "integer",
    "width_m": "double precision",
    "attrs": "jsonb",
}


def _head(job: Job, count: int, names: pa.Array) -> list[Column]:
    return [
        Column("uid", "uuid", time_ordered_uuids(count, now_ms=job.started_ms, first=job.made)),
        Column("source", "text", constant(job.source, count)),
        Column("source_id", "text", names),
        Column("load_id", "integer", pa.repeat(pa.scalar(job.load_id, pa.int32()), count)),
    ]


def _simple(
    kind: int,
    starts: NDArray[np.int64],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    z: NDArray[np.float64],
) -> Shapes:
    one_each = np.arange(len(starts))
    return Shapes(
        np.full(len(starts) - 1, kind, np.int8), one_each, one_each, starts, x, y, z,
        np.ones(len(starts) - 1, np.bool_),
    )  # fmt: skip


def _ewkb(job: Job, shapes: Shapes):  # type: ignore[no-untyped-def]
    return write_ewkb(
        shapes, np.arange(len(shapes)), srid=job.frame.srid, multi=False, with_z=True
    )


