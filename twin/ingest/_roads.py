"""Roads into ``road_node`` and ``road_edge``: lines read, cut to a graph, and stored."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from twin.errors import InvalidInputError
from twin.ingest._attrs import to_json
from twin.ingest._codes import representatives
from twin.ingest._copy import Column, rows, time_ordered_uuids
from twin.ingest._features import Features, Request
from twin.ingest._graph import Graph, Lines, build_graph
from twin.ingest._heights import Heights
from twin.ingest._job import Job
from twin.ingest._place import Placer, split_parts
from twin.ingest._plan import Plan, make_plan
from twin.ingest._roadwords import deck_levels, directions, speeds
from twin.ingest._rows import RowReader, constant, numbered
from twin.ingest._shapes import LINE, POINT, Shapes, write_ewkb
from twin.ingest._tally import Tally
from twin.ingest._target import Target
from twin.ingest._words import NO_CARRIAGEWAY, ROAD_SPEEDS_KM_PER_H

_PLAIN = ("name", "lanes", "width_m", "owner", "manager", "maintainer", "class_code", "state",
          "cell_id", "accuracy_class", "visibility")  # fmt: skip


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


def _read(job: Job, features: Features, plan: Plan) -> Lines:
    """Read a file's lines into the city's frame, and what is known of them."""
    crs = job.frame_of(features)
    placer = Placer(job.frame, crs, job.datum, LINE, job.tally)
    heights = Heights(job, crs)
    reader = RowReader(job, features, plan)
    parts: list[Lines] = []
    for chunk in features.chunks:
        count = chunk.table.num_rows
        job.tally.rows_read += count
        if chunk.wkb is None:
            raise InvalidInputError(f"{features.layer_name} has no geometry; roads are lines")
        ids = reader.source_ids(chunk)
        placed = placer.place(chunk.wkb, ids)
        reader.refuse_names(chunk, ids, placed.sound)
        values = reader.values(chunk, placed.sound, ids)
        fields = road_fields(job.tally, values, count)
        _skip_no_carriageway(job.tally, fields["road_class"], placed.sound)
        chosen, part = split_parts(placed, 1)
        fields["attrs"] = to_json(chunk.table, plan.left)
        shapes = heights.lift(placed.shapes, placed.pick, values, with_z=True)
        parts.append(_gather(shapes, placed.pick, chosen, part, ids, fields, chunk.refs))
        job.progress("reading", job.tally.rows_read, features.total)
    return _together(parts)


def road_fields(tally: Tally, values: dict[str, pa.Array], count: int) -> dict[str, pa.Array]:
    """Return the columns of ``road_edge`` that a chunk's values give."""
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
    ids: pa.Array,
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
    names = ids.take(pa.array(chosen))
    if part is not None:
        several = np.isin(chosen, chosen[part > 0])
        names = numbered(names, np.where(several, part, -1))
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
        return Lines(pa.array([], pa.string()), np.zeros(1, np.int64), none, none, none, None, {})
    offsets = np.cumsum([0, *(part.starts[-1] for part in parts[:-1])])
    starts = [part.starts[:-1] + offset for part, offset in zip(parts, offsets, strict=True)]
    total = offsets[-1] + parts[-1].starts[-1]
    known = [part.refs for part in parts if part.refs is not None]
    return Lines(
        pa.concat_arrays([part.ids for part in parts]),
        np.concatenate([*starts, [total]]).astype(np.int64),
        np.concatenate([part.x for part in parts]),
        np.concatenate([part.y for part in parts]),
        np.concatenate([part.z for part in parts]),
        np.concatenate(known) if len(known) == len(parts) else None,
        {name: pa.concat_arrays([part.fields[name] for part in parts]) for name in parts[0].fields},
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
    names = numbered(lines.ids.take(pa.array(graph.line)), graph.piece)
    columns = [
        *_head(job, count, names),
        Column("geom", f"geometry(LINESTRINGZ,{job.frame.srid})", _ewkb(job, edges)),
        Column("length_m", "double precision", pa.array(np.add.reduceat(steps, starts[:-1]))),
    ]
    line = pa.array(graph.line)
    said = lines.fields.get("cell_id")
    at = representatives(edges, np.arange(count), LINE)
    columns += job.codes.columns(*at, said=None if said is None else said.take(line))
    columns += [
        Column(name, _EDGE_TYPES.get(name, "text"), values.take(line))
        for name, values in lines.fields.items()
        if name != "cell_id"
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
        *job.codes.columns(lines.x[at], lines.y[at]),
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
    return write_ewkb(shapes, np.arange(len(shapes)), srid=job.frame.srid, multi=False, with_z=True)
