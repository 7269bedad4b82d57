"""The grids of tile addresses: z/x/y, x counted from the west and y from the north, both from 0.

Level 0 of every grid is one square, or two side by side; each level halves the one before.
"""

import re
from functools import lru_cache
from math import atan, ceil, cos, degrees, floor, log2, pi, radians, sinh
from typing import NamedTuple

from twin.crs import LONLAT, CityBox, Frame, LonLatBox
from twin.errors import InvalidInputError, NotFoundError

MAXZOOM = 24
"""A tile of WebMercatorQuad's level 24 is two metres wide: below the accuracy of what is drawn in
it.  Other grids end where their tiles are as small."""
_AROUND_M = 40075016.685578488
_ROOM_M = 50_000.0
"""How far around the city features are looked for."""
_STEPS = 8
"""The city's own grid begins at a multiple of this part of its side."""


class Tile(NamedTuple):
    """An address in a grid."""

    z: int
    x: int
    y: int


class TileGrid(NamedTuple):
    """A family of tiles: level 0 has squares of ``side`` in the units of a frame, y downwards.

    Attributes
    ----------
    id, crs : str
        Its name in addresses, and its frame; x is always east and y north.
    left, top, side : float
        The upper left corner of level 0, and the width of a square, in the frame's units.
    across : int
        How many squares level 0 has side by side, 1 or 2.
    zoom : int
        The level of WebMercatorQuad that shows the city as large as level 0 does here: what is
        drawn at a level is said in those.
    """

    id: str
    crs: str
    left: float
    top: float
    side: float
    across: int = 1
    zoom: int = 0

    @property
    def last(self) -> int:
        """The last level."""
        return MAXZOOM - self.zoom

    def box(self, tile: Tile, margin: float = 0.0) -> tuple[float, float, float, float]:
        """Return what a tile covers in the grid's frame: left, bottom, right, top.

        Parameters
        ----------
        tile : Tile
            The address.
        margin : float
            How much more on each side, as a share of the tile's width.

        Examples
        --------
        >>> CGCS2000.box(Tile(1, 3, 0))
        (90.0, 0.0, 180.0, 90.0)
        """
        side = self.side / 2**tile.z
        return (
            self.left + (tile.x - margin) * side,
            self.top - (tile.y + 1 + margin) * side,
            self.left + (tile.x + 1 + margin) * side,
            self.top - (tile.y - margin) * side,
        )

    def ground(self, tile: Tile, frame: Frame, *, margin: float = 0.0) -> LonLatBox | None:
        """Return a box in degrees around what a tile shows of a city; None if that is nothing."""
        if self.id == WEB_MERCATOR.id:
            return lonlat_box(tile, margin=margin)
        west, south, east, north = self.box(tile, margin)
        if self.id != CITY:
            return LonLatBox(
                max(west, -180.0), max(south, -90.0), min(east, 180.0), min(north, 90.0)
            )
        # A frame need not be valid all over the square.
        low_x, low_y, high_x, high_y = frame.extent
        west, south = max(west, low_x - _ROOM_M), max(south, low_y - _ROOM_M)
        east, north = min(east, high_x + _ROOM_M), min(north, high_y + _ROOM_M)
        if west > east or south > north:
            return None
        return frame.box_to_lonlat(CityBox(west, south, east, north))


WEB_MERCATOR = TileGrid("WebMercatorQuad", "EPSG:3857", -_AROUND_M / 2, _AROUND_M / 2, _AROUND_M)
WORLD_CRS84 = TileGrid("WorldCRS84Quad", LONLAT, -180.0, 90.0, 180.0, 2, 1)
CGCS2000 = TileGrid("CGCS2000Quad", "EPSG:4490", -180.0, 90.0, 180.0, 2, 1)
CITY = "CityQuad"
"""The name of the grid in the city's own frame."""
ALIASES = {"c": (CGCS2000.id, 1), "w": (WEB_MERCATOR.id, 0)}
"""Other names of grids, and by how much their levels are higher: those of Tianditu, whose matrices
of `c` begin at level 1 with two squares side by side, where ours begin at level 0."""


