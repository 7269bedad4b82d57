"""Points and boxes are moved as PROJ moves them, to the last bit, without its long set-up."""

from __future__ import annotations

import numpy as np
import pytest
from pyproj import Transformer

from twin import _ways
from twin.crs import LONLAT, CityBox, Frame, LonLatBox, move_points

PLACES = {
    4548: (500_000, 2_600_000),
    4528: (39_500_000, 3_500_000),
    32748: (700_000, 9_300_000),
    26918: (580_000, 4_500_000),
    25831: (400_000, 4_600_000),
    28992: (85_000, 447_000),
    32660: (820_000, 7_000_000),
    3413: (0, 0),
}
"""Places in frames; the last two are by the antimeridian and at a pole."""


def exactly(source: str, target: str) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)


@pytest.mark.parametrize("srid", PLACES)
def test_points_are_moved_as_proj_moves_them(srid: int) -> None:
    frame, near = f"EPSG:{srid}", np.array(PLACES[srid])[:, None]
    x, y = near + np.random.default_rng(srid).normal(size=(2, 500)) * 20_000
    for edge in (LONLAT, "EPSG:3857", "EPSG:4490"):
        found = move_points(x, y, frame, edge)
        assert np.array_equal(found, exactly(frame, edge).transform(x, y))
        back = move_points(*found, edge, frame)
        assert np.array_equal(back, exactly(edge, frame).transform(*found))


@pytest.mark.parametrize("srid", PLACES)
def test_boxes_are_moved_as_proj_moves_them(srid: int) -> None:
    x, y = PLACES[srid]
    random = np.random.default_rng(srid)
    for wide, tall in 10 ** random.uniform(1, 5.5, (20, 2)):
        found = Frame(srid, CityBox(x, y, x + wide, y + tall)).lonlat_extent()
        across = exactly(f"EPSG:{srid}", LONLAT)
        assert tuple(found) == across.transform_bounds(x, y, x + wide, y + tall)
        back = exactly(LONLAT, f"EPSG:{srid}").transform_bounds(*found)
        assert tuple(Frame(srid, CityBox(0, 0, 1, 1)).box_to_city(found)) == back


@pytest.mark.parametrize("box", [(-180, -90, 180, 90), (170, -10, -170, 10), (0, 0, 90, 90)])
def test_boxes_that_no_frame_holds_are_those_of_proj(
    box: tuple[float, float, float, float],
) -> None:
    expected = exactly(LONLAT, "EPSG:4548").transform_bounds(*box)
    found = Frame(4548, CityBox(0, 0, 1, 1)).box_to_city(LonLatBox(*box))
    assert tuple(found) == expected


def test_one_way_between_frames_is_found_once() -> None:
    frame = Frame(4548, CityBox(466_000, 2_583_000, 468_000, 2_585_000))
    frame.prepare()
    assert _ways.mover("EPSG:4548", LONLAT)[1]
    # Several ways: which one depends on the place, and PROJ chooses.
    assert not _ways.mover("EPSG:28992", LONLAT)[1]
