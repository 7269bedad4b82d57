import math
from typing import Any

import pytest
import shapely
from shapely import LineString, Point, box
from sqlalchemy import text

from analysis import execute, load_run, runs
from analysis.impact_radius import ANALYSIS, ImpactOutputs
from sample_data.tiny_town import ORIGIN, at
from tests.analysis.conftest import lonlat
from twin.changes import latest, since
from twin.database import City
from twin.errors import InvalidInputError, NotFoundError


def ask(city: City, **inputs: Any) -> ImpactOutputs:
    outputs = execute(city, ANALYSIS, inputs)
    assert isinstance(outputs, ImpactOutputs)
    return outputs


def around(x: float, y: float) -> dict[str, Any]:
    return lonlat(at(x, y))


@pytest.mark.parametrize(
    ("x", "y", "radius_m", "buildings", "night", "day"),
    [
        (0, 0, 28, 0, 0, 0),
        (0, 0, 29, 1, 1, 10),
        (0, 0, 64, 3, 7, 60),
        (100, 100, 30, 4, 676, 270),
        (100, 100, 70, 10, 4078, 720),
        (100, 100, 90, 12, 4095, 780),
    ],
)
def test_residents_within_a_radius(
    town: City, x: float, y: float, radius_m: float, buildings: int, night: int, day: int
) -> None:
    totals = ask(town, geometry=around(x, y), radius_m=radius_m).totals
    assert (totals.buildings, totals.residents_night, totals.residents_day) == (
        buildings,
        night,
        day,
    )


def test_lists_the_nearest_first_with_their_distance(town: City) -> None:
    found = ask(town, geometry=around(0, 0), radius_m=64).buildings
    assert [b.name for b in found] == ["1号楼", "2号楼", "3号楼"]
    # 2 and 3 are equally far from the corner: the id decides.
    assert [b.distance_m for b in found] == pytest.approx(
        [20 * math.sqrt(2), math.hypot(60, 20), math.hypot(60, 20)], abs=1e-3
    )


def test_the_list_may_be_short_while_the_totals_are_complete(town: City) -> None:
    found = ask(town, geometry=around(100, 100), radius_m=90, limit=2)
    assert len(found.buildings) == 2
    assert found.totals.buildings == found.rings[0].buildings == 12
    assert sum(f.role == "building" for f in found.features) == 12


def test_pipes_roads_and_cells_count_the_part_inside(town: City) -> None:
    found = ask(town, geometry=around(100, 100), radius_m=30)
    lengths = {each.kind: each.length_m for each in found.pipes}
    assert lengths == pytest.approx({"water": 59.867, "sewer": 59.867}, abs=0.01)
    assert {each.road_class: each.length_m for each in found.roads} == pytest.approx(
        {"primary": 60.0, "residential": 60.0}, abs=0.01
    )
    assert found.totals.road_length_m == pytest.approx(120.0, abs=0.02)


def test_cells_name_their_share_and_who_answers_for_them(town: City) -> None:
    cells = ask(town, geometry=around(100, 100), radius_m=50).grid_cells
    assert [cell.share for cell in cells] == pytest.approx([0.19635] * 4, abs=1e-4)
    assert {cell.responsible_person for cell in cells} == {"陈一", "林二", "黄三", "郑四"}
    assert {cell.region for cell in cells} == {"中心社区"}
    assert all(
        cell.responsible_phone and cell.responsible_phone.startswith("138") for cell in cells
    )


def test_facilities_and_waterlogging_points_in_reach(town: City) -> None:
    found = ask(town, geometry=around(100, 100), radius_m=101)
    assert [(f.name, round(f.distance_m)) for f in found.facilities] == [("小镇消防站", 100)]
    (point,) = found.waterlogging_points
    assert (point.name, point.depth_m) == ("中轴路下凹段", 0.7)


def test_a_line_reaches_along_its_whole_length(town: City) -> None:
    street = lonlat(LineString([at(0, 0), at(200, 0)]))
    # The two blocks above the street: their first buildings begin 20 m from it.
    assert ask(town, geometry=street, radius_m=19.9).totals.buildings == 0
    found = ask(town, geometry=street, radius_m=20.1).buildings
    assert {b.name for b in found} == {"1号楼", "2号楼", "4号楼", "5号楼"}


