"""Questions to the tiny town; it stands with its corner at E 467 000, N 2 584 000."""

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from layers import layer_named, layers
from layers.filter import Period, Selection
from layers.query import Page, count, counts, one, page
from layers.totals import Totals
from twin.crs import LONLAT, CityBox, LonLatBox, move_points
from twin.database import City
from twin.errors import NotFoundError

BUILDING = layer_named("building")
PIPE = layer_named("pipe_segment")


def _metres(*box_m: float) -> LonLatBox:
    """Return a box in the town's metres as one in degrees, small enough to be upright."""
    x = np.array([467_000.0 + box_m[0], 467_000.0 + box_m[2]])
    y = np.array([2_584_000.0 + box_m[1], 2_584_000.0 + box_m[3]])
    lon, lat = move_points(x, y, "EPSG:4548", LONLAT)
    return LonLatBox(float(lon[0]), float(lat[0]), float(lon[1]), float(lat[1]))


def _values(found: Page, name: str) -> list[Any]:
    place = [entry.name for entry in found.fields].index(name) + 2
    return [row[place] for row in found.rows]


def _names(city: City, selection: Selection) -> list[str]:
    return _values(page(city, BUILDING, selection), "name")


def test_features_come_in_the_order_of_their_ids(city: City) -> None:
    found = page(city, BUILDING)
    assert [row[0] for row in found.rows] == list(range(1, 13))
    assert found.matched == 12
    assert found.last is None


def test_a_box_takes_what_it_touches(city: City) -> None:
    # The south-west block: 1 at 20..40, 2 at 60..80, 3 at 20..80 / 60..80.
    assert _names(city, Selection(_metres(15, 15, 25, 25))) == ["1号楼"]
    assert _names(city, Selection(_metres(30, 30, 70, 50))) == ["1号楼", "2号楼"]
    assert _names(city, Selection(_metres(42, 42, 58, 58))) == []


def test_the_courtyard_of_building_12_is_not_building_12(city: City) -> None:
    assert _names(city, Selection(_metres(142, 167, 158, 173))) == []
    assert _names(city, Selection(_metres(142, 167, 158, 175))) == ["12号楼"]


def test_a_rectangle_in_degrees_is_none_in_metres(city: City) -> None:
    """The sides of a box in degrees lean in metres: what lies between the two is told apart."""
    # 0.32 degrees west of the central meridian, meridians lean by 0.127 degrees: 4 cm in 20 m.
    # A box whose west side touches building 1's east wall at its south-east corner only.
    wall = np.array([467_040.0, 467_040.0])
    ends = np.array([2_584_020.0, 2_584_040.0])
    lon, _ = move_points(wall, ends, "EPSG:4548", LONLAT)
    assert abs(lon[0] - lon[1]) > 1e-7
    low, high = sorted(lon)
    between = (low + high) / 2
    box = _metres(41, 15, 50, 45)
    assert _names(city, Selection(box._replace(west=between))) == ["1号楼"]
    assert _names(city, Selection(box._replace(west=high + 2e-8))) == []


@pytest.mark.parametrize("layer_id", list(layers()))
def test_boxes_agree_with_the_plain_test_of_every_feature(city: City, layer_id: str) -> None:
    layer = layer_named(layer_id)
    brute = text(
        f"SELECT id FROM twin.{layer_id} WHERE ST_Intersects(ST_Transform(geom, 4326), "
        "ST_MakeEnvelope(:w, :s, :e, :n, 4326)) ORDER BY id"
    )
    random = np.random.default_rng(7)
    for _ in range(40):
        x, y = np.sort(random.uniform(-20, 220, (2, 2)))
        box = _metres(x[0], x[1], y[0], y[1])
        if box.west > box.east or box.south > box.north:
            continue
        expected = city.session.scalars(brute, dict(zip("wsen", box, strict=True))).all()
        found = page(city, layer, Selection(box))
        assert [row[0] for row in found.rows] == expected
        assert count(city, layer, Selection(box)) == len(expected)


