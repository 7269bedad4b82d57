"""BeiDou grid codes: published vectors, exactness at edges, the shape of the grid."""

import json
import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from twin.codes._lattice import GRID, UNITS_PER_DEGREE
from twin.codes.beidou import Cell, cell_at, decode, encode, prefix_range
from twin.codes.beidou_many import codes_of, cover
from twin.crs import LonLatGeometry
from twin.errors import InvalidInputError

LEVELS = range(1, 11)
lons = st.floats(-180, 180)
lats = st.floats(-87.999, 87.999)
levels = st.integers(1, 10)


@st.composite
def cells(draw: st.DrawFn, finest: int = 10) -> Cell:
    return cell_at(draw(lons), draw(lats), draw(st.integers(1, finest)))


@pytest.fixture(scope="module")
def vectors() -> list[dict[str, Any]]:
    root = Path(__file__).parents[3]
    folder = (root / os.environ.get("TWIN_REAL_DATA", "../shared/data")).resolve()
    file = folder / "vectors" / "beidou_grid_vectors.json"
    if not file.exists():
        pytest.skip(f"no real data: TWIN_REAL_DATA names no folder with vectors ({folder})")
    found: list[dict[str, Any]] = json.loads(file.read_text())
    return found


def test_vectors_agree_at_every_level(vectors: list[dict[str, Any]]) -> None:
    for vector in vectors:
        lon, lat = np.array([vector["lon"]]), np.array([vector["lat"]])
        for level in LEVELS:
            code = vector["codes"][str(level)]
            assert encode(vector["lon"], vector["lat"], level) == code, vector["name"]
            assert encode(str(vector["lon"]), str(vector["lat"]), level) == code
            assert codes_of(lon, lat, level)[0].tobytes().decode() == code
            assert decode(code).code == code
        bounds = [float(edge) for edge in decode(vector["codes"]["10"]).bounds]
        assert bounds == pytest.approx(vector["cell10"], abs=1e-12)


def test_the_database_agrees_with_vectors_and_with_us(
    vectors: list[dict[str, Any]], engine: Engine
) -> None:
    random = np.random.default_rng(11)
    edges = random.integers(-180 * 115_200, 180 * 115_200, (2, 3000)) / 115_200
    lon = np.concatenate([[v["lon"] for v in vectors], random.uniform(-180, 180, 3000), edges[0]])
    lat = np.concatenate(
        [[v["lat"] for v in vectors], random.uniform(-88, 88, 3000), edges[1] / 2.1]
    )
    ours = [one.tobytes().decode() for one in codes_of(lon, lat)]
    assert ours[: len(vectors)] == [v["codes"]["8"] for v in vectors]
    question = text("""
        SELECT array_agg(twin.bd_code(place.lon, place.lat) ORDER BY place.number)
        FROM   unnest(CAST(:lon AS float8[]), CAST(:lat AS float8[]))
               WITH ORDINALITY AS place (lon, lat, number)
    """)
    with engine.connect() as connection:
        theirs = connection.scalar(question, {"lon": lon.tolist(), "lat": lat.tolist()})
        assert connection.scalar(text("SELECT twin.bd_code(10, 88)")) is None
    assert theirs == ours


@given(lons, lats, levels)
def test_one_by_one_and_all_at_once_agree(lon: float, lat: float, level: int) -> None:
    many = codes_of(np.array([lon]), np.array([lat]), level)[0].tobytes().decode()
    assert many == encode(lon, lat, level)


@given(cells())
def test_a_cell_comes_back_from_its_code_its_centre_and_its_near_corner(cell: Cell) -> None:
    assert decode(cell.code) == cell
    assert decode(cell.code.lower()) == cell
    assert cell_at(*cell.centre, cell.level) == cell
    west, south, east, north = cell.bounds
    near = (west if cell.column >= 0 else east, south if cell.row >= 0 else north)
    # 0° belongs to the east and to the north.
    if (cell.column >= 0 or near[0] != 0) and (cell.row >= 0 or near[1] != 0):
        assert cell_at(*near, cell.level) == cell
        assert cell_at(float(near[0]), float(near[1]), cell.level) == cell


@given(cells(), levels)
def test_a_parent_contains_its_child_and_its_code_begins_the_childs(cell: Cell, level: int) -> None:
    if level >= cell.level:
        with pytest.raises(InvalidInputError, match="no parent"):
            cell.parent(level)
        return
    parent = cell.parent(level)
    assert cell.code.startswith(parent.code)
    mine, around = cell.bounds, parent.bounds
    assert around.west <= mine.west < mine.east <= around.east
    assert around.south <= mine.south < mine.north <= around.north
    first, after = prefix_range(parent.code, 10)
    assert first <= cell.code < after


