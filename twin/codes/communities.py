"""Communities of a city, cut into management grid cells that can be loaded."""

from typing import Any

import numpy as np
import shapely
from sqlalchemy import text

from twin.codes.numbering import cut_community
from twin.codes.regions import parse_region
from twin.crs import LONLAT, CityGeometry, reproject
from twin.database import City
from twin.errors import NotFoundError

_COMMUNITY = text("""
    -- The area of the region with a code.
    SELECT   name, ST_AsBinary(ST_Force2D(geom)) AS area
    FROM     twin.region
    WHERE    code = :code AND state <> 'removed'
    ORDER BY id
    LIMIT    1
""")
_DECIMALS = 9
"""Of a degree: a tenth of a millimetre, finer than the grid that the cells are cut on."""


def cells_of(city: City, region: str, *, size_m: float) -> dict[str, Any]:
    """Return a community of the city cut into cells, as GeoJSON that a load takes.

    Parameters
    ----------
    city : City
        The open city.
    region : str
        The community's code, 12 digits.
    size_m : float
        The side of a full cell, m.

    Returns
    -------
    dict
        A feature collection in degrees, CGCS2000 or WGS 84 as the city's frame is; each cell has
        ``code`` and ``name``.

    Raises
    ------
    InvalidInputError
        If the code names no community, or `cut_community` refuses it.
    NotFoundError
        If the city has no such region.
    """
    parse_region(region)
    row = city.session.execute(_COMMUNITY, {"code": region}).one_or_none()
    if row is None:
        raise NotFoundError(f"the city has no region with the code {region}")
    area = CityGeometry(shapely.from_wkb(row.area))
    cells = cut_community(area, region, size_m=size_m)
    shapes = np.array([cell.area for cell in cells], dtype=object)
    lonlat = shapely.transform(
        reproject(shapes, city.frame.name, LONLAT), lambda xy: np.round(xy, _DECIMALS)
    )
    features = [
        {
            "type": "Feature",
            "properties": {"code": cell.code, "name": f"{row.name or ''}{cell.code[-3:]}网格"},
            "geometry": shapely.geometry.mapping(shape),
        }
        for cell, shape in zip(cells, lonlat, strict=True)
    ]
    return {"type": "FeatureCollection", "features": features}
