"""Where a model stands.  The city is near Shantou: EPSG:4548, central meridian 117°."""

import math
from typing import Any

import numpy as np
import pytest

from tests.conftest import SHANTOU
from twin.bim._decide import decide
from twin.bim._georef import (
    Georeference,
    Place,
    Stand,
    UndecidedPlaceError,
    UnknownPlaceError,
    convergence_deg,
    degrees,
    parse_place,
)
from twin.crs import LONLAT, move_points
from twin.errors import ConflictError, InvalidInputError

LON, LAT = 116.69, 23.35
X, Y = (float(v[0]) for v in move_points(np.array([LON]), np.array([LAT]), LONLAT, "EPSG:4548"))
SITE = {"latitude": [23, 21, 0, 0], "longitude": [116, 41, 24, 0], "elevation_m": 4.5}


def facts(**given: Any) -> dict[str, Any]:
    return {
        "addresses": [],
        "site": None,
        "placement": None,
        "contexts": [],
        "conversions": [],
    } | given


def context(north: list[float] | None = None, origin: tuple[float, ...] = (0, 0, 0)) -> Any:
    return {"true_north": north, "origin_m": list(origin), "x_axis": [1.0, 0.0]}


def conversion(**given: Any) -> dict[str, Any]:
    return {
        "from": "IfcMapConversion",
        "eastings": X,
        "northings": Y,
        "height": 4.5,
        "x_axis": [1.0, 0.0],
        "scale": None,
        "factors": [None] * 3,
        "crs": "EPSG:4548",
        "vertical_datum": None,
        "map_unit_m": 1.0,
    } | given


def placed(x: float, y: float, z: float) -> dict[str, Any]:
    matrix = np.eye(4)
    matrix[:3, 3] = x, y, z
    return {"of": "IfcSite", "matrix": matrix.tolist()}


def where(told: dict[str, Any], **given: Any) -> Georeference:
    more = {"middle": (0.0, 0.0), "unit_m": 1.0, "place": Place(), "choice": None, "crs": None}
    return decide(told, SHANTOU, **(more | given))


def stand(told: dict[str, Any], **given: Any) -> Stand:
    used = where(told, **given).used
    assert used is not None
    assert used.stand is not None
    return used.stand


def test_true_north_is_turned_by_the_convergence_of_the_grid() -> None:
    """0.31° west of the central meridian, grid north lies 0.31° · sin 23.35° west of true north."""
    north = [math.sin(math.radians(50)), math.cos(math.radians(50))]
    found = stand(facts(site=SITE, contexts=[context(north)]))
    assert convergence_deg(SHANTOU, LON, LAT) == pytest.approx(
        -0.31 * math.sin(math.radians(LAT)), abs=1e-4
    )
    assert found.turn_deg == pytest.approx(50 - 0.12287, abs=1e-3)
    # What points to true north in the model does so in the city, but for the convergence.
    at = found.plan(np.array([[0.0, 0.0], north]))
    bearing = math.degrees(math.atan2(*(at[1] - at[0])))
    assert bearing == pytest.approx(0.12287, abs=1e-3)


def test_a_site_in_degrees_stands_where_it_says() -> None:
    found = stand(facts(site=SITE, placement=placed(3, 4, 2), contexts=[context()]))
    assert found.plan(np.array([[3.0, 4.0]]))[0] == pytest.approx([X, Y], abs=1e-6)
    assert found.height(2.0) == 4.5


def test_without_true_north_the_y_axis_is_north_and_that_is_said() -> None:
    decided = where(facts(site=SITE))
    assert "no TrueNorth" in decided.notes[0]


@pytest.mark.parametrize(
    ("parts", "value"),
    [
        ([49, 6, 1, 566000], 49.100435),
        ([-87, -38, -21, -839999], -87.6394),
        ([0, -30], -0.5),
        ([-3, 42], -3.7),
        ([12, 30, 36], 12.51),
        (None, None),
        ([], None),
        (["a"], None),
    ],
)
def test_degrees_minutes_seconds(parts: Any, value: float | None) -> None:
    found = degrees(parts)
    assert found == (None if value is None else pytest.approx(value, abs=1e-7))


def test_nothing_is_not_a_place() -> None:
    with pytest.raises(UnknownPlaceError, match="nothing\ngive --place"):
        where(facts())


