"""Polygons that rounding or clipping left touching or crossing themselves, made valid again."""

import numpy as np
from numpy.typing import NDArray
from shapely import (
    LineString,
    MultiPolygon,
    Polygon,
    get_coordinates,
    get_parts,
    is_valid,
    make_valid,
    point_on_surface,
    polygonize,
    set_precision,
    union_all,
)
from shapely.geometry.base import BaseGeometry

from tiles._arrays import Features, Scratch, Window
from tiles._mend_kernel import mend
from tiles._shape_kernel import polygon, wind

_ROUNDS = 4


def repair(features: Features, i: int, window: Window, scratch: Scratch) -> int:
    """Put a polygon's rings into the scratch so that they are valid; return how many.

    Where rings overlap, what lies under an odd number of them is inside, as in PostGIS.
    """
    rings = mend(features, i, window, scratch)
    return rings if rings >= 0 else _rebuilt(features, i, window, scratch)


def _rebuilt(features: Features, i: int, window: Window, scratch: Scratch) -> int:
    """Put a polygon's rings into the scratch, mended by GEOS; return how many."""
    rings = polygon(features, i, window, scratch, True)
    shapes = [_ring(scratch, ring) for ring in range(rings)]
    shapes = [_snapped(shape) for shape in shapes]
    whole = _assembled(shapes, scratch.ring_hole[:rings])
    for _ in range(_ROUNDS):
        if whole is not None and is_valid(whole):
            break
        whole = _even_odd(shapes)
        before = [
            np.rint(np.asarray(ring.coords)[:-1, :2]).astype(np.int64) for ring in _rings(whole)
        ]
        # Joining and splitting may leave corners beside edges, so look again.
        shapes = [_snapped(shape) for shape in before]
        if any(len(a) != len(b) for a, b in zip(before, shapes, strict=True)):
            whole = None
    return max(wind(_put(whole or MultiPolygon(), scratch), scratch), 0)


def _ring(scratch: Scratch, ring: int) -> NDArray[np.int64]:
    part = slice(scratch.ring_at[ring], scratch.ring_at[ring + 1])
    return np.column_stack([scratch.x[part], scratch.y[part]])


def _snapped(shape: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a ring whose edges go through the corners that lie in a unit with them."""
    begin, end = shape, np.roll(shape, -1, axis=0)
    along = end - begin
    off = shape[None, :, :] - begin[:, None, :]
    cross = np.abs(along[:, None, 0] * off[:, :, 1] - along[:, None, 1] * off[:, :, 0])
    low, high = np.minimum(begin, end)[:, None, :], np.maximum(begin, end)[:, None, :]
    near = (2 * cross <= np.abs(along).sum(axis=1)[:, None]) & (
        (shape[None] >= low) & (shape[None] <= high)
    ).all(axis=2)
    index = np.arange(len(shape))
    near[index, index] = near[index, np.roll(index, -1)] = False
    if not near.any():
        return shape
    places = []
    for i in index:
        places.append(shape[i])
        passed = np.flatnonzero(near[i])
        far = (off[i, passed] * along[i]).sum(axis=1)
        places += [shape[j] for j in passed[np.argsort(far, kind="stable")]]
    return np.array(places)


def _assembled(shapes: list[NDArray[np.int64]], holes: NDArray[np.uint8]) -> BaseGeometry | None:
    """Return rings as the polygons they were."""
    parts: list[tuple[NDArray[np.int64], list[NDArray[np.int64]]]] = []
    for shape, hole in zip(shapes, holes, strict=True):
        if len(shape) < 3:
            continue
        if hole and parts:
            parts[-1][1].append(shape)
        else:
            parts.append((shape, []))
    return MultiPolygon([Polygon(outer, inner) for outer, inner in parts]) if parts else None


def _even_odd(shapes: list[NDArray[np.int64]]) -> BaseGeometry:
    """Return what lies under an odd number of rings: the faces between them, each looked at.

    GEOS's ``make_valid`` may fill a face beside an edge that a ring runs along to and fro.
    """
    closed = [LineString(np.vstack([shape, shape[:1]])) for shape in shapes if len(shape) >= 2]
    faces = get_parts(polygonize(get_parts(union_all(closed, grid_size=1.0))))
    spots = get_coordinates(point_on_surface(faces))
    found = _area(union_all(faces[_crossings(shapes, spots) % 2 == 1]))
    for _ in range(_ROUNDS):
        # On whole units again; that may join or split parts, but it always gives a valid area.
        found = _area(set_precision(found, 1.0))
        if is_valid(found):
            return found
        found = _area(make_valid(found))
    return MultiPolygon()


def _crossings(shapes: list[NDArray[np.int64]], spots: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return how many edges a ray from each spot crosses."""
    count = np.zeros(len(spots), np.int64)
    u, v = spots[:, 0, None], spots[:, 1, None]
    for shape in shapes:
        (ax, ay), (bx, by) = shape.T, np.roll(shape, -1, axis=0).T
        spans = (ay > v) != (by > v)
        at = ax + (v - ay) * (bx - ax) / np.where(by == ay, 1, by - ay)
        count += (spans & (at > u)).sum(axis=1)
    return count


def _area(shape: BaseGeometry) -> BaseGeometry:
    """Return the polygons of a geometry."""
    return MultiPolygon([part for part in _leaves(shape) if isinstance(part, Polygon)])


def _leaves(shape: BaseGeometry) -> list[BaseGeometry]:
    parts = [each for each in get_parts(shape) if not each.is_empty]
    return [
        leaf for part in parts for leaf in ([part] if part.geom_type in _SIMPLE else _leaves(part))
    ]


_SIMPLE = ("Point", "LineString", "LinearRing", "Polygon")


def _rings(shape: BaseGeometry) -> list[BaseGeometry]:
    polygons = [each for each in _leaves(shape) if isinstance(each, Polygon)]
    return [ring for each in polygons for ring in (each.exterior, *each.interiors)]


def _put(whole: BaseGeometry, scratch: Scratch) -> int:
    """Write polygons into the scratch; return how many rings they have."""
    rings, at = 0, 0
    for part in _leaves(whole):
        if not isinstance(part, Polygon):
            continue
        for number, ring in enumerate([part.exterior, *part.interiors]):
            places = np.rint(np.asarray(ring.coords)[:-1, :2]).astype(np.int64)
            end = at + len(places)
            if end > len(scratch.x) or rings + 1 >= len(scratch.ring_at):
                return 0
            scratch.x[at:end], scratch.y[at:end] = places[:, 0], places[:, 1]
            scratch.ring_at[rings], scratch.ring_hole[rings] = at, number > 0
            rings += 1
            at = end
    scratch.ring_at[rings] = at
    return rings
