"""The rows of a chunk: their names in the source, their fields, and which cannot be loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from twin.ingest._bytes import Ragged
from twin.ingest._features import Chunk, Features
from twin.ingest._fields import Field
from twin.ingest._job import Job
from twin.ingest._plan import Plan
from twin.ingest._report import Tally
from twin.ingest._values import convert


@dataclass(frozen=True)
class RowReader:
    """Reads the attributes of one file's chunks."""

    job: Job
    features: Features
    plan: Plan

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

    def refuse_names(
        self, chunk: Chunk, ids: NDArray[np.object_], sound: NDArray[np.bool_]
    ) -> None:
        """Refuse rows without a name of their own."""
        if self.plan.binding("source_id") is not None:
            again = self.job.seen.repeats(ids) & (ids != "")
            self.refuse("the source id comes twice", again, sound, ids)
            self.refuse("no source id", ids == "", sound, ids)

    def refuse(
        self,
        reason: str,
        where: NDArray[np.bool_],
        sound: NDArray[np.bool_],
        ids: NDArray[np.object_],
    ) -> None:
        """Count rows as refused, and mark them as not sound."""
        where = where & sound
        if where.any():
            sound &= ~where
            self.job.tally.reject(reason, list(ids[where][:5]), int(where.sum()))

    def values(
        self, chunk: Chunk, sound: NDArray[np.bool_], ids: NDArray[np.object_]
    ) -> dict[str, pa.Array]:
        """Return the chunk's fields in the model's types, refusing rows that break its rules."""
        values: dict[str, pa.Array] = {}
        for one in self.plan.bindings:
            field = one.field
            if field.column == "source_id":
                continue
            found = convert(one.values(chunk.table), field, one.factor, self.job.tally.repaired)
            found = without_zeros(field, found, self.job.tally)
            for reason, where in broken_rules(field, found):
                self.refuse(reason, where, sound, ids)
            if field.default is not None and found.null_count:
                found = pc.fill_null(found, pa.scalar(field.default).cast(found.type))
            values[field.column] = found
        return values


def constant(word: str, count: int) -> Ragged:
    """Return one word as many times as there are rows."""
    raw = np.frombuffer(word.encode(), np.uint8)
    return Ragged(np.tile(raw, count), np.arange(count + 1, dtype=np.int64) * len(raw))


def without_zeros(field: Field, values: pa.Array, tally: Tally) -> pa.Array:
    """Return a field's values, with 0 read as unknown where it cannot be a measure."""
    if not field.above_low or field.low != 0:
        return values
    zero = pc.fill_null(pc.equal(values, 0), False)
    number = pc.sum(zero).as_py() or 0
    if not number:
        return values
    tally.repaired[f"{field.column} of 0: unknown"] += number
    return pc.if_else(zero, pa.scalar(None, values.type), values)


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
