"""What a triangle mesh tells of a thing: how high, how much, and what it covers in plan.

Kernels: arrays in, numbers and polygons out; all lengths in metres.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPoint, MultiPolygon
from shapely.geometry.base import BaseGeometry

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

_WELD_M = 1e-5
_GRID_M, _DECIMALS = 1e-4, 4
_SMOOTH_M = 1e-3
_THIN_M = 0.005
_LEAST_AREA_M2 = 1e-8
CLOSING_M = 0.05
"""Gaps up to twice this between parts of a building are closed in its footprint."""


@dataclass(frozen=True)
class Body:
    """A mesh and what it tells.

    Attributes
    ----------
    vertices : ndarray of float, shape (n, 3)
    triangles : ndarray of int32, shape (m, 3)
    is_closed : bool
        Every edge is walked once in each direction: the mesh bounds a solid.
    volume_m3 : float or None
        None where it is not closed.
    footprint : MultiPolygon
        What it covers in plan, to a millimetre.
    """

    vertices: Floats
    triangles: Ints
    is_closed: bool
    volume_m3: float | None
    footprint: MultiPolygon

    @property
    def z_min_m(self) -> float:
        """The lowest point."""
        return float(self.vertices[:, 2].min())

    @property
    def z_max_m(self) -> float:
        """The highest point."""
        return float(self.vertices[:, 2].max())


def body(vertices: Floats, triangles: Ints) -> Body | None:
    """Return what a mesh tells, or None if it has no triangle of any size.

    Parameters
    ----------
    vertices : ndarray of float, shape (n, 3)
        Metres, z up.
    triangles : ndarray of int, shape (m, 3)
        Rows of vertices, counterclockwise seen from outside.

    Examples
    --------
    A tetrahedron over half a square metre, two metres high:

    >>> corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 2]], float)
    >>> faces = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]], np.int32)
    >>> found = body(corners, faces)
    >>> found.is_closed, round(found.volume_m3, 6), found.footprint.area
    (True, 0.333333, 0.5)
    """
    vertices, triangles = _welded(vertices, triangles)
    if not len(triangles) or not np.isfinite(vertices).all():
        return None
    is_closed = _is_closed(triangles, len(vertices))
    corners = vertices[triangles]
    about = corners - vertices.mean(axis=0)
    signed = float(np.einsum("ij,ij->i", about[:, 0], np.cross(about[:, 1], about[:, 2])).sum()) / 6
    volume = abs(signed) if is_closed else None
    return Body(vertices, triangles, is_closed, volume, _footprint(corners, is_closed))


def united(shapes: Sequence[BaseGeometry], *, closing_m: float = 0.0) -> MultiPolygon:
    """Return the union of footprints; gaps of up to twice ``closing_m`` are closed.

    >>> left, right = shapely.box(0, 0, 1, 1), shapely.box(1.06, 0, 2, 1)
    >>> round(united([left, right], closing_m=0.05).area, 6)
    2.0
    """
    held = [shape for shape in shapes if not shape.is_empty]
    if not held:
        return MultiPolygon()
    union = _union(held)
    if closing_m:
        grown = shapely.buffer(union, closing_m, join_style="mitre")
        union = shapely.buffer(grown, -closing_m, join_style="mitre")
    return areas(shapely.simplify(union, _SMOOTH_M))


def _welded(vertices: Floats, triangles: Ints) -> tuple[Floats, Ints]:
    """Return the mesh with equal vertices made one, and without triangles that collapsed."""
    if not len(triangles):
        return vertices, triangles
    places = np.round((vertices - vertices[0]) / _WELD_M)
    _, first, places_of = np.unique(places, axis=0, return_index=True, return_inverse=True)
    faces = places_of.reshape(-1)[triangles].astype(np.int32)
    a, b, c = faces.T
    return vertices[first], faces[(a != b) & (b != c) & (c != a)]


def _is_closed(triangles: Ints, count: int) -> bool:
    start = triangles.astype(np.int64)
    end = np.roll(start, -1, axis=1)
    return bool(
        np.array_equal(
            np.sort((start * count + end).ravel()), np.sort((end * count + start).ravel())
        )
    )


def _footprint(corners: Floats, is_closed: bool) -> MultiPolygon:
    """Return the shadow of triangles, corners of shape (m, 3, 3), on the plan."""
    plan = corners[:, :, :2]
    ahead, aside = plan[:, 1] - plan[:, 0], plan[:, 2] - plan[:, 0]
    twice = ahead[:, 0] * aside[:, 1] - ahead[:, 1] * aside[:, 0]
    seen = np.abs(twice) > 2 * _LEAST_AREA_M2
    if is_closed:
        # What a solid covers is covered by its upper side, and by its lower side again.
        up, down = seen & (twice > 0), seen & (twice < 0)
        seen = up if up.sum() <= down.sum() else down
    if seen.any():
        corners_2d = np.round(plan[seen], _DECIMALS)
        # On round coordinates the plain union is sound, and takes a quarter of the snapped one.
        flat = areas(_union(list(np.atleast_1d(np.asarray(shapely.polygons(corners_2d))))))
        if not flat.is_empty:
            return areas(shapely.simplify(flat, _SMOOTH_M))
    # A sheet that stands upright: a strip of a centimetre.
    line = MultiPoint(plan.reshape(-1, 2)).convex_hull
    return areas(shapely.buffer(line, _THIN_M, cap_style="flat", join_style="mitre"))


def _union(shapes: Sequence[BaseGeometry]) -> BaseGeometry:
    try:
        return shapely.union_all(shapes)
    except shapely.GEOSException:
        return shapely.union_all(shapes, grid_size=_GRID_M)


def areas(shape: BaseGeometry) -> MultiPolygon:
    """Return the areas of a geometry.

    >>> len(areas(shapely.from_wkt("GEOMETRYCOLLECTION (POINT (1 1), POLYGON EMPTY)")).geoms)
    0
    """
    parts = [
        part
        for part in shapely.get_parts(shapely.get_parts(shape))
        if part.geom_type == "Polygon" and not part.is_empty
    ]
    return MultiPolygon(parts)
