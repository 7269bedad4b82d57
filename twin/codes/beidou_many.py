"""BeiDou grid codes of many points at once, and the cells that cover an area."""

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.codes._lattice import (
    GRID,
    SOUTHERNMOST_LAT_DEG,
    UNITS_PER_DEGREE,
    grid_level,
    places,
    spread,
)
from twin.codes.beidou import HELD_LEVEL
from twin.crs import LonLatGeometry
from twin.errors import InvalidInputError

MOST_CELLS = 100_000

_ALPHABET = np.frombuffer(b"0123456789ABCDEF", np.uint8)
_QUADRANTS = (3, 6)


def codes_of(
    lon_deg: NDArray[np.float64], lat_deg: NDArray[np.float64], level: int = HELD_LEVEL
) -> NDArray[np.uint8]:
    """Return the codes of points as letters, shape (n, length of the level's codes).

    Parameters
    ----------
    lon_deg, lat_deg : ndarray of float, shape (n,)
        Degrees of CGCS2000.
    level : int
        1 to 10.

    Raises
    ------
    InvalidInputError
        If a point is not on Earth or lies beyond 88°.

    Examples
    --------
    >>> codes_of(np.array([116.6775114]), np.array([23.3567569]))[0].tobytes()
    b'N50F564A19614112'
    """
    if not ((np.abs(lon_deg) <= 180).all() and (np.abs(lat_deg) < SOUTHERNMOST_LAT_DEG).all()):
        raise InvalidInputError(
            "a point lies not on Earth or in the polar cells beyond "
            f"{SOUTHERNMOST_LAT_DEG}°, which are not supported"
        )
    size, (columns, rows) = grid_level(level), spread(level)
    column = places(lon_deg, size.width, columns)
    row = places(lat_deg, size.height, rows)
    return spelled(column, row, level)


