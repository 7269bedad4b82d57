"""Kernels that write a layer of a vector tile (Mapbox Vector Tile 2.1) from columns."""

# In compiled code the integers of Python and of numpy are the same.
# mypy: disable-error-code="return-value,arg-type,assignment,no-any-return"

import numpy as np
from numpy.typing import NDArray

from tiles._arrays import (
    AT,
    BUFFER,
    DOUBTFUL,
    EXTENT,
    FEATURES,
    HEAD_ROOM,
    KEYS,
    STAMP,
    VALUES,
    Features,
    Scratch,
    Sorted,
    Values,
    Window,
)  # fmt: skip
from tiles._cut_kernel import cut
from tiles._index_kernel import search
from tiles._jit import inner
from tiles._ring_kernel import doubled_area, sound
from tiles._shape_kernel import line, points, polygon, wind, write_rings
from tiles._value_kernel import varint
from tiles._wkb_kernel import COLLECTED, LINE, POINT, POLYGON

_SLACK = 8 * EXTENT
"""How far rounding at the rim may take twice the area of a polygon from what it was."""
_UNSURE = -1


@inner
def _tags(features: Features, i: int, scratch: Scratch) -> int:
    """Write a feature's tags, numbering keys and values as they first appear in the tile."""
    out, counters, at = scratch.tags, scratch.counters, 0
    stamp = counters[STAMP]
    for tag in range(features.tag_start[i], features.tag_start[i + 1]):
        key, value = features.tag_key[tag], features.tag_value[tag]
        if scratch.key_stamp[key] != stamp:
            scratch.key_stamp[key] = stamp
            scratch.key_local[key] = counters[KEYS]
            scratch.key_order[counters[KEYS]] = key
            counters[KEYS] += 1
        if scratch.value_stamp[value] != stamp:
            scratch.value_stamp[value] = stamp
            scratch.value_local[value] = counters[VALUES]
            scratch.value_order[counters[VALUES]] = value
            counters[VALUES] += 1
        at = varint(out, at, np.uint64(scratch.key_local[key]))
        at = varint(out, at, np.uint64(scratch.value_local[value]))
    return at


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
    out, counters = scratch.out, scratch.counters
    tags = _tags(features, i, scratch)
    number = features.ids[i]
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
def _rings(
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
def _write_features(
    features: Features, sign: int, first: int, last: int, window: Window, scratch: Scratch
) -> bool:
    """Write those of some found features that are in the tile; note what needs a closer look."""
    counters, found = scratch.counters, scratch.found
    low_x, low_y, high_x, high_y = reach(window)
    for n in range(first, last):
        i = found[n]
        if features.gone[i] <= window.edit or not (features.zooms[i] >> window.zoom) & 1:
            continue
        clip = (
            features.boxes[i, 0] < low_x
            or features.boxes[i, 1] < low_y
            or features.boxes[i, 2] > high_x
            or features.boxes[i, 3] > high_y
        )
        kind = features.kinds[i]
        if kind != POINT and _tiny(features, i, window):
            continue
        if kind == POLYGON:
            rings, good = _rings(features, i, window, scratch, clip)
            if rings == 0:
                continue
            if not good:
                scratch.doubtful[counters[DOUBTFUL]] = i if sign > 0 else -1 - i
                counters[DOUBTFUL] += 1
                continue
            length = write_rings(rings, scratch)
        elif kind == LINE:
            length = line(features, i, window, scratch, clip)
        elif kind == POINT:
            length = points(features, i, window, scratch)
        else:
            continue
        if length > 0 and not write_feature(features, i, length, kind, scratch):
            return False
    return True


@inner
def _area(rings: int, scratch: Scratch) -> int:
    """Return twice the area of the rings in the scratch, holes taken off."""
    total = np.int64(0)
    for ring in range(rings):
        begin = scratch.ring_at[ring]
        total += doubled_area(scratch.x, scratch.y, begin, scratch.ring_at[ring + 1] - begin)
    return total


@inner
def _tiny(features: Features, i: int, window: Window) -> bool:
    """Return whether a feature is less than half a unit of the tile wide and high.

    PostGIS leaves such out before it looks at them, but for collections, going by the box it keeps,
    whose numbers are rounded outwards to 32 bits.
    """
    box = features.boxes[i]
    if window.shift < 1 or features.zooms[i] & COLLECTED:
        return False
    half = np.int64(1) << (window.shift - 1)
    if np.int64(box[2]) - box[0] >= half or np.int64(box[3]) - box[1] >= half:
        return False
    limit = half * window.unit
    width = _outward(window.middle_x + box[2] * window.unit, 1.0) - _outward(
        window.middle_x + box[0] * window.unit, -1.0
    )
    height = _outward(window.middle_y - box[1] * window.unit, 1.0) - _outward(
        window.middle_y - box[3] * window.unit, -1.0
    )
    return width < limit and height < limit


@inner
def _outward(value: float, direction: float) -> float:
    """Return the next number of 32 bits that is not on the other side of a number."""
    near = np.float32(value)
    if (np.float64(near) - value) * direction < 0:
        near = np.nextafter(near, np.float32(direction * np.inf))
    return np.float64(near)


@inner
def reach(window: Window) -> tuple[int, int, int, int]:
    """Return the box of the tile and its buffer in the columns' world."""
    if window.shift >= 0:
        side = np.int64(EXTENT + 2 * BUFFER) << window.shift
        margin = np.int64(BUFFER) << window.shift
    else:
        side = np.int64(EXTENT + 2 * BUFFER) >> -window.shift
        margin = np.int64(BUFFER) >> -window.shift
    low_x, low_y = -window.move_x - margin, -window.move_y - margin
    return low_x, low_y, low_x + side, low_y + side


@inner
def write_layer(
    base: Features,
    nodes: NDArray[np.int32],
    levels: NDArray[np.int64],
    tail: Features,
    order: Sorted,
    window: Window,
    scratch: Scratch,
) -> int:
    """Find and write the features of a tile, in one order whether a file or an edit brought them.

    Returns
    -------
    int
        How many need a closer look; or, below zero, how long the output must be at least.
    """
    counters = scratch.counters
    stamp = counters[STAMP] + 1
    for j in range(len(counters)):
        counters[j] = 0
    counters[STAMP], counters[AT] = stamp, HEAD_ROOM
    low_x, low_y, high_x, high_y = reach(window)
    unit = np.int64(1) << max(window.shift, 0)
    low_x, low_y, high_x, high_y = low_x - unit, low_y - unit, high_x + unit, high_y + unit
    count = search(
        base.boxes, nodes, levels, low_x, low_y, high_x, high_y, scratch.found, scratch.ring_at
    )
    need = HEAD_ROOM + _room(base, scratch.found, count)
    if need > len(scratch.out):
        return -need
    found = scratch.found
    last = count + search(
        order.boxes, order.nodes, order.levels, low_x, low_y, high_x, high_y, found[count:],
        scratch.ring_at,
    )  # fmt: skip
    for n in range(count, last):
        found[n] = order.rows[found[n]]
    first, n = 0, count
    while first < count or n < last:
        end = first
        while end < count and (n == last or _precedes(base, found[end], tail, found[n])):
            end += 1
        if not _write_features(base, 1, first, end, window, scratch):
            return -2 * len(scratch.out)
        first, next = end, min(n + 1, last)
        if not _write_features(tail, -1, n, next, window, scratch):
            return -2 * len(scratch.out)
        n = next
    return counters[DOUBTFUL]


@inner
def _precedes(base: Features, i: int, tail: Features, j: int) -> bool:
    """Return whether a feature of the file is written before one of the tail."""
    if base.along[i] != tail.along[j]:
        return base.along[i] < tail.along[j]
    return base.ids[i] < tail.ids[j]


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
        if value < known:
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
        if value < known:
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
