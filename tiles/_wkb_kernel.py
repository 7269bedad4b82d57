"""Kernels that read PostgreSQL's binary COPY: rows, and the geometry in them.

A row is: number, zoom levels, geometry (EWKB), attributes.  Everything is big-endian but the
geometry, which says for itself.
"""

# In compiled code the integers of Python and of numpy are the same.
# mypy: disable-error-code="return-value,arg-type,assignment,no-any-return"

import numpy as np
from numpy.typing import NDArray

from tiles._jit import kernel

HEAD = b"PGCOPY\n\xff\r\n\0"
FINE, TORN, UNKNOWN_SHAPE = 0, 1, 2
POINT, LINE, POLYGON = 1, 2, 3
COLLECTED = 1 << 30
"""A bit beside those of the zoom levels: the geometry is a collection."""
_LEADING_FIELDS = 3

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]


@kernel
def big16(data: Bytes, at: int) -> int:
    """Return the signed 16-bit number that begins at a byte."""
    value = (np.int64(data[at]) << 8) | np.int64(data[at + 1])
    return value - 0x10000 if value >= 0x8000 else value


@kernel
def big32(data: Bytes, at: int) -> int:
    """Return the signed 32-bit number that begins at a byte."""
    value = np.int64(0)
    for i in range(4):
        value = (value << 8) | np.int64(data[at + i])
    return value - 0x100000000 if value >= 0x80000000 else value


@kernel
def big64(data: Bytes, at: int) -> int:
    """Return the signed 64-bit number that begins at a byte."""
    value = np.int64(0)
    for i in range(8):
        value = (value << 8) | np.int64(data[at + i])
    return value


@kernel
def _count(data: Bytes, at: int, little: bool) -> int:
    """Return the unsigned 32-bit number of a geometry that begins at a byte."""
    value = np.int64(0)
    for i in range(4):
        value = (value << 8) | np.int64(data[at + 3 - i if little else at + i])
    return value


@kernel
def _number(data: Bytes, at: int, little: bool, word: NDArray[np.uint8]) -> float:
    """Return the 64-bit float of a geometry that begins at a byte."""
    for i in range(8):
        word[i] = data[at + i if little else at + 7 - i]
    return word.view(np.float64)[0]


@kernel
def _head(data: Bytes, at: int) -> tuple[int, bool, int, int]:
    """Return a geometry's type, byte order, bytes a position, and where its content begins."""
    little = data[at] == 1
    word = _count(data, at + 1, little)
    dimensions = 2
    if word & 0x80000000:
        dimensions += 1
    if word & 0x40000000:
        dimensions += 1
    content = at + 5
    if word & 0x20000000:
        content += 4
    return word & 0xFF, little, dimensions * 8, content


@kernel
def _kind(data: Bytes, at: int, end: int) -> int:
    """Return the highest dimension in a geometry as 1, 2, 3; 0 for none, -1 for what is unknown."""
    kind = 0
    while at < end:
        code, little, width, at = _head(data, at)
        if code < 1 or code > 7:
            return -1
        if code <= 3:
            kind = max(kind, code)
        if code == 1:
            at += width
        elif code == 2:
            at += 4 + _count(data, at, little) * width
        elif code == 3:
            rings = _count(data, at, little)
            at += 4
            for _ in range(rings):
                at += 4 + _count(data, at, little) * width
        else:
            at += 4
    return kind


@kernel
def _same_place(data: Bytes, a: int, b: int) -> bool:
    """Return whether the same x and y are written at two positions."""
    same = True
    for i in range(16):
        same = same and data[a + i] == data[b + i]
    return same


