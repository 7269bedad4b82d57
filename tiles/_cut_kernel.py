"""The kernel that cuts polygons properly where plain clipping leaves them touching themselves.

Clipping ring by ring lays the ends of a courtyard, or of a polygon that comes back into the tile,
along the tile's rim twice.  Here the pieces of all rings inside the square are found first, and
then joined along the rim, always with the polygon on the left.
"""

# In compiled code the integers of Python and of numpy are the same.
# mypy: disable-error-code="return-value,arg-type,assignment,no-any-return"

import numpy as np
from numpy.typing import NDArray

from tiles._arrays import HIGH, LOW
from tiles._jit import inner
from tiles._ring_kernel import doubled_area, holds

_SIDE = HIGH - LOW

_ROUND = 4 * _SIDE
_UNSURE = -1

Units = NDArray[np.int64]
Flags = NDArray[np.uint8]


@inner
def _along(x: int, y: int) -> int:
    """Return how far along the rim a place on it lies, counter-clockwise in (x, y)."""
    if y == LOW and x < HIGH:
        return x - LOW
    if x == HIGH and y < HIGH:
        return _SIDE + y - LOW
    if y == HIGH and x > LOW:
        return 2 * _SIDE + HIGH - x
    return 3 * _SIDE + HIGH - y


@inner
def _on_rim(x: int, y: int) -> bool:
    return x in (LOW, HIGH) or y in (LOW, HIGH)


@inner
def _share(a: int, b: int, low: float, high: float) -> tuple[float, float]:
    """Return which share of the way from a to b lies between the square's sides."""
    if a == b:
        if LOW <= a <= HIGH:
            return low, high
        return 1.0, 0.0
    first, last = (LOW - a) / (b - a), (HIGH - a) / (b - a)
    return max(low, min(first, last)), min(high, max(first, last))


@inner
def cut(
    x: Units,
    y: Units,
    ring_at: Units,
    ring_hole: Flags,
    rings: int,
    to_x: Units,
    to_y: Units,
    pieces: Units,
    notes: Units,
) -> int:
    """Cut wound rings to the square, in their place; return how many there are then, -1 if unsure.

    Parameters
    ----------
    x, y : ndarray of int
        The rings: outer ones of positive area, each followed by its holes of negative area.
    ring_at, ring_hole : ndarray
        Where each begins, and whether it is a hole.
    rings : int
        How many there are.
    to_x, to_y, pieces, notes : ndarray of int
        Room to work in.
    """
    at, done, first = 0, 0, 0
    while first < rings:
        last = first + 1
        while last < rings and ring_hole[last] == 1:
            last += 1
        count = 0
        for ring in range(first, last):
            at, count = _take_pieces(
                x, y, ring_at[ring], ring_at[ring + 1], to_x, to_y, at, pieces, count
            )
            if at < 0:
                return _UNSURE
        begin = done
        at, done = _join(to_x, to_y, at, pieces, count, notes, done)
        if at < 0:
            return _UNSURE
        if count == 0 and _covered(x, y, ring_at, first, last):
            for corner in range(4):
                at = _corner(to_x, to_y, at, corner)
            notes[3 * done], notes[3 * done + 1], notes[3 * done + 2] = at - 4, at, 0
            done += 1
        at, done = _keep_inner(x, y, ring_at, first, last, to_x, to_y, at, notes, begin, done)
        if at < 0:
            return _UNSURE
        first = last
    return _put_back(x, y, ring_at, ring_hole, to_x, to_y, notes, done)


@inner
def _put_back(
    x: Units, y: Units, ring_at: Units, ring_hole: Flags, to_x: Units, to_y: Units, notes: Units,
    done: int,
) -> int:  # fmt: skip
    at = 0
    for ring in range(done):
        ring_at[ring], ring_hole[ring] = at, notes[3 * ring + 2]
        for j in range(notes[3 * ring], notes[3 * ring + 1]):
            if at == ring_at[ring] or x[at - 1] != to_x[j] or y[at - 1] != to_y[j]:
                x[at], y[at] = to_x[j], to_y[j]
                at += 1
    ring_at[done] = at
    return done


@inner
def _within(x: int, y: int) -> bool:
    return LOW < x < HIGH and LOW < y < HIGH


