"""Compiled loops that find the point that stands for a geometry, and the cells near a point."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.jit import compiled as kernel

Array = NDArray[Any]


@kernel
def middles(first: Array, last: Array, points: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """Return the points half-way along lines, whose rings are ``first[i]`` to ``last[i]``.

    Of several rings the first is taken; a line without length gives its first point.
    """
    n = len(first)
    at_x, at_y = np.full(n, np.nan), np.full(n, np.nan)
    for i in range(n):
        if first[i] == last[i]:
            continue
        begin, end = points[first[i]], points[first[i] + 1]
        if begin == end:
            continue
        whole = 0.0
        for p in range(begin + 1, end):
            whole += np.hypot(x[p] - x[p - 1], y[p] - y[p - 1])
        at_x[i], at_y[i] = x[begin], y[begin]
        left = whole * 0.5
        for p in range(begin + 1, end):
            step = np.hypot(x[p] - x[p - 1], y[p] - y[p - 1])
            if step > 0.0 and left <= step:
                share = left / step
                at_x[i] = x[p - 1] + share * (x[p] - x[p - 1])
                at_y[i] = y[p - 1] + share * (y[p] - y[p - 1])
                break
            left -= step
    return at_x, at_y


@kernel
def scan_height(begin: int, end: int, y: Array) -> Any:
    """Return a height half-way between the vertices next below and above the middle."""
    low = y[begin]
    high = y[begin]
    for p in range(begin, end):
        low = min(low, y[p])
        high = max(high, y[p])
    middle = (low + high) / 2.0
    for p in range(begin, end):
        if y[p] <= middle:
            low = max(low, y[p])
        else:
            high = min(high, y[p])
    return (low + high) / 2.0


@kernel
def crossings(begin: int, end: int, x: Array, y: Array, height: float, out: Array, k: int) -> int:
    """Write where a ring crosses a height; a vertex on it counts with the edge above it alone."""
    for p in range(begin + 1, end):
        x0, y0, x1, y1 = x[p - 1], y[p - 1], x[p], y[p]
        if (y0 > height and y1 > height) or (y0 < height and y1 < height) or y0 == y1:
            continue
        if (y0 == height and y1 < height) or (y1 == height and y0 < height):
            continue
        if x0 == x1:
            out[k] = x0
        else:
            out[k] = x0 + (height - y0) / ((y1 - y0) / (x1 - x0))
        k += 1
    return k


@kernel
def insides(
    first: Array, last: Array, rings: Array, points: Array, x: Array, y: Array
) -> tuple[Array, Array]:
    """Return a point inside each area, whose parts are ``first[i]`` to ``last[i]``.

    The middle of the widest run of a horizontal line through each part, the widest of the parts:
    what GEOS, and so PostGIS's ST_PointOnSurface, does.
    """
    n = len(first)
    at_x, at_y = np.full(n, np.nan), np.full(n, np.nan)
    crossed = np.empty(64)
    for i in range(n):
        widest = 0.0
        for part in range(first[i], last[i]):
            if rings[part] == rings[part + 1]:
                continue
            begin, end = points[rings[part]], points[rings[part + 1]]
            if begin == end:
                continue
            if np.isnan(at_x[i]):
                at_x[i], at_y[i] = x[begin], y[begin]
            edges = points[rings[part + 1]] - begin
            if edges > len(crossed):
                crossed = np.empty(2 * edges)
            height = scan_height(begin, end, y)
            k = 0
            for ring in range(rings[part], rings[part + 1]):
                k = crossings(points[ring], points[ring + 1], x, y, height, crossed, k)
            crossed[:k].sort()
            for c in range(0, k - 1, 2):
                width = crossed[c + 1] - crossed[c]
                if width > widest:
                    widest = width
                    at_x[i] = (crossed[c] + crossed[c + 1]) / 2.0
                    at_y[i] = height
    return at_x, at_y


@kernel
def pairs_near(
    x: Array, y: Array, boxes: Array, corner: Array, size: float, wide: int, begins: Array,
    held: Array,
) -> tuple[Array, Array]:  # fmt: skip
    """Return pairs (point, box) where the box holds the point, by a grid of lists of boxes.

    ``held[begins[b]:begins[b + 1]]`` are the boxes that touch bucket ``b``, in rising order.
    """
    high = (len(begins) - 1) // wide
    total = 0
    point = np.empty(0, np.int64)
    box = np.empty(0, np.int64)
    for fill in range(2):
        if fill:
            point, box = np.empty(total, np.int64), np.empty(total, np.int64)
        total = 0
        for i in range(len(x)):
            column, row = (x[i] - corner[0]) / size, (y[i] - corner[1]) / size
            if not (column >= 0 and row >= 0 and column < wide and row < high):
                continue
            bucket = int(row) * wide + int(column)
            for at in range(begins[bucket], begins[bucket + 1]):
                c = held[at]
                if (
                    x[i] >= boxes[c, 0]
                    and y[i] >= boxes[c, 1]
                    and x[i] <= boxes[c, 2]
                    and y[i] <= boxes[c, 3]
                ):
                    if fill:
                        point[total], box[total] = i, c
                    total += 1
    return point, box
