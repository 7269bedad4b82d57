"""Kernels for the shapes in a tile: whole units, no repeats, no straight corners, clipped, valid.

The rules are those of PostGIS's ``ST_AsMVTGeom``, so that both paths draw the same features: first
to whole units, then what lies on a straight line goes, then Sutherland and Hodgman's clipping
(polygons) or Liang and Barsky's (lines).  Polygons are open here: the last place is not the first.
"""

# In compiled code the integers of Python and of numpy are the same.
# mypy: disable-error-code="return-value,arg-type,assignment,no-any-return"

import numpy as np
from numpy.typing import NDArray

from tiles._jit import inner

_FEW = 24
"""Up to so many edges all pairs are compared; beyond it they are swept in order of x."""

_INDEX = 1 << 32
"""Room for an edge's number beside its x."""

Units = NDArray[np.int64]


@inner
def quantise(
    places: NDArray[np.int32],
    begin: int,
    end: int,
    move_x: int,
    move_y: int,
    shift: int,
    x: Units,
    y: Units,
    at: int,
) -> int:
    """Write places in units of a tile from ``at`` on, repeats left out; return how many."""
    count = 0
    half = np.int64(0)
    if shift > 0:
        half = np.int64(1) << (shift - 1)
    for i in range(begin, end):
        u, v = np.int64(places[i, 0]) + move_x, np.int64(places[i, 1]) + move_y
        if shift >= 0:
            u, v = (u + half) >> shift, (v + half) >> shift
        else:
            u, v = u << -shift, v << -shift
        if count > 0 and x[at + count - 1] == u and y[at + count - 1] == v:
            continue
        x[at + count], y[at + count] = u, v
        count += 1
    return count


@inner
def straighten(x: Units, y: Units, at: int, count: int, closed: bool) -> int:
    """Take out what lies on the way between its neighbours; the ends stay.  Return how many."""
    if closed:
        while count > 1 and x[at + count - 1] == x[at] and y[at + count - 1] == y[at]:
            count -= 1
    last = count if closed else count - 1
    if last < 2:
        return count
    kept = 0
    for i in range(1, last):
        following = i + 1 if i + 1 < count else 0
        base_x, base_y = x[at + kept], y[at + kept]
        ahead_x, ahead_y = x[at + following] - base_x, y[at + following] - base_y
        here_x, here_y = x[at + i] - base_x, y[at + i] - base_y
        along = here_x * ahead_x + here_y * ahead_y
        if (
            along < 0
            or along > ahead_x * ahead_x + ahead_y * ahead_y
            or here_x * ahead_y != here_y * ahead_x
        ):
            kept += 1
            x[at + kept], y[at + kept] = x[at + i], y[at + i]
    if not closed:
        kept += 1
        x[at + kept], y[at + kept] = x[at + last], y[at + last]
    # Where a way went back over itself, a place may now follow itself.
    count, kept = kept + 1, 0
    for i in range(1, count):
        if x[at + i] != x[at + kept] or y[at + i] != y[at + kept]:
            kept += 1
            x[at + kept], y[at + kept] = x[at + i], y[at + i]
    return kept + 1


@inner
def doubled_area(x: Units, y: Units, at: int, count: int) -> int:
    """Return twice the area of a ring, positive where MVT wants an exterior ring's to be."""
    total = np.int64(0)
    for i in range(count):
        j = i + 1 if i + 1 < count else 0
        total += x[at + i] * y[at + j] - x[at + j] * y[at + i]
    return total


@inner
def turn_round(x: Units, y: Units, at: int, count: int) -> None:
    """Reverse a ring; its first place stays first."""
    i, j = at + 1, at + count - 1
    while i < j:
        x[i], x[j] = x[j], x[i]
        y[i], y[j] = y[j], y[i]
        i += 1
        j -= 1


@inner
def _clip_side(
    x: Units,
    y: Units,
    at: int,
    count: int,
    side: int,
    limit: int,
    to_x: Units,
    to_y: Units,
    to: int,
) -> int:
    """Keep what lies strictly inside one side of the box; return how many places that are."""
    written = 0
    for i in range(count):
        j = i - 1 if i > 0 else count - 1
        from_x, from_y = x[at + j], y[at + j]
        here_x, here_y = x[at + i], y[at + i]
        if side == 0:
            was, now = from_y > limit, here_y > limit
        elif side == 1:
            was, now = from_x < limit, here_x < limit
        elif side == 2:
            was, now = from_y < limit, here_y < limit
        else:
            was, now = from_x > limit, here_x > limit
        if was != now:
            if side == 0 or side == 2:
                off = (here_x - from_x) * (limit - from_y) / (here_y - from_y)
                to_x[to + written] = np.int64(from_x + off)
                to_y[to + written] = limit
            else:
                off = (here_y - from_y) * (limit - from_x) / (here_x - from_x)
                to_x[to + written] = limit
                to_y[to + written] = np.int64(from_y + off)
            written += 1
        if now:
            to_x[to + written], to_y[to + written] = here_x, here_y
            written += 1
    return written