def test_what_stands_inside_a_polygon_is_at_no_distance(town: City) -> None:
    block = lonlat(box(ORIGIN[0], ORIGIN[1], ORIGIN[0] + 100, ORIGIN[1] + 100))
    found = ask(town, geometry=block, radius_m=1)
    assert [(b.name, b.distance_m) for b in found.buildings] == [
        ("1号楼", 0.0),
        ("2号楼", 0.0),
        ("3号楼", 0.0),
    ]


def test_a_gas_pipe_reaches_its_potential_impact_radius(town: City) -> None:
    found = ask(town, pipe_id=1, model="gas-pipe")
    assert found.radius_m == pytest.approx(99.72, abs=0.01)
    fluxes = [ring.heat_flux_kw_per_m2 for ring in found.rings]
    assert fluxes == [37.5, 15.77, 12.5, 4.0]
    assert [ring.radius_m / found.radius_m for ring in found.rings] == pytest.approx(
        [math.sqrt(15.77 / flux) for flux in fluxes if flux]
    )
    inside = found.rings[1]
    assert (inside.buildings, inside.residents_night, inside.residents_day) == (6, 4032, 570)
    assert found.validity.in_range
    assert found.inputs["pressure_pa"].source == "pipe_segment 1, pressure_pa"


def test_rings_hold_the_buildings_they_reach(town: City) -> None:
    found = ask(town, pipe_id=1, model="gas-pipe")
    for n, ring in enumerate(found.rings):
        assert sum(b.ring <= n for b in found.buildings) == ring.buildings
    assert found.totals.buildings == found.rings[-1].buildings == len(found.buildings)


def test_a_pipe_is_found_by_its_uid_too(town: City) -> None:
    uid = town.session.scalar(text("SELECT uid FROM twin.pipe_segment WHERE id = 2"))
    by_uid = ask(town, pipe_id=str(uid), radius_m=30)
    by_id = ask(town, pipe_id=2, radius_m=30)
    assert by_uid.buildings == by_id.buildings
    assert by_uid.totals.buildings > 0


def test_pressure_and_diameter_can_be_said_instead(town: City) -> None:
    found = ask(
        town, geometry=around(100, 100), model="gas-pipe", pressure_pa=1.6e6, diameter_m=0.5
    )
    assert found.radius_m == pytest.approx(63.07, abs=0.05)
    assert found.inputs["pressure_pa"].source == "request"


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"pressure_pa": 2.0e5}, "below 0.4 MPa"),
        ({"diameter_m": 0.05}, "below 0.1 m"),
        ({"gas": "hydrogen"}, "the gas is hydrogen"),
    ],
)
def test_answers_outside_its_range_and_says_so(
    town: City, inputs: dict[str, Any], said: str
) -> None:
    found = ask(town, pipe_id=1, model="gas-pipe", **inputs)
    assert not found.validity.in_range
    assert any(said in reason.en for reason in found.validity.violated)
    assert found.radius_m > 0


def test_residents_that_nobody_counted_are_reported(own_town: City) -> None:
    own_town.session.execute(text("UPDATE twin.building SET residents_day = NULL WHERE id = 1"))
    own_town.session.commit()
    totals = ask(own_town, geometry=around(0, 0), radius_m=64).totals
    assert (totals.residents_day, totals.buildings_residents_day_unknown) == (50, 1)
    assert (totals.residents_night, totals.buildings_residents_night_unknown) == (7, 0)


def test_removed_and_planned_buildings_are_not_affected(own_town: City) -> None:
    own_town.session.execute(text("UPDATE twin.building SET state = 'removed' WHERE id = 1"))
    own_town.session.execute(text("UPDATE twin.building SET state = 'planned' WHERE id = 2"))
    own_town.session.commit()
    assert ask(own_town, geometry=around(0, 0), radius_m=64).totals.residents_night == 4


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"radius_m": -5}, "radius_m: .*greater than 0"),
        ({"radius_m": 50_001}, "radius_m: .*less than or equal to 50000"),
        ({"radius_m": float("nan")}, "radius_m: .*finite"),
        ({}, "one of radius_m and model"),
        ({"radius_m": 5, "model": "gas-pipe"}, "one of radius_m and model"),
        ({"radius_m": 5, "pipe_id": 1}, "one of geometry and pipe_id"),
        ({"radius_m": 5, "radius": 6}, "radius: Extra inputs"),
        ({"model": "gas-pipe"}, "needs pressure_pa"),
    ],
)
def test_says_what_is_wrong_with_the_question(
    town: City, inputs: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidInputError, match=said):
        ask(town, geometry=around(0, 0), **inputs)


