"""The file of a thing: what it says of the tiny town is what the town is known to be."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.orm import Session

from analysis import analyses
from analysis._runs import execute
from layers import layer_named, layers
from layers.file import Content, ElementFile, Ref, Section, Table, file_of, sections
from sample_data import tiny_town
from twin.database import City, connect, open_city
from twin.errors import HouseRuleError, InvalidInputError, NotFoundError


def the(found: ElementFile, name: str) -> Content:
    """Return one section of a file."""
    return next(content for section, content in found.chapters if section.id == name)


def facts(content: Content) -> dict[str, Any]:
    return {each.field.name: each.value for each in content.facts}


def table(content: Content, name: str) -> Table:
    return next(each for each in content.tables if each.name == name)


def lines(content: Content, name: str) -> list[dict[str, Any]]:
    found = table(content, name)
    names = [entry.name for entry in found.columns]
    return [dict(zip(names, row.values, strict=True)) for row in found.rows]


def names(content: Content, layer: str) -> list[str | None]:
    return [row.ref.name for row in table(content, layer).rows if row.ref]


def asked(city: City, layer: str, key: str = "1", **more: Any) -> ElementFile:
    return file_of(city, layer_named(layer), key, **more)


def test_sections_come_in_order_and_have_names_of_their_own() -> None:
    orders = [section.order for section in sections()]
    assert orders == sorted(set(orders))
    known = set(layers())
    assert all(section.layers is None or section.layers <= known for section in sections())


@pytest.mark.parametrize("layer", [name for name in layers() if name != "analysis_feature"])
def test_everything_of_the_town_has_a_file(city: City, layer: str) -> None:
    first = city.session.scalar(text(f"SELECT min(id) FROM twin.{layer}"))
    if first is None:
        assert layer in (
            "storey",
            "space",
            "element",
            "opening",
            "quality_finding",
            "city_object",
            "city_geometry",
        )
        return
    found = asked(city, layer, str(first))
    assert {"place", "identity", "history"} <= {section.id for section, _ in found.chapters}
    assert facts(the(found, "identity"))["id"] == first


def test_the_uid_leads_to_the_same_file(city: City) -> None:
    uid = asked(city, "building").subject.values["uid"]
    assert asked(city, "building", uid).subject.id == 1


def test_coordinates_and_size_are_those_of_the_drawing_board(city: City) -> None:
    place = facts(the(asked(city, "building"), "place"))
    assert (place["x_m"] - tiny_town.ORIGIN[0], place["y_m"] - tiny_town.ORIGIN[1]) == (30.0, 30.0)
    assert place["area_m2"] == 400.0
    assert facts(the(asked(city, "pipe_segment"), "place"))["length_m"] == 200.0


def test_codes_are_taken_apart_and_the_cell_names_who_answers(city: City) -> None:
    codes = the(asked(city, "component"), "codes")
    told = facts(codes)
    assert told["class_county"] == "440599"
    assert told["class_minor"] == "04 雨水箅子 Gully grating"
    assert told["cell"] == "440599001001004"
    assert (told["cell_sequence"], told["responsible_person"]) == ("004", "郑四")
    assert codes.notes
    assert "memory" in codes.notes[0].en
    assert [row["level"] for row in lines(codes, "regions")] == [
        *("city", "county", "street", "community")
    ]
    grid = lines(codes, "beidou")
    assert [row["level"] for row in grid] == list(range(8, 0, -1))
    assert all(long["code"].startswith(short["code"]) for long, short in pairwise(grid))


def test_a_region_lies_in_those_above_it_only(city: City) -> None:
    regions = lines(the(asked(city, "region", "3"), "codes"), "regions")
    assert [row["level"] for row in regions] == ["city", "county"]
    assert names(the(asked(city, "region", "3"), "contents"), "region") == ["中心社区"]
    cells = lines(the(asked(city, "region", "4"), "contents"), "grid_cell")
    assert [row["population"] for row in cells] == [100, 200, 300, 400]


def test_a_cell_tells_who_lives_in_it_and_what_runs_through(city: City) -> None:
    found = asked(city, "grid_cell", "4")
    contents = the(found, "contents")
    # Buildings 4, 5 and 6 of the south-east.
    assert facts(contents) == {
        "buildings": 3, "residents_night": 8 + 16 + 32, "residents_day": 150,
    }  # fmt: skip
    roads = {row["road_class"]: row["length_m"] for row in lines(contents, "road_edge")}
    assert roads == {"primary": 100.0, "residential": 300.0}
    assert names(the(found, "events"), "event") == ["中轴路下凹段积水"]
    pipes = lines(the(asked(city, "grid_cell", "1"), "contents"), "pipe_segment")
    assert {row["kind"]: row["length_m"] for row in pipes} == {
        "gas": 100.0, "water": 100.0, "sewer": 100.0,
    }  # fmt: skip


def test_a_pipe_is_connected_to_its_nodes_and_the_next_pipe(city: City) -> None:
    network = the(asked(city, "pipe_segment", "2"), "network")
    assert [row["appurtenance"] for row in lines(network, "pipe_node")] == ["source", "valve"]
    assert [row.ref.id for row in table(network, "pipe_segment").rows if row.ref] == [3]
    at_valve = the(asked(city, "pipe_node", "4"), "network")
    assert [row.ref.id for row in table(at_valve, "pipe_segment").rows if row.ref] == [2, 3]
    # The crossing in the middle of the town: four streets meet.
    assert len(table(the(asked(city, "road_node", "5"), "network"), "road_edge").rows) == 4


def test_a_day_of_water_and_what_it_means(city: City) -> None:
    water = the(asked(city, "waterlogging_point"), "water")
    (curve,) = water.curves
    assert len(curve.points) == 288
    assert curve.points[-1][1] == 0.70
    assert curve.points[-1][0] - curve.points[0][0] == timedelta(minutes=287 * 5)
    assert [mark.code for mark in curve.marks] == ["blue", "yellow", "orange", "red"]
    limits = {row["key"]: row["depth_m"] for row in lines(water, "thresholds")}
    assert (limits["car"], limits["red"]) == (0.15, 0.60)
    assert facts(water)["deepest_m"] == 0.70


def test_thresholds_are_those_of_the_day_of_the_reading(city: City) -> None:
    city.session.execute(
        text("UPDATE twin.depth_threshold SET valid_to = '2026-06-01T11:00Z' WHERE key = 'red';")
    )
    water = the(asked(city, "waterlogging_point"), "water")
    assert "red" not in {row["key"] for row in lines(water, "thresholds")}


def test_what_is_around_comes_nearest_first_and_without_itself(city: City) -> None:
    around = the(asked(city, "building", distance_m=45.0), "around")
    buildings = lines(around, "building")
    # Building 1 is 20 m from building 2 to its east, and 20 m from building 3 to its north.
    assert [(row["feature"], row["distance_m"]) for row in buildings[:2]] == [
        ("2号楼", 20.0), ("3号楼", 20.0),
    ] or [(row["feature"], row["distance_m"]) for row in buildings[:2]] == [
        ("3号楼", 20.0), ("2号楼", 20.0),
    ]  # fmt: skip
    assert "1号楼" not in names(around, "building")
    distances = [row["distance_m"] for row in buildings]
    assert distances == sorted(distances)
    assert max(distances) <= 45.0
    assert [row["distance_m"] for row in lines(around, "road_edge")][:2] == [20.0, 20.0]


def test_farther_finds_more(city: City) -> None:
    near, far = (
        len(table(the(asked(city, "component", distance_m=d), "around"), "building").rows)
        for d in (20.0, 60.0)
    )
    # From (103,50): 4 and 6 are 19.7 m away, 2 and 3 25.1 m, 5 57.9 m, 1 63.8 m.
    assert (near, far) == (2, 5)


@pytest.mark.parametrize("distance_m", [0.0, -1.0, 1000.1, float("nan"), float("inf")])
def test_an_impossible_distance_is_refused(city: City, distance_m: float) -> None:
    with pytest.raises(InvalidInputError, match="above 0 and at most 1000 m"):
        asked(city, "building", distance_m=distance_m)


@pytest.mark.parametrize("key", ["999", "x", "00000000-0000-0000-0000-000000000000", "9" * 30])
def test_an_unknown_thing_is_refused(city: City, key: str) -> None:
    with pytest.raises(NotFoundError, match="building"):
        asked(city, "building", key)


def test_an_event_tells_its_course_and_its_component(city: City) -> None:
    found = asked(city, "event")
    steps = lines(the(found, "course"), "steps")
    assert [(row["status"], row["present"]) for row in steps] == [
        ("reported", None), ("accepted", None), ("dispatched", True),
    ]  # fmt: skip
    assert [row["status"] for row in lines(the(found, "course"), "onward")] == ["handled"]
    component = next(
        each for each in the(found, "attributes").facts if each.field.name == "component_id"
    )
    assert component.ref is not None
    assert (component.ref.layer, component.ref.id) == ("component", 1)
    assert names(the(asked(city, "component"), "events"), "event") == ["中轴路下凹段积水"]


def test_answers_of_analyses_that_concern_a_thing(database_url: str) -> None:
    # A town of its own: the index remembers where rows were that are gone.
    engine = connect(database_url)
    tiny_town.build(engine)
    with Session(engine) as session:
        city = open_city(session)
        place = asked(city, "building").subject.place
        assert place is not None
        incident = {"type": "Point", "coordinates": [place.lon, place.lat]}
        execute(city, analyses()["impact-radius"], {"geometry": incident, "radius_m": 20})
        results = lines(the(asked(city, "building"), "analyses"), "results")
    engine.dispose()
    assert {"ring", "building"} <= {row["role"] for row in results}
    assert all(row["analysis"] == "impact-radius" for row in results)


def test_findings_about_the_data_of_a_thing(city: City) -> None:
    city.session.execute(
        text("""
            WITH run AS (INSERT INTO twin.quality_run (scope) VALUES ('city') RETURNING id)
            INSERT INTO twin.quality_finding
                (rule, severity, layer, feature_id, other_layer, other_id, message_zh, message_en,
                 value, unit, found_by, geom)
            SELECT 'duplicate', 'warning', 'building', 1, 'building', 2, '重复', 'twice', 0.5, 'm',
                   run.id, building.geom
            FROM   run, twin.building WHERE building.id = 1
        """)
    )
    for key in ("1", "2"):
        (finding,) = lines(the(asked(city, "building", key), "quality"), "quality_finding")
        assert (finding["severity"], finding["message_en"], finding["value"]) == (
            "warning", "twice", 0.5,
        )  # fmt: skip
    assert "quality" not in {section.id for section, _ in asked(city, "building", "3").chapters}
    number = str(city.session.scalar(text("SELECT id FROM twin.quality_finding")))
    said = {
        each.field.name: each.ref
        for each in the(asked(city, "quality_finding", number), "attributes").facts
    }
    assert (said["feature_id"], said["other_id"]) == (Ref("building", 1), Ref("building", 2))


def test_the_history_tells_who_changed_what(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO twin.building (name, geom) VALUES ('旧名', "
                "ST_Multi(ST_MakeEnvelope(470000, 2580000, 470010, 2580010, 4548)))"
            )
        )
    for statement in (
        "UPDATE twin.building SET name = '新名', storeys = 6",
        "UPDATE twin.building SET geom = ST_Translate(geom, 5, 0)",
    ):
        with engine.begin() as connection:
            connection.execute(text("SELECT set_config('twin.actor', '林工', true)"))
            connection.execute(text(statement))
    with Session(engine) as session:
        history = the(asked(open_city(session), "building"), "history")
    changes = lines(history, "changes")
    assert facts(history)["states"] == 3
    assert {row["actor"] for row in changes} == {"林工"}
    moved, *renamed = changes
    assert moved["field"] == "几何 Geometry"
    assert {(row["field"], row["before"], row["after"]) for row in renamed} == {
        ("名称 Name", "旧名", "新名"), ("地上层数 Storeys", None, 6),
    }  # fmt: skip


def test_a_file_is_a_few_statements(town_engine: Engine) -> None:
    asked_for: list[str] = []
    with Session(town_engine) as session:
        city = open_city(session)
        listener = lambda *given: asked_for.append(given[2])  # noqa: E731
        event.listen(town_engine, "before_cursor_execute", listener)
        try:
            for layer in ("building", "waterlogging_point", "grid_cell", "event", "pipe_segment"):
                asked_for.clear()
                asked(city, layer)
                assert 0 < len(asked_for) <= 14, layer
        finally:
            event.remove(town_engine, "before_cursor_execute", listener)


def test_a_section_without_an_entry_stops_the_program(tmp_path: Any, monkeypatch: Any) -> None:
    from twin.discover import discover

    package = tmp_path / "odd_sections"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "plain.py").write_text('"""Nothing."""\n')
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(HouseRuleError, match="must define SECTION"):
        discover("odd_sections", "SECTION", Section)
