"""Rows of a binary COPY as columns in the order they came in."""

import json
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tiles._value_kernel import JSON_MARK, longest, number_values
from tiles._wkb_kernel import FINE, HEAD, UNKNOWN_SHAPE, measure, read_rows
from twin.errors import UnavailableError

_FLOAT_EPSILON = 2.0**-23


class Rows(NamedTuple):
    """Features as they came: numbers, zoom levels, kinds, rings, places in the city's frame."""

    ids: NDArray[np.int64]
    zooms: NDArray[np.int32]
    kinds: NDArray[np.uint8]
    ring_start: NDArray[np.int32]
    place_start: NDArray[np.int32]
    holes: NDArray[np.uint8]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    values_at: NDArray[np.int64]


class Tags(NamedTuple):
    """Attributes by number, and what the numbers mean; see `number_values`."""

    start: NDArray[np.int32]
    key: NDArray[np.uint16]
    value: NDArray[np.int32]
    starts: NDArray[np.int64]
    data: NDArray[np.uint8]
    names: tuple[str, ...]


def read(data: NDArray[np.uint8], fields: int) -> Rows:
    """Take a COPY stream apart.

    Parameters
    ----------
    data : ndarray of uint8
        The whole stream, head included.
    fields : int
        How many attributes a row has.

    Raises
    ------
    UnavailableError
        If the stream is cut short or no such stream, or a geometry is of a type that is not drawn.
    """
    begin = len(HEAD) + 8
    if len(data) < begin or data[: len(HEAD)].tobytes() != HEAD:
        raise UnavailableError("the database did not answer with a binary COPY")
    begin += int.from_bytes(data[begin - 4 : begin].tobytes(), "big")
    count, rings, places, state = measure(data, begin, fields + 3)
    if state == UNKNOWN_SHAPE:
        raise UnavailableError("a geometry is a curve or a surface; columns hold none of them")
    if state != FINE:
        raise UnavailableError("the binary COPY was cut short")
    if max(places, rings) >= 2**31:
        raise UnavailableError(f"{places} places are more than one layer's columns hold")
    rows = Rows(
        np.empty(count, np.int64),
        np.empty(count, np.int32),
        np.zeros(count, np.uint8),
        np.empty(count + 1, np.int32),
        np.empty(rings + 1, np.int32),
        np.empty(rings, np.uint8),
        np.empty(places, np.float64),
        np.empty(places, np.float64),
        np.empty(count, np.int64),
    )
    read_rows(data, begin, fields + 3, *rows)
    return rows


def number(
    data: NDArray[np.uint8],
    values_at: NDArray[np.int64],
    kinds: Sequence[int],
    names: tuple[str, ...],
) -> Tags:
    """Return the attributes of rows, each different value once, JSON objects taken apart."""
    most, total = longest(data, values_at, len(kinds))
    start, key, value, starts, values, _ = number_values(
        data, values_at, np.array(kinds, np.int64), most, total
    )
    marked = np.flatnonzero(values[starts[:-1]] == JSON_MARK).tolist()
    tags = Tags(start, key, value, starts, values, names)
    return _apart(tags, set(marked)) if marked else tags


def _apart(tags: Tags, objects: set[int]) -> Tags:
    """Return tags with each JSON object replaced by its members, as PostGIS does it."""
    names = list(tags.names)
    messages = [
        tags.data[begin:end].tobytes()
        for begin, end in zip(tags.starts[:-1].tolist(), tags.starts[1:].tolist(), strict=True)
    ]
    known: dict[bytes, int] = {}
    start, key, value = [0], [], []
    members = {each: _members(messages[each][1:], names) for each in objects}
    for row in range(len(tags.start) - 1):
        # A member called like a field comes after it and hides it, as in PostGIS's tiles.
        told: dict[int, bytes] = {}
        for tag in range(tags.start[row], tags.start[row + 1]):
            number = int(tags.value[tag])
            told |= members.get(number, [(int(tags.key[tag]), messages[number])])
        for own_key, message in told.items():
            key.append(own_key)
            value.append(known.setdefault(message, len(known)))
        start.append(len(key))
    starts = np.cumsum([0, *map(len, known)], dtype=np.int64)
    data = np.frombuffer(b"".join(known), np.uint8).copy()
    return Tags(
        np.array(start, np.int32),
        np.array(key, np.uint16),
        np.array(value, np.int32),
        starts,
        data,
        tuple(names),
    )


def _members(text: bytes, names: list[str]) -> list[tuple[int, bytes]]:
    """Return the keys and values of a JSON object; what is nested or null is left out."""
    found = json.loads(text, parse_float=str, parse_int=str)
    if not isinstance(found, dict):
        return []
    members = []
    numbers = json.loads(text)
    for name, written in found.items():
        message = _json_value(numbers[name], written)
        if name not in names and numbers[name] is not None:
            names.append(name)
        if message is not None:
            members.append((names.index(name), message))
    return members


def _json_value(value: object, written: object) -> bytes | None:
    if isinstance(value, bool):
        return bytes((0x38, value))
    if isinstance(value, str):
        text = value.encode()
        return b"\x0a" + _varint(len(text)) + text
    if isinstance(value, int | float):
        exact, whole = float(str(written)), int(str(written).split(".")[0].split("e")[0])
        if abs(exact - whole) > _FLOAT_EPSILON:
            return b"\x19" + np.float64(exact).tobytes()
        return b"\x28" + _varint(whole) if whole >= 0 else b"\x30" + _varint(-2 * whole - 1)
    return None


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
