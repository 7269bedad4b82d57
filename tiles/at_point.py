"""Which tile holds a point."""

from math import asinh, floor, pi, radians, tan

from tiles.grid import Tile


def tile_at(lon: float, lat: float, z: int) -> Tile:
    """Return the tile of WebMercatorQuad that holds a point, degrees.

    >>> tile_at(0.1, 0.1, 1)
    Tile(z=1, x=1, y=0)
    """
    last = 2**z - 1
    column = (lon + 180) / 360 * 2**z
    row = (1 - asinh(tan(radians(lat))) / pi) / 2 * 2**z
    return Tile(z, min(max(floor(column), 0), last), min(max(floor(row), 0), last))