def spelled(column: NDArray[np.int64], row: NDArray[np.int64], level: int) -> NDArray[np.uint8]:
    """Return the codes of cells as letters, shape (n, length of the level's codes)."""
    east, north = column >= 0, row >= 0
    k = np.where(east, column, -column - 1)
    j = np.where(north, row, -row - 1)
    out = np.empty((len(column), grid_level(level).length), np.uint8)
    for deeper in range(level, 1, -1):
        size, at = GRID[deeper - 1], GRID[deeper - 2].length
        k, across = np.divmod(k, size.columns)
        j, up = np.divmod(j, size.rows)
        if deeper in _QUADRANTS:
            out[:, at] = _ALPHABET[up * size.columns + across]
        else:
            out[:, at], out[:, at + 1] = _ALPHABET[across], _ALPHABET[up]
    zone = np.where(east, 31 + k, 30 - k)
    out[:, 0] = np.where(north, ord("N"), ord("S"))
    out[:, 1], out[:, 2] = _ALPHABET[zone // 10], _ALPHABET[zone % 10]
    out[:, 3] = ord("A") + j
    return out


def cover(
    area: LonLatGeometry, level: int, *, whole: bool = False, most: int = MOST_CELLS
) -> list[str]:
    """Return the codes of the cells that share a point with a geometry, in order.

    Parameters
    ----------
    area : LonLatGeometry
        Degrees of CGCS2000, longitude first; any kind, usually a polygon.
    level : int
        1 to 10.
    whole : bool
        Give cells that lie in the area as a whole by the coarsest such cell, so that few codes,
        of several levels, say the same.
    most : int
        More codes than this are refused.

    Raises
    ------
    InvalidInputError
        If the area is empty, leaves the grid, or needs more than `most` cells.

    Examples
    --------
    >>> cover(shapely.box(116.1, 23.1, 117.4, 23.4), 2)
    ['N50F46', 'N50F56', 'N50F66']
    """
    grid_level(level)
    _require_on_grid(area)
    shapely.prepare(area)
    done: list[str] = []
    column, row = _around(area, 1)
    inside = np.zeros(len(column), np.bool_)
    for deeper in range(1, level + 1):
        if deeper > 1:
            column, row, inside = _children(column, row, inside, deeper)
        touched = inside.copy()
        touched[~inside] = _test(area, column[~inside], row[~inside], deeper, shapely.intersects)
        column, row, inside = column[touched], row[touched], inside[touched]
        rim = ~inside
        inside[rim] = _test(area, column[rim], row[rim], deeper, shapely.covers)
        if whole and deeper < level:
            done += _texts(column[inside], row[inside], deeper)
            column, row, inside = column[~inside], row[~inside], inside[~inside]
        left = GRID[level - 1].length - GRID[deeper - 1].length
        ahead = int(inside.sum()) * _cells_in(deeper, level) if left else len(column)
        if len(done) + ahead > most or len(column) > 4 * most:
            raise InvalidInputError(
                f"the area needs more than {most} cells of level {level}; ask for a coarser level"
            )
    return sorted([*done, *_texts(column, row, level)])


def _require_on_grid(area: LonLatGeometry) -> None:
    if area.is_empty:
        raise InvalidInputError("an empty geometry is covered by no cells")
    west, south, east, north = area.bounds
    edge = SOUTHERNMOST_LAT_DEG
    if not (-180 <= west <= east <= 180 and -edge < south <= north < edge):
        raise InvalidInputError(
            f"({west:.7g}, {south:.7g}, {east:.7g}, {north:.7g}) leaves the BeiDou grid: degrees, "
            f"longitude first, latitudes between -{edge} and {edge}"
        )


def _around(area: LonLatGeometry, level: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the cells in the area's box, one wider on each side: edges belong to both."""
    west, south, east, north = area.bounds
    size, (columns, rows) = grid_level(level), spread(level)
    first = places(np.array([west, south]), 1, 180 * UNITS_PER_DEGREE)
    last = places(np.array([east, north]), 1, 180 * UNITS_PER_DEGREE)
    across = np.arange(
        max(first[0] // size.width - 1, -columns), min(last[0] // size.width + 2, columns)
    )
    up = np.arange(max(first[1] // size.height - 1, -rows), min(last[1] // size.height + 2, rows))
    column, row = np.meshgrid(across, up)
    return column.ravel().astype(np.int64), row.ravel().astype(np.int64)


def _children(
    column: NDArray[np.int64], row: NDArray[np.int64], inside: NDArray[np.bool_], level: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    size = GRID[level - 1]
    up, across = (axis.ravel() for axis in np.mgrid[: size.rows, : size.columns])
    fine_column = (column[:, None] * size.columns + across).ravel()
    fine_row = (row[:, None] * size.rows + up).ravel()
    return fine_column, fine_row, np.repeat(inside, size.columns * size.rows)


def _test(  # type: ignore[no-untyped-def]
    area: LonLatGeometry,
    column: NDArray[np.int64],
    row: NDArray[np.int64],
    level: int,
    predicate,
) -> NDArray[np.bool_]:
    size = GRID[level - 1]
    found: NDArray[np.bool_] = predicate(
        area,
        shapely.box(
            column * size.width / UNITS_PER_DEGREE,
            row * size.height / UNITS_PER_DEGREE,
            (column + 1) * size.width / UNITS_PER_DEGREE,
            (row + 1) * size.height / UNITS_PER_DEGREE,
        ),
    )
    return found


def _texts(column: NDArray[np.int64], row: NDArray[np.int64], level: int) -> list[str]:
    letters = np.ascontiguousarray(spelled(column, row, level))
    return [bytes(one).decode("ascii") for one in letters]


def _cells_in(coarse: int, fine: int) -> int:
    """Return how many cells of a finer level lie in one of a coarser one."""
    above, below = grid_level(coarse), grid_level(fine)
    return (above.width // below.width) * (above.height // below.height)
