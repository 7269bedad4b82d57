"""Features of a file into one table, a chunk at a time."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from twin.errors import InvalidInputError
from twin.ingest._attrs import to_json
from twin.ingest._bytes import Ragged
from twin.ingest._copy import Column, rows, time_ordered_uuids
from twin.ingest._features import Chunk, Features, Request
from twin.ingest._fields import Field
from twin.ingest._job import Job
from twin.ingest._links import FIELDS_WITHOUT_COLUMN, LINKS, NOTHING
from twin.ingest._place import Placer, split_parts
from twin.ingest._plan import Plan, make_plan
from twin.ingest._shapes import LINE, POINT, POLYGON, write_ewkb
from twin.ingest._target import Target
from twin.ingest._values import convert
from twin.model import located_tables

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
        self.link = LINKS.get(job.layer, NOTHING)
        self.placer = Placer(
            job.frame, job.frame_of(self.features), job.datum, self.kind, job.tally
        )
        self.fields = [
            one
            for one in self.plan.bindings
            if one.field.column != "source_id" and one.field.column not in FIELDS_WITHOUT_COLUMN
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
        ids = self.source_ids(chunk)
        placed = self.placer.place(chunk.wkb, ids)
        sound = placed.sound
        self._refuse("the source id comes twice", self._twice(chunk, ids), sound, ids)
        self._refuse("no source id", ids == "", sound, ids)
        values = self._values(chunk, sound, ids)
        chosen, part = split_parts(placed, job.layer)
        if not len(chosen):
            return None
        if part is not None:
            self._note_split(ids, chosen, part)
        shapes = self.link.shape(placed, values, self.plan)
        geometry = write_ewkb(
            shapes,
            placed.pick[chosen],
            srid=job.frame.srid,
            multi=self.kind == POLYGON,
            with_z=self.with_z,
            part=part,
        )
        return self._rows(ids, values, chosen, part, geometry)

    def _note_split(
        self, ids: NDArray[np.object_], chosen: NDArray[np.int64], part: NDArray[np.int64]
    ) -> None:
        rows_cut = len(np.unique(chosen[(part >= 0) & _repeated(chosen)]))
        if rows_cut:
            self.job.tally.repaired["several parts in one feature, split"] += rows_cut

    def source_ids(self, chunk: Chunk) -> NDArray[np.object_]:
        """Return each row's name in the source, "" where it has none."""
        binding = self.plan.binding("source_id")
        if binding is None:
            names = np.char.add(self._prefix(), chunk.fids.astype(np.str_))
            return names.astype(object)
        values = convert(binding.values(chunk.table), binding.field, 1.0, self.job.tally.repaired)
        names = pc.fill_null(values, "").to_numpy(zero_copy_only=False)
        return np.asarray(names, dtype=object)

    def _prefix(self) -> str:
        several = len(self.job.files) > 1
        return (f"{self.features.layer_name}." if several else "") or self.features.prefix

    def _twice(self, chunk: Chunk, ids: NDArray[np.object_]) -> NDArray[np.bool_]:
        if self.plan.binding("source_id") is None:
            return np.zeros(len(ids), np.bool_)
        return self.job.seen.repeats(ids) & (ids != "")

    def _refuse(
        self,
        reason: str,
        where: NDArray[np.bool_],
        sound: NDArray[np.bool_],
        ids: NDArray[np.object_],
    ) -> None:
        where = where & sound
        if where.any():
            sound &= ~where
            self.job.tally.reject(reason, list(ids[where][:5]), int(where.sum()))

    def _values(
        self, chunk: Chunk, sound: NDArray[np.bool_], ids: NDArray[np.object_]
    ) -> dict[str, pa.Array]:
        """Return the chunk's fields in the model's types, refusing rows that break its rules."""
        values: dict[str, pa.Array] = {}
        for one in self.plan.bindings:
            field = one.field
            if field.column == "source_id":
                continue
            found = convert(one.values(chunk.table), field, one.factor, self.job.tally.repaired)
            for reason, where in broken_rules(field, found):
                self._refuse(reason, where, sound, ids)
            if field.default is not None and found.null_count:
                found = pc.fill_null(found, pa.scalar(field.default).cast(found.type))
            values[field.column] = found
        if self.has_attrs:
            values["attrs"] = to_json(chunk.table, self.plan.left)
        return values

    def _rows(
        self,
        ids: NDArray[np.object_],
        values: dict[str, pa.Array],
        chosen: NDArray[np.int64],
        part: NDArray[np.int64] | None,
        geometry: Ragged,
    ) -> NDArray[np.uint8]:
        job, count = self.job, len(chosen)
        if part is not None:
            ids = ids[chosen]
            cut = _repeated(chosen) & (part >= 0)
            ids[cut] = [f"{name}#{number + 1}" for name, number in zip(ids[cut], part[cut], strict=True)]
        else:
            ids = ids[chosen]
        uids = time_ordered_uuids(count, now_ms=job.started_ms, first=job.made)
        job.made += count
        take = None if count == len(values_length(values)) and part is None else pa.array(chosen)
        ready = [
            Column("uid", "uuid", uids),
            Column("source", "text", constant(job.source, count)),
            Column("source_id", "text", pa.array(ids, pa.string())),
            Column("load_id", "integer", pa.repeat(pa.scalar(job.load_id, pa.int32()), count)),
            Column("geom", "geometry", geometry),
        ]
        for name, kind in (*self.columns[5:], *self.link.extra):
            found = values[name]
            if part is not None and (name, kind) in self.link.extra:
                # The ends of a part are not the ends of the whole.
                found = pa.nulls(len(found), found.type)
            ready.append(Column(name, kind, found if take is None else found.take(take)))
        return rows(ready, count)


def values_length(values: dict[str, pa.Array]) -> range:
    """Return as many numbers as the columns have rows; none if there is no column."""
    return range(len(next(iter(values.values()))) if values else -1)


def constant(word: str, count: int) -> Ragged:
    """Return one word as many times as there are rows."""
    raw = np.frombuffer(word.encode(), np.uint8)
    return Ragged(np.tile(raw, count), np.arange(count + 1, dtype=np.int64) * len(raw))


def broken_rules(field: Field, values: pa.Array) -> list[tuple[str, NDArray[np.bool_]]]:
    """Return the rules of a field that some rows break, and which rows."""
    found: list[tuple[str, Any]] = []
    if field.required:
        found.append((f"{field.column} is empty", values.is_null()))
    if field.low is not None:
        below = pc.less_equal if field.above_low else pc.less
        found.append((f"{field.column} below {field.low:g}", below(values, field.low)))
    if field.high is not None:
        over = pc.greater_equal if field.below_high else pc.greater
        found.append((f"{field.column} above {field.high:g}", over(values, field.high)))
    masks = [
        (reason, pc.fill_null(mask, False).to_numpy(zero_copy_only=False)) for reason, mask in found
    ]
    return [(reason, mask) for reason, mask in masks if mask.any()]


def _repeated(chosen: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which entries of a sorted list stand in it more than once."""
    same = chosen[1:] == chosen[:-1]
    return np.concatenate([[False], same]) | np.concatenate([same, [False]])


def _geometry_of(table: Any) -> tuple[int, bool]:
    name = str(table.__table__.c.geom.type.geometry_type)
    return _KINDS[name.removesuffix("Z")], name.endswith("Z")
