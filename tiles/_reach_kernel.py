"""Kernels that mark the tiles of a level which the boxes of features reach."""

# In compiled code the integers of Python and of numpy are the same.
# mypy: disable-error-code="return-value,arg-type,assignment,no-any-return"

import numpy as np
from numpy.typing import NDArray

from tiles._arrays import BUFFER, EXTENT, Features
from tiles._index_kernel import NODE, Boxes
from tiles._jit import inner, kernel

_RIM = (BUFFER + 2) / EXTENT
"""A feature is drawn in a tile from its buffer on, and rounding can bring it one unit further."""

Ranges = NDArray[np.int64]
"""First column, first row, last column, last row; shape (n, 4)."""


@inner
def _reach(
    box: NDArray[np.int32], corner_x: int, corner_y: int, scale: float, within: NDArray[np.int64],
    found: Ranges, count: int,
) -> int:  # fmt: skip
    """Write which tiles inside a window a box reaches; return how many ranges there are then."""
    # An empty feature's box is turned around.
    if box[0] > box[2]:
        return count
    left = np.int64(np.floor((box[0] + corner_x) * scale - _RIM))
    top = np.int64(np.floor((box[1] + corner_y) * scale - _RIM))
    right = np.int64(np.floor((box[2] + corner_x) * scale + _RIM))
    bottom = np.int64(np.floor((box[3] + corner_y) * scale + _RIM))
    left, top = max(left, within[0]), max(top, within[1])
    right, bottom = min(right, within[2]), min(bottom, within[3])
    if left > right or top > bottom:
        return count
    found[count, 0], found[count, 1] = left, top
    found[count, 2], found[count, 3] = right, bottom
    return count + 1


@kernel
def ranges_of(
    features: Features, nodes: Boxes, corner_x: int, corner_y: int, scale: float,
    within: NDArray[np.int64], zoom: int, edit: int,
) -> Ranges:  # fmt: skip
    """Return what features reach, all of a node together where they share a tile.

    Parameters
    ----------
    features : Features
        What is looked at.
    nodes : ndarray of int, shape (m, 4)
        The boxes around sixteen of them each; none if there is no index.
    corner_x, corner_y : int
        Where their places are counted from.
    scale : float
        A world unit in tiles.
    within : ndarray of int, shape (4,)
        The first and last column and row to look at: left, top, right, bottom.
    zoom, edit : int
        The level that is drawn and the last edit that is seen.
    """
    total = len(features.ids)
    found = np.empty((total + 1, 4), np.int64)
    count, first = np.int64(0), 0
    while first < total:
        last = min(first + NODE, total)
        if len(nodes) > 0:
            after = _reach(nodes[first // NODE], corner_x, corner_y, scale, within, found, count)
            together = after > count and (
                found[count, 0] == found[count, 2] and found[count, 1] == found[count, 3]
            )
            if together or after == count:
                count, first = after, last
                continue
        for i in range(first, last):
            if (features.zooms[i] >> zoom) & 1 and features.gone[i] > edit:
                count = _reach(features.boxes[i], corner_x, corner_y, scale, within, found, count)
        first = last
    return found[:count]


@kernel
def covered_by(ranges: Ranges, left: int, top: int, wide: int, high: int) -> NDArray[np.int32]:
    """Return how many ranges reach each tile of a rectangle, shape (high, wide)."""
    marks = np.zeros((high + 1, wide + 1), np.int32)
    # Each adds one in its rectangle: sums along both axes of marks at the four corners.
    for n in range(len(ranges)):
        x, y = ranges[n, 0] - left, ranges[n, 1] - top
        x_end, y_end = ranges[n, 2] - left + 1, ranges[n, 3] - top + 1
        marks[y, x] += 1
        marks[y, x_end] -= 1
        marks[y_end, x] -= 1
        marks[y_end, x_end] += 1
    for row in range(high):
        for column in range(1, wide):
            marks[row, column] += marks[row, column - 1]
        if row > 0:
            for column in range(wide):
                marks[row, column] += marks[row - 1, column]
    return marks[:high, :wide]