@inner
def _take_pieces(
    x: Units, y: Units, begin: int, end: int, to_x: Units, to_y: Units, at: int,
    pieces: Units, count: int,
) -> tuple[int, int]:  # fmt: skip
    """Write the pieces of a ring that run from rim to rim; none if it does not leave the square."""
    size, start = end - begin, -1
    for j in range(size):
        if not _within(x[begin + j], y[begin + j]):
            start = j
            break
    if start < 0:
        return at, count
    drawing = False
    for j in range(size):
        a, b = begin + (start + j) % size, begin + (start + j + 1) % size
        low, high = _share(x[a], x[b], 0.0, 1.0)
        low, high = _share(y[a], y[b], low, high)
        if low < high:
            ax, ay, bx, by = x[a], y[a], x[b], y[b]
            if low > 0:
                ax = np.int64(np.rint(x[a] + low * (x[b] - x[a])))
                ay = np.int64(np.rint(y[a] + low * (y[b] - y[a])))
            if high < 1:
                bx = np.int64(np.rint(x[a] + high * (x[b] - x[a])))
                by = np.int64(np.rint(y[a] + high * (y[b] - y[a])))
            flat = (ax == bx and ax in (LOW, HIGH)) or (ay == by and ay in (LOW, HIGH))
            if not flat:
                if not drawing:
                    if not _on_rim(ax, ay) or at + 4 * size > len(to_x):
                        return _UNSURE, 0
                    if 4 * count + 8 > len(pieces):
                        return _UNSURE, 0
                    pieces[4 * count], pieces[4 * count + 2] = at, _along(ax, ay)
                    to_x[at], to_y[at] = ax, ay
                    at, drawing = at + 1, True
                to_x[at], to_y[at] = bx, by
                at += 1
                if _on_rim(bx, by):
                    pieces[4 * count + 1], pieces[4 * count + 3] = at, _along(bx, by)
                    count, drawing = count + 1, False
                continue
        if drawing:
            return _UNSURE, 0
    return (_UNSURE, 0) if drawing else (at, count)


@inner
def _corner(to_x: Units, to_y: Units, at: int, corner: int) -> int:
    to_x[at] = HIGH if corner == 1 or corner == 2 else LOW
    to_y[at] = HIGH if corner >= 2 else LOW
    return at + 1


@inner
def _join(
    to_x: Units, to_y: Units, at: int, pieces: Units, count: int, notes: Units, done: int
) -> tuple[int, int]:
    """Join pieces along the rim to rings: from the end of one on to the next that begins."""
    for i in range(count):
        if pieces[4 * i + 2] < 0:
            continue
        begin, piece = at, i
        while True:
            here, best, following = pieces[4 * piece + 3], np.int64(_ROUND), -1
            size = pieces[4 * piece + 1] - pieces[4 * piece]
            if at + size + 4 > len(to_x) or 3 * done + 6 > len(notes):
                return _UNSURE, 0
            for j in range(pieces[4 * piece], pieces[4 * piece + 1]):
                to_x[at], to_y[at] = to_x[j], to_y[j]
                at += 1
            if piece != i:
                pieces[4 * piece + 2] = -1
            for j in range(count):
                if pieces[4 * j + 2] >= 0:
                    ahead = (pieces[4 * j + 2] - here) % _ROUND
                    if ahead < best:
                        best, following = ahead, j
            for step in range(1, 5):
                corner = (here // _SIDE + step) * _SIDE
                if corner - here < best:
                    at = _corner(to_x, to_y, at, (corner // _SIDE) % 4)
            if following < 0:
                return _UNSURE, 0
            if following == i:
                break
            piece = following
        pieces[4 * i + 2] = -1
        area = doubled_area(to_x, to_y, begin, at - begin)
        if area < 0:
            return _UNSURE, 0
        if area > 0:
            notes[3 * done], notes[3 * done + 1], notes[3 * done + 2] = begin, at, 0
            done += 1
    return at, done


@inner
def _leaves(x: Units, y: Units, begin: int, end: int) -> bool:
    """Return whether a ring is not wholly within the square."""
    found = False
    for j in range(begin, end):
        found = found or not _within(x[j], y[j])
    return found


@inner
def _covered(x: Units, y: Units, ring_at: Units, first: int, last: int) -> bool:
    """Return whether a polygon none of whose rings enters the square covers it."""
    middle = (LOW + HIGH) // 2
    inside = False
    for ring in range(first, last):
        begin, end = ring_at[ring], ring_at[ring + 1]
        if _leaves(x, y, begin, end) and holds(x, y, begin, end - begin, middle, middle):
            inside = not inside
    return inside


@inner
def _keep_inner(
    x: Units, y: Units, ring_at: Units, first: int, last: int, to_x: Units, to_y: Units, at: int,
    notes: Units, begin: int, done: int,
) -> tuple[int, int]:  # fmt: skip
    """Put the rings that do not leave the square beside those they lie in."""
    outers = done - begin
    for ring in range(first, last):
        if _leaves(x, y, ring_at[ring], ring_at[ring + 1]):
            continue
        if outers > 1:
            # Which of several outer rings a hole lies in is left to the careful way.
            return _UNSURE, 0
        size = ring_at[ring + 1] - ring_at[ring]
        if at + size > len(to_x) or 3 * done + 6 > len(notes):
            return _UNSURE, 0
        for j in range(size):
            to_x[at + j], to_y[at + j] = x[ring_at[ring] + j], y[ring_at[ring] + j]
        notes[3 * done], notes[3 * done + 1] = at, at + size
        notes[3 * done + 2] = 0 if ring == first else 1
        at += size
        done += 1
    return at, done
