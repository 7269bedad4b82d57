"""Buildings and grid cells laid over a raster: read models in the raster's frame."""

from functools import cache
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from analysis._follow import ReadModel
from twin.crs import reproject

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_BUILDINGS = text("""
    SELECT   id, residents_day, residents_night, ST_AsBinary(geom) AS wkb
    FROM     twin.building
    WHERE    state NOT IN ('planned', 'removed')
    ORDER BY id
""")

_CELLS = text("""
    SELECT   id, ST_AsBinary(geom) AS wkb
    FROM     twin.grid_cell
    WHERE    state NOT IN ('planned', 'removed')
    ORDER BY id
""")


class Buildings(NamedTuple):
    """The buildings of the city, each by one point of its footprint; arrays of shape (n,)."""

    ids: Ints
    x: Floats
    """In the raster's frame, as y."""
    y: Floats
    residents_day: Floats
    """NaN where they are not known."""
    residents_night: Floats


class Cells(NamedTuple):
    """The grid cells of the city as rings of corners, in the raster's frame."""

    ids: Ints
    corners: Floats
    """Shape (corners, 2)."""
    ring_first: Ints
    """Where each ring begins in ``corners``, shape (rings + 1,)."""
    cell_first: Ints
    """Where each cell begins in the rings, shape (cells + 1,)."""


@cache
def buildings_over(frame: str, crs: str) -> ReadModel[Buildings]:
    """Return the read model of the buildings of a city frame over rasters of another frame.

    The point is chosen in the raster's frame, as anybody would who lays the two over each other.
    """

    def load(session: Session) -> Buildings:
        rows = session.execute(_BUILDINGS).all()
        places = shapely.point_on_surface(reproject(_shapes([r.wkb for r in rows]), frame, crs))
        return Buildings(
            np.array([row.id for row in rows], dtype=np.int64),
            shapely.get_x(places),
            shapely.get_y(places),
            np.array([row.residents_day for row in rows], dtype=np.float64),
            np.array([row.residents_night for row in rows], dtype=np.float64),
        )

    return ReadModel(("building",), load)


@cache
def cells_over(frame: str, crs: str) -> ReadModel[Cells]:
    """Return the read model of the grid cells of a city frame over rasters of another frame."""

    def load(session: Session) -> Cells:
        rows = session.execute(_CELLS).all()
        areas = reproject(_shapes([row.wkb for row in rows]), frame, crs)
        parts, of_area = shapely.get_parts(areas, return_index=True)
        rings, of_part = shapely.get_rings(parts, return_index=True)
        corners, of_ring = shapely.get_coordinates(rings, return_index=True)
        return Cells(
            np.array([row.id for row in rows], dtype=np.int64),
            corners,
            _firsts(of_ring, len(rings)),
            _firsts(of_area[of_part], len(areas)),
        )

    return ReadModel(("grid_cell",), load)


def _shapes(wkbs: list[bytes]) -> NDArray[np.object_]:
    return np.asarray(shapely.from_wkb(np.array(wkbs, dtype=object)), dtype=object)


def _firsts(owner: Ints, owners: int) -> Ints:
    firsts = np.zeros(owners + 1, dtype=np.int64)
    np.cumsum(np.bincount(owner, minlength=owners), out=firsts[1:])
    return firsts
