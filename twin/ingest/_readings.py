"""Depth readings of waterlogging points, from tables of point, time and depth."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from twin.ingest._copy import Column, rows
from twin.ingest._features import Chunk, Request
from twin.ingest._job import Job
from twin.ingest._plan import Plan, make_plan
from twin.ingest._rows import broken_rules
from twin.ingest._target import Target
from twin.ingest._values import convert

_COLUMNS = (
    ("point", "text"),
    ("at", "timestamp with time zone"),
    ("depth_m", "double precision"),
    ("quality", "text"),
)

_FIND_POINTS = """
    -- A point is called by its id in its source, its code or its name; its own source first.
    UPDATE load_stage SET point_id = (
        SELECT   point.id FROM twin.waterlogging_point AS point
        WHERE    load_stage.point IN (point.source_id, point.class_code, point.name,
                                      point.uid::text)
        ORDER BY (point.source = %(source)s) DESC,
                 (point.source_id IS NOT DISTINCT FROM load_stage.point) DESC, point.id
        LIMIT    1
    )
"""

_MERGE = """
    INSERT INTO twin.reading AS r (point_id, at, depth_m, quality)
    SELECT DISTINCT ON (point_id, at) point_id, at, depth_m, quality
    FROM   load_stage WHERE point_id IS NOT NULL
    ORDER  BY point_id, at
    ON CONFLICT (point_id, at) DO UPDATE
        SET depth_m = excluded.depth_m, quality = excluded.quality
        WHERE (r.depth_m, r.quality) IS DISTINCT FROM (excluded.depth_m, excluded.quality)
"""

_MATCHED = """
    SELECT count(*) FROM (SELECT DISTINCT point_id, at FROM load_stage) AS s
    JOIN   twin.reading AS r USING (point_id, at)
"""


def readings_into_table(job: Job) -> None:
    """Load every file of a job into ``reading``; a reading that is there already is replaced."""
    target = Target(
        job.connection,
        "reading",
        _COLUMNS,
        job.source,
        job.load_id,
        derived=(("point_id", "bigint"),),
    )
    target.begin_staged()
    with target.copy(staged=True) as sink:
        for path, sublayer, reader in job.files:
            assert reader.features is not None
            with ExitStack() as stack:
                features = stack.enter_context(
                    reader.features(Request(path, sublayer, job.layer, job.mapping))
                )
                plan = make_plan("reading", features, job.mapping)
                for chunk in features.chunks:
                    sink.put(_prepare(job, plan, chunk))
                    job.progress("reading", job.tally.rows_read, features.total)
                job.reader_says(features)
    _merge(job, target)


def _prepare(job: Job, plan: Plan, chunk: Chunk) -> NDArray[np.uint8]:
    count = chunk.table.num_rows
    job.tally.rows_read += count
    sound = np.ones(count, np.bool_)
    values: dict[str, pa.Array] = {}
    for one in plan.bindings:
        found = convert(one.values(chunk.table), one.field, one.factor, job.tally.repaired)
        for reason, where in broken_rules(one.field, found):
            where &= sound
            job.tally.reject(reason, [str(n) for n in chunk.fids[where][:5]], int(where.sum()))
            sound &= ~where
        if one.field.default is not None:
            found = pc.fill_null(found, one.field.default)
        values[one.field.column] = found
    if "quality" not in values:
        missing = values["depth_m"].is_null() if "depth_m" in values else None
        words = pc.if_else(missing, "missing", "good") if missing is not None else "missing"
        values["quality"] = words if missing is not None else pa.repeat("missing", count)
    values.setdefault("depth_m", pa.nulls(count, pa.float64()))
    chosen = pa.array(np.flatnonzero(sound))
    return rows(
        [Column(name, kind, values[name].take(chosen)) for name, kind in _COLUMNS], len(chosen)
    )


def _merge(job: Job, target: Target) -> None:
    target.run(_FIND_POINTS, {"source": job.source})
    unknown = job.connection.execute(
        "SELECT point, count(*) FROM load_stage WHERE point_id IS NULL GROUP BY point ORDER BY 1"
    ).fetchall()
    job.tally.reject(
        "no waterlogging point is called so", [name for name, _ in unknown],
        sum(number for _, number in unknown),
    )  # fmt: skip
    staged = target.scalar("SELECT count(*) FROM load_stage WHERE point_id IS NOT NULL")
    different = target.scalar(
        "SELECT count(*) FROM (SELECT DISTINCT point_id, at FROM load_stage"
        " WHERE point_id IS NOT NULL) AS s"
    )
    if staged > different:
        job.tally.repaired["a reading that comes twice"] += staged - different
    for (month,) in job.connection.execute(
        "SELECT DISTINCT date_trunc('month', at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'"
        " FROM load_stage WHERE point_id IS NOT NULL"
    ).fetchall():
        job.connection.execute("SELECT twin.reading_month(%s)", [month])
    matched = target.scalar(_MATCHED)
    written = target.run(_MERGE)
    new = different - matched
    job.tally.loaded += new
    job.tally.updated += written - new
    job.tally.unchanged += matched - (written - new)
    target.run("DROP TABLE load_stage")
