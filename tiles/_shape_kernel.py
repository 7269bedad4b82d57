"""Kernels that write a feature's geometry as the commands of a vector tile."""

# In compiled code the integers of Python and of numpy are the same.
# mypy: disable-error-code="return-value,arg-type,assignment,no-any-return"

import numpy as np
from numpy.typing import NDArray

from tiles._arrays import HIGH, LOW, Features, Scratch, Window
from tiles._jit import inner
from tiles._ring_kernel import clip_ring, doubled_area, quantise, straighten, turn_round
from tiles._value_kernel import varint


@inner
def step(out: NDArray[np.uint8], at: int, delta: int) -> int:
    """Write a signed number, zigzag."""
    value = (delta << 1) ^ (delta >> 63)
    if value < 128:
        out[at] = value
        return at + 1
    if value < 16384:
        out[at] = (value & 127) | 128
        out[at + 1] = value >> 7
        return at + 2
    return varint(out, at, np.uint64(value))


@inner
def polygon(features: Features, i: int, window: Window, scratch: Scratch, clip: bool) -> int:
    """Put a polygon's rings into the scratch, in whole units; return how many are left."""
    x, y = scratch.x, scratch.y
    rings, at, dropped = 0, 0, False
    for ring in range(features.ring_start[i], features.ring_start[i + 1]):
        hole = features.holes[ring]
        if hole == 1 and dropped:
            continue
        count = quantise(
            features.places, features.place_start[ring], features.place_start[ring + 1],
            window.move_x, window.move_y, window.shift, x, y, at,
        )  # fmt: skip
        count = straighten(x, y, at, count, True)
        if clip and count >= 3:
            count = clip_ring(x, y, at, count, LOW, HIGH, scratch.spare_x, scratch.spare_y)
            count = straighten(x, y, at, count, True)
        if hole == 0:
            dropped = count < 3
        if count < 3:
            continue
        scratch.ring_at[rings] = at
        scratch.ring_hole[rings] = hole
        rings += 1
        at += count
    scratch.ring_at[rings] = at
    return rings


_TWISTED = -1


@inner
def wind(rings: int, scratch: Scratch) -> int:
    """Turn the rings the way the format wants them, without those of no area.

    Returns
    -------
    int
        How many are left, or -1 if a ring crosses itself so that its areas cancel out.
    """
    x, y, kept, dropped = scratch.x, scratch.y, 0, False
    at = np.int64(0)
    for ring in range(rings):
        begin, after = scratch.ring_at[ring], scratch.ring_at[ring + 1]
        hole = scratch.ring_hole[ring]
        if hole == 1 and dropped:
            continue
        area = doubled_area(x, y, begin, after - begin)
        if area == 0 and after - begin > 3:
            return _TWISTED
        if hole == 0:
            dropped = area == 0
        if area == 0:
            continue
        if (area < 0) != (hole == 1):
            turn_round(x, y, begin, after - begin)
        if at != begin:
            for j in range(after - begin):
                x[at + j], y[at + j] = x[begin + j], y[begin + j]
        scratch.ring_at[kept], scratch.ring_hole[kept] = at, hole
        at += after - begin
        kept += 1
    scratch.ring_at[kept] = at
    return kept


@inner
def write_rings(rings: int, scratch: Scratch) -> int:
    """Write the rings in the scratch as a polygon's commands; return their length."""
    out, x, y = scratch.shape, scratch.x, scratch.y
    at, u, v = 0, np.int64(0), np.int64(0)
    for ring in range(rings):
        begin, after = scratch.ring_at[ring], scratch.ring_at[ring + 1]
        out[at] = 9
        at = step(out, at + 1, x[begin] - u)
        at = step(out, at, y[begin] - v)
        at = varint(out, at, np.uint64((after - begin - 1) << 3 | 2))
        for j in range(begin + 1, after):
            at = step(out, at, x[j] - x[j - 1])
            at = step(out, at, y[j] - y[j - 1])
        u, v = x[after - 1], y[after - 1]
        out[at] = 15
        at += 1
    return at


@inner
def _write_part(
    scratch: Scratch, at: int, xs: NDArray[np.int64], ys: NDArray[np.int64], count: int,
    u: int, v: int,
) -> int:  # fmt: skip
    """Write one line's commands, the pen being at (u, v)."""
    out = scratch.shape
    out[at] = 9
    at = step(out, at + 1, xs[0] - u)
    at = step(out, at, ys[0] - v)
    at = varint(out, at, np.uint64((count - 1) << 3 | 2))
    for j in range(1, count):
        at = step(out, at, xs[j] - xs[j - 1])
        at = step(out, at, ys[j] - ys[j - 1])
    return at


