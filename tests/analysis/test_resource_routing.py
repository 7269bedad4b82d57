"""Dispatch in the tiny town, whose answers are worked by hand in its docstring."""

from datetime import timedelta
from typing import Any

import pytest
import shapely
from shapely import Point, box
from sqlalchemy import text

from analysis import execute
from analysis.resource_routing import ANALYSIS, RoutingOutputs
from sample_data.tiny_town import ORIGIN, at
from tests.analysis.conftest import NOW, lonlat
from twin.crs import reproject
from twin.database import City
from twin.errors import InvalidInputError, NotFoundError

MIDDLE = (100.0, 100.0)
DRY = {"readings": False}


def ask(city: City, *, place: tuple[float, float] = MIDDLE, **inputs: Any) -> RoutingOutputs:
    inputs.setdefault("needs", [{"kind": "fire_engine", "count": 2}])
    outputs = execute(city, ANALYSIS, {"incident": lonlat(at(*place)), **inputs})
    assert isinstance(outputs, RoutingOutputs)
    return outputs


_ABOUT_R2 = ("0,200-100,200", "0,100-0,200")


def edges_named(city: City, *names: str) -> list[int]:
    question = text("SELECT id FROM twin.road_edge WHERE source_id = ANY (:names) ORDER BY id")
    return list(city.session.scalars(question, {"names": list(names)}))


def streets(city: City, edge_ids: list[int]) -> list[str]:
    rows = city.session.execute(text("SELECT id, source_id FROM twin.road_edge"))
    names = {row.id: row.source_id for row in rows}
    return [str(names[each]) for each in edge_ids]


def test_dry_the_nearest_engines_go(town: City) -> None:
    found = ask(town, flood=DRY)
    assert [(a.name, a.travel_time_s, a.length_m) for a in found.assigned] == [
        ("1号消防车", pytest.approx(10), pytest.approx(100)),
        ("2号消防车", pytest.approx(15), pytest.approx(200)),
    ]
    assert streets(town, found.assigned[0].edges) == ["100,0-100,100"]
    assert streets(town, found.assigned[1].edges) == ["0,100-0,200", "0,100-100,100"]
    assert found.unmet == []


def test_the_flood_sends_the_engine_round_and_never_against_the_arrow(town: City) -> None:
    found = ask(town)
    assert [(a.name, a.travel_time_s, a.length_m) for a in found.assigned] == [
        ("2号消防车", pytest.approx(15), pytest.approx(200)),
        ("1号消防车", pytest.approx(25), pytest.approx(300)),
    ]
    engine = found.assigned[1]
    assert streets(town, engine.edges) == ["100,0-200,0", "200,0-200,100", "100,100-200,100"]
    assert engine.travel_time_dry_s == pytest.approx(10)
    assert found.closed.by_vehicle_class["fire_engine"].edges == 1
    assert [(r.name, r.depth_m) for r in found.flood.readings] == [("中轴路下凹段", 0.7)]


def test_a_pump_truck_wades(town: City) -> None:
    found = ask(town, needs=[{"kind": "pump_truck"}])
    (pump,) = found.assigned
    assert (pump.name, pump.travel_time_s) == ("1号排水车", pytest.approx(10))
    assert found.closed.by_vehicle_class["pump_truck"].edges == 0
    assert (pump.phone, pump.base) == ("138 0000 0014", "小镇消防站")


@pytest.mark.parametrize(
    ("minutes_ago", "depth_m", "closed"), [(0, 0.70, 1), (10, 0.60, 1), (15, 0.55, 0)]
)
def test_a_road_closes_when_its_depth_reaches_the_limit(
    town: City, minutes_ago: int, depth_m: float, closed: int
) -> None:
    asked = (NOW - timedelta(minutes=minutes_ago)).isoformat()
    found = ask(town, flood={"at": asked})
    assert found.flood.readings[0].depth_m == pytest.approx(depth_m)
    assert found.closed.by_vehicle_class["fire_engine"].edges == closed


def test_the_route_is_the_line_that_is_driven(town: City) -> None:
    engine = ask(town).assigned[1]
    line = shapely.from_geojson(str(engine.route).replace("'", '"'))
    moved = reproject(shapely.get_parts(line), "OGC:CRS84", "EPSG:4548")[0]
    corners = [(x - ORIGIN[0], y - ORIGIN[1]) for x, y in shapely.get_coordinates(moved)]
    expected = [(100, 0), (150, 0), (200, 0), (200, 50), (200, 100), (150, 100), (100, 100)]
    assert [c for corner in corners for c in corner] == pytest.approx(
        [float(c) for corner in expected for c in corner], abs=0.02
    )


def test_a_route_begins_and_ends_in_the_middle_of_a_street(town: City) -> None:
    # (30,100) is on the main street, 3.5 s from its western end; R2 comes from (0,200).
    found = ask(town, place=(30, 100), flood=DRY)
    by_name = {a.name: a for a in found.assigned}
    assert by_name["2号消防车"].travel_time_s == pytest.approx(10 + 1.5)
    assert by_name["2号消防车"].length_m == pytest.approx(130)
    assert by_name["1号消防车"].travel_time_s == pytest.approx(10 + 3.5)


