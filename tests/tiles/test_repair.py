"""Polygons that rounding left touching or crossing themselves come out valid and in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiPolygon, Point, Polygon, is_valid, polygonize, union_all
from shapely.geometry.base import BaseGeometry

from tiles._arrays import Features, Scratch, Window
from tiles._mend_kernel import UNSURE, mend
from tiles._repair import _rebuilt, repair
from tiles._wkb_kernel import POLYGON
from tiles.columns import NEVER, _scratch

Ring = Sequence[tuple[int, int]]
WINDOW = Window(0, 0, 0, 14, 0, 1.0, 0.0, 0.0)

NECK = [(0, 0), (40, 0), (40, 40), (21, 20), (0, 40), (0, 22), (20, 20), (0, 18)]
"""A ring that comes within a unit of itself: two places, (21, 20) and (20, 20)."""
PINCHED = [(0, 0), (40, 0), (20, 20), (40, 40), (0, 40), (20, 20)]
TO_AND_FRO = [(0, 0), (40, 0), (40, 20), (60, 20), (60, 30), (60, 20), (40, 20), (40, 40), (0, 40)]
BOW_TIE = [(0, 0), (40, 40), (40, 0), (0, 40)]
TWICE_AROUND = [(0, 0), (40, 0), (40, 40), (0, 40), (0, 0), (30, 10), (30, 30), (10, 30)]
ALONG_THE_RIM = [
    (4160, -64), (4160, 509), (4159, 509), (4160, 505), (4160, -64), (4021, -64), (4012, 6),
    (4039, 169), (4069, 272), (4125, 361), (4160, 406), (4160, 430), (4131, 509), (4078, 527),
    (3983, 474), (3897, 411), (3826, 337), (3755, 296), (3648, 275), (3677, 162), (3710, 36),
    (3740, -64),
]  # fmt: skip
"""A district of Jakarta, clipped: it runs along the tile's rim, and back."""


def features(*rings: Ring) -> Features:
    """Return one feature as columns: a polygon of each ring."""
    places = np.array([place for ring in rings for place in ring], np.int32)
    low, high = places.min(0), places.max(0)
    none = np.zeros(2, np.int32)
    return Features(
        ids=np.array([1]),
        zooms=np.array([-1], np.int32),
        kinds=np.array([POLYGON], np.uint8),
        gone=np.array([NEVER], np.int32),
        along=np.zeros(1, np.uint32),
        clear=np.zeros(1, np.uint8),
        ring_start=np.array([0, len(rings)], np.int32),
        place_start=np.cumsum([0, *map(len, rings)], dtype=np.int32),
        holes=np.zeros(len(rings), np.uint8),
        places=places,
        boxes=np.array([[*low, *high]], np.int32),
        tag_start=none,
        tag_key=np.zeros(0, np.uint16),
        tag_value=np.zeros(0, np.int32),
    )


def repaired(way: Callable[[Features, int, Window, Scratch], int], *rings: Ring) -> BaseGeometry:
    scratch = _scratch(1 << 12, 16, 16, 16, 4096)
    count = way(features(*rings), 0, WINDOW, scratch)
    if count == UNSURE:
        return None
    parts: list[tuple[list[tuple[int, int]], list[list[tuple[int, int]]]]] = []
    for n in range(count):
        part = slice(scratch.ring_at[n], scratch.ring_at[n + 1])
        ring = list(zip(scratch.x[part].tolist(), scratch.y[part].tolist(), strict=True))
        if scratch.ring_hole[n]:
            parts[-1][1].append(ring)
        else:
            parts.append((ring, []))
    return MultiPolygon([Polygon(*part) for part in parts])


def under_an_odd_number(*rings: Ring) -> BaseGeometry:
    """Return what lies under an odd number of rings: each face asked at one place, exactly."""
    lines = union_all([LineString([*ring, ring[0]]) for ring in rings])
    faces = polygonize([lines] if lines.geom_type == "LineString" else list(lines.geoms))
    return union_all(
        [
            face
            for face in faces.geoms
            if sum(_winds(ring, face.representative_point()) for ring in rings) % 2
        ]
    )


def _winds(ring: Ring, spot: Point) -> int:
    crossed = 0
    for (ax, ay), (bx, by) in zip(ring, [*ring[1:], ring[0]], strict=True):
        if (ay > spot.y) != (by > spot.y):
            crossed += ax + (spot.y - ay) * (bx - ax) / (by - ay) > spot.x
    return crossed


def assert_in_place(found: BaseGeometry, *rings: Ring) -> None:
    """A corner moves by less than a unit and a half: what is wider than that is where it was."""
    assert is_valid(found), found
    apart = found.symmetric_difference(under_an_odd_number(*rings))
    assert apart.buffer(-1.5, join_style="mitre").is_empty, (found, rings)


@pytest.mark.parametrize("ring", [NECK, PINCHED, TO_AND_FRO, ALONG_THE_RIM])
def test_a_pinched_ring_is_mended_as_it_is_rebuilt(ring: Ring) -> None:
    mended, rebuilt = repaired(mend, ring), repaired(_rebuilt, ring)
    assert mended is not None
    assert mended.symmetric_difference(rebuilt).area == 0
    assert_in_place(mended, ring)


@pytest.mark.parametrize("ring", [BOW_TIE, TWICE_AROUND])
def test_what_crosses_itself_is_not_mended_but_rebuilt(ring: Ring) -> None:
    assert repaired(mend, ring) is None
    assert_in_place(repaired(repair, ring), ring)


def test_areas_are_those_of_arithmetic() -> None:
    assert repaired(mend, PINCHED).area == 2 * (40 * 20 / 2)
    assert repaired(mend, TO_AND_FRO).area == 40 * 40
    assert repaired(repair, BOW_TIE).area == 2 * (40 * 20 / 2)
    assert repaired(repair, TWICE_AROUND).area == 40 * 40 - 600


_PLACE = st.tuples(st.integers(0, 60), st.integers(0, 60))


@settings(max_examples=300, deadline=None)
@given(st.lists(_PLACE, min_size=3, max_size=10))
def test_any_ring_comes_out_valid_and_in_place(ring: Ring) -> None:
    mended = repaired(mend, ring)
    if mended is not None:
        assert_in_place(mended, ring)
    assert_in_place(repaired(_rebuilt, ring), ring)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(_PLACE, min_size=3, max_size=6), min_size=2, max_size=3))
def test_any_rings_come_out_valid_and_in_place(rings: list[Ring]) -> None:
    assert_in_place(repaired(repair, *rings), *rings)
