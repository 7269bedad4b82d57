"""Compiled loops over the bytes and coordinates of many geometries at once.

numba runs them without the interpreter's lock and keeps them compiled on disk.  Arrays of offsets
have one more entry than what they count.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.jit import compiled

Array = NDArray[Any]


@compiled
def u32(data: Array, at: int) -> Any:
    """Return the little-endian 32-bit number at a place."""
    low = np.int64(data[at]) | np.int64(data[at + 1]) << 8
    return low | np.int64(data[at + 2]) << 16 | np.int64(data[at + 3]) << 24


@compiled
def u64(data: Array, at: int) -> Any:
    """Return the little-endian 64-bit number at a place; one load, as LLVM sees it."""
    return (
        np.uint64(data[at])
        | np.uint64(data[at + 1]) << np.uint64(8)
        | np.uint64(data[at + 2]) << np.uint64(16)
        | np.uint64(data[at + 3]) << np.uint64(24)
        | np.uint64(data[at + 4]) << np.uint64(32)
        | np.uint64(data[at + 5]) << np.uint64(40)
        | np.uint64(data[at + 6]) << np.uint64(48)
        | np.uint64(data[at + 7]) << np.uint64(56)
    )


@compiled
def put_u64(out: Array, at: int, value: int) -> None:
    """Write a little-endian 64-bit number."""
    for k in range(8):
        out[at + k] = value >> np.uint64(8 * k) & np.uint64(255)


@compiled
def header(data: Array, at: int) -> tuple[Any, bool, bool, int]:
    """Return kind, whether z, whether m and where the header ends; kind -1 if big-endian."""
    if data[at] != 1:
        return np.int64(-1), False, False, at + 5
    code = u32(data, at + 1)
    end = at + 9 if code & 0x20000000 else at + 5
    z = code & 0x80000000 != 0
    m = code & 0x40000000 != 0
    code = code & 0x0FFFFFFF
    thousands = code // 1000
    return code % 1000, z or thousands == 1 or thousands == 3, m or thousands >= 2, end


@compiled
def count(data: Array, offsets: Array, there: Array) -> tuple[Array, Array, Array, Array, Array]:
    """Return what each WKB is: kind (-1 foreign, 7 other), parts, rings, points, whether z."""
    n = len(offsets) - 1
    kinds = np.zeros(n, np.int8)
    parts = np.zeros(n, np.int64)
    rings = np.zeros(n, np.int64)
    points = np.zeros(n, np.int64)
    has_z = np.zeros(n, np.bool_)
    for i in range(n):
        if not there[i] or offsets[i + 1] - offsets[i] < 9:
            continue
        kind, z, m, at = header(data, offsets[i])
        has_z[i] = z
        if kind == -1 or m:
            kinds[i] = -1
            continue
        if kind < 1 or kind > 6:
            kinds[i] = 7
            continue
        width = 24 if z else 16
        kinds[i] = kind if kind <= 3 else kind - 3
        many = np.int64(1)
        if kind > 3:
            many = u32(data, at)
            at += 4
        for _ in range(many):
            if kind > 3:
                _, _, _, at = header(data, at)
            if kinds[i] == 1:
                points[i] += 1
                rings[i] += 1
                at += width
            elif kinds[i] == 2:
                held = u32(data, at)
                points[i] += held
                rings[i] += 1
                at += 4 + held * width
            else:
                holes = u32(data, at)
                at += 4
                rings[i] += holes
                for _ in range(holes):
                    held = u32(data, at)
                    points[i] += held
                    at += 4 + held * width
        parts[i] = many
    return kinds, parts, rings, points, has_z


@compiled
def fill(
    data: Array, offsets: Array, kinds: Array, has_z: Array, parts: Array, rings: int, points: int
) -> tuple[Array, Array, Array, Array, Array]:
    """Return where rings and points begin, and the coordinates, of geometries that were counted."""
    ring_start = np.zeros(parts[-1] + 1, np.int64)
    point_start = np.zeros(rings + 1, np.int64)
    x, y, z = np.empty(points), np.empty(points), np.zeros(points)
    x_bits, y_bits, z_bits = x.view(np.uint64), y.view(np.uint64), z.view(np.uint64)
    part = ring = point = np.int64(0)
    for i in range(len(kinds)):
        if kinds[i] < 1 or kinds[i] > 3:
            continue
        kind, _, _, at = header(data, offsets[i])
        width = 24 if has_z[i] else 16
        if kind > 3:
            at += 4
        for _ in range(parts[i + 1] - parts[i]):
            if kind > 3:
                _, _, _, at = header(data, at)
            holes = np.int64(1)
            if kinds[i] == 3:
                holes = u32(data, at)
                at += 4
            for _ in range(holes):
                held = np.int64(1)
                if kinds[i] != 1:
                    held = u32(data, at)
                    at += 4
                for _ in range(held):
                    x_bits[point] = u64(data, at)
                    y_bits[point] = u64(data, at + 8)
                    if width == 24:
                        z_bits[point] = u64(data, at + 16)
                    at += width
                    point += 1
                ring += 1
                point_start[ring] = point
            part += 1
            ring_start[part] = ring
    return ring_start, point_start, x, y, z


@compiled
def sizes(
    kinds: Array, first: Array, last: Array, rings: Array, points: Array, multi: bool, with_z: bool
) -> Array:
    """Return how many bytes the EWKB of each geometry takes."""
    width = 24 if with_z else 16
    out = np.empty(len(kinds), np.int64)
    for i in range(len(kinds)):
        size = np.int64(13 if multi else 9)
        for part in range(first[i], last[i]):
            if multi:
                size += 5
            held = points[rings[part + 1]] - points[rings[part]]
            size += held * width
            if kinds[i] == 2:
                size += 4
            elif kinds[i] == 3:
                size += 4 + 4 * (rings[part + 1] - rings[part])
        out[i] = size
    return out


@compiled
def put_u32(out: Array, at: int, value: int) -> int:
    """Write a little-endian 32-bit number, and return where it ends."""
    out[at] = value & 255
    out[at + 1] = value >> 8 & 255
    out[at + 2] = value >> 16 & 255
    out[at + 3] = value >> 24 & 255
    return at + 4


@compiled
def write(
    kinds: Array,
    first: Array,
    last: Array,
    rings: Array,
    points: Array,
    x: Array,
    y: Array,
    z: Array,
    srid: int,
    multi: bool,
    with_z: bool,
    offsets: Array,
    out: Array,
) -> None:
    """Write the EWKB of each geometry at its offset."""
    flag = np.int64(0x80000000) if with_z else np.int64(0)
    x_bits, y_bits, z_bits = x.view(np.uint64), y.view(np.uint64), z.view(np.uint64)
    for i in range(len(kinds)):
        at = offsets[i]
        out[at] = 1
        code = kinds[i] + 3 if multi else kinds[i]
        at = put_u32(out, at + 1, code | flag | 0x20000000)
        at = put_u32(out, at, srid)
        if multi:
            at = put_u32(out, at, last[i] - first[i])
        for part in range(first[i], last[i]):
            if multi:
                out[at] = 1
                at = put_u32(out, at + 1, kinds[i] | flag)
            if kinds[i] == 3:
                at = put_u32(out, at, rings[part + 1] - rings[part])
            for ring in range(rings[part], rings[part + 1]):
                if kinds[i] != 1:
                    at = put_u32(out, at, points[ring + 1] - points[ring])
                for p in range(points[ring], points[ring + 1]):
                    put_u64(out, at, x_bits[p])
                    put_u64(out, at + 8, y_bits[p])
                    at += 16
                    if with_z:
                        put_u64(out, at, z_bits[p])
                        at += 8


@compiled
def boxes(points: Array, x: Array, y: Array) -> Array:
    """Return min x, min y, max x, max y of runs of points; NaN if a run is empty or has one."""
    n = len(points) - 1
    out = np.full((n, 4), np.nan)
    for i in range(n):
        if points[i] == points[i + 1]:
            continue
        west = south = np.inf
        east = north = -np.inf
        sound = True
        for p in range(points[i], points[i + 1]):
            if not (np.isfinite(x[p]) and np.isfinite(y[p])):
                sound = False
            west, east = min(west, x[p]), max(east, x[p])
            south, north = min(south, y[p]), max(north, y[p])
        if sound:
            out[i, 0], out[i, 1], out[i, 2], out[i, 3] = west, south, east, north
    return out


@compiled
def side(ax: float, ay: float, bx: float, by: float, cx: float, cy: float) -> int:
    """Return on which side of a-b the point c lies, 1 or -1; 0 if rounding could decide it."""
    left, right = (bx - ax) * (cy - ay), (by - ay) * (cx - ax)
    sure = 4e-16 * 8 * (abs(left) + abs(right))
    difference = left - right
    if difference > sure:
        return 1
    if difference < -sure:
        return -1
    return 0


@compiled
def surely_apart(x: Array, y: Array, i: int, j: int) -> Any:
    """Return whether two edges of a run of points surely do not touch."""
    one = side(x[i], y[i], x[i + 1], y[i + 1], x[j], y[j])
    if one != 0 and one == side(x[i], y[i], x[i + 1], y[i + 1], x[j + 1], y[j + 1]):
        return True
    one = side(x[j], y[j], x[j + 1], y[j + 1], x[i], y[i])
    return one != 0 and one == side(x[j], y[j], x[j + 1], y[j + 1], x[i + 1], y[i + 1])


@compiled
def simple_ring(x: Array, y: Array, start: int, end: int, rims: Array) -> bool:
    """Return whether a closed ring surely crosses and touches itself nowhere.

    `rims` is room for the boxes of its edges, shape (most edges, 4).
    """
    n = end - start - 1  # edges
    if n < 3 or x[start] != x[end - 1] or y[start] != y[end - 1]:
        return False
    for e in range(n):
        i = start + e
        k = i + 2 if e + 2 <= n else start + 1  # the end of the next edge
        ahead_x, ahead_y = x[k] - x[i + 1], y[k] - y[i + 1]
        forward = (x[i + 1] - x[i]) * ahead_x + (y[i + 1] - y[i]) * ahead_y
        if not forward > 0 and side(x[i], y[i], x[i + 1], y[i + 1], x[k], y[k]) == 0:
            return False
        rims[e, 0], rims[e, 2] = min(x[i], x[i + 1]), max(x[i], x[i + 1])
        rims[e, 1], rims[e, 3] = min(y[i], y[i + 1]), max(y[i], y[i + 1])
    for e in range(n):
        for f in range(e + 2, n):
            if (
                rims[e, 2] < rims[f, 0]
                or rims[f, 2] < rims[e, 0]
                or rims[e, 3] < rims[f, 1]
                or rims[f, 3] < rims[e, 1]
                or (e == 0 and f == n - 1)
            ):
                continue
            if not surely_apart(x, y, start + e, start + f):
                return False
    return True


@compiled
def surely_valid(
    kinds: Array, parts: Array, rings: Array, points: Array, x: Array, y: Array, most: int
) -> Array:
    """Return which geometries are one simple ring beyond doubt."""
    out = np.zeros(len(kinds), np.bool_)
    rims = np.empty((most, 4))
    for i in range(len(kinds)):
        part = parts[i]
        if kinds[i] != 3 or parts[i + 1] - part != 1 or rings[part + 1] - rings[part] != 1:
            continue
        start, end = points[rings[part]], points[rings[part] + 1]
        if end - start <= most:
            out[i] = simple_ring(x, y, start, end, rims)
    return out


@compiled
def hashes(data: Array, offsets: Array) -> Array:
    """Return a 64-bit hash of each byte string: FNV-1a, its bits mixed once more at the end."""
    out = np.empty(len(offsets) - 1, np.uint64)
    for i in range(len(out)):
        found = np.uint64(0xCBF29CE484222325)
        for k in range(offsets[i], offsets[i + 1]):
            found = (found ^ np.uint64(data[k])) * np.uint64(0x100000001B3)
        found ^= found >> np.uint64(33)
        found *= np.uint64(0xFF51AFD7ED558CCD)
        out[i] = found ^ (found >> np.uint64(33))
    return out


@compiled
def put_fixed(out: Array, cursor: Array, values: Array, missing: Array) -> None:
    """Write one fixed-width field of each row in COPY's binary form, and move the cursors."""
    width = values.shape[1]
    for i in range(len(cursor)):
        at = cursor[i]
        if missing[i]:
            out[at : at + 4] = 255
            cursor[i] = at + 4
            continue
        out[at] = 0
        out[at + 1] = 0
        out[at + 2] = 0
        out[at + 3] = width
        for k in range(width):
            out[at + 4 + k] = values[i, k]
        cursor[i] = at + 4 + width


@compiled
def put_varying(
    out: Array, cursor: Array, data: Array, offsets: Array, missing: Array, version: int
) -> None:
    """Write one field of varying length of each row; a version above 0 goes before its bytes."""
    extra = 1 if version > 0 else 0
    for i in range(len(cursor)):
        at = cursor[i]
        if missing[i]:
            out[at : at + 4] = 255
            cursor[i] = at + 4
            continue
        size = offsets[i + 1] - offsets[i] + extra
        out[at] = size >> 24 & 255
        out[at + 1] = size >> 16 & 255
        out[at + 2] = size >> 8 & 255
        out[at + 3] = size & 255
        at += 4
        if extra:
            out[at] = version
            at += 1
        for k in range(offsets[i], offsets[i + 1]):
            out[at] = data[k]
            at += 1
        cursor[i] = at