def test_off_the_road_the_gap_is_told(town: City) -> None:
    (engine,) = ask(town, place=(130, 108), needs=[{"kind": "fire_engine"}]).assigned
    assert engine.snap_to_m == pytest.approx(8, abs=1e-3)
    assert engine.snap_from_m == pytest.approx(0, abs=1e-6)


def test_says_why_the_others_stay(town: City) -> None:
    found = ask(town, needs=[{"kind": "fire_engine", "count": 1}])
    reasons = {p.name: (p.reason_code, p.travel_time_s) for p in found.passed_over}
    assert reasons == {
        "3号消防车": ("busy", pytest.approx(5)),
        "1号消防车": ("farther", pytest.approx(25)),
    }
    assert [a.name for a in found.assigned] == ["2号消防车"]
    assert all(p.reason.zh and p.reason.en for p in found.passed_over)


def test_says_what_is_missing(town: City) -> None:
    found = ask(
        town, needs=[{"kind": "fire_engine", "count": 3}, {"kind": "helicopter", "count": 2}]
    )
    missing = {u.kind: (u.missing, u.reason.en) for u in found.unmet}
    assert missing["fire_engine"] == (1, "of 3 only 2 are free")
    assert missing["helicopter"][0] == 2
    assert "there are: fire_engine, pump_truck" in missing["helicopter"][1]


def test_a_team_cut_off_by_water_is_told_from_one_cut_off_by_closed_roads(town: City) -> None:
    found = ask(town, closures={"edges": edges_named(town, *_ABOUT_R2)}, max_snap_m=50)
    codes = {p.name: p.reason_code for p in found.passed_over}
    assert codes["2号消防车"] == "cut_off_by_closure"
    # East of R1 a street is closed off, north of it is the dip, west the arrow points to it.
    east = lonlat(box(ORIGIN[0] + 140, ORIGIN[1] - 5, ORIGIN[0] + 160, ORIGIN[1] + 5))
    found = ask(town, closures={"polygons": [east]}, max_snap_m=50)
    passed = {p.name: p for p in found.passed_over}
    assert passed["1号消防车"].reason_code == "cut_off_by_water"
    assert "0.6 m" in passed["1号消防车"].reason.en


def test_a_team_on_a_closed_road_begins_at_the_nearest_open_one_and_says_so(town: City) -> None:
    found = ask(town, closures={"edges": edges_named(town, *_ABOUT_R2)})
    by_name = {a.name: a for a in found.assigned}
    assert by_name["2号消防车"].snap_from_m == pytest.approx(100, abs=1e-3)
    assert by_name["2号消防车"].from_closed_road
    assert not by_name["1号消防车"].from_closed_road


def test_no_way_is_told_from_no_road(own_town: City) -> None:
    session = own_town.session
    session.execute(
        text("UPDATE twin.resource SET geom = ST_Translate(geom, 0, 600) WHERE name = '2号消防车'")
    )
    # A road of its own, hanging on nothing, and an engine on it.
    for x in (700, 800):
        session.execute(
            text("""
                INSERT INTO twin.road_node (source_id, geom)
                VALUES (:name, ST_SetSRID(ST_MakePoint(:x, :y, 0), 4548))
            """),
            {"name": f"far {x}", "x": ORIGIN[0] + x, "y": ORIGIN[1]},
        )
    session.execute(
        text("""
            INSERT INTO twin.road_edge (source_id, from_node_id, to_node_id, road_class,
                                        speed_m_per_s, length_m, geom)
            SELECT 'far', a.id, b.id, 'residential', 10, 100, ST_MakeLine(a.geom, b.geom)
            FROM   twin.road_node a, twin.road_node b
            WHERE  a.source_id = 'far 700' AND b.source_id = 'far 800'
        """)
    )
    session.execute(
        text("""
            UPDATE twin.resource SET geom = ST_SetSRID(ST_MakePoint(:x, :y), 4548)
            WHERE  name = '1号消防车'
        """),
        {"x": ORIGIN[0] + 750, "y": ORIGIN[1] + 3},
    )
    session.commit()
    found = ask(own_town)
    codes = {p.name: p.reason_code for p in found.passed_over}
    assert codes == {"1号消防车": "no_way", "2号消防车": "no_road_near", "3号消防车": "busy"}
    assert found.assigned == []
    assert found.unmet[0].missing == 2
    assert "within 300 m" in {p.reason_code: p.reason.en for p in found.passed_over}["no_road_near"]


def test_too_late_is_told(town: City) -> None:
    found = ask(town, max_minutes=0.3)
    codes = {p.name: p.reason_code for p in found.passed_over}
    assert codes["1号消防车"] == "too_late"
    assert [a.name for a in found.assigned] == ["2号消防车"]


