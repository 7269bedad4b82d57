"""What a file says beyond the model, as JSON text, a whole chunk at a time."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
import pyarrow as pa
import pyarrow.compute as pc

READY = "@attrs"
"""A column of this name holds the JSON object already."""

_TO_ESCAPE = r'["\\\x00-\x1f\x7f]'


def to_json(table: pa.Table, columns: Sequence[str]) -> pa.Array:
    r"""Return the columns of each row as the text of a JSON object; null values are left out.

    >>> table = pa.table({"storeys": [3, None], "roof": ['flat "green"', None]})
    >>> to_json(table, ["storeys", "roof"]).to_pylist()
    ['{"storeys":3,"roof":"flat \\"green\\""}', '{}']
    """
    if READY in columns:
        return _whole(table.column(READY))
    members = [_member(name, _whole(table.column(name))) for name in columns]
    members = [member for member in members if member.null_count < len(member)]
    if not members:
        return pa.repeat(pa.scalar("{}"), table.num_rows)
    # Arrow drops rows whose members are all null, so one that never is stands at the end.
    there = pa.repeat(pa.scalar(""), table.num_rows)
    joined = pc.binary_join_element_wise(*members, there, ",", null_handling="skip")
    return pc.binary_join_element_wise("{", pc.ascii_rtrim(joined, ","), "}", "")


def _member(name: str, values: pa.Array) -> pa.Array:
    key = orjson.dumps(name).decode() + ":"
    return pc.binary_join_element_wise(key, _spelled(values), "")


def _whole(column: pa.ChunkedArray) -> pa.Array:
    if not isinstance(column, pa.ChunkedArray):
        return column
    whole = column.combine_chunks()
    return pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole


def _spelled(values: pa.Array) -> pa.Array:
    kind = values.type
    if pa.types.is_null(kind):
        return values.cast(pa.string())
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return values.cast(pa.string())
    if pa.types.is_floating(kind):
        sound = pc.if_else(pc.is_finite(values), values, pa.scalar(None, kind))
        return sound.cast(pa.string())
    if pa.types.is_temporal(kind) and not pa.types.is_duration(kind):
        values = values.cast(pa.string())
    elif not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return _one_by_one(values)
    strange = pc.match_substring_regex(values, _TO_ESCAPE)
    if pc.any(strange).as_py():
        plain = pc.if_else(strange, pa.scalar(None, values.type), values)
        return pc.coalesce(_quoted(plain), _one_by_one(pc.if_else(strange, values, None)))
    return _quoted(values)


def _quoted(values: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise('"', values.cast(pa.string()), '"', "")


def _one_by_one(values: pa.Array) -> pa.Array:
    """Return JSON of values of any kind; jsonb holds no NUL, so it is dropped."""
    return pa.array(
        [
            None
            if value is None
            else orjson.dumps(value, default=str).replace(b"\\u0000", b"").decode()
            for value in values.to_pylist()
        ],
        pa.string(),
    )
