"""Kernels that write a layer of a vector tile (Mapbox Vector Tile 2.1) from columns."""

# In compiled code the integers of Python and of numpy are the same.
# mypy: disable-error-code="return-value,arg-type,assignment,no-any-return"

import numpy as np
from numpy.typing import NDArray

from tiles._arrays import (
    AT,
    BASE_FOUND,
    DOUBTFUL,
    EXTENT,
    FEATURES,
    FILE,
    HEAD_ROOM,
    KEYS,
    STAMP,
    TAIL,
    VALUES,
    Features,
    Scratch,
    Sorted,
    Values,
    Window,
)  # fmt: skip
from tiles._cut_kernel import cut
from tiles._find_kernel import alive, alive_among, find_features, run_end, sticks_out
from tiles._jit import apart, inner
from tiles._ring_kernel import doubled_area, sound
from tiles._shape_kernel import line, points, polygon, wind, write_rings
from tiles._value_kernel import varint
from tiles._wkb_kernel import LINE, POINT, POLYGON

_SLACK = 8 * EXTENT
"""How far rounding at the rim may take twice the area of a polygon from what it was."""
_UNSURE = -1


CROWDED = -1
"""What `write_layer` returns where there are more features than it may write."""


@inner
def local_key(key: int, scratch: Scratch) -> int:
    """Return the tile's number of a key, given as it first appears in the tile."""
    counters = scratch.counters
    if scratch.key_stamp[key] != counters[STAMP]:
        scratch.key_stamp[key] = counters[STAMP]
        scratch.key_local[key] = counters[KEYS]
        scratch.key_order[counters[KEYS]] = key
        counters[KEYS] += 1
    return scratch.key_local[key]


@inner
def tag(key: int, value: int, scratch: Scratch, at: int) -> int:
    """Write a tag, numbering keys and values as they first appear in the tile."""
    out, counters = scratch.tags, scratch.counters
    local = local_key(key, scratch)
    if scratch.value_stamp[value] != counters[STAMP]:
        scratch.value_stamp[value] = counters[STAMP]
        scratch.value_local[value] = counters[VALUES]
        scratch.value_order[counters[VALUES]] = value
        counters[VALUES] += 1
    at = varint(out, at, np.uint64(local))
    return varint(out, at, np.uint64(scratch.value_local[value]))


@inner
def _length_of(value: int) -> int:
    size = 1
    while value >= 128:
        value >>= 7
        size += 1
    return size


@inner
def write_feature(features: Features, i: int, length: int, kind: int, scratch: Scratch) -> bool:
    """Write a feature whose commands are in the scratch; return whether there was room."""
    at = 0
    for j in range(features.tag_start[i], features.tag_start[i + 1]):
        at = tag(features.tag_key[j], features.tag_value[j], scratch, at)
    return write_message(features.ids[i], at, length, kind, scratch)


@inner
def write_message(number: int, tags: int, length: int, kind: int, scratch: Scratch) -> bool:
    """Write a feature whose tags and commands are in the scratch, without a number below zero."""
    out, counters = scratch.out, scratch.counters
    body = 2 + 1 + _length_of(length) + length
    if number >= 0:
        body += 1 + _length_of(number)
    if tags > 0:
        body += 1 + _length_of(tags) + tags
    at = counters[AT]
    if at + body + 12 > len(out):
        return False
    out[at] = 0x12
    at = varint(out, at + 1, np.uint64(body))
    if number >= 0:
        out[at] = 0x08
        at = varint(out, at + 1, np.uint64(number))
    if tags > 0:
        out[at] = 0x12
        at = varint(out, at + 1, np.uint64(tags))
        for j in range(tags):
            out[at + j] = scratch.tags[j]
        at += tags
    out[at], out[at + 1], out[at + 2] = 0x18, kind, 0x22
    at = varint(out, at + 3, np.uint64(length))
    for j in range(length):
        out[at + j] = scratch.shape[j]
    counters[AT] = at + length
    counters[FEATURES] += 1
    return True


@inner
def rings_of(
    features: Features, i: int, window: Window, scratch: Scratch, clip: bool
) -> tuple[int, bool]:
    """Lay out a polygon's rings in the tile; return how many there are, and whether they are sound.

    None are there if nothing of the polygon is in the tile; what is not sound wants a closer look.
    """
    rings = wind(polygon(features, i, window, scratch, clip), scratch)
    if rings == 0:
        return 0, True
    good = rings > 0 and (
        (not clip and window.shift < features.clear[i])
        or sound(scratch.x, scratch.y, scratch.ring_at, scratch.ring_hole, rings, scratch.spare_x)
    )
    if clip and not good:
        area = _area(rings, scratch)
        rings = wind(polygon(features, i, window, scratch, False), scratch)
        if rings > 0:
            rings = cut(
                scratch.x, scratch.y, scratch.ring_at, scratch.ring_hole, rings,
                scratch.spare_x, scratch.spare_y, scratch.pieces, scratch.notes,
            )  # fmt: skip
        # A ring that crosses itself far from here may have been wound the wrong way.
        good = rings > 0 and abs(_area(rings, scratch) - area) < _SLACK and sound(
            scratch.x, scratch.y, scratch.ring_at, scratch.ring_hole, rings, scratch.spare_x,
        )  # fmt: skip
        if rings == 0:
            rings = _UNSURE
    return rings, good


