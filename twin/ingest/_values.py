"""Values of files in the model's types and units; what is not understood is counted, never lost."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from twin.ingest import _words as words
from twin.ingest._fields import Field
from twin.units import METRES_PER_FOOT

_ARROW = {
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "double precision": pa.float64(),
    "boolean": pa.bool_(),
    "text": pa.string(),
    "timestamp with time zone": pa.timestamp("us", "UTC"),
}
_NUMBER = re.compile(r"\s*(?:dn|de|φ|ø|~|约)?\s*([-+]?\d+(?:[.,]\d+)?)\s*([^\d\s].*?)?\s*", re.I)
_FEET = re.compile(r"\s*(\d+(?:\.\d+)?)\s*'\s*(?:(\d+(?:\.\d+)?)\s*(?:''|\"))?\s*")
_YEAR = re.compile(r"\s*(-?\d{4})(?:\D.*)?\s*")
_UNITS = {
    "m": 1.0, "米": 1.0, "metres": 1.0, "meters": 1.0, "mm": 1.0, "毫米": 1.0, "层": 1.0,
    "f": 1.0, "人": 1.0, "ft": METRES_PER_FOOT, "feet": METRES_PER_FOOT, "kpa": 1.0, "mpa": 1.0,
    "kv": 1.0, "床": 1.0, "张": 1.0,
}  # fmt: skip


def convert(values: pa.Array, field: Field, factor: float, repaired: Counter[str]) -> pa.Array:
    """Return a column of a file in a field's type and unit.

    Parameters
    ----------
    values : pyarrow.Array
        The column as the file has it.
    field : Field
        What it is to be.
    factor : float
        From the column's unit into the field's.
    repaired : Counter
        Told of values that could not be understood and became null.
    """
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_finite(values), values, pa.scalar(None, values.type))
    if field.type == "text":
        return _text(values, field, repaired)
    target = _ARROW[field.type]
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        return _parsed(values, field, factor, repaired)
    try:
        return _plain(values, field, factor, target)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return _parsed(spelled(values), field, factor, repaired)


def _plain(values: pa.Array, field: Field, factor: float, target: pa.DataType) -> pa.Array:
    if field.column == "built_year" and pa.types.is_temporal(values.type):
        return pc.year(values).cast(target)
    if field.type == "double precision":
        numbers = values.cast(target)
        return numbers if factor == 1.0 else pc.multiply(numbers, factor)
    if field.type == "integer" and pa.types.is_floating(values.type):
        return pc.round(values).cast(target)
    return values.cast(target)


def _text(values: pa.Array, field: Field, repaired: Counter[str]) -> pa.Array:
    read = spelled(values)
    if not field.words and not field.closed:
        return _clean(read)

    own = set(field.closed) | set(field.words.values())

    def meaning(word: str) -> str | None:
        folded = word.strip().casefold()
        if folded in field.words:
            return field.words[folded] or None
        if folded in own:
            return folded
        if field.closed:
            raise ValueError(word)
        return word.strip()

    return _each(read, meaning, pa.string(), f"{field.column}: word not known", repaired)


def _parsed(values: pa.Array, field: Field, factor: float, repaired: Counter[str]) -> pa.Array:
    if field.type == "boolean":
        _count_spellings(values, field.column, repaired)
        return _each(values, _truth, pa.bool_(), f"{field.column}: neither yes nor no", repaired)
    if field.type == "timestamp with time zone":
        return _times(values, field, repaired)
    reading: Callable[[str], Any]
    if field.column == "built_year":
        reading = _year
    elif field.type in ("integer", "bigint"):
        reading = _whole
    else:

        def reading(word: str) -> float | None:
            number = parse_number(word)
            return None if number is None else number * factor

    return _each(values, reading, _ARROW[field.type], f"{field.column}: not a number", repaired)


def _count_spellings(values: pa.Array, column: str, repaired: Counter[str]) -> None:
    """Count the ways in which yes and no are spelled besides the commonest, and what is unsaid."""
    usual: dict[bool, tuple[int, str]] = {}
    met: list[tuple[bool, int, str]] = []
    for one in pc.value_counts(values).to_pylist():
        word, number = one["values"], one["counts"]
        try:
            truth = _truth(word) if word and word.strip() else None
        except ValueError:
            continue
        if truth is None:
            repaired[f"{column}: nothing said, unknown"] += number
        else:
            met.append((truth, number, word))
            usual[truth] = max(usual.get(truth, (0, "")), (number, word))
    for truth, number, word in met:
        if usual[truth][1] != word:
            repaired[f"{column}: {word!r} is {'yes' if truth else 'no'}"] += number


def _times(values: pa.Array, field: Field, repaired: Counter[str]) -> pa.Array:
    from pandas import to_datetime  # type: ignore[import-untyped]

    parsed = to_datetime(values.to_pandas(), utc=True, errors="coerce", format="ISO8601")
    out = pa.Array.from_pandas(parsed, type=pa.timestamp("us", "UTC"))
    lost = pc.sum(pc.and_(out.is_null(), values.is_valid())).as_py() or 0
    if lost:
        repaired[f"{field.column}: not a time"] += lost
    return out


def _each(
    values: pa.Array,
    reading: Callable[[str], Any],
    target: pa.DataType,
    reason: str,
    repaired: Counter[str],
) -> pa.Array:
    """Read each different word once."""
    coded = values.dictionary_encode()
    known: list[Any] = []
    lost: list[bool] = []
    for word in coded.dictionary.to_pylist():
        try:
            known.append(None if word is None or not word.strip() else reading(word))
            lost.append(False)
        except (ValueError, OverflowError):
            known.append(None)
            lost.append(True)
    if any(lost):
        repaired[reason] += pc.sum(pa.array(lost).take(coded.indices)).as_py() or 0
    return pa.array(known, target).take(coded.indices)


def parse_number(word: str) -> float | None:
    """Return the number in a text, in metres if it says feet.

    >>> parse_number("12,5 m"), parse_number("DN300"), round(parse_number("40 ft"), 3)
    (12.5, 300.0, 12.192)
    """
    feet = _FEET.fullmatch(word)
    if feet:
        return (float(feet[1]) + float(feet[2] or 0) / 12) * METRES_PER_FOOT
    found = _NUMBER.fullmatch(word)
    if not found:
        raise ValueError(word)
    unit = (found[2] or "m").strip().casefold()
    if unit not in _UNITS:
        raise ValueError(word)
    number = float(found[1].replace(",", ".")) * _UNITS[unit]
    return number if math.isfinite(number) else None


def _whole(word: str) -> int | None:
    number = parse_number(word)
    if number is None or abs(number) > 2**31 - 1:
        raise ValueError(word)
    return round(number)


def _year(word: str) -> int:
    found = _YEAR.fullmatch(word)
    if not found:
        raise ValueError(word)
    return int(found[1])


def _truth(word: str) -> bool:
    folded = word.strip().casefold()
    if folded in words.TRUE:
        return True
    if folded in words.FALSE:
        return False
    raise ValueError(word)


def spelled(values: pa.Array) -> pa.Array:
    """Return a column as text; whole numbers without a decimal point."""
    if pa.types.is_string(values.type):
        return values
    if pa.types.is_null(values.type):
        return values.cast(pa.string())
    if pa.types.is_floating(values.type):
        whole = pc.and_(pc.equal(values, pc.round(values)), pc.less(pc.abs(values), 2.0**53))
        if pc.all(pc.fill_null(whole, True)).as_py():
            values = values.cast(pa.int64())
    return values.cast(pa.string())


def _clean(values: pa.Array) -> pa.Array:
    trimmed = pc.utf8_trim_whitespace(values)
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)