def test_an_address_is_shown_and_not_enough() -> None:
    with pytest.raises(UnknownPlaceError, match=r"address .LoGeoRef 10.: 汕头市金平区") as refused:
        where(facts(addresses=["汕头市金平区"]))
    assert refused.value.georeference.levels == (10,)


def test_zero_zero_is_a_place_nobody_filled_in() -> None:
    site = SITE | {"latitude": [0, 0, 0], "longitude": [0, 0, 0]}
    with pytest.raises(UnknownPlaceError, match="nobody filled in"):
        where(facts(site=site))


def test_without_a_height_it_is_asked_for() -> None:
    site = SITE | {"elevation_m": None}
    with pytest.raises(UnknownPlaceError, match="no RefElevation"):
        where(facts(site=site))
    assert stand(facts(site=site), place=Place(height_m=7.0)).lift_m == 7.0


def test_outside_the_city_is_refused() -> None:
    site = SITE | {"longitude": [8, 26, 11]}
    with pytest.raises(UnknownPlaceError, match="outside the city"):
        where(facts(site=site))


def test_a_map_conversion_is_used_as_it_is_written() -> None:
    theta = math.radians(30)
    told = conversion(x_axis=[math.cos(theta), math.sin(theta)], scale=0.9999)
    found = stand(facts(conversions=[told], contexts=[context([0.5, 0.5])]))
    assert found.turn_deg == pytest.approx(30)  # True north is information only.
    assert found.scale == pytest.approx(0.9999)
    moved = found.plan(np.array([[10.0, 0.0]]))[0]
    assert moved == pytest.approx([X + 9.999 * math.cos(theta), Y + 9.999 * math.sin(theta)])


def test_a_missing_scale_follows_from_the_units() -> None:
    decided = where(facts(conversions=[conversion()]), unit_m=0.001)
    assert decided.used is not None
    assert decided.used.stand is not None
    assert decided.used.stand.scale == pytest.approx(1)
    assert "Scale is missing" in decided.notes[0]
    assert "taken as 0.001" in decided.notes[0]


def test_a_scale_that_says_the_units_needs_no_note() -> None:
    decided = where(facts(conversions=[conversion(scale=0.001)]), unit_m=0.001)
    assert decided.used is not None
    assert decided.used.stand is not None
    assert decided.used.stand.scale == pytest.approx(1)
    assert decided.notes == ()


def test_a_scale_that_contradicts_the_units_is_asked_about() -> None:
    told = facts(conversions=[conversion(scale=1.0)])
    with pytest.raises(UndecidedPlaceError, match=r"50-units .* 50-written"):
        where(told, unit_m=0.001)
    assert stand(told, unit_m=0.001, choice="50-units").scale == pytest.approx(1)
    assert stand(told, unit_m=0.001, choice="50-written").scale == pytest.approx(1000)


def test_eastings_in_the_project_s_unit_are_asked_about() -> None:
    told = facts(conversions=[conversion(eastings=X * 1000, northings=Y * 1000, map_unit_m=None)])
    with pytest.raises(UndecidedPlaceError, match="50-project-unit"):
        where(told, unit_m=0.001)
    assert stand(told, unit_m=0.001, choice="50-project-unit").to_m == pytest.approx((X, Y))


def test_two_places_that_differ_are_asked_about_and_either_can_be_chosen() -> None:
    told = facts(site=SITE, contexts=[context()], conversions=[conversion(eastings=X + 500)])
    with pytest.raises(UndecidedPlaceError, match=r"(?s)20 .LoGeoRef 20.*50 .LoGeoRef 50") as asked:
        where(told)
    assert isinstance(asked.value, ConflictError)
    assert "--georef 20 | 50" in str(asked.value)
    assert stand(told, choice="20").to_m == pytest.approx((X, Y))
    assert stand(told, choice="50").to_m == pytest.approx((X + 500, Y))
    with pytest.raises(InvalidInputError, match="no usable georeference '40'"):
        where(told, choice="40")


