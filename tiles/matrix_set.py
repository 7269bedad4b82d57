"""Grids as OGC Two Dimensional Tile Matrix Set 2.0 (OGC 17-083r4) describes them."""

from math import pi
from typing import Any

from tiles.grid import ALIASES, CGCS2000, CITY, WEB_MERCATOR, WORLD_CRS84, TileGrid
from twin.crs import LONLAT, axes_of

TILE_PIXELS = 256
_PIXEL_M = 0.00028
_METRES_A_DEGREE = pi * 6_378_137.0 / 180
"""Along the equator of WGS 84, and of CGCS2000, which has the same radius there."""
_REGISTERED = "http://www.opengis.net/def/tilematrixset/OGC/1.0"
_SCALE_SETS = {
    WEB_MERCATOR.id: "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
    WORLD_CRS84.id: "http://www.opengis.net/def/wkss/OGC/1.0/GoogleCRS84Quad",
}
TITLES = {
    WEB_MERCATOR.id: "Google Maps Compatible for the World",
    WORLD_CRS84.id: "CRS84 for the World",
    CGCS2000.id: "CGCS2000 经纬度 CGCS2000 for the World",
    CITY: "城市投影坐标 The city's own frame",
    "c": "天地图经纬度 Tianditu's CGCS2000, levels from 1",
    "w": "天地图球面墨卡托 Tianditu's Mercator",
}


def crs_uri(crs: str) -> str:
    """Return the name that OGC gives a frame.

    >>> crs_uri("EPSG:4490")
    'http://www.opengis.net/def/crs/EPSG/0/4490'
    """
    if crs == LONLAT:
        return "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
    return f"http://www.opengis.net/def/crs/EPSG/0/{crs.removeprefix('EPSG:')}"


def definition(grid: TileGrid, name: str, address: str) -> dict[str, Any]:
    """Return the definition of a grid.

    Parameters
    ----------
    grid : TileGrid
        The grid.
    name : str
        Its id, or an alias.
    address : str
        Where the definition is: the URI of those that are in no register.

    Notes
    -----
    A point of origin is written in the order of axes that the frame's authority prescribes:
    latitude first for EPSG:4490, northing first for the zones of CGCS2000.

    Examples
    --------
    >>> document = definition(CGCS2000, "c", "")
    >>> document["orderedAxes"], document["tileMatrices"][0]["pointOfOrigin"]
    (['Lat', 'Lon'], [90.0, -180.0])
    >>> document["tileMatrices"][0]["id"], document["tileMatrices"][0]["matrixWidth"]
    ('1', 2)
    """
    axes = axes_of(grid.crs)
    corner = [grid.left, grid.top] if axes.east_first else [grid.top, grid.left]
    first = ALIASES.get(name, (name, 0))[1]
    registered = name in _SCALE_SETS
    return {
        "id": name,
        "title": TITLES[name],
        "uri": f"{_REGISTERED}/{name}" if registered else address,
        "crs": crs_uri(grid.crs),
        "orderedAxes": list(axes.names),
        **({"wellKnownScaleSet": _SCALE_SETS[name]} if registered else {}),
        "tileMatrices": [
            _matrix(grid, level, str(level + first), corner, in_degrees=axes.in_degrees)
            for level in range(grid.last + 1)
        ],
    }


def _matrix(
    grid: TileGrid, level: int, name: str, corner: list[float], *, in_degrees: bool
) -> dict[str, Any]:
    cell = grid.side / TILE_PIXELS / 2**level
    return {
        "id": name,
        "scaleDenominator": cell * (_METRES_A_DEGREE if in_degrees else 1.0) / _PIXEL_M,
        "cellSize": cell,
        "cornerOfOrigin": "topLeft",
        "pointOfOrigin": corner,
        "tileWidth": TILE_PIXELS,
        "tileHeight": TILE_PIXELS,
        "matrixWidth": grid.across * 2**level,
        "matrixHeight": 2**level,
    }
