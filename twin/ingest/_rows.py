"""The rows of a chunk: their names in the source, their fields, and which cannot be loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from twin.ingest._bytes import Ragged
from twin.ingest._cases import contradictions
from twin.ingest._digits import refused_codes
from twin.ingest._features import Chunk, Features
from twin.ingest._fields import Field
from twin.ingest._job import Job
from twin.ingest._plan import Plan
from twin.ingest._tally import Tally
from twin.ingest._values import convert
from twin.zones import is_cgcs2000


@dataclass(frozen=True)
class RowReader:
    """Reads the attributes of one file's chunks."""

    job: Job
    features: Features
    plan: Plan

    def source_ids(self, chunk: Chunk) -> pa.Array:
        """Return each row's name in the source, "" where it has none."""
        binding = self.plan.binding("source_id")
        if binding is None:
            numbers = pa.array(chunk.fids).cast(pa.string())
            prefix = self._prefix()
            return pc.binary_join_element_wise(prefix, numbers, "") if prefix else numbers
        values = convert(binding.values(chunk.table), binding.field, 1.0, self.job.tally.repaired)
        return pc.fill_null(values, "")

    def _prefix(self) -> str:
        several = len(self.job.files) > 1
        return (f"{self.features.layer_name}." if several else "") or self.features.prefix

    def refuse_names(self, chunk: Chunk, ids: pa.Array, sound: NDArray[np.bool_]) -> None:
        """Refuse rows without a name of their own."""
        if self.plan.binding("source_id") is not None:
            empty = pc.equal(ids, "").to_numpy(zero_copy_only=False)
            self.job.tally.refuse("no source id", empty, sound, ids)
            again = self.job.seen.repeats(ids)
            self.job.tally.refuse("the source id comes twice", again, sound, ids)

    def values(self, chunk: Chunk, sound: NDArray[np.bool_], ids: pa.Array) -> dict[str, pa.Array]:
        """Return the chunk's fields in the model's types, refusing rows that break its rules."""
        values: dict[str, pa.Array] = {}
        for one in self.plan.bindings:
            field = one.field
            if field.column == "source_id":
                continue
            found = convert(one.values(chunk.table), field, one.factor, self.job.tally.repaired)
            found = without_zeros(field, found, self.job.tally)
            broken = broken_rules(field, found)
            if is_cgcs2000(self.job.frame.srid):
                broken += refused_codes(self.job.layer, field.column, found)
            for reason, where in broken:
                self.job.tally.refuse(reason, where, sound, ids)
            if field.default is not None and found.null_count:
                found = pc.fill_null(found, pa.scalar(field.default).cast(found.type))
            values[field.column] = found
        for reason, where in contradictions(self.job.layer, values):
            self.job.tally.refuse(reason, where, sound, ids)
        return values


def numbered(ids: pa.Array, number: NDArray[np.int64]) -> pa.Array:
    """Return ids with ``#`` and a number from 1 after them, where the number is not -1.

    >>> numbered(pa.array(["a", "a", "b"]), np.array([0, 1, -1])).to_pylist()
    ['a#1', 'a#2', 'b']
    """
    spelled = pc.binary_join_element_wise(ids, pa.array(number + 1).cast(pa.string()), "#")
    return pc.if_else(pa.array(number < 0), ids, spelled)


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
