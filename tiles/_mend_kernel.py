"""The kernel that mends a pinched polygon: its ring is taken apart where it touches itself.

Nearly all polygons that need a closer look are of this kind: rounding has closed a narrow neck.
What is less plain is left to `tiles._repair`.
"""

# In compiled code the integers of Python and of numpy are the same.
# mypy: disable-error-code="return-value,arg-type,assignment,no-any-return"

import numpy as np
from numpy.typing import NDArray

from tiles._arrays import Features, Scratch, Window
from tiles._jit import apart, inner
from tiles._ring_kernel import doubled_area, holds, in_unit, meet, simple
from tiles._shape_kernel import polygon, wind

UNSURE = -1
_MOST = 48
"""Longer rings are looked at by others."""
_ROUNDS = 4

Units = NDArray[np.int64]


@apart
def mend(features: Features, i: int, window: Window, scratch: Scratch) -> int:
    """Put a polygon's rings into the scratch so that they are valid; return how many.

    Below zero is returned if this is not the way to do it: there are several rings, or the parts of
    the one lie in each other or cross.
    """
    if polygon(features, i, window, scratch, True) != 1 or scratch.ring_hole[0] == 1:
        return UNSURE
    x, y = scratch.x, scratch.y
    count, longer = np.int64(0), scratch.ring_at[1]
    for _ in range(_ROUNDS):
        if longer == count or longer > _MOST:
            break
        count = longer
        longer = _snap(x, y, count, scratch.spare_x, scratch.spare_y)
        for j in range(longer):
            x[j], y[j] = scratch.spare_x[j], scratch.spare_y[j]
    if longer != count:
        return UNSURE
    rings = _take_apart(count, scratch)
    for ring in range(rings):
        begin = scratch.ring_at[ring]
        size = scratch.ring_at[ring + 1] - begin
        if doubled_area(x, y, begin, size) == 0 or not simple(x, y, begin, size, scratch.spare_x):
            return UNSURE
        for other in range(ring):
            if not _beside(x, y, scratch.ring_at, ring, other):
                return UNSURE
    return wind(rings, scratch)


@inner
def _same(x: Units, y: Units, a: int, b: int) -> bool:
    return x[a] == x[b] and y[a] == y[b]


@inner
def _snap(x: Units, y: Units, count: int, to_x: Units, to_y: Units) -> int:
    """Write a ring whose edges go through the corners that lie in a unit with them."""
    at = 0
    for a in range(count):
        b = a + 1 if a + 1 < count else 0
        to_x[at], to_y[at] = x[a], y[a]
        at += 1
        first = at
        along_x, along_y = x[b] - x[a], y[b] - y[a]
        for c in range(count):
            if _same(x, y, a, c) or _same(x, y, b, c) or not in_unit(x, y, a, b, x[c], y[c]):
                continue
            far = along_x * (x[c] - x[a]) + along_y * (y[c] - y[a])
            place, known = at, False
            for j in range(first, at):
                known = known or (to_x[j] == x[c] and to_y[j] == y[c])
            if known:
                continue
            while place > first and (
                along_x * (to_x[place - 1] - x[a]) + along_y * (to_y[place - 1] - y[a]) > far
            ):
                to_x[place], to_y[place] = to_x[place - 1], to_y[place - 1]
                place -= 1
            to_x[place], to_y[place] = x[c], y[c]
            at += 1
    return at


@inner
def _take_apart(count: int, scratch: Scratch) -> int:
    """Cut the ring in the scratch where it comes back to a place; return how many rings there are.

    What has less than three corners then was gone over to and fro, and has no area.
    """
    x, y, stack_x, stack_y = scratch.x, scratch.y, scratch.spare_x, scratch.spare_y
    done_x, done_y = scratch.pieces, scratch.notes
    depth, at, rings = 0, 0, 0
    for j in range(count + 1):
        base = 0
        if j < count:
            base = depth
            for k in range(depth):
                if stack_x[k] == x[j] and stack_y[k] == y[j]:
                    base = k
        if depth - base >= 3:
            scratch.ring_at[rings] = at
            scratch.ring_hole[rings] = 0
            rings += 1
            for k in range(base, depth):
                done_x[at], done_y[at] = stack_x[k], stack_y[k]
                at += 1
        if j < count:
            stack_x[base], stack_y[base] = x[j], y[j]
            depth = base + 1
    scratch.ring_at[rings] = at
    for j in range(at):
        x[j], y[j] = done_x[j], done_y[j]
    return rings


@inner
def _beside(x: Units, y: Units, starts: Units, one: int, two: int) -> bool:
    """Return whether two rings lie beside each other and touch in one corner at most."""
    a, a_end, b, b_end = starts[one], starts[one + 1], starts[two], starts[two + 1]
    shared = 0
    for i in range(a, a_end):
        for j in range(b, b_end):
            shared += 1 if _same(x, y, i, j) else 0
    if shared > 1:
        return False
    for i in range(a, a_end):
        i_next = i + 1 if i + 1 < a_end else a
        for j in range(b, b_end):
            j_next = j + 1 if j + 1 < b_end else b
            if meet(x, y, i, i_next, j, j_next) and not _touch(x, y, i, i_next, j, j_next):
                return False
    # Rings that touch in one corner at most do not cross: one corner says it for all of a ring.
    i = a + 1 if _on(x, y, b, b_end, a) else a
    j = b + 1 if _on(x, y, a, a_end, b) else b
    return not holds(x, y, b, b_end - b, x[i], y[i]) and not holds(x, y, a, a_end - a, x[j], y[j])


@inner
def _on(x: Units, y: Units, begin: int, end: int, place: int) -> bool:
    """Return whether a place is a corner of a ring."""
    found = False
    for j in range(begin, end):
        found = found or _same(x, y, j, place)
    return found


@inner
def _touch(x: Units, y: Units, a: int, b: int, c: int, d: int) -> bool:
    """Return whether two edges that meet have nothing but an end in common."""
    if _same(x, y, b, c) or _same(x, y, b, d):
        a, b = b, a
    if _same(x, y, a, d):
        c, d = d, c
    if not _same(x, y, a, c):
        return False
    u, v, s, t = x[b] - x[a], y[b] - y[a], x[d] - x[a], y[d] - y[a]
    return u * t != v * s or u * s + v * t < 0
