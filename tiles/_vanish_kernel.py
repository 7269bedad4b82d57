"""Kernels that tell which tiny polygons have no area left once they are drawn in whole units.

PostGIS's clipper leaves out what lies on a straight line, draws an edge through every corner whose
unit it touches, and fills what lies under an odd number of rings.  So an edge is cut at those
corners; what is laid along the same way twice cancels out; and if nothing is left, the polygon is
not in the tile.
"""

# In compiled code the integers of Python and of numpy are the same.
# mypy: disable-error-code="return-value,arg-type,assignment,no-any-return"

import numpy as np
from numpy.typing import NDArray

from tiles._arrays import Scratch
from tiles._jit import inner
from tiles._ring_kernel import in_unit

_MOST = 48
"""Corners; polygons of more are taken to have some area."""
_BITS = 13
_HALF = 1 << _BITS - 1
"""Places in a tile and its buffer, from -4096 to 4095 about the first."""
_MEMO_CORNERS, _MEMO_SIDE = 10, 8

Units = NDArray[np.int64]


@inner
def vanishes(rings: int, scratch: Scratch, memo: NDArray[np.uint64]) -> bool:
    """Return whether the rings in the scratch have no area once they are drawn; may change them."""
    x, y = scratch.x, scratch.y
    count = scratch.ring_at[rings]
    if count > _MOST:
        return False
    key = _key(x, y, count) if rings == 1 and count <= _MEMO_CORNERS else np.uint64(0)
    slot = 0
    if key != np.uint64(0):
        mixed = key * np.uint64(0x9E3779B97F4A7C15)
        slot = np.int64(mixed >> np.uint64(40)) & (len(memo) - 1)
        if memo[slot] >> np.uint64(1) == key:
            return memo[slot] & np.uint64(1) == np.uint64(1)
    left, at = 0, np.int64(0)
    for ring in range(rings):
        begin, end = scratch.ring_at[ring], scratch.ring_at[ring + 1]
        scratch.ring_at[ring] = at
        at = _cleaned(x, y, begin, end, at)
    scratch.ring_at[rings] = count = at
    for ring in range(rings):
        begin, end = scratch.ring_at[ring], scratch.ring_at[ring + 1]
        for a in range(begin, end):
            b = a + 1 if a + 1 < end else begin
            left = _edge(x, y, a, b, count, scratch.pieces, scratch.notes, left)
    if key != np.uint64(0):
        memo[slot] = key << np.uint64(1) | np.uint64(1 if left == 0 else 0)
    return left == 0


@inner
def _cleaned(x: Units, y: Units, begin: int, end: int, to: int) -> int:
    """Move a ring, without corners that are none, and ways that go back; return where it ends."""
    size = end - begin
    for j in range(size):
        x[to + j], y[to + j] = x[begin + j], y[begin + j]
    j, kept = 0, 0
    while size >= 3 and kept < size:
        # A corner is looked at again when one beside it goes.
        here, before = j % size, (j - 1) % size
        after = (j + 1) % size
        in_x, in_y = x[to + here] - x[to + before], y[to + here] - y[to + before]
        out_x, out_y = x[to + after] - x[to + here], y[to + after] - y[to + here]
        if in_x * out_y != in_y * out_x:
            j, kept = here + 1, kept + 1
            continue
        for k in range(here, size - 1):
            x[to + k], y[to + k] = x[to + k + 1], y[to + k + 1]
        size -= 1
        j, kept = max(here - 1, 0), 0
    return to + size if size >= 3 else to


@inner
def _key(x: Units, y: Units, count: int) -> np.uint64:
    """Return a number for a ring's form, 0 if it is too large for one."""
    low_x, low_y, high_x, high_y = x[0], y[0], x[0], y[0]
    for i in range(1, count):
        low_x, high_x = min(low_x, x[i]), max(high_x, x[i])
        low_y, high_y = min(low_y, y[i]), max(high_y, y[i])
    if high_x - low_x >= _MEMO_SIDE or high_y - low_y >= _MEMO_SIDE:
        return np.uint64(0)
    key = np.int64(1)
    for i in range(count):
        key = key << 6 | (x[i] - low_x) << 3 | (y[i] - low_y)
    return np.uint64(key)


@inner
def _edge(
    x: Units, y: Units, a: int, b: int, count: int, kept: Units, through: Units, left: int
) -> int:
    """Cut an edge at the corners that it goes through, and cancel what was there before."""
    ux, uy = x[b] - x[a], y[b] - y[a]
    passed = 0
    for c in range(count):
        if not in_unit(x, y, a, b, x[c], y[c]):
            continue
        # How far along, then the place: sorted by the first, alike ones lie together.
        far = ux * (x[c] - x[a]) + uy * (y[c] - y[a])
        key = (far << 2 * _BITS) | _place(x, y, c)
        at = passed
        while at > 0 and through[at - 1] > key:
            through[at] = through[at - 1]
            at -= 1
        through[at] = key
        passed += 1
    for n in range(1, passed):
        mask = (1 << 2 * _BITS) - 1
        one, two = through[n - 1] & mask, through[n] & mask
        if one == two:
            continue
        key = min(one, two) << 2 * _BITS | max(one, two)
        at = 0
        while at < left and kept[at] != key:
            at += 1
        if at < left:
            left -= 1
            kept[at] = kept[left]
        else:
            kept[left] = key
            left += 1
    return left


@inner
def _place(x: Units, y: Units, c: int) -> int:
    """Return a place about the first corner as one number."""
    return (x[c] - x[0] + _HALF) << _BITS | (y[c] - y[0] + _HALF)
