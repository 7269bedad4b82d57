"""Each rule on hand-made rows: what breaks it, and what only looks like it."""

import itertools
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from shapely import box
from shapely.affinity import rotate
from sqlalchemy import Engine, text

from tests.twin.quality.conftest import Ask, Put, square
from twin.quality._boxes import alike

BOW_TIE = (
    "MULTIPOLYGON (((460000 2580000, 460010 2580010, 460010 2580000, 460000 2580010, "
    "460000 2580000)))"
)
NOW = datetime.now(UTC)
YEAR = timedelta(days=365)


def _line(*points: tuple[float, float]) -> str:
    return f"LINESTRING Z ({', '.join(f'{460_000 + x} {2_580_000 + y} 0' for x, y in points)})"


def _point(x: float, y: float, *, z: bool = False) -> str:
    return f"POINT{' Z' * z} ({460_000 + x} {2_580_000 + y}{' 0' * z})"


def _road(put: Put, *points: tuple[float, float], **values: object) -> int:
    ends = [put("road_node", _point(*at, z=True)) for at in (points[0], points[-1])]
    wanted = {
        "from_node_id": ends[0], "to_node_id": ends[1], "road_class": "primary",
        "speed_m_per_s": 10.0, "length_m": 1.0,
    }  # fmt: skip
    return put("road_edge", _line(*points), **{**wanted, **values})


def test_invalid_geometry(ask: Ask, put: Put) -> None:
    put("building", square())
    bad = put("building", BOW_TIE)
    empty = put("building", "MULTIPOLYGON EMPTY")
    found = ask("valid-geometry")
    assert [each["feature_id"] for each in found] == [bad, empty]
    assert "自相交" in found[0]["message_zh"]
    assert "Self-intersection" in found[0]["message_en"]
    assert "空几何" in found[1]["message_zh"]


@pytest.mark.parametrize(
    ("wkt", "said"),
    [
        ("POINT (0 0)", "at the origin"),
        ("POINT (116.68 23.36)", "at the origin"),
        ("POINT (2580000 460000)", "east and north look swapped"),
        ("POINT (439990 2580000)", r"^10 m outside the city's extent$"),
    ],
)
def test_what_lies_outside_the_city(ask: Ask, put: Put, wkt: str, said: str) -> None:
    put("facility", _point(0, 0), kind="school")
    out = put("facility", wkt, kind="school")
    (found,) = ask("outside-city")
    assert found["feature_id"] == out
    assert re.search(said, found["message_en"])


def test_a_building_on_a_road(ask: Ask, put: Put) -> None:
    put("building", square(200))
    on = put("building", square(0, 0, 20))
    road = _road(put, (-50, 10), (50, 10), name="中山路")
    _road(put, (-50, 5), (50, 5), deck_level=1)
    _road(put, (-50, 18), (2, 18))
    (found,) = ask("building-on-road")
    assert (found["feature_id"], found["other_layer"], found["other_id"]) == (on, "road_edge", road)
    assert (found["value"], found["limit_value"], found["unit"]) == (20, 3, "m")
    assert "中山路" in found["message_zh"]


def _flat_terrain(engine: Engine, folder: Path, level_m: float) -> None:
    path = folder / "flat.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=10, height=10, count=1, dtype="float32", crs="EPSG:4548",
        transform=Affine(100, 0, 459_500, 0, -100, 2_580_500),
    ) as raster:  # fmt: skip
        raster.write(np.full((10, 10), level_m, np.float32), 1)
    with engine.begin() as connection:
        connection.execute(
            text("""
                INSERT INTO twin.raster (kind, name, source, path, crs, width, height, voids)
                VALUES ('terrain', 'flat', 't', 'flat.tif', 'EPSG:4548', 10, 10, 0)
            """)
        )


def test_ground_levels_off_the_terrain(engine: Engine, ask: Ask, put: Put, tmp_path: Path) -> None:
    _flat_terrain(engine, tmp_path, 4.0)
    put("building", square(), ground_z_m=8.5)
    high = put("building", square(100), ground_z_m=10.0)
    put("building", square(3000), ground_z_m=100.0)
    (found,) = ask("terrain-height", data_dir=tmp_path)
    assert found["feature_id"] == high, "what the terrain does not reach is not judged"
    assert (found["value"], found["limit_value"]) == (6, 5)
    assert found["message_en"] == "level 10.00 m, terrain 4.00 m: +6.00 m (limit 5 m)"