def test_nothing_free_is_answered(own_town: City) -> None:
    own_town.session.execute(text("UPDATE twin.resource SET status = 'off_duty'"))
    own_town.session.commit()
    found = ask(own_town)
    assert found.assigned == []
    assert {p.reason_code for p in found.passed_over} == {"off_duty"}
    assert found.unmet[0].missing == 2


def test_an_unknown_class_of_vehicle_is_named_with_the_known_ones(own_town: City) -> None:
    own_town.session.execute(
        text("UPDATE twin.resource SET vehicle_class = 'tank' WHERE name = '2号消防车'")
    )
    own_town.session.commit()
    found = ask(own_town)
    passed = {p.name: p for p in found.passed_over}
    assert passed["2号消防车"].reason_code == "unknown_vehicle_class"
    assert "'tank'; there are: ambulance, bus, car" in passed["2号消防车"].reason.en


def test_limits_are_the_city_s_own(own_town: City) -> None:
    own_town.session.execute(
        text("""
            UPDATE twin.depth_threshold SET valid_to = '2026-01-01' WHERE key = 'fire_engine';
        """)
    )
    own_town.session.execute(
        text("""
            INSERT INTO twin.depth_threshold (kind, key, depth_m, valid_from, source)
            VALUES ('vehicle', 'fire_engine', 0.9, '2026-01-01', 'the town')
        """)
    )
    own_town.session.commit()
    found = ask(own_town, flood={"at": NOW.isoformat()})
    assert found.closed.by_vehicle_class["fire_engine"].limit_m == 0.9
    assert found.assigned[0].travel_time_s == pytest.approx(10)


def test_no_route_uses_a_closed_edge(town: City) -> None:
    closed = lonlat(box(ORIGIN[0] + 90, ORIGIN[1] + 140, ORIGIN[0] + 110, ORIGIN[1] + 160))
    found = ask(town, closures={"polygons": [closed]})
    features = [f for f in found.features if f.role == "closed_edge"]
    shut = {f.attrs["edge_id"] for f in features if "fire_engine" in f.attrs["closed_to"]}
    assert len(shut) == 2
    for each in found.assigned:
        assert not shut & set(each.edges)


def test_the_graph_follows_the_feed(own_town: City) -> None:
    assert ask(own_town, flood=DRY).assigned[0].travel_time_s == pytest.approx(10)
    own_town.session.execute(
        text("UPDATE twin.road_edge SET speed_m_per_s = 5 WHERE source_id = '100,0-100,100'")
    )
    own_town.session.commit()
    found = ask(own_town, flood=DRY)
    assert {a.name: a.travel_time_s for a in found.assigned} == {
        "1号消防车": pytest.approx(20),
        "2号消防车": pytest.approx(15),
    }


def test_roads_that_are_closed_for_good_are_not_used(own_town: City) -> None:
    own_town.session.execute(
        text("""
            UPDATE twin.road_edge SET state = 'out_of_service' WHERE source_id = '100,0-100,100'
        """)
    )
    own_town.session.commit()
    times = {a.name: a.travel_time_s for a in ask(own_town, flood=DRY).assigned}
    assert times["1号消防车"] == pytest.approx(25)


def test_the_answer_is_drawn(town: City) -> None:
    outputs = ask(town, needs=[{"kind": "fire_engine", "count": 2}, {"kind": "pump_truck"}])
    stored = town.session.execute(
        text("""
            SELECT role, count(*) FROM twin.analysis_feature WHERE run_id = :id GROUP BY role
        """),
        {"id": outputs.run_id},
    )
    assert {row.role: row[1] for row in stored} == {
        "incident": 1,
        "route": 3,
        "resource": 4,
        "closed_edge": 1,
    }


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"place": (500.0, 600.0)}, "no road within 300 m of the incident"),
        ({"place": (900.0, 100_000.0)}, "outside the city"),
        ({"closures": {"edges": [10**9]}}, "no open road_edge has the id"),
        ({"closures": {"polygons": [{"type": "Point", "coordinates": [1, 2]}]}}, "polygons.0"),
        ({"needs": []}, "needs"),
        ({"needs": [{"kind": "fire_engine", "count": 0}]}, "count"),
        ({"max_snap_m": -1}, "max_snap_m"),
        ({"flood": {"at": "yesterday"}}, "flood.at"),
    ],
)
def test_says_what_is_wrong_with_the_question(
    town: City, inputs: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidInputError, match=said):
        ask(town, **inputs)


def test_an_incident_is_a_point(town: City) -> None:
    with pytest.raises(
        InvalidInputError, match="incident must be a GeoJSON geometry of type Point"
    ):
        execute(
            town,
            ANALYSIS,
            {"incident": lonlat(Point(at(0, 0)).buffer(5)), "needs": [{"kind": "fire_engine"}]},
        )


def test_an_unknown_raster_is_not_found(town: City) -> None:
    with pytest.raises(NotFoundError, match="no depth raster 'storm'"):
        ask(town, flood={"raster": "storm"})
