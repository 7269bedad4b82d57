"""Footprints in the city's frame are sound, however thin a hole in them is."""

import base64

import shapely

from twin.bim._georef import Stand
from twin.bim._placed import _moved, _Set

TURNED = _Set(Stand(49.574, 1.0, (0.0, 0.0), (458_870.063, 5_438_773.629), 110.0), 25832)


def _down(shape: shapely.MultiPolygon) -> shapely.MultiPolygon:
    sent = base64.b64encode(shapely.to_wkb(shape)).decode()
    return shapely.from_wkb(bytes.fromhex(_moved(sent, TURNED)))


def test_a_hole_thinner_than_the_last_decimal_is_left_out() -> None:
    hole = [(5, 5), (5.0000004, 5), (5.0000002, 5.0000004)]
    house = shapely.MultiPolygon([shapely.Polygon(shapely.box(0, 0, 10, 10).exterior, [hole])])
    assert house.is_valid
    placed = _down(house)
    assert placed.is_valid
    assert len(placed.geoms[0].interiors) == 0
    assert abs(placed.area - 100) < 1e-4


def test_a_hole_that_one_can_see_stays() -> None:
    hole = [(5, 5), (5.1, 5), (5.1, 5.1)]
    house = shapely.MultiPolygon([shapely.Polygon(shapely.box(0, 0, 10, 10).exterior, [hole])])
    placed = _down(house)
    assert placed.is_valid
    assert len(placed.geoms[0].interiors) == 1