def test_without_terrain_the_rule_is_skipped_and_says_so(engine: Engine, tmp_path: Path) -> None:
    from twin.quality import check

    told = check(engine, only=["terrain-height"], data_dir=tmp_path).rules["terrain-height"]
    assert "the city has no terrain raster" in told["skipped"]


@pytest.mark.parametrize(
    ("storeys", "height_m", "broken"),
    [(10, 12, True), (10, 30, False), (3, 30, True), (1, 14, False), (1, 16, True), (0, 4, False)],
)
def test_storeys_and_height(
    ask: Ask, put: Put, storeys: int, height_m: float, broken: bool
) -> None:
    put("building", square(), storeys=storeys, height_m=height_m)
    assert bool(ask("storey-height")) == broken


def test_buildings_of_two_sources_that_are_one(ask: Ask, put: Put) -> None:
    first = put("building", square(), source="osm")
    put("building", square(10), source="osm")
    second = put("building", square(2), source="survey")
    (found,) = ask("duplicate-building")
    assert (found["feature_id"], found["other_id"]) == (first, second)
    assert found["value"] == pytest.approx(80 / 120)
    assert "survey" in found["message_en"]


def test_one_source_may_draw_buildings_that_overlap_but_not_twice_the_same(
    ask: Ask, put: Put
) -> None:
    put("building", square(), source="osm")
    put("building", square(2), source="osm")
    assert ask("duplicate-building") == []
    put("building", square(0.2), source="osm")
    assert len(ask("duplicate-building")) == 1


def test_facilities_of_two_sources_that_are_one(ask: Ask, put: Put) -> None:
    put("facility", _point(0, 0), kind="school", source="a")
    put("facility", _point(10, 0), kind="hospital", source="b")
    put("facility", _point(100, 0), kind="school", source="b")
    put("facility", _point(110, 0), kind="school", source="b")
    assert ask("duplicate-point") == []
    put("facility", _point(0, 20), kind="school", source="b")
    (found,) = ask("duplicate-point")
    assert (found["value"], found["limit_value"]) == (20, 25)


def test_a_road_twice(ask: Ask, put: Put) -> None:
    first = _road(put, (0, 0), (50, 0), (100, 0))
    _road(put, (0, 0), (50, 20), (100, 0))
    _road(put, (0, 0), (100, 0), deck_level=1)
    assert ask("duplicate-road") == []
    again = _road(put, (100, 0), (0, 0))
    (found,) = ask("duplicate-road")
    assert (found["feature_id"], found["other_id"]) == (first, again)


def test_a_code_twice_at_a_time(ask: Ask, put: Put) -> None:
    code = "440507001002001"
    first = put("grid_cell", square(), code=code, valid_from=NOW - YEAR)
    put("grid_cell", square(50), code=code, valid_from=NOW - 3 * YEAR, valid_to=NOW - 2 * YEAR)
    put("grid_cell", square(80), code=code, state="removed")
    assert ask("duplicate-code") == []
    again = put("grid_cell", square(100), code=code)
    found = ask("duplicate-code")
    assert {(each["feature_id"], each["other_id"]) for each in found} >= {(first, again)}


def test_codes_that_are_none(ask: Ask, put: Put) -> None:
    put("grid_cell", square(), code="440507001002001")
    put("region", square(), level="community", code="440507001002")
    short = put("grid_cell", square(50), code="4405070010")
    nowhere = put("region", square(), level="county", code="990507")
    found = ask("code-form")
    assert {(each["layer"], each["feature_id"]) for each in found} == {
        ("grid_cell", short), ("region", nowhere),
    }  # fmt: skip
    assert all(each["attrs"]["reason"] in each["message_zh"] for each in found)


def test_classes_that_there_are_not(ask: Ask, put: Put) -> None:
    put("facility", _point(0, 0), kind="other", class_code="4405070102")
    put("facility", _point(0, 0), kind="other", class_code="amenity/school")
    bad = put("facility", _point(50, 0), kind="other", class_code="4405079902")
    (found,) = ask("class-code")
    assert found["feature_id"] == bad
    assert "no major class has the number 99" in found["message_en"]


def test_a_cell_that_there_is_not(engine: Engine, ask: Ask, put: Put) -> None:
    out = put("facility", _point(500, 500), kind="school", cell_id="440507001002099")
    assert ask("unknown-cell") == [], "a city without cells has nothing to compare with"
    put("grid_cell", square(), code="440507001002001")
    put("facility", _point(5, 5), kind="school")
    (found,) = ask("unknown-cell")
    assert found["feature_id"] == out
    assert "440507001002099" in found["message_zh"]


