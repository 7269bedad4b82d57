"""Kernels that find the features of a tile, in the order in which they are written."""

# In compiled code the integers of Python and of numpy are the same.
# mypy: disable-error-code="return-value,arg-type,assignment,no-any-return"

import numpy as np
from numpy.typing import NDArray

from tiles._arrays import (
    BASE_FOUND,
    BUFFER,
    EXTENT,
    TAIL_FOUND,
    Features,
    Scratch,
    Sorted,
    Window,
)
from tiles._index_kernel import search
from tiles._jit import inner
from tiles._wkb_kernel import COLLECTED, LINE, POINT, POLYGON


@inner
def find_features(
    base: Features,
    nodes: NDArray[np.int32],
    levels: NDArray[np.int64],
    order: Sorted,
    window: Window,
    scratch: Scratch,
) -> int:
    """Find what may be in a tile: of the file, and behind it of the tail; return how many."""
    low_x, low_y, high_x, high_y = reach(window)
    unit = np.int64(1) << max(window.shift, 0)
    low_x, low_y, high_x, high_y = low_x - unit, low_y - unit, high_x + unit, high_y + unit
    found = scratch.found
    count = search(base.boxes, nodes, levels, low_x, low_y, high_x, high_y, found, scratch.ring_at)
    scratch.counters[BASE_FOUND] = count
    end = count + search(
        order.boxes, order.nodes, order.levels, low_x, low_y, high_x, high_y, found[count:],
        scratch.ring_at,
    )  # fmt: skip
    for n in range(count, end):
        found[n] = order.rows[found[n]]
    scratch.counters[TAIL_FOUND] = end
    return end


@inner
def run_end(base: Features, tail: Features, scratch: Scratch, first: int, n: int) -> int:
    """Return up to where the found features of the file come before a found one of the tail."""
    middle, end = scratch.counters[BASE_FOUND], scratch.counters[TAIL_FOUND]
    if n >= end:
        return middle
    found = scratch.found
    while first < middle and _precedes(base, found[first], tail, found[n]):
        first += 1
    return first


@inner
def _precedes(base: Features, i: int, tail: Features, j: int) -> bool:
    """Return whether a feature of the file is written before one of the tail."""
    if base.along[i] != tail.along[j]:
        return base.along[i] < tail.along[j]
    return base.ids[i] < tail.ids[j]


@inner
def alive(features: Features, i: int, window: Window) -> bool:
    """Return whether a feature that was found is there now, drawn at this level, and not tiny."""
    if features.gone[i] <= window.edit or not (features.zooms[i] >> window.zoom) & 1:
        return False
    if features.boxes[i, 0] > features.boxes[i, 2]:
        return False  # Without a place it may be found, or not.
    kind = features.kinds[i]
    return kind == POINT or (kind in (LINE, POLYGON) and not _tiny(features, i, window))


@inner
def alive_among(features: Features, begin: int, end: int, window: Window, scratch: Scratch) -> int:
    """Return how many of some found features are there."""
    count = 0
    for n in range(begin, end):
        if alive(features, scratch.found[n], window):
            count += 1
    return count


@inner
def sticks_out(features: Features, i: int, window: Window) -> bool:
    """Return whether a feature reaches beyond the tile's buffer."""
    low_x, low_y, high_x, high_y = reach(window)
    box = features.boxes[i]
    return box[0] < low_x or box[1] < low_y or box[2] > high_x or box[3] > high_y


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
