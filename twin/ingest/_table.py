"""Features of a file into one table, a chunk at a time."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from twin.errors import InvalidInputError
from twin.ingest._attrs import to_json
from twin.ingest._bytes import Ragged
from twin.ingest._codes import CODES, representatives
from twin.ingest._copy import Column, rows, time_ordered_uuids
from twin.ingest._features import Chunk, Features, Request
from twin.ingest._heights import Heights
from twin.ingest._job import Job
from twin.ingest._links import FIELDS_WITHOUT_COLUMN, LINKS, NOTHING
from twin.ingest._place import MOST_PARTS, Placer, split_parts
from twin.ingest._plan import Plan, make_plan
from twin.ingest._rows import RowReader, constant, numbered
from twin.ingest._shapes import LINE, POINT, POLYGON, write_ewkb
from twin.ingest._target import Target
from twin.model import located_tables

_WRITTEN_APART = ("source_id", "cell_id")
_KINDS = {"POINT": POINT, "LINESTRING": LINE, "MULTIPOLYGON": POLYGON}


def features_into_tables(job: Job) -> None:
    """Load every file of a job into its one table."""
    table = located_tables()[job.layer]
    kind, with_z = _geometry_of(table)
    for path, sublayer, reader in job.files:
        assert reader.features is not None
        with ExitStack() as stack:
            request = Request(path, sublayer, job.layer, job.mapping)
            features = stack.enter_context(reader.features(request))
            plan = make_plan(job.layer, features, job.mapping)
            loader = TableLoader(job, features, plan, kind, with_z)
            loader.run()
            job.reader_says(features)


class Where(NamedTuple):
    """Where the rows of a chunk are."""

    geometry: Ragged
    x: NDArray[np.float64]
    """East of the point that stands for each, m."""
    y: NDArray[np.float64]


@dataclass
class TableLoader:
    """Loads one file into one table."""

    job: Job
    features: Features
    plan: Plan
    kind: int
    with_z: bool

    def __post_init__(self) -> None:
        """Work out the columns."""
        job = self.job
        self.reader = RowReader(job, self.features, self.plan)
        self.link = LINKS.get(job.layer, NOTHING)
        self.codes = job.codes  # now: during the COPY the connection is not free
        crs = job.frame_of(self.features)
        self.heights = Heights(job, crs)
        self.placer = Placer(
            job.frame,
            crs,
            job.datum,
            self.kind,
            job.tally,
            MOST_PARTS.get(job.layer, 1),
        )
        self.fields = [
            one
            for one in self.plan.bindings
            if one.field.column not in _WRITTEN_APART
            and one.field.column not in FIELDS_WITHOUT_COLUMN
        ]
        self.has_attrs = bool(self.plan.left)
        geometry = {POINT: "POINT", LINE: "LINESTRING", POLYGON: "MULTIPOLYGON"}[self.kind]
        geometry += "Z" if self.with_z else ""
        columns = [
            ("uid", "uuid"),
            ("source", "text"),
            ("source_id", "text"),
            ("load_id", "integer"),
            ("geom", f"geometry({geometry},{job.frame.srid})"),
            *CODES,
            *((one.field.column, one.field.type) for one in self.fields),
            *((("attrs", "jsonb"),) if self.has_attrs else ()),
        ]
        held = {name for name, _ in columns}
        more = [one for one in self.link.columns(self.plan) if one[0] not in held]
        self.columns = [*columns, *more]
        self.target = Target(
            job.connection,
            job.layer,
            self.columns,
            job.source,
            job.load_id,
            extra=self.link.extra,
            derived=self.link.derived,
        )

    def run(self) -> None:
        """Send the file's rows, and merge them if they were staged."""
        job, target = self.job, self.target
        staged = bool(self.link.derived or job.dry_run or target.holds_source())
        if staged:
            target.begin_staged()
        else:
            target.begin_direct(self.features.total)
        job.progress("reading", 0, self.features.total)
        before = job.made
        with target.copy(staged=staged) as sink:
            for chunk in self.features.chunks:
                prepared = self.prepare(chunk)
                if prepared is not None:
                    sink.put(prepared)
                job.progress("reading", job.tally.rows_read, self.features.total)
        if staged:
            job.progress("merging", 0, None)
            self.link.run(target, job)
            target.merge(job.tally)
            target.run("DROP TABLE load_stage")
        else:
            job.progress("indexing", 0, None)
            target.finish_direct()
            job.tally.loaded += job.made - before

    def prepare(self, chunk: Chunk) -> NDArray[np.uint8] | None:
        """Return a chunk's rows as bytes for COPY, or None if none can be loaded."""
        job, tally = self.job, self.job.tally
        count = chunk.table.num_rows
        tally.rows_read += count
        if chunk.wkb is None:
            raise InvalidInputError(
                f"{self.features.layer_name} has no geometry; {job.layer} needs one"
            )
        ids = self.reader.source_ids(chunk)
        placed = self.placer.place(chunk.wkb, ids)
        sound = placed.sound
        self.reader.refuse_names(chunk, ids, sound)
        values = self.reader.values(chunk, sound, ids)
        lifted = self.heights.lift(placed.shapes, placed.pick, values, with_z=self.with_z)
        placed = replace(placed, shapes=lifted)
        if self.has_attrs:
            values["attrs"] = to_json(chunk.table, self.plan.left)
        chosen, part = split_parts(placed, self.placer.most_parts)
        if not len(chosen):
            return None
        if part is not None:
            self._note_split(chosen, part)
        shapes = self.link.shape(placed, values, self.plan)
        geometry = write_ewkb(
            shapes,
            placed.pick[chosen],
            srid=job.frame.srid,
            multi=self.kind == POLYGON,
            with_z=self.with_z,
            part=part,
        )
        x, y = representatives(shapes, placed.pick[chosen], self.kind, part)
        return self._rows(ids, values, chosen, part, Where(geometry, x, y))

    def _note_split(self, chosen: NDArray[np.int64], part: NDArray[np.int64]) -> None:
        rows_cut = len(np.unique(chosen[(part >= 0) & _repeated(chosen)]))
        if rows_cut:
            self.job.tally.repaired["several parts in one feature, split"] += rows_cut

    def _rows(
        self,
        ids: pa.Array,
        values: dict[str, pa.Array],
        chosen: NDArray[np.int64],
        part: NDArray[np.int64] | None,
        where: Where,
    ) -> NDArray[np.uint8]:
        job, count = self.job, len(chosen)
        whole = count == len(ids) and part is None
        take = None if whole else pa.array(chosen)
        ids = ids if take is None else ids.take(take)
        if part is not None:
            ids = numbered(ids, np.where(_repeated(chosen), part, -1))
        uids = time_ordered_uuids(count, now_ms=job.started_ms, first=job.made)
        job.made += count
        ready = [
            Column("uid", "uuid", uids),
            Column("source", "text", constant(job.source, count)),
            Column("source_id", "text", ids),
            Column("load_id", "integer", pa.repeat(pa.scalar(job.load_id, pa.int32()), count)),
            Column("geom", "geometry", where.geometry),
            *self.codes.columns(
                where.x,
                where.y,
                said=_taken(values.get("cell_id"), take),
                own=_taken(values.get("code"), take) if job.layer == "grid_cell" else None,
            ),
        ]
        for name, kind in (*self.columns[len(ready) :], *self.link.extra):
            found = values[name]
            if part is not None and (name, kind) in self.link.extra:
                # The ends of a part are not the ends of the whole.
                found = pa.nulls(len(found), found.type)
            ready.append(Column(name, kind, _taken(found, take)))
        return rows(ready, count)


def _taken(values: pa.Array | None, take: pa.Array | None) -> pa.Array | None:
    return values if values is None or take is None else values.take(take)


def _repeated(chosen: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which entries of a sorted list stand in it more than once."""
    same = chosen[1:] == chosen[:-1]
    found: NDArray[np.bool_] = np.append(same, False)
    found[1:] |= same
    return found


def _geometry_of(table: Any) -> tuple[int, bool]:
    name = str(table.__table__.c.geom.type.geometry_type)
    return _KINDS[name.removesuffix("Z")], name.endswith("Z")
