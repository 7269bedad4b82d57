"""Numbers of tiles along the Hilbert curve, as PMTiles counts them: level after level."""

import numpy as np
from numpy.typing import NDArray


def first_of(zoom: int) -> int:
    """Return the number of a level's first tile.

    >>> [first_of(zoom) for zoom in range(4)]
    [0, 1, 5, 21]
    """
    return int((4**zoom - 1) // 3)


def numbers(zoom: int, x: NDArray[np.int64], y: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the numbers of a level's tiles, shape (n,).

    Examples
    --------
    >>> numbers(1, np.array([0, 0, 1, 1]), np.array([0, 1, 1, 0])).tolist()
    [1, 2, 3, 4]
    """
    x, y = x.copy(), y.copy()
    found = np.full(len(x), first_of(zoom), np.int64)
    for bit in range(zoom - 1, -1, -1):
        side = 1 << bit
        right, down = x & side, y & side
        found += ((3 * right) ^ down) << bit
        turned = down == 0
        flipped = turned & (right != 0)
        x[flipped], y[flipped] = side - 1 - x[flipped], side - 1 - y[flipped]
        x[turned], y[turned] = y[turned], x[turned].copy()
        x &= side - 1
        y &= side - 1
    return found