@inner
def draw(features: Features, i: int, sign: int, window: Window, scratch: Scratch) -> bool:
    """Write a feature if it is in the tile, or note that it needs a closer look.

    Returns whether there was room.
    """
    counters, kind = scratch.counters, features.kinds[i]
    clip = kind != POINT and sticks_out(features, i, window)
    if kind == POLYGON:
        rings, good = rings_of(features, i, window, scratch, clip)
        if rings == 0:
            return True
        if not good:
            scratch.doubtful[counters[DOUBTFUL]] = i if sign > 0 else -1 - i
            counters[DOUBTFUL] += 1
            return True
        length = write_rings(rings, scratch)
    elif kind == LINE:
        length = line(features, i, window, scratch, clip)
    else:
        length = points(features, i, window, scratch)
    return length == 0 or write_feature(features, i, length, kind, scratch)


@inner
def _area(rings: int, scratch: Scratch) -> int:
    """Return twice the area of the rings in the scratch, holes taken off."""
    total = np.int64(0)
    for ring in range(rings):
        begin = scratch.ring_at[ring]
        total += doubled_area(scratch.x, scratch.y, begin, scratch.ring_at[ring + 1] - begin)
    return total


@inner
def write_layer(
    base: Features,
    nodes: NDArray[np.int32],
    levels: NDArray[np.int64],
    tail: Features,
    order: Sorted,
    window: Window,
    most: int,
    scratch: Scratch,
) -> int:
    """Find and write the features of a tile, in one order whether a file or an edit brought them.

    Returns
    -------
    int
        How many need a closer look; `CROWDED` if there are more than ``most``, which are found
        then and not written; else, below zero, how long the output must be at least.
    """
    counters = scratch.counters
    stamp = counters[STAMP] + 1
    for j in range(len(counters)):
        counters[j] = 0
    counters[STAMP], counters[AT] = stamp, HEAD_ROOM
    end = find_features(base, nodes, levels, order, window, scratch)
    middle = counters[BASE_FOUND]
    if end > most:
        count = alive_among(base, 0, middle, window, scratch)
        if count + alive_among(tail, middle, end, window, scratch) > most:
            return CROWDED
    need = HEAD_ROOM + _room(base, scratch.found, middle)
    if need > len(scratch.out):
        return -need
    first, n = np.int64(0), middle
    while first < middle or n < end:
        last = run_end(base, tail, scratch, first, n)
        after = min(n + 1, end)
        if not _draw(base, FILE, first, last, window, scratch) or not _draw(
            tail, TAIL, n, after, window, scratch
        ):
            return -2 * len(scratch.out)
        first, n = last, after
    return counters[DOUBTFUL]


@apart
def _draw(
    features: Features, sign: int, begin: int, end: int, window: Window, scratch: Scratch
) -> bool:
    """Write those of some found features that are in the tile; return whether there was room."""
    for n in range(begin, end):
        i = scratch.found[n]
        if alive(features, i, window) and not draw(features, i, sign, window, scratch):
            return False
    return True


@inner
def _room(features: Features, found: NDArray[np.int32], count: int) -> int:
    """Return a guess at how many bytes some features take; clipping seldom makes it too small."""
    total = np.int64(0)
    for n in range(count):
        i = found[n]
        first, last = features.ring_start[i], features.ring_start[i + 1]
        total += 32 + 8 * (last - first)
        total += 5 * np.int64(features.place_start[last] - features.place_start[first])
        total += 7 * np.int64(features.tag_start[i + 1] - features.tag_start[i])
    return total


@inner
def finish(
    values: Values,
    key_start: NDArray[np.int64],
    keys: NDArray[np.uint8],
    name: NDArray[np.uint8],
    scratch: Scratch,
) -> int:
    """Write keys, values and the layer's head; return where it begins, -1 without room."""
    out, counters = scratch.out, scratch.counters
    at, known = counters[AT], len(values.starts) - 1
    need = 64 + len(name)
    for j in range(counters[KEYS]):
        key = scratch.key_order[j]
        need += 12 + key_start[key + 1] - key_start[key]
    for j in range(counters[VALUES]):
        value = scratch.value_order[j]
        if value < 0:
            need += 24
        elif value < known:
            need += 12 + values.starts[value + 1] - values.starts[value]
        else:
            need += 12 + values.new_starts[value - known + 1] - values.new_starts[value - known]
    if at + need > len(out):
        return -1
    for j in range(counters[KEYS]):
        key = scratch.key_order[j]
        at = _copied(out, at, 0x1A, keys, key_start[key], key_start[key + 1])
    for j in range(counters[VALUES]):
        value = scratch.value_order[j]
        if value < 0:
            out[at], out[at + 1] = 0x22, 1 + _length_of(-1 - value)
            # Never as attributes are written: no value is in the tile twice.
            out[at + 2] = 0x20
            at = varint(out, at + 3, np.uint64(-1 - value))
        elif value < known:
            at = _copied(out, at, 0x22, values.data, values.starts[value], values.starts[value + 1])
        else:
            begin = values.new_starts[value - known]
            end = values.new_starts[value - known + 1]
            at = _copied(out, at, 0x22, values.new_data, begin, end)
    at = _copied(out, at, 0x0A, name, 0, len(name))
    out[at] = 0x28
    at = varint(out, at + 1, np.uint64(EXTENT))
    out[at], out[at + 1] = 0x78, 2
    counters[AT] = at + 2
    length = at + 2 - HEAD_ROOM
    begin = HEAD_ROOM - 1 - _length_of(length)
    out[begin] = 0x1A
    varint(out, begin + 1, np.uint64(length))
    return begin


@inner
def _copied(
    out: NDArray[np.uint8], at: int, field: int, data: NDArray[np.uint8], begin: int, end: int
) -> int:
    out[at] = field
    at = varint(out, at + 1, np.uint64(end - begin))
    for j in range(begin, end):
        out[at + j - begin] = data[j]
    return at + end - begin