@kernel
def _shape(
    data: Bytes,
    at: int,
    end: int,
    kind: int,
    rings: int,
    places: int,
    write: bool,
    starts: NDArray[np.int32],
    holes: NDArray[np.uint8],
    x: Floats,
    y: Floats,
) -> tuple[int, int]:
    """Append a geometry's rings and places; return how many there are now.

    Only the parts of the geometry's highest dimension are taken.  All points of a feature are one
    ring; a ring of a polygon is kept without its last place, which is its first.
    """
    word = np.empty(8, np.uint8)
    first = rings
    while at < end:
        code, little, width, at = _head(data, at)
        if code > 3:
            at += 4
            continue
        inner = 1 if code != 3 else _count(data, at, little)
        at += 4 if code == 3 else 0
        for ring in range(inner):
            if code == 1:
                count = 1
            else:
                count = _count(data, at, little)
                at += 4
            after = at + count * width
            empty = count == 0 or (code == 1 and np.isnan(_number(data, at, little, word)))
            if code != kind or empty:
                at = after
                continue
            if code == 3 and count > 1 and _same_place(data, at, after - width):
                count -= 1
            if code != 1 or rings == first:
                if write:
                    starts[rings] = places
                    holes[rings] = 1 if ring > 0 else 0
                rings += 1
            if write:
                for i in range(count):
                    x[places + i] = _number(data, at + i * width, little, word)
                    y[places + i] = _number(data, at + i * width + 8, little, word)
            places += count
            at = after
    return rings, places


@kernel
def measure(data: Bytes, begin: int, fields: int) -> tuple[int, int, int, int]:
    """Return how many rows, rings and places a stream of rows holds, and what is wrong with it.

    Parameters
    ----------
    data : ndarray of uint8
        The stream.
    begin : int
        Where its first row begins.
    fields : int
        How many fields a row has.
    """
    no_starts, no_holes = np.empty(0, np.int32), np.empty(0, np.uint8)
    no_x, no_y = np.empty(0, np.float64), np.empty(0, np.float64)
    rows, rings, places, at, size = 0, 0, 0, begin, len(data)
    while True:
        if at + 2 > size:
            return rows, rings, places, TORN
        count = big16(data, at)
        at += 2
        if count == -1:
            return rows, rings, places, FINE if at == size else TORN
        if count != fields:
            return rows, rings, places, TORN
        for field in range(fields):
            if at + 4 > size:
                return rows, rings, places, TORN
            length = big32(data, at)
            at += 4
            if length > 0 and at + length > size:
                return rows, rings, places, TORN
            if field == 2 and length > 0:
                kind = _kind(data, at, at + length)
                if kind < 0:
                    return rows, rings, places, UNKNOWN_SHAPE
                rings, places = _shape(
                    data, at, at + length, kind, rings, places, False,
                    no_starts, no_holes, no_x, no_y,
                )  # fmt: skip
            at += max(length, 0)
        rows += 1


@kernel
def read_rows(
    data: Bytes,
    begin: int,
    fields: int,
    ids: NDArray[np.int64],
    zooms: NDArray[np.int32],
    kinds: NDArray[np.uint8],
    ring_start: NDArray[np.int32],
    place_start: NDArray[np.int32],
    holes: NDArray[np.uint8],
    x: Floats,
    y: Floats,
    values_at: NDArray[np.int64],
) -> None:
    """Take a measured stream apart; ``values_at`` is where each row's first attribute begins."""
    rings, places, at = 0, 0, begin
    for row in range(len(ids)):
        ring_start[row] = rings
        at += 2
        for field in range(_LEADING_FIELDS):
            length = big32(data, at)
            at += 4
            if field == 0:
                ids[row] = big64(data, at)
            elif field == 1:
                zooms[row] = big32(data, at)
            elif length > 0:
                kind = _kind(data, at, at + length)
                kinds[row] = kind
                if _head(data, at)[0] == 7:
                    zooms[row] |= COLLECTED
                rings, places = _shape(
                    data, at, at + length, kind, rings, places, True,
                    place_start, holes, x, y,
                )  # fmt: skip
            at += max(length, 0)
        values_at[row] = at
        for _ in range(fields - _LEADING_FIELDS):
            at += 4 + max(big32(data, at), 0)
    ring_start[len(ids)] = rings
    place_start[rings] = places
