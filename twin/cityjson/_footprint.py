"""What a geometry covers in plan."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon
from shapely.geometry.base import BaseGeometry

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_DECIMALS = 4
_LEAST_AREA_M2 = 1e-8
_SMOOTH_M = 1e-3
_THIN_M = 0.005
_SNAP_M = 1e-4


def plan_of(corners: Ints, points: Floats) -> tuple[NDArray[np.object_], Floats]:
    """Return triangles on the plan as polygons, and twice their signed areas, m².

    Those that stand upright have an area of 0 and no polygon.

    Parameters
    ----------
    corners : ndarray of int, shape (t, 3)
    points : ndarray of float, shape (n, 3)
    """
    plan = np.round(points[:, :2], _DECIMALS)[corners]
    ahead, aside = plan[:, 1] - plan[:, 0], plan[:, 2] - plan[:, 0]
    twice = ahead[:, 0] * aside[:, 1] - ahead[:, 1] * aside[:, 0]
    twice[np.abs(twice) <= 2 * _LEAST_AREA_M2] = 0
    seen = np.flatnonzero(twice)
    shapes = np.full(len(corners), None, object)
    if len(seen):
        rings = plan[seen][:, [0, 1, 2, 0]].reshape(-1, 2)
        whole = shapely.linearrings(rings, indices=np.repeat(np.arange(len(seen)), 4))
        shapes[seen] = shapely.polygons(whole)
    return shapes, twice


def footprint(
    shapes: NDArray[np.object_], twice: Floats, corners: Ints, points: Floats, *, is_closed: bool
) -> MultiPolygon:
    """Return the shadow of triangles on the plan.

    Parameters
    ----------
    shapes, twice
        What `plan_of` made of them.
    corners, points
        The triangles themselves.
    is_closed : bool
        What a solid covers is covered by its upper side, and by its lower side again.

    Examples
    --------
    >>> points = np.array([[0, 0, 0], [2, 0, 0], [2, 1, 0], [0, 1, 0]], float)
    >>> corners = np.array([[0, 1, 2], [0, 2, 3]])
    >>> footprint(*plan_of(corners, points), corners, points, is_closed=False).area
    2.0
    """
    up, down = twice > 0, twice < 0
    if is_closed:
        sides = [up if 0 < up.sum() <= down.sum() or not down.any() else down]
    else:
        sides = [up, down]
    covered = [_covered(shapes[side], twice[side]) for side in sides if side.any()]
    if covered:
        whole = covered[0] if len(covered) == 1 else _union(covered)
        flat = _polygons(shapely.simplify(whole, _SMOOTH_M))
        if not flat.is_empty:
            return flat
    # A sheet that stands upright: a strip of a centimetre.
    line = shapely.convex_hull(shapely.multipoints(points[np.unique(corners), :2]))
    return _polygons(shapely.buffer(line, _THIN_M, cap_style="flat", join_style="mitre"))


def united(shapes: list[BaseGeometry]) -> MultiPolygon:
    """Return the union of footprints.

    >>> united([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)]).area
    2.0
    """
    areas = [shape for shape in shapes if shape.area > 0]
    if not areas:
        return MultiPolygon()
    return _polygons(areas[0] if len(areas) == 1 else _union(areas))


def _covered(shapes: NDArray[np.object_], twice: Floats) -> BaseGeometry:
    """Return the union of triangles; those that meet edge to edge need no intersections."""
    if len(shapes) == 1:
        only: BaseGeometry = shapes[0]
        return only
    area = float(np.abs(twice).sum()) / 2
    try:
        found: BaseGeometry = shapely.coverage_union_all(shapes)
        if abs(found.area - area) <= 1e-9 * area and found.is_valid:
            return found
    except shapely.GEOSException:
        pass
    return _union(list(shapes))


def _union(shapes: list[BaseGeometry]) -> BaseGeometry:
    try:
        return shapely.union_all(shapes)
    except shapely.GEOSException:
        return shapely.union_all(shapes, grid_size=_SNAP_M)


def _polygons(shape: Any) -> MultiPolygon:
    parts = shapely.get_parts(shapely.get_parts(shape))
    areas = (shapely.get_type_id(parts) == 3) & ~shapely.is_empty(parts)
    found: MultiPolygon = shapely.multipolygons(parts[areas])
    return found