def test_a_beidou_code_of_another_place(engine: Engine, ask: Ask, put: Put) -> None:
    right = put("facility", _point(0, 0), kind="school")
    moved = put("facility", _point(100, 0), kind="school")
    assert ask("beidou-code") == []
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE twin.facility DISABLE TRIGGER codes_update"))
        connection.execute(
            text("""
                UPDATE twin.facility SET bd_code = (
                    SELECT bd_code FROM twin.facility WHERE id = :right
                ) WHERE id = :moved
            """),
            {"right": right, "moved": moved},
        )
    (found,) = ask("beidou-code")
    assert found["feature_id"] == moved
    assert found["value"] == pytest.approx(100, abs=1)


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ({"state": "removed"}, "removed"),
        ({"state": "removed", "valid_to": NOW - YEAR}, None),
        ({"valid_to": NOW - YEAR}, "ended"),
        ({"valid_to": NOW + YEAR}, None),
        ({"valid_from": NOW + YEAR}, "early"),
        ({"state": "planned", "valid_from": NOW + YEAR}, None),
        ({"state": "planned", "valid_from": NOW - YEAR}, "planned"),
        ({"built_year": NOW.year + 2}, "built"),
        ({"built_year": NOW.year + 2, "state": "planned"}, None),
    ],
)
def test_states_and_periods(
    ask: Ask, put: Put, values: dict[str, object], part: str | None
) -> None:
    put("building", square(), **values)
    assert [each["part"] for each in ask("validity-period")] == ([part] if part else [])


_MODEL = {"ifc_class": "IfcThing", "digest": "x"}


def test_storeys_and_spaces_of_nothing(ask: Ask, put: Put) -> None:
    building = put("building", square())
    sound = put("storey", square(), building_id=building, number=0, floor_z_m=0.0, **_MODEL)
    put("space", square(), building_id=building, storey_id=sound, **_MODEL)
    assert ask("part-without-building") == []
    put("storey", square(), number=1, floor_z_m=3.0, **_MODEL)
    put("space", square(), building_id=building, **_MODEL)
    put("space", square(), **_MODEL)
    found = [(each["layer"], each["part"]) for each in ask("part-without-building")]
    assert sorted(found) == [
        ("space", "building"), ("space", "storey"), ("space", "storey"), ("storey", "building"),
    ]  # fmt: skip


def test_a_part_beside_its_building(ask: Ask, put: Put) -> None:
    building = put("building", square())
    put("element", square(12), building_id=building, **_MODEL)
    put("element", "MULTIPOLYGON EMPTY", building_id=building, **_MODEL)
    away = put("element", square(110), building_id=building, **_MODEL)
    (found,) = ask("part-outside-building")
    assert (found["feature_id"], found["value"]) == (away, 100)


def test_a_space_whose_area_is_not_drawn(ask: Ask, put: Put) -> None:
    stated = {"plan_area_m2": 100.0, "area_from": "Qto", **_MODEL}
    put("space", square(), area_m2=95.0, **stated)
    put("space", square(), area_m2=50.0, **{**stated, "area_from": "footprint"})
    off = put("space", square(), area_m2=80.0, **stated)
    (found,) = ask("space-area")
    assert (found["feature_id"], found["value"]) == (off, 0.2)


def test_ends_of_lines_without_their_nodes(ask: Ask, put: Put) -> None:
    first = put("pipe_node", _point(0, 0, z=True), kind="water")
    last = put("pipe_node", _point(50, 0, z=True), kind="water")
    put("pipe_segment", _line((0, 0), (50.4, 0)), kind="water", from_node_id=first, to_node_id=last)
    assert ask("line-ends") == []
    open_end = put("pipe_segment", _line((0, 0), (9, 0)), kind="water", from_node_id=first)
    far = put(
        "pipe_segment", _line((0, 0), (52, 0)), kind="water", from_node_id=first, to_node_id=last
    )
    found = {each["feature_id"]: each for each in ask("line-ends")}
    assert set(found) == {open_end, far}
    assert found[open_end]["message_en"] == "its last end has no node"
    assert found[far]["message_zh"] == "终点离节点 2.00 m"
    assert (found[far]["value"], found[far]["other_layer"]) == (2, "pipe_node")