def test_a_box_around_everything_holds_everything(city: City) -> None:
    for box in (LonLatBox(-180, -90, 180, 90), LonLatBox(100, 0, -100, 90)):
        assert len(page(city, BUILDING, Selection(box)).rows) == 12
    assert page(city, BUILDING, Selection(LonLatBox(0, 0, 1, 1))).rows == []


def test_pages_follow_one_another_and_miss_nothing(city: City) -> None:
    seen, after = [], None
    for _ in range(4):
        found = page(city, BUILDING, after=after, limit=5)
        seen += [row[0] for row in found.rows]
        after = found.last
        if after is None:
            break
    assert seen == list(range(1, 13))


def test_a_full_last_page_is_the_last(city: City) -> None:
    assert page(city, BUILDING, limit=12).last is None
    assert page(city, BUILDING, limit=11).last == 11


def test_filters_are_typed_and_may_name_several_values(city: City) -> None:
    def use(*words: str) -> Selection:
        return Selection(values={"use": words})

    assert _names(city, use("office")) == ["12号楼"]
    assert _names(city, use("office", "commercial")) == ["5号楼", "12号楼"]
    assert _names(city, Selection(values={"storeys": (3,), "use": ("residential",)})) == ["3号楼"]
    assert _names(city, Selection(values={"height_m": (9.0,)})) == ["3号楼"]
    resources = page(city, layer_named("resource"), Selection(values={"capabilities": ("rescue",)}))
    assert _values(resources, "name") == ["1号消防车"]
    cells = page(city, layer_named("grid_cell"), Selection(values={"flood_prone": (True,)}))
    assert _values(cells, "name") == ["西南网格", "东南网格"]


def test_a_number_beyond_the_column_matches_nothing(city: City) -> None:
    assert _names(city, Selection(values={"storeys": (2**40,)})) == []


def test_time_selects_by_validity(city: City) -> None:
    city.session.execute(
        text("UPDATE twin.building SET valid_from = '2020-01-01Z', valid_to = '2021-01-01Z' "
             "WHERE id = 1")
    )  # fmt: skip

    def at(begin: datetime | None, end: datetime | None) -> bool:
        return "1号楼" in _names(city, Selection(period=Period(begin, end)))

    def day(year: int, month: int = 1) -> datetime:
        return datetime(year, month, 1, tzinfo=UTC)

    assert at(day(2020, 6), day(2020, 6))
    assert at(day(2020), day(2020))
    assert not at(day(2019), day(2019))
    # Held until: the end itself no longer counts.
    assert not at(day(2021), day(2021))
    assert at(day(2019), None)
    assert at(None, day(2020, 6))
    assert not at(None, day(2019))
    assert not at(day(2022), None)
    assert at(day(2019), day(2022))
    # What says nothing about time is always there.
    assert "2号楼" in _names(city, Selection(period=Period(day(1900), day(1900))))


def test_heights_are_tested_where_there_are_any(city: City) -> None:
    def kinds(low: float, high: float) -> set[str]:
        found = page(city, PIPE, Selection(heights_m=(low, high)))
        return set(_values(found, "kind"))

    # Gas and water at 1 m, sewer from 0.5 down to -1.5 m.
    assert kinds(0.9, 1.1) == {"gas", "water"}
    assert kinds(-2, 0) == {"sewer"}
    assert kinds(5, 9) == set()
    assert len(page(city, BUILDING, Selection(heights_m=(500, 600))).rows) == 12


def test_a_z_that_is_no_height_is_not_shown(city: City) -> None:
    city.session.execute(
        text("UPDATE twin.pipe_segment SET elevation_reference = 'unknown' WHERE id = 1")
    )
    flat, deep = (json.loads(row[1])["coordinates"][0] for row in page(city, PIPE, limit=2).rows)
    assert len(flat) == 2
    assert len(deep) == 3
    assert deep[2] == 1.0


