"""The lattices of the BeiDou grid: how large its cells are, and which one holds a point, exactly.

All sizes are whole numbers of 1/2048 second of arc, the cell of level 10, so that no fraction is
ever rounded.  A cell is named by whole numbers, column east and row north of (0°, 0°), negative in
the west and south: cell ``i`` of width ``w`` reaches from ``i·w`` to ``(i + 1)·w``.
"""

from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.errors import InvalidInputError

UNITS_PER_DEGREE = 3600 * 2048
SOUTHERNMOST_LAT_DEG = 88
"""Beyond this latitude, north and south, the standard has polar cells, which are not made here."""

LEVELS = range(1, 11)
FINEST = 10


class Level(NamedTuple):
    """One level of the grid."""

    width: int
    """East-west, in 1/2048″."""
    height: int
    """North-south, in 1/2048″."""
    columns: int
    """Into how many columns a cell of the level above is cut."""
    rows: int
    length: int
    """How many characters a code of this level has."""


_SPLITS = ((12, 8), (2, 3), (15, 10), (15, 15), (2, 2), (8, 8), (8, 8), (8, 8), (8, 8))
_LENGTHS = (4, 6, 7, 9, 11, 12, 14, 16, 18, 20)


def _levels() -> tuple[Level, ...]:
    found = [Level(6 * UNITS_PER_DEGREE, 4 * UNITS_PER_DEGREE, 60, 44, _LENGTHS[0])]
    for (columns, rows), length in zip(_SPLITS, _LENGTHS[1:], strict=True):
        above = found[-1]
        found.append(Level(above.width // columns, above.height // rows, columns, rows, length))
    return tuple(found)


GRID: tuple[Level, ...] = _levels()
"""The levels, the first one first."""


def level_of_length(length: int) -> int | None:
    """Return the level whose codes have so many characters, or None.

    >>> level_of_length(16), level_of_length(15)
    (8, None)
    """
    return _LENGTHS.index(length) + 1 if length in _LENGTHS else None


def grid_level(level: int) -> Level:
    """Return a level by its number.

    Raises
    ------
    InvalidInputError
        If there is none.
    """
    if level not in LEVELS:
        raise InvalidInputError(f"the BeiDou grid has the levels 1 to {FINEST}, not {level}")
    return GRID[level - 1]


def spread(level: int) -> tuple[int, int]:
    """Return how many columns and rows of a level lie in one hemisphere each way.

    >>> spread(1)
    (30, 22)
    """
    size = grid_level(level)
    return (
        180 * UNITS_PER_DEGREE // size.width,
        SOUTHERNMOST_LAT_DEG * UNITS_PER_DEGREE // size.height,
    )


def place(degrees: Fraction, size: int, most: int) -> int:
    """Return the column or row that holds a coordinate.

    Each hemisphere mirrors the north-east: a cell owns the edge nearer to (0°, 0°), and the last
    one of a hemisphere both its edges.

    >>> place(Fraction(-1, 2), UNITS_PER_DEGREE, 180), place(Fraction(-1), UNITS_PER_DEGREE, 180)
    (-1, -2)
    """
    k = min(int(abs(degrees) * UNITS_PER_DEGREE) // size, most - 1)
    return k if degrees >= 0 else -k - 1


def places(degrees: NDArray[np.float64], size: int, most: int) -> NDArray[np.int64]:
    """Return the columns or rows that hold coordinates, shape (n,), exactly like `place`."""
    away = np.abs(degrees)
    if UNITS_PER_DEGREE % size:
        k = whole_below(away, UNITS_PER_DEGREE) // size
    else:
        k = whole_below(away, UNITS_PER_DEGREE // size)
    k = np.minimum(k, most - 1)
    found: NDArray[np.int64] = np.where(degrees >= 0, k, -k - 1)
    return found


def whole_below(degrees: NDArray[np.float64], parts: int) -> NDArray[np.int64]:
    """Return in which part of a degree doubles lie, counted from 0°, shape (n,).

    The product alone would be rounded, and come out one part off next to an edge.  The quotient
    is the double nearest to the edge, so comparing with it is exact; a double that is itself
    nearest to an edge means the edge, or else 51.23 would lie below 51°13′48″.

    Examples
    --------
    >>> int(0.29 * 100), whole_below(np.array([0.29]), 100).tolist()
    (28, [29])
    """
    nearest = np.rint(degrees * parts)
    found: NDArray[np.int64] = (nearest - (degrees < nearest / parts)).astype(np.int64)
    return found


def as_degrees(value: Any, axis: str, most: int) -> Fraction:
    """Return a coordinate as an exact number of degrees.

    A double that is nearest to an edge of the finest cells is that edge, as for `whole_below`.

    Raises
    ------
    InvalidInputError
        If it is no number, or not on Earth.
    """
    try:
        exact = Fraction(value.strip() if isinstance(value, str) else value)
    except (ValueError, TypeError, OverflowError, ZeroDivisionError):
        raise InvalidInputError(f"{axis} is a number of degrees, not {value!r}") from None
    if abs(exact) > most:
        raise InvalidInputError(
            f"{axis} {value} is not on Earth: it lies between -{most} and {most}"
        )
    nearest = round(exact * UNITS_PER_DEGREE)
    if isinstance(value, float) and nearest / UNITS_PER_DEGREE == value:
        return Fraction(nearest, UNITS_PER_DEGREE)
    return exact