def test_sensors_that_are_silent(engine: Engine, ask: Ask, put: Put) -> None:
    fresh, old, never = (put("waterlogging_point", _point(n, 0)) for n in range(3))
    put("waterlogging_point", _point(9, 0), state="out_of_service")
    assert ask("stale-sensor") == [], "a city without readings watches nothing"
    now = datetime.now(UTC)  # not when the module was read: that may be half an hour ago
    with engine.begin() as connection:
        for point, age in ((fresh, timedelta(minutes=5)), (old, timedelta(hours=3))):
            connection.execute(
                text("INSERT INTO twin.reading (point_id, at, depth_m) VALUES (:p, :t, 0.1)"),
                {"p": point, "t": now - age},
            )
    found = {each["feature_id"]: each for each in ask("stale-sensor")}
    assert set(found) == {old, never}
    assert found[old]["value"] == pytest.approx(3 * 3600, abs=900)
    assert found[never]["message_zh"] == "从未有读数"


COMMUNITY = {"level": "community", "code": "440507001002"}


def test_cells_that_cover_their_community(ask: Ask, put: Put) -> None:
    community = put("region", square(0, 0, 20), **COMMUNITY)
    for number, (x, y) in enumerate(((0, 0), (10, 0), (0, 10), (10, 10)), 1):
        put("grid_cell", square(x, y), code=f"440507001002{number:03d}", region_id=community)
    rules = ("cell-gap", "cell-overlap", "cell-region", "cell-outside-region")
    assert ask(*rules) == []


def test_a_gap_between_cells(ask: Ask, put: Put) -> None:
    community = put("region", square(0, 0, 20), **COMMUNITY)
    put("region", square(100, 0, 20), level="community", code="440507001003")
    for number, (x, y) in enumerate(((0, 0), (10, 0), (0, 10)), 1):
        put("grid_cell", square(x, y), code=f"440507001002{number:03d}", region_id=community)
    (found,) = ask("cell-gap")
    assert (found["layer"], found["feature_id"], found["value"]) == ("region", community, 100)


def test_cells_that_overlap(ask: Ask, put: Put) -> None:
    first = put("grid_cell", square(), code="440507001002001")
    second = put("grid_cell", square(8), code="440507001002002")
    (found,) = ask("cell-overlap")
    assert (found["feature_id"], found["other_id"], found["value"]) == (first, second, 20)


def test_a_cell_coded_for_another_community(ask: Ask, put: Put) -> None:
    put("region", square(0, 0, 20), **COMMUNITY)
    put("grid_cell", square(0, 0), code="440507001002001")
    wrong = put("grid_cell", square(10, 10), code="440507001003001")
    (found,) = ask("cell-region")
    assert found["feature_id"] == wrong
    assert "440507001002" in found["message_en"]


def test_a_cell_beyond_its_community(ask: Ask, put: Put) -> None:
    community = put("region", square(0, 0, 20), **COMMUNITY)
    put("grid_cell", square(0, 0), code="440507001002001", region_id=community)
    out = put("grid_cell", square(15, 0), code="440507001002002", region_id=community)
    (found,) = ask("cell-outside-region")
    assert (found["feature_id"], found["value"]) == (out, pytest.approx(0.5))


def test_a_load_of_regions_asks_for_the_cells_too(engine: Engine, put: Put) -> None:
    from twin.quality import rules
    from twin.quality._scope import Scope

    load = Scope("load", ("region",), "region", 1)
    assert rules()["cell-region"].concerns(load)
    assert rules()["cell-gap"].concerns(Scope("load", ("grid_cell",), "grid_cell", 1))
    assert not rules()["storey-height"].concerns(load)
    assert not rules()["beidou-code"].concerns(Scope("load", ("building",), "building", 1))


def test_boxes_leave_out_no_pair_that_is_alike() -> None:
    random = np.random.default_rng(5)
    corner, size = random.uniform(0, 40, (120, 2)), random.uniform(4, 12, (120, 2))
    turned = [
        rotate(box(*low, *(low + wide)), angle)
        for low, wide, angle in zip(corner, size, random.choice([0, 15, 90], 120), strict=True)
    ]
    sides = np.array([each.bounds for each in turned])
    areas = np.array([each.area for each in turned])
    looked_at = random.random(120) < 0.5
    found = {tuple(pair) for pair in alike(sides, areas, looked_at, 0.5).tolist()}
    wanted = {
        (a, b)
        for a, b in itertools.combinations(range(120), 2)
        if looked_at[a] or looked_at[b]
        if turned[a].intersection(turned[b]).area >= 0.5 * turned[a].union(turned[b]).area
    }
    assert wanted
    assert wanted <= found
    assert all(looked_at[a] or looked_at[b] for a, b in found)
