"""Rows in the binary form of PostgreSQL's COPY, a whole chunk at a time.

The format is documented under "Binary Format" of the COPY command: a signature, then for each row
the number of fields and each field's length and bytes, all big-endian; -1 is NULL.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from twin.ingest import _kernels as kernels
from twin.ingest._bytes import Ragged

SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"

_BIG_ENDIAN: dict[str, Any] = {
    "integer": ">i4",
    "bigint": ">i8",
    "double precision": ">f8",
    "boolean": "u1",
    "timestamp with time zone": ">i8",
}
_POSTGRES_EPOCH_US = 946_684_800_000_000


@dataclass(frozen=True)
class Column:
    """One column of a chunk, ready for COPY."""

    name: str
    type: str
    """PostgreSQL's name of the type."""
    values: pa.Array | NDArray[Any] | Ragged
    """Arrow array; or raw bytes, one string a row or shape (n, width), without NULL."""


def rows(columns: Sequence[Column], count: int) -> NDArray[np.uint8]:
    """Return the rows of a chunk as bytes for COPY ... (FORMAT binary).

    Raises
    ------
    ValueError
        If a column has another number of rows.
    """
    fields = [_field(column, count) for column in columns]
    length = np.full(count, 2, np.int64)
    for values, missing, version in fields:
        if isinstance(values, Ragged):
            size = values.offsets[1:] - values.offsets[:-1] + (1 if version else 0)
        else:
            size = np.full(count, values.shape[1], np.int64)
        length += 4 + np.where(missing, 0, size)
    cursor = np.zeros(count, np.int64)
    np.cumsum(length[:-1], out=cursor[1:])
    out = np.empty(int(length.sum()), np.uint8)
    out[cursor], out[cursor + 1] = len(columns) >> 8, len(columns) & 255
    cursor += 2
    for values, missing, version in fields:
        if isinstance(values, Ragged):
            kernels.put_varying(out, cursor, values.data, values.offsets, missing, version)
        else:
            kernels.put_fixed(out, cursor, values, missing)
    return out


def time_ordered_uuids(
    count: int, *, now_ms: int | None = None, first: int = 0
) -> NDArray[np.uint8]:
    """Return UUIDs of version 7 in rising order, shape (count, 16).

    `first` is where the counter begins, for the later chunks of one load at one `now_ms`.
    The 48 bits of the clock are followed by a counter of 26 bits, so that a chunk's identifiers
    rise and land side by side in an index, and by 48 random bits (RFC 9562, 6.2, method 1).

    >>> import uuid
    >>> made = [uuid.UUID(bytes=bytes(row)) for row in time_ordered_uuids(3)]
    >>> made == sorted(made) and {one.version for one in made} == {7}
    True
    """
    out = np.frombuffer(secrets.token_bytes(16 * count), np.uint8).reshape(count, 16).copy()
    stamp = np.array([now_ms or time.time_ns() // 1_000_000], ">u8").view(np.uint8)[2:]
    out[:, :6] = stamp
    # 12 bits of the counter stand beside the version, 14 beside the variant.
    counter = np.arange(first, first + count, dtype=np.uint32)
    out[:, 6] = 0x70 | (counter >> 22 & 0x0F)
    out[:, 7] = counter >> 14 & 0xFF
    out[:, 8] = 0x80 | (counter >> 8 & 0x3F)
    out[:, 9] = counter & 0xFF
    return out


def _field(column: Column, count: int) -> tuple[Any, NDArray[np.bool_], int]:
    """Return the bytes of a column, which rows are NULL, and jsonb's version or 0."""
    values = column.values
    version = 1 if column.type == "jsonb" else 0
    if isinstance(values, (Ragged, np.ndarray)):
        held = len(values.offsets) - 1 if isinstance(values, Ragged) else len(values)
        missing = np.zeros(count, np.bool_)
    else:
        held = len(values)
        missing = values.is_null().to_numpy(zero_copy_only=False)
        values = Ragged.of(values) if _varying(values.type) else _fixed(values, column.type)
    if held != count:
        raise ValueError(f"column {column.name} has {held} rows instead of {count}")
    return values, missing, version


def _varying(kind: pa.DataType) -> bool:
    return any(
        test(kind)
        for test in (
            pa.types.is_string,
            pa.types.is_large_string,
            pa.types.is_binary,
            pa.types.is_large_binary,
        )
    )


def _fixed(values: pa.Array, kind: str) -> NDArray[np.uint8]:
    if kind == "timestamp with time zone":
        micros = pc.fill_null(values.cast(pa.timestamp("us", "UTC")).cast(pa.int64()), 0)
        plain = micros.to_numpy(zero_copy_only=False) - _POSTGRES_EPOCH_US
    else:
        plain = pc.fill_null(values, pa.scalar(0).cast(values.type)).to_numpy(zero_copy_only=False)
    raw = np.ascontiguousarray(plain.astype(_BIG_ENDIAN[kind]))
    return raw.view(np.uint8).reshape(len(raw), -1)