@inner
def clip_ring(
    x: Units, y: Units, at: int, count: int, low: int, high: int, spare_x: Units, spare_y: Units
) -> int:
    """Clip a ring in its place to the square from ``low`` to ``high``; return how many places."""
    count = _clip_side(x, y, at, count, 0, low, spare_x, spare_y, 0)
    count = _clip_side(spare_x, spare_y, 0, count, 1, high, x, y, at)
    count = _clip_side(x, y, at, count, 2, high, spare_x, spare_y, 0)
    count = _clip_side(spare_x, spare_y, 0, count, 3, low, x, y, at)
    kept = 0
    for i in range(count):
        if kept > 0 and x[at + kept - 1] == x[at + i] and y[at + kept - 1] == y[at + i]:
            continue
        x[at + kept], y[at + kept] = x[at + i], y[at + i]
        kept += 1
    return kept


@inner
def _turn(ax: int, ay: int, bx: int, by: int, cx: int, cy: int) -> int:
    cross = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    if cross > 0:
        return 1
    return -1 if cross < 0 else 0


@inner
def meet(x: Units, y: Units, a: int, b: int, c: int, d: int) -> bool:
    """Return whether two edges have a place in common."""
    if (
        max(x[a], x[b]) < min(x[c], x[d])
        or max(x[c], x[d]) < min(x[a], x[b])
        or max(y[a], y[b]) < min(y[c], y[d])
        or max(y[c], y[d]) < min(y[a], y[b])
    ):
        return False
    first = _turn(x[a], y[a], x[b], y[b], x[c], y[c])
    second = _turn(x[a], y[a], x[b], y[b], x[d], y[d])
    if first * second > 0:
        return False
    third = _turn(x[c], y[c], x[d], y[d], x[a], y[a])
    fourth = _turn(x[c], y[c], x[d], y[d], x[b], y[b])
    # Four times in line: their boxes meet, so they do.
    return third * fourth <= 0


@inner
def _folds(x: Units, y: Units, a: int, b: int, c: int) -> bool:
    """Return whether the way a, b, c runs back over itself."""
    in_x, in_y = x[b] - x[a], y[b] - y[a]
    out_x, out_y = x[c] - x[b], y[c] - y[b]
    return in_x * out_y == in_y * out_x and in_x * out_x + in_y * out_y < 0


@inner
def collapses(x: Units, y: Units, at: int, count: int) -> bool:
    """Return whether a ring is so thin that a corner lies in the same unit as another edge.

    PostGIS then draws the edge through the corner, and what has no width left disappears.
    """
    around = np.int64(0)
    for i in range(count):
        j = i + 1 if i + 1 < count else 0
        around += abs(x[at + j] - x[at + i]) + abs(y[at + j] - y[at + i])
    if abs(doubled_area(x, y, at, count)) > around:
        return False
    for i in range(count):
        j = i + 1 if i + 1 < count else 0
        for k in range(count):
            if k != i and k != j and in_unit(x, y, at + i, at + j, x[at + k], y[at + k]):
                return True
    return False


@inner
def in_unit(x: Units, y: Units, a: int, b: int, u: int, v: int) -> bool:
    """Return whether an edge touches the square unit around a place."""
    if u < min(x[a], x[b]) or u > max(x[a], x[b]) or v < min(y[a], y[b]) or v > max(y[a], y[b]):
        return False
    along_x, along_y = x[b] - x[a], y[b] - y[a]
    off = abs(along_x * (v - y[a]) - along_y * (u - x[a]))
    return 2 * off <= abs(along_x) + abs(along_y)


@inner
def _convex(x: Units, y: Units, at: int, count: int) -> bool:
    """Return whether a ring turns one way only, and once around."""
    sign, flips, former = 0, 0, np.int64(0)
    a, b = at + count - 2, at + count - 1
    for c in range(at, at + count):
        turn = _turn(x[a], y[a], x[b], y[b], x[c], y[c])
        if turn == 0 or (sign != 0 and turn != sign):
            return False
        sign = turn
        step = x[b] - x[a]
        if step != 0:
            if former != 0 and (step > 0) != (former > 0):
                flips += 1
            former = step
        a, b = b, c
    return flips <= 2