@pytest.mark.parametrize(
    ("difference", "conflict"),
    [({"eastings": X + 1}, False), ({"height": 5.4}, False), ({"height": 5.6}, True),
     ({"northings": Y + 3}, True), ({"x_axis": [0.0, 1.0]}, True)],
)  # fmt: skip
def test_places_that_agree_are_no_conflict(difference: dict[str, Any], conflict: bool) -> None:
    told = facts(site=SITE, contexts=[context()], conversions=[conversion(**difference)])
    if conflict:
        with pytest.raises(UndecidedPlaceError):
            where(told)
    else:
        used = where(told).used
        assert used is not None
        assert used.level == 50


def test_a_conversion_into_another_frame_is_brought_over() -> None:
    """In UTM zone 50 the numbers differ and the grid leans as much: its meridian is 117°, too."""
    east, north = move_points(np.array([LON]), np.array([LAT]), LONLAT, "EPSG:32650")
    told = conversion(eastings=float(east[0]), northings=float(north[0]), crs="EPSG:32650")
    found = stand(facts(conversions=[told]))
    assert found.to_m == pytest.approx((X, Y), abs=1e-3)
    assert found.turn_deg == pytest.approx(0, abs=1e-3)
    assert found.scale == pytest.approx(1 / 0.9996, abs=1e-6)


@pytest.mark.parametrize("crs", [None, "Local grid 7", "EPSG:4490"])
def test_a_frame_that_is_none_is_said(crs: str | None) -> None:
    with pytest.raises(UnknownPlaceError, match=r"--crs|degrees"):
        where(facts(conversions=[conversion(crs=crs)]))


def test_an_unnamed_frame_can_be_given() -> None:
    assert stand(facts(conversions=[conversion(crs=None)]), crs="EPSG:4548").to_m == pytest.approx(
        (X, Y)
    )


def test_map_coordinates_in_the_placement_need_the_name_of_their_frame() -> None:
    told = facts(placement=placed(X, Y, 12.0))
    with pytest.raises(UnknownPlaceError, match="they fit EPSG:4548, the city's own"):
        where(told, middle=(X + 5, Y + 5))
    found = stand(told, middle=(X + 5, Y + 5), crs="EPSG:4548")
    assert found.plan(np.array([[X + 5, Y + 5]]))[0] == pytest.approx([X + 5, Y + 5])
    assert found.height(12.0) == pytest.approx(12.0)


def test_a_file_georeferenced_twice_is_asked_about() -> None:
    """Site placement in the map's coordinates and a map conversion on top of it."""
    told = facts(placement=placed(X, Y, 0.0), conversions=[conversion(height=0.0)])
    with pytest.raises(UndecidedPlaceError, match="outside the city"):
        where(told, middle=(X, Y), crs="EPSG:4548")


def test_a_world_coordinate_system_far_away_is_a_place() -> None:
    told = facts(contexts=[context(origin=(X, Y, 3.0))])
    found = stand(told, crs="EPSG:4548")
    assert found.plan(np.array([[1.0, 2.0]]))[0] == pytest.approx([X + 1, Y + 2])
    assert found.height(1.0) == pytest.approx(4.0)


def test_what_the_caller_says_goes_before_the_file() -> None:
    told = facts(site=SITE, conversions=[conversion(eastings=X + 500)])
    found = stand(told, place=Place(LON, LAT, 90.0, 2.0))
    moved = found.plan(np.array([[0.0, 10.0]]))[0]
    # Its y axis looks east, but for the convergence of the grid.
    assert moved == pytest.approx([X + 10, Y], abs=0.03)
    assert found.lift_m == 2.0


def test_a_place_without_a_height_takes_the_file_s() -> None:
    assert stand(facts(site=SITE), place=Place(LON, LAT)).lift_m == 4.5
    with pytest.raises(InvalidInputError, match="says no height"):
        where(facts(), place=Place(LON, LAT))


def test_only_the_turn_can_be_said() -> None:
    found = stand(facts(site=SITE), place=Place(rotation_deg=10.0))
    assert found.turn_deg == pytest.approx(-10 - 0.12287, abs=1e-3)
    assert found.to_m == pytest.approx((X, Y))


@pytest.mark.parametrize(
    "text", ["1,2,3,4,5", "116.7", ",23.3", "a,b", "200,23", "116,95", "116,23,400", "116,23,0,1e9"]
)
def test_a_place_is_four_numbers_in_range(text: str) -> None:
    with pytest.raises(InvalidInputError, match="--place"):
        parse_place(text)
