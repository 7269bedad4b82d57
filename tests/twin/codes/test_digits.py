"""Codes of regions, cells, components and events: their parts, and why some are refused."""

from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.codes import parse_component, parse_event, parse_grid_cell, parse_region
from twin.codes.cells import grid_cell_code
from twin.codes.numbering import cut_community
from twin.crs import CityGeometry
from twin.errors import InvalidInputError

COMMUNITY = "440507001002"


@given(st.integers(1, 999), st.integers(1, 999), st.integers(1, 999))
def test_a_cells_code_comes_back_from_its_parts(street: int, community: int, number: int) -> None:
    region = f"440507{street:03d}{community:03d}"
    found = parse_grid_cell(grid_cell_code(region, number), within="440507")
    assert (found.region, int(found.sequence)) == (region, number)
    assert parse_region(found.region).parent == region[:9]


def test_older_cells_have_fourteen_digits() -> None:
    assert parse_grid_cell("44050700100207").sequence == "07"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("440507001002", "it has 12 digits, not 14 or 15"),
        ("4405070010020031", "it has 16 digits"),
        ("4.4e13", "it was a floating-point number on the way and its digits are lost"),
        ("4.40507E+14", "it was a floating-point number"),
        ("440507001002003.0", "decimal point"),
        (440507001002003.0, "it is a floating-point number; a code is text"),
        (440507001002003, "it is of type number; a code is text"),
        ("４４０５０７００１００２００３", "full-width digits"),
        ("٤٤٠٥٠٧٠٠١٠٠٢٠٠٣", "digits of another script"),
        ("440507 001002003", "blanks"),
        ("44O507001002003", "'O'"),
        ("", "empty"),
        ("990507001002003", "no province has the number 99"),
        ("440507001000003", "names no community"),
        ("440507001002000", "begins at 1"),
        (None, "a code is text"),
    ],
)
def test_a_refused_cell_says_why(code: object, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        parse_grid_cell(code)


def test_a_code_of_another_region_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="begins with 440507, not 440511"):
        parse_grid_cell("440507001002003", within="440511")
    assert parse_grid_cell("440507001002003", within="440500").county == "440507"
    assert parse_grid_cell("440507001002003", within="440000").county == "440507"


@pytest.mark.parametrize(
    ("code", "level", "parent"),
    [
        ("440000", "province", None),
        ("440500", "city", "440000"),
        ("440507", "county", "440500"),
        ("440507001", "street", "440507"),
        ("440507001002", "community", "440507001"),
        ("440507000000", "county", "440500"),
        ("441900003", "street", "441900"),  # 东莞 has no counties
    ],
)
def test_a_regions_level_and_parent(code: str, level: str, parent: str | None) -> None:
    found = parse_region(code)
    assert (found.level, found.parent) == (level, parent)


@pytest.mark.parametrize(
    ("street", "kind"), [("001", "street"), ("100", "town"), ("200", "township"), ("400", "joint")]
)
def test_the_middle_block_says_what_the_unit_is(street: str, kind: str) -> None:
    assert parse_region("440507" + street).street_kind == kind


def test_components_and_events_have_parts_and_classes() -> None:
    component = parse_component("4405070102000017")
    assert (component.major, component.minor, component.sequence) == ("01", "02", "000017")
    assert parse_component("4405070102").sequence is None
    assert parse_event("4405070401").minor == "01"
    with pytest.raises(InvalidInputError, match="no major class has the number 99"):
        parse_component("4405079902000001")
    with pytest.raises(InvalidInputError, match="running number begins at 1"):
        parse_component("4405070102000000")
    with pytest.raises(InvalidInputError, match="in region 4405"):
        parse_component("4401070102000001", within="440500")
    own = parse_component("4405073102000001", classes={"31": "海岸设施"})
    assert own.major == "31"


@settings(deadline=None)
@given(st.integers(3, 12), st.floats(60, 250), st.integers(0, 2**32 - 1))
def test_a_cut_community_is_whole_and_numbered_from_the_north_west(
    corners: int, size_m: float, seed: int
) -> None:
    random = np.random.default_rng(seed)
    angle = np.sort(random.random(corners)) * 2 * np.pi
    radius = 200 + 400 * random.random(corners)
    ring = np.stack([467_000 + radius * np.cos(angle), 2_584_000 + radius * np.sin(angle)], 1)
    community = shapely.make_valid(shapely.Polygon(ring))
    if shapely.get_dimensions(community) != 2 or community.geom_type == "GeometryCollection":
        return
    cells = cut_community(CityGeometry(community), COMMUNITY, size_m=size_m)
    areas = [cell.area for cell in cells]
    assert [cell.code for cell in cells] == [
        f"{COMMUNITY}{number:03d}" for number in range(1, len(cells) + 1)
    ]
    assert all(area.geom_type == "Polygon" and area.is_valid for area in areas)
    whole = shapely.union_all(areas)
    # Vertices are rounded to a millimetre.
    assert whole.symmetric_difference(community).area < 0.002 * (community.length + 1)
    assert abs(sum(area.area for area in areas) - whole.area) < 0.01
    full = [area.centroid for area in areas if abs(area.area - size_m**2) < 0.5]
    order = [(-round(middle.y), round(middle.x)) for middle in full]
    assert order == sorted(order)


