"""The largest value of a raster inside each of many polygons."""

import numpy as np
from numpy.typing import NDArray

from twin.errors import InvalidInputError
from twin.jit import compiled

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def largest_inside(
    values: NDArray[np.floating], corners: Floats, ring_first: Ints, polygon_first: Ints
) -> tuple[Floats, Ints]:
    """Return the largest value among the pixels whose centre lies in each polygon.

    Polygons may overlap: each looks at the raster for itself.

    Parameters
    ----------
    values : ndarray of float, shape (rows, columns)
        NaN where there is no value.
    corners : ndarray of float, shape (corners, 2)
        Column and row coordinates of the polygons' corners, in pixels: the centre of the first
        pixel is (0.5, 0.5).  Every ring ends where it began.
    ring_first : ndarray of int, shape (rings + 1,)
        Where each ring begins in ``corners``; shells and holes alike.
    polygon_first : ndarray of int, shape (polygons + 1,)
        Where each polygon begins in the rings.

    Returns
    -------
    largest : ndarray of float, shape (polygons,)
        NaN where no pixel with a value lies inside.
    pixels : ndarray of int, shape (polygons,)
        How many pixels with a value lie inside.

    Notes
    -----
    Even-odd along each row of pixel centres: exact for sound polygons, holes and parts included.
    A centre on the rim belongs to the polygon on its right (in x) or below (in row number), so that
    two neighbours never both have it.

    Examples
    --------
    >>> values = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> left = np.array([[0, 0], [1, 0], [1, 2], [0, 2], [0, 0]], dtype=float)
    >>> largest, pixels = largest_inside(values, left, np.array([0, 5]), np.array([0, 1]))
    >>> largest.tolist(), pixels.tolist()
    ([3.0], [2])
    """
    if corners.ndim != 2 or corners.shape[1] != 2 or ring_first[-1] != len(corners):
        raise InvalidInputError(f"corners of shape {corners.shape} do not fit the rings")
    return _largest_inside(
        np.ascontiguousarray(values, dtype=np.float64), corners, ring_first, polygon_first
    )


@compiled
def _largest_inside(
    values: Floats, corners: Floats, ring_first: Ints, polygon_first: Ints
) -> tuple[Floats, Ints]:
    polygons = len(polygon_first) - 1
    largest = np.full(polygons, np.nan)
    pixels = np.zeros(polygons, dtype=np.int64)
    for p in range(polygons):
        begin, end = ring_first[polygon_first[p]], ring_first[polygon_first[p + 1]]
        if end == begin:
            continue
        low, high = corners[begin:end, 1].min(), corners[begin:end, 1].max()
        crossings = np.empty(end - begin)
        for row in range(
            max(0, int(np.ceil(low - 0.5))), min(values.shape[0], int(np.floor(high - 0.5)) + 1)
        ):
            count = _crossings(
                corners, ring_first, polygon_first[p], polygon_first[p + 1], row + 0.5, crossings
            )
            crossings[:count].sort()
            for k in range(0, count - 1, 2):
                first = max(0, int(np.ceil(crossings[k] - 0.5)))
                beyond = min(values.shape[1], int(np.ceil(crossings[k + 1] - 0.5)))
                for column in range(first, beyond):
                    value = values[row, column]
                    if np.isnan(value):
                        continue
                    pixels[p] += 1
                    if not value <= largest[p]:
                        largest[p] = value
    return largest, pixels


@compiled
def _crossings(
    corners: Floats,
    ring_first: Ints,
    first_ring: int,
    beyond_ring: int,
    y: float,
    into: Floats,
) -> int:
    # Half open in y, so that a corner on the row counts once.
    count = 0
    for ring in range(first_ring, beyond_ring):
        for k in range(ring_first[ring], ring_first[ring + 1] - 1):
            y0, y1 = corners[k, 1], corners[k + 1, 1]
            if (y0 <= y) != (y1 <= y):
                x0, x1 = corners[k, 0], corners[k + 1, 0]
                into[count] = x0 + (y - y0) / (y1 - y0) * (x1 - x0)
                count += 1
    return count


def warm() -> None:
    """Compile the kernel."""
    square = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]])
    largest_inside(np.zeros((1, 1)), square, np.array([0, 5]), np.array([0, 1]))