def city_grid(frame: Frame) -> TileGrid:
    """Return the grid in a city's own frame; the city's extent alone decides.

    Its side is a power of two of a metre and its corner a round number, so that an extent that
    grows a little often leaves the addresses as they are.

    Examples
    --------
    >>> grid = city_grid(Frame(4548, CityBox(466_000, 2_583_000, 468_000, 2_585_000)))
    >>> grid.left, grid.top, grid.side, grid.zoom
    (465920.0, 2585088.0, 4096.0, 13)
    """
    low_x, low_y, high_x, high_y = frame.extent
    size = ceil(log2(max(high_x - low_x, high_y - low_y)))
    while True:
        side = 2.0**size
        step = side / _STEPS
        left, top = floor(low_x / step) * step, ceil(high_y / step) * step
        if left + side >= high_x and top - side <= low_y:
            break
        size += 1
    extent = frame.lonlat_extent()
    middle = radians((extent.south + extent.north) / 2)
    zoom = max(round(log2(_AROUND_M * cos(middle) / side)), 0)
    return TileGrid(CITY, frame.name, left, top, side, 1, zoom)


@lru_cache(maxsize=64)
def _grids(frame: Frame | None) -> dict[str, TileGrid]:
    fixed = {grid.id: grid for grid in (WEB_MERCATOR, WORLD_CRS84, CGCS2000)}
    return fixed if frame is None else {**fixed, CITY: city_grid(frame)}


def grids(frame: Frame | None) -> dict[str, TileGrid]:
    """Return all grids by id; while a city's frame is not known, all but its own.

    >>> list(grids(None))
    ['WebMercatorQuad', 'WorldCRS84Quad', 'CGCS2000Quad']
    """
    return dict(_grids(frame))


def grid_named(name: str, frame: Frame | None) -> TileGrid:
    """Return the grid of a name or an alias.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    found = _grids(frame).get(ALIASES.get(name, (name, 0))[0])
    if found is None:
        raise NotFoundError(
            f"there is no tile grid {name[:40]!r}; there are {', '.join(_grids(frame))}, and "
            "Tianditu's names c and w"
        )
    return found


def parse_tile(
    z: str, x: str, y: str, grid: TileGrid = WEB_MERCATOR, *, name: str | None = None
) -> Tile:
    """Return the tile that three words name.

    Parameters
    ----------
    z, x, y : str
        Level, column and row.
    grid : TileGrid
        The grid.
    name : str, optional
        What the grid was called: an alias may count its levels from another one.

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

    Tianditu's level 1 is level 0 here:

    >>> parse_tile("1", "1", "0", CGCS2000, name="c")
    Tile(z=0, x=1, y=0)
    """
    if not all(re.fullmatch(r"-?[0-9]+", word) for word in (z, x, y)):
        raise InvalidInputError(
            f"a tile is named by whole numbers z/x/y, not {z[:20]}/{x[:20]}/{y[:20]}"
        )
    first = ALIASES[name][1] if name in ALIASES else 0
    # Numbers too long to be an address need not be converted to know it.
    level = int(z) - first if len(z) <= 3 else grid.last + 1
    if not 0 <= level <= grid.last:
        raise NotFoundError(
            f"there are tiles of the levels {first} to {grid.last + first}, not {z[:20]}"
        )
    rows: int = 2**level
    columns = rows * grid.across
    if not all(len(word) <= 9 and 0 <= int(word) < end for word, end in ((x, columns), (y, rows))):
        raise NotFoundError(
            f"level {z} has the columns 0 to {columns - 1} and the rows 0 to {rows - 1}, "
            f"not {x[:20]}/{y[:20]}"
        )
    return Tile(level, int(x), int(y))


def lonlat_box(tile: Tile, *, margin: float = 0.0) -> LonLatBox:
    """Return the ground a tile of WebMercatorQuad covers, in degrees.

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
