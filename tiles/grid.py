"""The grid of tile addresses: WebMercatorQuad, z/x/y, y counted from the north."""

import re
from math import atan, degrees, pi, sinh
from typing import NamedTuple

from twin.crs import LonLatBox
from twin.errors import InvalidInputError, NotFoundError

MAXZOOM = 24
"""A tile of level 24 is two metres wide: below the accuracy of what is drawn in it."""


class Tile(NamedTuple):
    """An address in the grid."""

    z: int
    x: int
    y: int


def parse_tile(z: str, x: str, y: str) -> Tile:
    """Return the tile that three words name.

    Raises
    ------
    InvalidInputError
        If one of them is no whole number.
    NotFoundError
        If the grid has no such tile.

    Examples
    --------
    >>> parse_tile("14", "13503", "7107")
    Tile(z=14, x=13503, y=7107)
    """
    if not all(re.fullmatch(r"-?[0-9]+", word) for word in (z, x, y)):
        raise InvalidInputError(f"a tile is named by whole numbers z/x/y, not {z}/{x}/{y}")
    # Numbers too long to be an address need not be converted to know it.
    level = int(z) if len(z) <= 3 else MAXZOOM + 1
    if not 0 <= level <= MAXZOOM:
        raise NotFoundError(f"there are tiles of the levels 0 to {MAXZOOM}, not {z[:20]}")
    side: int = 2**level
    if not all(len(word) <= 9 and 0 <= int(word) < side for word in (x, y)):
        raise NotFoundError(
            f"level {level} has the columns and rows 0 to {side - 1}, not {x[:20]}/{y[:20]}"
        )
    return Tile(level, int(x), int(y))


def lonlat_box(tile: Tile, *, margin: float = 0.0) -> LonLatBox:
    """Return the ground a tile covers, in degrees.

    Parameters
    ----------
    tile : Tile
        The address.
    margin : float
        How much more on each side, as a share of the tile's width.

    Examples
    --------
    >>> [round(v, 4) for v in lonlat_box(Tile(1, 1, 0))]
    [0.0, 0.0, 180.0, 85.0511]
    """
    side: int = 2**tile.z

    def lon(column: float) -> float:
        return min(max(column / side * 360 - 180, -180.0), 180.0)

    def lat(row: float) -> float:
        return degrees(atan(sinh(pi * (1 - 2 * row / side))))

    return LonLatBox(
        lon(tile.x - margin),
        lat(tile.y + 1 + margin),
        lon(tile.x + 1 + margin),
        lat(tile.y - margin),
    )