def test_the_latest_depth_and_its_level_are_fields(city: City) -> None:
    layer = layer_named("waterlogging_point")
    found = page(city, layer)
    assert _values(found, "depth_m") == [0.7]
    assert _values(found, "depth_at") == ["2026-06-01T12:00:00.000000Z"]
    assert _values(found, "level") == ["red"]
    assert page(city, layer, Selection(values={"level": ("blue",)})).rows == []
    add = text("INSERT INTO twin.reading (point_id, at, depth_m, quality) VALUES (1, :at, :d, :q)")
    later = datetime(2026, 6, 1, 12, 5, tzinfo=UTC)
    city.session.execute(add, {"at": later, "d": None, "q": "missing"})
    assert _values(page(city, layer), "depth_m") == [0.7]
    city.session.execute(add, {"at": later.replace(minute=10), "d": 0.2, "q": "suspect"})
    found = page(city, layer)
    assert (_values(found, "level"), _values(found, "depth_quality")) == (["blue"], ["suspect"])
    city.session.execute(add, {"at": later.replace(minute=15), "d": 0.1, "q": "good"})
    assert _values(page(city, layer), "level") == [None]
    city.session.execute(text("DELETE FROM twin.reading"))
    assert _values(page(city, layer), "depth_m") == [None]


def test_an_infinite_time_is_an_open_end(city: City) -> None:
    city.session.execute(text("UPDATE twin.building SET valid_to = 'infinity' WHERE id = 1"))
    assert _values(page(city, BUILDING, limit=1), "valid_to") == [None]


def test_geometry_is_in_degrees_with_seven_decimals(city: City) -> None:
    geometry = json.loads(page(city, layer_named("facility"), limit=1).rows[0][1])
    lon, lat = move_points(np.array([467_100.0]), np.array([2_584_000.0]), "EPSG:4548", LONLAT)
    assert geometry["type"] == "Point"
    assert geometry["coordinates"] == pytest.approx([lon[0], lat[0]], abs=6e-8)
    assert all(len(str(v).partition(".")[2]) <= 7 for v in geometry["coordinates"])


def test_one_feature_by_id_and_by_uid(city: City) -> None:
    by_id = one(city, BUILDING, "12")
    (uid,) = _values(by_id, "uid")
    assert one(city, BUILDING, uid).rows == by_id.rows
    assert one(city, BUILDING, uid.upper()).rows == by_id.rows


@pytest.mark.parametrize(
    "key", ["13", "0", "-1", "9" * 40, "x", "", "1.0", "٣", "00000000-0000-0000-0000-000000000000"]
)
def test_a_feature_that_is_not_there_is_named(city: City, key: str) -> None:
    with pytest.raises(NotFoundError, match="building"):
        one(city, BUILDING, key)


def test_only_the_properties_asked_for_are_read(city: City) -> None:
    found = page(city, BUILDING, limit=1, names=("storeys", "name"))
    assert [entry.name for entry in found.fields] == ["storeys", "name"]
    assert found.rows[0][2:4] == (1, "1号楼")


def test_a_page_knows_how_many_match_only_if_it_holds_all(city: City) -> None:
    layer = layer_named("building")
    assert page(city, layer, limit=12).matched == 12
    assert page(city, layer, limit=11).matched is None
    assert count(city, layer) == 12


def test_totals_follow_the_change_feed(city: City) -> None:
    totals = Totals()
    before = totals.of(city)
    assert before.counts == counts(city, layers().values())
    assert before.counts["building"] == 12
    assert totals.of(city) is before


def test_a_layer_s_box_is_where_its_features_are(city: City) -> None:
    holding = Totals().of(city)
    box = city.session.execute(
        text("""
            SELECT ST_XMin(box), ST_YMin(box), ST_XMax(box), ST_YMax(box)
            FROM   (SELECT ST_Extent(ST_Transform(geom, 4326)) AS box FROM twin.building) AS held
        """)
    ).one()
    assert holding.boxes["building"] == pytest.approx(tuple(box), abs=1e-5)
    west, south, east, north = holding.extent
    assert west <= box[0] < box[2] <= east
    assert south <= box[1] < box[3] <= north
    # Nothing is there yet: it may come anywhere in the city.
    assert holding.boxes["analysis_feature"] == city.frame.lonlat_extent()


def test_an_extent_in_metres_is_what_the_frame_says(city: City) -> None:
    assert city.frame.extent == CityBox(466_000, 2_583_000, 468_000, 2_585_000)
    assert city.vertical_datum == "EPSG:5737"
