"""A kernel that finds how much room a polygon has, so that rounding it needs no second look."""

# In compiled code the integers of Python and of numpy are the same.
# mypy: disable-error-code="return-value,arg-type,assignment,no-any-return"

import numpy as np
from numpy.typing import NDArray

from tiles._jit import inner, kernel
from tiles._ring_kernel import sound

_MOST = 64
"""Polygons of more places are looked at in each tile; so are those that are very large."""
_WIDEST = 1 << 28
_MARGIN = 2.2
"""Two roundings move a corner and an edge by less than 1.42 units towards each other, and an edge
that is then more than 0.71 units away does not touch the corner's unit square."""


@kernel
def clearances(
    ring_start: NDArray[np.int32],
    place_start: NDArray[np.int32],
    holes: NDArray[np.uint8],
    places: NDArray[np.int32],
    boxes: NDArray[np.int32],
) -> NDArray[np.uint8]:
    """Return, for each feature, the shifts for which its rounded rings surely are valid.

    Returns
    -------
    ndarray of uint8, shape (n,)
        Valid rings stay valid, and none of their corners comes to lie in the same unit as another
        edge, if the unit of a tile is 2**shift world units and the shift is below this number; 0
        if that is not known of any.
    """
    count = len(ring_start) - 1
    found = np.zeros(count, np.uint8)
    x, y = np.empty(_MOST + 1, np.int64), np.empty(_MOST + 1, np.int64)
    starts, spare = np.empty(_MOST + 1, np.int64), np.empty(_MOST + 1, np.int64)
    for i in range(count):
        first, last = ring_start[i], ring_start[i + 1]
        size = np.int64(place_start[last]) - place_start[first]
        box = boxes[i]
        if (
            size < 3
            or size > _MOST
            or np.int64(box[2]) - box[0] >= _WIDEST
            or np.int64(box[3]) - box[1] >= _WIDEST
        ):
            continue
        at, whole = 0, True
        for ring in range(first, last):
            starts[ring - first] = at
            begin = at
            for j in range(place_start[ring], place_start[ring + 1]):
                u, v = np.int64(places[j, 0]) - box[0], np.int64(places[j, 1]) - box[1]
                if at == begin or x[at - 1] != u or y[at - 1] != v:
                    x[at], y[at] = u, v
                    at += 1
            if at > begin + 1 and x[at - 1] == x[begin] and y[at - 1] == y[begin]:
                at -= 1
            whole = whole and at >= begin + 3
        starts[last - first] = at
        rings = last - first
        if not whole or not sound(x, y, starts, holes[first:last], rings, spare):
            continue
        room = np.sqrt(_room2(x, y, starts, rings))
        while found[i] < 40 and room >= _MARGIN * np.float64(np.int64(1) << found[i]):
            found[i] += 1
    return found


@inner
def _room2(
    x: NDArray[np.int64], y: NDArray[np.int64], starts: NDArray[np.int64], rings: int
) -> float:
    """Return the square of the smallest distance of a corner from an edge of others."""
    least = np.inf
    for ring in range(rings):
        begin, end = starts[ring], starts[ring + 1]
        for a in range(begin, end):
            b = a + 1 if a + 1 < end else begin
            along_x, along_y = x[b] - x[a], y[b] - y[a]
            length2 = along_x * along_x + along_y * along_y
            for c in range(starts[rings]):
                if c in (a, b):
                    continue
                off_x, off_y = x[c] - x[a], y[c] - y[a]
                share = (off_x * along_x + off_y * along_y) / length2
                share = min(max(share, 0.0), 1.0)
                gap_x, gap_y = off_x - share * along_x, off_y - share * along_y
                least = min(least, gap_x * gap_x + gap_y * gap_y)
    return least