def test_a_community_of_too_many_cells_is_refused() -> None:
    square = CityGeometry(shapely.box(0, 0, 4000, 4000))
    with pytest.raises(InvalidInputError, match="choose a larger side"):
        cut_community(square, COMMUNITY, size_m=100)
    with pytest.raises(InvalidInputError, match="names no community"):
        cut_community(square, "440507001000", size_m=1000)
    long = CityGeometry(shapely.Polygon([(0, 0), (1e5, 1e5), (1e5, 1e5 + 9)]))
    with pytest.raises(InvalidInputError, match="choose a larger side"):
        cut_community(long, COMMUNITY, size_m=50)


@pytest.mark.parametrize(
    ("community", "size_m", "reason"),
    [
        (shapely.box(0, 0, 100, 100), float("inf"), "1 to 10000 m, not inf"),
        (shapely.box(0, 0, 100, 100), float("nan"), "1 to 10000 m, not nan"),
        (shapely.box(0, 0, 100, 100), -5.0, "1 to 10000 m, not -5"),
        (shapely.Polygon(), 100.0, "a community is a valid polygon"),
        (shapely.LineString([(0, 0), (100, 0)]), 100.0, "a community is a valid polygon"),
        (shapely.Polygon([(0, 0), (9, 9), (9, 0), (0, 9)]), 100.0, "a valid polygon"),
        (
            shapely.GeometryCollection([shapely.box(0, 0, 9, 9), shapely.Point(20, 20)]),
            100.0,
            "a community is a valid polygon",
        ),
        (shapely.box(116.68, 23.35, 116.69, 23.36), 100.0, "no metres of the city"),
    ],
)
def test_what_is_no_community_is_refused(
    community: shapely.Geometry, size_m: float, reason: str
) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        cut_community(CityGeometry(community), COMMUNITY, size_m=size_m)


def test_only_a_community_is_cut() -> None:
    square = CityGeometry(shapely.box(0, 0, 100, 100))
    with pytest.raises(InvalidInputError, match="names no community: it is the code of a street"):
        cut_community(square, "440507001", size_m=100)


def test_a_narrow_strip_is_cut_into_pieces_of_a_kind() -> None:
    """Every square of it is a sliver; joined one after another they would be one cell."""
    strip = CityGeometry(shapely.box(0, 0, 1010, 10))
    cells = cut_community(strip, COMMUNITY, size_m=101)
    areas = [cell.area.area for cell in cells]
    assert sum(areas) == pytest.approx(10_100)
    assert len(cells) > 1
    assert max(areas) <= 1.25 * 101**2
    west = [cell.area.bounds[0] for cell in cells]
    assert west == sorted(west)


def test_heights_of_a_community_are_no_heights_of_its_cells() -> None:
    tilted = CityGeometry(shapely.force_3d(shapely.box(0, 0, 150, 150), 7.0))
    assert not any(cell.area.has_z for cell in cut_community(tilted, COMMUNITY, size_m=100))


@pytest.mark.parametrize(
    ("file", "size_m", "count"), [("kelurahan_jakarta", 300.0, 60), ("rw_jakarta", 60.0, 40)]
)
def test_real_communities_are_cut_without_gaps_and_numbered(
    real_data: Path, file: str, size_m: float, count: int
) -> None:
    areas = geopandas.read_file(real_data / "jakarta_flood" / f"{file}.shp").to_crs(32748).geometry
    assert len(areas) >= count
    for number, area in enumerate(areas[:count]):
        whole = shapely.force_2d(area)
        if not whole.is_valid:
            parts = shapely.get_parts(shapely.make_valid(whole))
            whole = shapely.union_all([part for part in parts if part.area > 0])
        cells = cut_community(CityGeometry(whole), COMMUNITY, size_m=size_m)
        again = shapely.union_all([cell.area for cell in cells])
        assert again.symmetric_difference(whole).area < 0.002 * (whole.length + 1), number
        assert sum(cell.area.area for cell in cells) - again.area < 0.01, number
        assert [cell.code[-3:] for cell in cells] == [f"{k:03d}" for k in range(1, len(cells) + 1)]
