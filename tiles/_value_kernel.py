"""Kernels for the dictionary of attribute values: each different value once, as a tile holds it.

A value is kept as the bytes of the protobuf message ``Value``, so that a tile copies it.
"""

# In compiled code the integers of Python and of numpy are the same.
# mypy: disable-error-code="return-value,arg-type,assignment,no-any-return"

import numpy as np
from numpy.typing import NDArray

from tiles._jit import inner, kernel
from tiles._wkb_kernel import big16, big32, big64

TEXT, BOOLEAN, INTEGER, FLOAT, DOUBLE, JSON = 0, 1, 2, 3, 4, 5
JSON_MARK = 0xFF
"""What a JSON value begins with until it is taken apart; no message of the format does."""
EMPTY = -1

Bytes = NDArray[np.uint8]
Numbers = NDArray[np.int32]


@inner
def varint(out: Bytes, at: int, value: np.uint64) -> int:
    """Write an unsigned number in base 128; return where the next byte goes."""
    while value >= np.uint64(128):
        out[at] = np.uint8(value & np.uint64(127)) | np.uint8(128)
        value >>= np.uint64(7)
        at += 1
    out[at] = np.uint8(value)
    return at + 1


@kernel
def _message(data: Bytes, at: int, length: int, kind: int, out: Bytes) -> int:
    """Write one attribute as a ``Value``; return its length."""
    if kind == BOOLEAN:
        out[0] = 0x38
        out[1] = data[at]
        return 2
    if kind == INTEGER:
        if length == 8:
            number = big64(data, at)
        else:
            number = big32(data, at) if length == 4 else big16(data, at)
        # As PostGIS does: what is not negative is unsigned.
        if number >= 0:
            out[0] = 0x28
            return varint(out, 1, np.uint64(number))
        out[0] = 0x30
        return varint(out, 1, (np.uint64(-(number + 1)) << np.uint64(1)) | np.uint64(1))
    if kind in (FLOAT, DOUBLE):
        out[0] = 0x15 if kind == FLOAT else 0x19
        for i in range(length):
            out[1 + i] = data[at + length - 1 - i]
        return 1 + length
    if kind == JSON:
        out[0] = JSON_MARK
        for i in range(1, length):
            out[i] = data[at + i]
        return length
    out[0] = 0x0A
    begin = varint(out, 1, np.uint64(length))
    for i in range(length):
        out[begin + i] = data[at + i]
    return begin + length


@kernel
def _hash(data: Bytes, begin: int, end: int) -> np.uint64:
    value = np.uint64(14695981039346656037)
    for i in range(begin, end):
        value = (value ^ np.uint64(data[i])) * np.uint64(1099511628211)
    return value ^ (value >> np.uint64(29))


@kernel
def find(
    table: NDArray[np.int32],
    starts: NDArray[np.int64],
    data: Bytes,
    wanted: Bytes,
    length: int,
) -> int:
    """Return the slot of a hash table where a value is, or where it would go."""
    mask = len(table) - 1
    slot = np.int64(_hash(wanted, 0, length) & np.uint64(mask))
    while True:
        number = table[slot]
        if number == EMPTY:
            return slot
        begin = starts[number]
        if starts[number + 1] - begin == length:
            same = True
            for i in range(length):
                if data[begin + i] != wanted[i]:
                    same = False
                    break
            if same:
                return slot
        slot = (slot + 1) & mask


@kernel
def table_of(starts: NDArray[np.int64], data: Bytes, count: int, size: int) -> NDArray[np.int32]:
    """Return the hash table of some values; ``size`` is a power of two."""
    table = np.full(size, EMPTY, np.int32)
    mask = np.uint64(size - 1)
    for number in range(count):
        slot = np.int64(_hash(data, starts[number], starts[number + 1]) & mask)
        while table[slot] != EMPTY:
            slot = (slot + 1) & np.int64(mask)
        table[slot] = number
    return table


@kernel
def longest(data: Bytes, values_at: NDArray[np.int64], fields: int) -> tuple[int, int]:
    """Return the length of the longest attribute, and how many there are that are not null."""
    most, count = 0, 0
    for row in range(len(values_at)):
        at = values_at[row]
        for _ in range(fields):
            length = big32(data, at)
            at += 4 + max(length, 0)
            most = max(most, length)
            count += 1 if length >= 0 else 0
    return most, count


@kernel
def _add(
    starts: NDArray[np.int64], values: Bytes, count: int, message: Bytes, size: int
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Write a value behind the others, in longer arrays if need be."""
    begin = starts[count]
    if begin + size > len(values):
        grown = np.empty(2 * (begin + size), np.uint8)
        grown[:begin] = values[:begin]
        values = grown
    values[begin : begin + size] = message[:size]
    if count + 2 > len(starts):
        longer = np.empty(2 * len(starts), np.int64)
        longer[: count + 1] = starts[: count + 1]
        starts = longer
    starts[count + 1] = begin + size
    return starts, values


@kernel
def number_values(
    data: Bytes,
    values_at: NDArray[np.int64],
    kinds: NDArray[np.int64],
    most: int,
    total: int,
) -> tuple[Numbers, NDArray[np.uint16], Numbers, NDArray[np.int64], Bytes, Numbers]:
    """Give the different attribute values numbers in the order of the rows.

    Parameters
    ----------
    data : ndarray of uint8
        The stream of rows.
    values_at : ndarray of int, shape (n,)
        Where each row's attributes begin, in the order the numbers are given in.
    kinds : ndarray of int, shape (k,)
        The kind of each field.
    most, total : int
        What `longest` found.

    Returns
    -------
    tag_start, tag_key, tag_value : ndarray
        Row i has the tags ``tag_start[i]`` to ``tag_start[i + 1]``, each a field and a value.
    starts, values : ndarray
        Value v is the bytes ``starts[v]`` to ``starts[v + 1]``.
    table : ndarray
        The values' hash table.
    """
    tag_start = np.empty(len(values_at) + 1, np.int32)
    tag_key, tag_value = np.empty(total, np.uint16), np.empty(total, np.int32)
    starts, values = np.zeros(1025, np.int64), np.empty(1 << 16, np.uint8)
    table = np.full(4096, EMPTY, np.int32)
    message = np.empty(most + 16, np.uint8)
    tags, count = 0, 0
    for row in range(len(values_at)):
        tag_start[row] = tags
        at = values_at[row]
        for field in range(len(kinds)):
            length = big32(data, at)
            at += 4
            if length < 0:
                continue
            size = _message(data, at, length, kinds[field], message)
            at += length
            slot = find(table, starts, values, message, size)
            if table[slot] == EMPTY:
                starts, values = _add(starts, values, count, message, size)
                table[slot] = count
                count += 1
                if 2 * count > len(table):
                    table = table_of(starts, values, count, 4 * len(table))
                tag_value[tags] = count - 1
            else:
                tag_value[tags] = table[slot]
            tag_key[tags] = field
            tags += 1
    tag_start[len(values_at)] = tags
    return (
        tag_start,
        tag_key,
        tag_value,
        starts[: count + 1].copy(),
        values[: starts[count]].copy(),
        table,
    )