@inner
def simple(x: Units, y: Units, at: int, count: int, spare: Units) -> bool:
    """Return whether a ring neither crosses nor touches itself."""
    if count == 3 or _convex(x, y, at, count):
        return True
    a, b = at + count - 2, at + count - 1
    for c in range(at, at + count):
        if _folds(x, y, a, b, c):
            return False
        a, b = b, c
    if count > _FEW:
        return _swept(x, y, at, count, spare)
    end = at + count
    for i in range(at, end - 2):
        low_x, high_x = min(x[i], x[i + 1]), max(x[i], x[i + 1])
        for j in range(i + 2, end):
            k = j + 1 if j + 1 < end else at
            if k == i or max(x[j], x[k]) < low_x or min(x[j], x[k]) > high_x:
                continue
            if meet(x, y, i, i + 1, j, k):
                return False
    return True


@inner
def _swept(x: Units, y: Units, at: int, count: int, spare: Units) -> bool:
    """Compare all pairs of edges that are not apart in x, in order of it."""
    for i in range(count):
        spare[i] = min(x[at + i], x[at + (i + 1) % count]) * _INDEX + i
    _sort(spare, count)
    for p in range(count):
        i = spare[p] & (_INDEX - 1)
        after_i = (i + 1) % count
        high = max(x[at + i], x[at + after_i])
        for q in range(p + 1, count):
            if spare[q] >= (high + 1) * _INDEX:
                break
            j = spare[q] & (_INDEX - 1)
            apart = abs(i - j)
            if apart == 1 or apart == count - 1:
                continue
            if meet(x, y, at + i, at + after_i, at + j, at + (j + 1) % count):
                return False
    return True


@inner
def _sort(values: Units, count: int) -> None:
    """Sort the first values in place, by heap: this kernel may not ask for memory."""
    for start in range(count // 2 - 1, -1, -1):
        _sift(values, start, count)
    for end in range(count - 1, 0, -1):
        values[0], values[end] = values[end], values[0]
        _sift(values, 0, end)


@inner
def _sift(values: Units, root: int, end: int) -> None:
    value = values[root]
    while 2 * root + 1 < end:
        child = 2 * root + 1
        if child + 1 < end and values[child + 1] > values[child]:
            child += 1
        if values[child] <= value:
            break
        values[root] = values[child]
        root = child
    values[root] = value


@inner
def holds(x: Units, y: Units, at: int, count: int, u: int, v: int) -> bool:
    """Return whether a place lies inside a ring."""
    inside = False
    for i in range(count):
        a, b = at + i, at + (i + 1) % count
        if (y[a] > v) != (y[b] > v):
            lowest, highest = (a, b) if y[a] < y[b] else (b, a)
            if _turn(x[lowest], y[lowest], x[highest], y[highest], u, v) > 0:
                inside = not inside
    return inside


@inner
def _boxes_meet(x: Units, y: Units, a: int, a_count: int, b: int, b_count: int) -> bool:
    for places in (x, y):
        low, high = places[a], places[a]
        for i in range(a + 1, a + a_count):
            low, high = min(low, places[i]), max(high, places[i])
        under, over = places[b] < low, places[b] > high
        for i in range(b + 1, b + b_count):
            under, over = under and places[i] < low, over and places[i] > high
        if under or over:
            return False
    return True


@inner
def sound(
    x: Units, y: Units, starts: Units, holes: NDArray[np.uint8], rings: int, spare: Units
) -> bool:
    """Return whether rings surely are valid polygons; False means that one has to look closer.

    Ring i lies at ``starts[i]`` to ``starts[i + 1]``; a hole belongs to the last ring before it
    that is none.
    """
    for i in range(rings):
        count = starts[i + 1] - starts[i]
        if not simple(x, y, starts[i], count, spare) or collapses(x, y, starts[i], count):
            return False
    outer = 0
    for i in range(1, rings):
        if holes[i] == 0:
            outer = i
        begin, count = starts[i], starts[i + 1] - starts[i]
        for j in range(i):
            other, others = starts[j], starts[j + 1] - starts[j]
            if not _boxes_meet(x, y, begin, count, other, others):
                if holes[i] == 1 and j == outer:
                    return False
                continue
            if holes[i] == 0 or j != outer:
                return False
            for p in range(count):
                for q in range(others):
                    if meet(
                        x, y, begin + p, begin + (p + 1) % count,
                        other + q, other + (q + 1) % others,
                    ):  # fmt: skip
                        return False
            if not holds(x, y, other, others, x[begin], y[begin]):
                return False
    return True
