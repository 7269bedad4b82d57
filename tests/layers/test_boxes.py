"""Boxes in degrees against boxes in metres, checked against the exact transform of many points."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers._boxes import holds_city, searches
from twin.crs import LONLAT, CityBox, Frame, LonLatBox, move_points

SHANTOU = Frame(4548, CityBox(440_000, 2_560_000, 500_000, 2_610_000))
JAKARTA = Frame(32748, CityBox(680_000, 9_290_000, 730_000, 9_330_000))
BERGEN = Frame(25832, CityBox(270_000, 6_650_000, 330_000, 6_730_000))
FIJI = Frame(32760, CityBox(720_000, 8_000_000, 880_000, 8_200_000))  # up to 180° and over it


@pytest.mark.parametrize("frame", [SHANTOU, JAKARTA, BERGEN])
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_is_inside_lies_in_the_box_and_what_lies_in_the_box_is_around(
    frame: Frame, data: st.DataObject
) -> None:
    extent = frame.lonlat_extent()
    west = data.draw(st.floats(extent.west, extent.east))
    south = data.draw(st.floats(extent.south, extent.north))
    width, height = data.draw(st.floats(1e-6, 0.4)), data.draw(st.floats(1e-6, 0.4))
    box = LonLatBox(west, south, west + width, south + height)
    (search,) = searches(frame, box)

    x, y = _grid(search.lonlat)
    x, y = move_points(x, y, LONLAT, frame.name)
    assert _in(search.around, x, y).all()
    if search.inside is not None:
        lon, lat = move_points(*_grid(search.inside), frame.name, LONLAT)
        assert _in(box, lon, lat).all()


def test_most_of_a_box_needs_no_second_look() -> None:
    (search,) = searches(SHANTOU, LonLatBox(116.6, 23.3, 116.7, 23.4))
    assert search.inside is not None
    assert _area(search.inside) > 0.98 * _area(search.around)


def test_a_box_off_the_city_is_looked_for_nowhere() -> None:
    assert searches(SHANTOU, LonLatBox(0, 0, 1, 1)) == ()


def test_the_whole_world_is_no_trouble() -> None:
    world = LonLatBox(-180, -90, 180, 90)
    assert holds_city(SHANTOU, world)
    (search,) = searches(SHANTOU, world)
    assert np.isfinite(search.around).all()


def test_a_box_across_the_antimeridian_is_looked_for_on_both_sides() -> None:
    assert searches(SHANTOU, LonLatBox(170, -90, -170, 90)) == ()
    (search,) = searches(SHANTOU, LonLatBox(100, 0, -100, 90))
    assert search.around.min_x_m < 440_000
    assert not holds_city(SHANTOU, LonLatBox(100, 0, -100, 90))


def test_a_city_at_the_antimeridian_is_found_from_both_sides() -> None:
    extent = FIJI.lonlat_extent()
    assert extent.west > extent.east or extent.east > 179.5
    both = searches(FIJI, LonLatBox(179, -18.1, -179, -16.5))
    assert len(both) == 2
    assert searches(FIJI, LonLatBox(179, -18.1, 180, -16.5))


def _grid(box: LonLatBox | CityBox) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.meshgrid(np.linspace(box[0], box[2], 17), np.linspace(box[1], box[3], 17))
    return x.ravel(), y.ravel()


def _in(box: LonLatBox | CityBox, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (box[0] <= x) & (x <= box[2]) & (box[1] <= y) & (y <= box[3])


def _area(box: CityBox) -> float:
    return (box.max_x_m - box.min_x_m) * (box.max_y_m - box.min_y_m)