@given(cells(finest=9))
def test_children_fill_their_parent_without_overlap(cell: Cell) -> None:
    children = list(cell.children())
    assert len({child.code for child in children}) == len(children)
    assert all(child.parent() == cell for child in children)
    area = sum((b.east - b.west) * (b.north - b.south) for b in (c.bounds for c in children))
    west, south, east, north = cell.bounds
    assert area == (east - west) * (north - south)


@given(cells())
def test_neighbours_are_neighbours_of_each_other(cell: Cell) -> None:
    for other in cell.neighbours():
        assert cell in other.neighbours()
    assert len(set(cell.neighbours())) in (5, 8)


def test_neighbours_meet_across_180_and_end_at_88() -> None:
    last = cell_at(180, 10, 3)
    assert {one.code[:3] for one in last.neighbours()} == {"N60", "N01"}
    assert len(cell_at(0, "87.9999999", 8).neighbours()) == 5


def test_edges_are_exact_where_products_are_rounded() -> None:
    random = np.random.default_rng(3)
    for size in GRID[1:]:
        k = random.integers(0, 180 * UNITS_PER_DEGREE // size.width, 5000)
        corner = k * size.width / UNITS_PER_DEGREE
        level = GRID.index(size) + 1
        again = codes_of(corner, np.zeros(len(k)), level)
        for at, code in list(zip(k, again, strict=True))[:500]:
            assert code.tobytes().decode() == Cell(level, int(at), 0).code
        assert encode(Fraction(int(k[0]) * size.width, UNITS_PER_DEGREE), 0, level) == (
            again[0].tobytes().decode()
        )


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("", "0 characters"),
        ("N50F5", "5 characters"),
        ("X50F", "begins with 'X'"),
        ("N00F", "01 to 60"),
        ("N６0F", "01 to 60"),
        ("N50W", "row A to V"),
        ("N50FC0", "column 0 to B and a row 0 to 7"),
        ("N50F566", "one digit 0 to 5"),
        ("N50F564F1", "column 0 to E and a row 0 to 9"),
        ("N50F564A1964", "one digit 0 to 3"),
        ("N50F564A196181", "column 0 to 7"),
    ],
)
def test_what_is_no_code_is_refused_with_the_reason(code: str, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        decode(code)


@pytest.mark.parametrize(
    ("lon", "lat", "level", "reason"),
    [
        (181, 0, 8, "not on Earth"),
        (116, 88, 8, "polar"),
        ("east", 0, 8, "number of degrees"),
        (float("nan"), 0, 8, "number of degrees"),
        (0, 0, 11, "levels 1 to 10"),
    ],
)
def test_what_is_no_place_is_refused(lon: Any, lat: Any, level: int, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        encode(lon, lat, level)


@settings(deadline=None, max_examples=30)
@given(
    st.floats(-179, 178), st.floats(-80, 79), st.floats(0.001, 0.9), st.floats(0.001, 0.9),
    st.integers(1, 4),
)  # fmt: skip
def test_a_cover_is_the_cells_that_touch(
    west: float, south: float, wide: float, high: float, level: int
) -> None:
    slanted = shapely.Polygon(
        [(west, south), (west + wide, south + high / 3), (west, south + high)]
    )
    area = LonLatGeometry(slanted)
    found = {decode(code) for code in cover(area, level)}

    def touches(cell: Cell) -> bool:
        return bool(shapely.intersects(area, shapely.box(*map(float, cell.bounds))))

    assert all(touches(cell) for cell in found)
    rim = {other for cell in found for other in cell.neighbours()} - found
    assert not any(touches(other) for other in rim)
    whole = [decode(code) for code in cover(area, level, whole=True)]
    fine = {cell for cell in found for one in whole if cell == one or _within(cell, one)}
    assert fine == found


def _within(cell: Cell, around: Cell) -> bool:
    return around.level < cell.level and cell.parent(around.level) == around


def test_a_cover_of_too_many_cells_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="coarser level"):
        cover(LonLatGeometry(shapely.box(116, 23, 117, 24)), 8)
    with pytest.raises(InvalidInputError, match="leaves the BeiDou grid"):
        cover(LonLatGeometry(shapely.box(467_000, 2_584_000, 467_200, 2_584_200)), 8)