@inner
def _on_way(ax: int, ay: int, bx: int, by: int, share: float) -> tuple[int, int]:
    """Return the place after a share of the way from a to b."""
    if share <= 0:
        return ax, ay
    if share >= 1:
        return bx, by
    return np.int64(np.rint(ax + share * (bx - ax))), np.int64(np.rint(ay + share * (by - ay)))


@inner
def line(features: Features, i: int, window: Window, scratch: Scratch, clip: bool) -> int:
    """Write a line's commands; return their length, 0 if nothing of it is in the tile."""
    x, y, xs, ys = scratch.x, scratch.y, scratch.spare_x, scratch.spare_y
    if clip:
        # Rounded, it may lie in the square after all.
        clip = False
        first, last = features.ring_start[i], features.ring_start[i + 1]
        count = quantise(
            features.places, features.place_start[first], features.place_start[last],
            window.move_x, window.move_y, window.shift, x, y, 0,
        )  # fmt: skip
        for j in range(count):
            clip = clip or x[j] < LOW or x[j] > HIGH or y[j] < LOW or y[j] > HIGH
    at, u, v = 0, np.int64(0), np.int64(0)
    for part in range(features.ring_start[i], features.ring_start[i + 1]):
        count = quantise(
            features.places, features.place_start[part], features.place_start[part + 1],
            window.move_x, window.move_y, window.shift, x, y, 0,
        )  # fmt: skip
        count = straighten(x, y, 0, count, False)
        if count < 2 or (count == 2 and x[0] == x[1] and y[0] == y[1]):
            continue
        if not clip:
            at = _write_part(scratch, at, x, y, count, u, v)
            u, v = x[count - 1], y[count - 1]
            continue
        kept = 0
        for j in range(count - 1):
            ax, ay, bx, by = x[j], y[j], x[j + 1], y[j + 1]
            begin, end = _inside(ax, ay, bx, by)
            # What only runs along the rim is outside, as in PostGIS.
            if (ax == bx and ax in (LOW, HIGH)) or (ay == by and ay in (LOW, HIGH)):
                begin, end = 1.0, 0.0
            if begin <= end:
                if kept == 0:
                    xs[0], ys[0] = _on_way(ax, ay, bx, by, begin)
                    kept = 1
                last_x, last_y = _on_way(ax, ay, bx, by, end)
                if last_x != xs[kept - 1] or last_y != ys[kept - 1]:
                    xs[kept], ys[kept] = last_x, last_y
                    kept += 1
            if (begin > end or end < 1 or j == count - 2) and kept > 0:
                if kept > 1:
                    at = _write_part(scratch, at, xs, ys, kept, u, v)
                    u, v = xs[kept - 1], ys[kept - 1]
                kept = 0
    return at


@inner
def _inside(ax: int, ay: int, bx: int, by: int) -> tuple[float, float]:
    """Return which share of an edge lies in the square, from 0 to 1; turned around if none."""
    begin, end = 0.0, 1.0
    for side in range(4):
        if side == 0:
            towards, room = ax - bx, ax - LOW
        elif side == 1:
            towards, room = bx - ax, HIGH - ax
        elif side == 2:
            towards, room = ay - by, ay - LOW
        else:
            towards, room = by - ay, HIGH - ay
        if towards == 0:
            if room < 0:
                return 1.0, 0.0
        elif towards < 0:
            begin = max(begin, room / towards)
        else:
            end = min(end, room / towards)
    return begin, end


@inner
def points(features: Features, i: int, window: Window, scratch: Scratch) -> int:
    """Write a point's or several points' commands; return their length."""
    x, y, kept = scratch.x, scratch.y, 0
    for part in range(features.ring_start[i], features.ring_start[i + 1]):
        count = quantise(
            features.places, features.place_start[part], features.place_start[part + 1],
            window.move_x, window.move_y, window.shift, scratch.spare_x, scratch.spare_y, 0,
        )  # fmt: skip
        for j in range(count):
            u, v = scratch.spare_x[j], scratch.spare_y[j]
            known = u < LOW or u > HIGH or v < LOW or v > HIGH
            for k in range(kept):
                known = known or (x[k] == u and y[k] == v)
            if not known:
                x[kept], y[kept] = u, v
                kept += 1
    if kept == 0:
        return 0
    at = varint(scratch.shape, 0, np.uint64(kept << 3 | 1))
    for j in range(kept):
        at = step(scratch.shape, at, x[j] - (x[j - 1] if j else 0))
        at = step(scratch.shape, at, y[j] - (y[j - 1] if j else 0))
    return at
