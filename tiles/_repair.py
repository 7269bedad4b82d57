"""Polygons that rounding or clipping left touching or crossing themselves, made valid again."""

import numpy as np
from numpy.typing import NDArray
from shapely import (
    MultiPolygon,
    Polygon,
    get_parts,
    is_valid,
    make_valid,
    set_precision,
    symmetric_difference,
)
from shapely.geometry.base import BaseGeometry

from tiles._arrays import Features, Scratch, Window
from tiles._shape_kernel import polygon, wind

_ROUNDS = 4


def repair(features: Features, i: int, window: Window, scratch: Scratch) -> int:
    """Put a polygon's rings into the scratch so that they are valid; return how many.

    Where rings overlap, what lies under an odd number of them is inside, as in PostGIS.
    """
    rings = polygon(features, i, window, scratch, True)
    shapes = [_ring(scratch, ring) for ring in range(rings)]
    whole = _assembled(shapes, scratch.ring_hole[:rings])
    if whole is None or not is_valid(whole):
        whole = _even_odd(shapes)
    return wind(_put(whole, scratch), scratch)


def _ring(scratch: Scratch, ring: int) -> NDArray[np.int64]:
    part = slice(scratch.ring_at[ring], scratch.ring_at[ring + 1])
    return np.column_stack([scratch.x[part], scratch.y[part]])


def _assembled(
    shapes: list[NDArray[np.int64]], holes: NDArray[np.uint8]
) -> BaseGeometry | None:
    """Return rings as the polygons they were."""
    parts: list[tuple[NDArray[np.int64], list[NDArray[np.int64]]]] = []
    for shape, hole in zip(shapes, holes, strict=True):
        if hole and parts:
            parts[-1][1].append(shape)
        else:
            parts.append((shape, []))
    return MultiPolygon([Polygon(outer, inner) for outer, inner in parts]) if parts else None


def _even_odd(shapes: list[NDArray[np.int64]]) -> BaseGeometry:
    found: BaseGeometry = MultiPolygon()
    for shape in shapes:
        found = symmetric_difference(found, _area(make_valid(Polygon(shape))), grid_size=1.0)
    for _ in range(_ROUNDS):
        # On whole units again; that may join or split parts, but it always gives a valid area.
        found = _area(set_precision(_area(found), 1.0))
        if is_valid(found):
            return found
        found = make_valid(found)
    return MultiPolygon()


def _area(shape: BaseGeometry) -> BaseGeometry:
    """Return the polygons of a geometry."""
    return MultiPolygon([part for part in _leaves(shape) if isinstance(part, Polygon)])


def _leaves(shape: BaseGeometry) -> list[BaseGeometry]:
    parts = [each for each in get_parts(shape) if not each.is_empty]
    return [leaf for part in parts for leaf in ([part] if part.geom_type in _SIMPLE else _leaves(part))]


_SIMPLE = ("Point", "LineString", "LinearRing", "Polygon")


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
