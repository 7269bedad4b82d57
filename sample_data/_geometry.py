"""Many geometries at once, from one array of coordinates."""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shapes = NDArray[Any]
"""Geometries, one an element."""


def points(coordinates: Floats) -> Shapes:
    """Return points, one for each row of coordinates."""
    return np.asarray(shapely.points(coordinates))


def lines(coordinates: Floats, owner: Ints) -> Shapes:
    """Return lines; ``owner`` says which line each coordinate belongs to, in order."""
    return np.asarray(shapely.linestrings(coordinates, indices=owner))


def areas(coordinates: Floats, ring_of: Ints, area_of: Ints) -> Shapes:
    """Return areas of one polygon each, as multipolygons.

    Parameters
    ----------
    coordinates : ndarray of float, shape (n, 2)
        Corners of all rings, one ring after the other.
    ring_of : ndarray of int, shape (n,)
        Which ring each corner belongs to, in order.
    area_of : ndarray of int, shape (rings,)
        Which area each ring belongs to, in order; an area's first ring is its outline.

    Examples
    --------
    >>> corners = np.array([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)])
    >>> areas(corners, np.zeros(3, dtype=int), np.zeros(1, dtype=int))[0].geom_type
    'MultiPolygon'
    """
    rings: Shapes = np.asarray(shapely.linearrings(coordinates, indices=ring_of))
    polygons: Shapes = np.asarray(shapely.polygons(rings, indices=area_of))
    return np.asarray(shapely.multipolygons(polygons, indices=np.arange(len(polygons))))