@pytest.mark.parametrize(
    ("geometry", "said"),
    [
        ({"type": "Point", "coordinates": [118.5, 21.0]}, "outside the city"),
        ({"type": "Point", "coordinates": [23.36, 116.68]}, "longitude first"),
        ({"type": "Point", "coordinates": [467100.0, 2584100.0]}, "degrees|outside"),
        ({"type": "Point", "coordinates": []}, "empty"),
        ({"type": "Point"}, "not a GeoJSON Point"),
        ({"type": "Point", "coordinates": ["a", "b"]}, "not a GeoJSON Point"),
        ({"type": "Circle", "coordinates": [1, 2]}, "must be a GeoJSON geometry of type Point"),
        ({}, "must be a GeoJSON geometry"),
    ],
    ids=["sea", "swapped", "metres", "empty", "nothing", "words", "circle", "none"],
)
def test_says_what_is_wrong_with_the_place(town: City, geometry: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        ask(town, geometry=geometry, radius_m=10)


def test_refuses_a_polygon_that_crosses_itself(town: City) -> None:
    bow = shapely.Polygon([at(0, 0), at(100, 100), at(100, 0), at(0, 100)])
    with pytest.raises(InvalidInputError, match="Self-intersection"):
        ask(town, geometry=lonlat(bow), radius_m=10)


@pytest.mark.parametrize("pipe_id", [999, "0193a8a4-0000-7000-8000-000000000000"])
def test_an_unknown_pipe_is_not_found(town: City, pipe_id: int | str) -> None:
    with pytest.raises(NotFoundError, match="no pipe_segment"):
        ask(town, pipe_id=pipe_id, radius_m=10)


def test_a_pipe_s_name_is_a_number_or_a_uid(town: City) -> None:
    with pytest.raises(InvalidInputError, match="UUID"):
        ask(town, pipe_id="G1", radius_m=10)


def test_the_gas_model_is_not_for_water(town: City) -> None:
    with pytest.raises(InvalidInputError, match="carries water"):
        ask(town, pipe_id=2, model="gas-pipe")


def test_the_run_and_its_features_are_stored(town: City) -> None:
    outputs = ask(town, geometry=around(100, 100), radius_m=30)
    assert outputs.run_id is not None
    run = load_run(town, outputs.run_id)
    assert (run.status, run.analysis) == ("successful", "impact-radius")
    assert run.outputs == outputs.model_dump(mode="json")
    assert run.inputs["radius_m"] == 30
    assert run.feed_seq is not None
    stored = town.session.execute(
        text("""
            SELECT role, count(*), bool_and(ST_IsValid(geom)), min(ST_SRID(geom))
            FROM   twin.analysis_feature WHERE run_id = :id GROUP BY role
        """),
        {"id": outputs.run_id},
    )
    assert {row[0]: tuple(row[1:]) for row in stored} == {
        "ring": (1, True, 4548),
        "incident": (1, True, 4548),
        "building": (4, True, 4548),
    }
    assert runs(town, analysis="impact-radius", most=1)[0].id == outputs.run_id


def test_the_feed_has_one_entry_for_all_features_of_a_run(town: City) -> None:
    before = latest(town.session)
    ask(town, geometry=around(100, 100), radius_m=90)
    news = since(town.session, before)
    assert [(c.layer, c.operation, c.actor) for c in news] == [
        ("analysis_feature", "L", "analysis/impact-radius")
    ]


def test_a_failed_run_is_stored_with_its_message(own_town: City) -> None:
    with pytest.raises(NotFoundError):
        ask(own_town, pipe_id=999, radius_m=10)
    (run,) = runs(own_town)
    assert (run.status, run.message) == ("failed", "there is no pipe_segment 999")
    assert run.outputs is None
    with pytest.raises(InvalidInputError):
        ask(own_town, geometry=lonlat(Point(467_100, 2_700_000)), radius_m=10)
    assert "outside the city" in str(runs(own_town)[0].message)


def test_the_ring_drawn_is_as_wide_as_the_radius(town: City) -> None:
    outputs = ask(town, geometry=around(100, 100), radius_m=30)
    area_m2 = town.session.scalar(
        text(
            "SELECT ST_Area(geom) FROM twin.analysis_feature WHERE run_id = :id AND role = 'ring'"
        ),
        {"id": outputs.run_id},
    )
    assert area_m2 == pytest.approx(math.pi * 30**2, rel=2e-4)
