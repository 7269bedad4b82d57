"""Depth profiles and cross-sections of the tiny town's pipes, by hand.

Water: crown 1.0 m, DN300, y = 102; gas: crown 1.0 m, DN500, y = 198; sewer: x = 98, invert 0.5 m at
y = 200, -0.5 at 100, -1.5 at 0, DN400; the ground is at 2 m.
"""

from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import shapely
from sqlalchemy import text

from analysis import analyses, execute
from analysis._pipe_route import between
from sample_data.tiny_town import ORIGIN
from tests.analysis.conftest import lonlat
from twin.database import City
from twin.errors import InvalidInputError, NotFoundError
from twin.topology.joints import join
from twin.topology.sample import network

SVG = "{http://www.w3.org/2000/svg}"


def ask(city: City, analysis: str, **inputs: Any) -> Any:
    return execute(city, analyses()[analysis], inputs)


def node(city: City, source_id: str) -> int:
    question = text("SELECT id FROM twin.pipe_node WHERE source_id = :name")
    return int(city.session.scalar(question, {"name": source_id}))


def down(city: City) -> Any:
    """Return the profile of the sewer from its head to its outfall."""
    return ask(city, "pipe-profile", from_node=node(city, "s1"), to_node=node(city, "s3"))


def across(*places: tuple[float, float]) -> dict[str, Any]:
    return lonlat(shapely.LineString([(ORIGIN[0] + x, ORIGIN[1] + y) for x, y in places]))


def change(city: City, statement: str) -> None:
    city.session.execute(text(statement))
    city.session.commit()


def words(svg: str) -> list[str]:
    return [each.text or "" for each in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_a_profile_follows_the_sewer_down(town: City) -> None:
    out = ask(town, "pipe-profile", from_node=node(town, "s1"), to_node=node(town, "s3"), step_m=50)
    assert (out.length_m, out.ends_by_place, out.unknown_m, out.terrain) == (200.0, 0, 0.0, None)
    chainages = [(each.chainage_m, each.node, each.invert_z_m) for each in out.stations]
    assert chainages == [
        (0.0, "s1", 0.5), (50.0, None, 0.0), (100.0, "s2", -0.5), (100.0, "s2", -0.5),
        (150.0, None, -1.0), (200.0, "s3", -1.5),
    ]  # fmt: skip
    assert [each.cover_m for each in out.stations] == [1.1, 1.6, 2.1, 2.1, 2.6, 3.1]
    assert [each.crown_z_m for each in out.stations][:2] == [0.9, 0.4]
    assert [(each.slope, each.least_cover_m, each.most_cover_m) for each in out.pipes] == [
        (0.01, 1.1, 2.1), (0.01, 2.1, 3.1),
    ]  # fmt: skip
    assert out.route["type"] == "LineString"
    assert all(len(place) == 3 for place in out.route["coordinates"])


def test_what_crosses_a_profile_is_told_with_its_clearance(town: City) -> None:
    out = ask(town, "pipe-profile", from_node=node(town, "s1"), to_node=node(town, "s3"))
    gas, water = out.crossings
    assert (gas.kind, gas.chainage_m, gas.crown_z_m, gas.invert_z_m) == ("gas", 2.0, 1.0, 0.5)
    # Middles 0.75 and 0.68 m; half heights 0.25 and 0.20 m.
    assert gas.clearance_m == pytest.approx(-0.38)
    # The sewer's crown at y = 102 is -0.08 m, the water pipe's lower side 0.70 m.
    assert (water.chainage_m, water.clearance_m, water.limit_m) == (98.0, 0.78, 0.4)
    assert [gas.joined, water.joined] == [False, False]


def test_a_profile_walked_upwards_turns_everything_round(town: City) -> None:
    out = ask(town, "pipe-profile", from_node=node(town, "s3"), to_node=node(town, "s1"))
    assert [(each.forwards, each.slope) for each in out.pipes] == [(False, -0.01)] * 2
    assert [each.chainage_m for each in out.crossings] == [102.0, 198.0]
    assert out.stations[0].invert_z_m == -1.5


def test_pipes_named_in_order_are_the_way(town: City) -> None:
    ids = dict(town.session.execute(text("SELECT source_id, id FROM twin.pipe_segment")).all())
    uid = town.session.scalar(text("SELECT uid FROM twin.pipe_segment WHERE source_id = 'W2'"))
    out = ask(town, "pipe-profile", segments=[ids["W1"], str(uid)])
    assert [each.name for each in out.pipes] == ["中山路给水管"] * 2
    assert out.length_m == 200.0
    with pytest.raises(InvalidInputError, match=f"segment {ids['S2']} is not joined"):
        ask(town, "pipe-profile", segments=[ids["W1"], ids["S2"]])


def test_a_profile_of_unknown_height_says_so_and_draws_it_apart(own_town: City) -> None:
    change(
        own_town,
        "UPDATE twin.pipe_segment SET elevation_reference = 'unknown', depth_from_m = NULL"
        " WHERE source_id = 'S2'",
    )
    out = down(own_town)
    assert [each.level for each in out.pipes] == ["surveyed", "unknown"]
    assert (out.unknown_m, out.pipes[1].slope, out.stations[-1].invert_z_m) == (100.0, None, None)
    assert out.stations[-1].ground_z_m == 2.0
    assert all(len(place) == 2 for place in out.route["coordinates"])
    assert 'stroke-dasharray="2 4"' in out.svg


def test_cover_gives_the_height_where_nothing_else_does(own_town: City) -> None:
    """Cover 2.1 and 3.1 m below the ground at 2 m: crowns at -0.1 and -1.1 m, as they were."""
    change(
        own_town,
        "UPDATE twin.pipe_segment SET elevation_reference = 'unknown',"
        " geom = ST_Force3DZ(ST_Force2D(geom)) WHERE source_id = 'S2'",
    )
    out = down(own_town)
    assert [each.level for each in out.pipes] == ["surveyed", "cover"]
    assert [out.stations[-1].crown_z_m, out.stations[-1].invert_z_m] == [-1.1, -1.5]


def test_a_cover_that_nobody_filled_in_is_no_height(own_town: City) -> None:
    change(
        own_town,
        "UPDATE twin.pipe_segment SET elevation_reference = 'unknown', depth_from_m = 0,"
        " depth_to_m = 0 WHERE source_id = 'S2'",
    )
    out = down(own_town)
    assert out.pipes[1].level == "unknown"


def test_a_pipe_drawn_backwards_is_walked_the_right_way(own_town: City) -> None:
    change(own_town, "UPDATE twin.pipe_segment SET geom = ST_Reverse(geom) WHERE source_id = 'S1'")
    out = down(own_town)
    assert [each.invert_z_m for each in out.stations if each.node] == [0.5, -0.5, -0.5, -1.5]
    assert [each.node for each in out.stations if each.node] == ["s1", "s2", "s2", "s3"]


@pytest.mark.parametrize(
    ("inputs", "error", "said"),
    [
        ({"from_node": 1}, InvalidInputError, "from_node and to_node, or segments"),
        ({"from_node": 6, "to_node": 8, "segments": [1]}, InvalidInputError, "or segments"),
        ({"from_node": 6, "to_node": 6}, InvalidInputError, "the same node"),
        ({"from_node": 6, "to_node": 999}, NotFoundError, "no pipe_node 999"),
        ({"from_node": "x", "to_node": 8}, InvalidInputError, "a number"),
        ({"from_node": 6, "to_node": 1}, NotFoundError, "no pipes of these kinds lead"),
        ({"from_node": 6, "to_node": 8, "kinds": ["gas"]}, NotFoundError, "no pipe of gas"),
        ({"segments": []}, InvalidInputError, "segments"),
    ],
)
def test_wrong_ways_are_refused(
    town: City, inputs: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        ask(town, "pipe-profile", **inputs)


def test_the_shorter_of_two_ways_is_taken() -> None:
    pipes = network(["0 0, 9 0", "9 0, 9 9", "0 0, 0 9, 9 9.5, 9 9"])
    hung = join(pipes, 0.05)
    assert [step.segment for step in between(pipes, hung, 0, int(hung.head[1]))] == [0, 1]


def test_a_section_shows_every_pipe_at_its_depth(town: City) -> None:
    """Across the water main 10 m east of the sewer, then down to the gas pipe: three metres off."""
    out = ask(town, "pipe-section", line=across((110, 90), (110, 200)))
    assert [(each.kind, each.offset_m, each.crown_z_m, each.cover_m) for each in out.pipes] == [
        ("water", 12.0, 1.0, 1.0), ("gas", 108.0, 1.0, 1.0),
    ]  # fmt: skip
    assert [each.invert_z_m for each in out.pipes] == [0.7, 0.5]
    assert (out.unknown, out.along, out.length_m) == ([], [], 110.0)
    (between_them,) = out.clearances
    assert between_them.horizontal_m == pytest.approx(96 - 0.15 - 0.25, abs=1e-3)
    assert (between_them.limit_m, between_them.too_near) == (1.5, False)


def test_a_slanting_cut_is_wider_than_the_pipe(town: City) -> None:
    """At 45° to the sewer: 0.4 m is cut over 0.4 √2 m."""
    out = ask(town, "pipe-section", line=across((88, 40), (108, 60)))
    (sewer,) = out.pipes
    assert sewer.angle_deg == pytest.approx(45.0, abs=0.1)
    assert sewer.cut_width_m == pytest.approx(0.4 * np.sqrt(2), abs=1e-3)
    assert sewer.centre_z_m == pytest.approx(-1.0 + 0.2, abs=1e-3)


def test_a_pipe_along_the_line_is_named_and_not_cut(town: City) -> None:
    out = ask(town, "pipe-section", line=across((98, 190), (98, 110)))
    sewer = town.session.scalar(text("SELECT id FROM twin.pipe_segment WHERE source_id = 'S1'"))
    assert (out.along, [each.kind for each in out.pipes]) == ([sewer], [])


def test_a_joint_on_the_line_is_cut_once(town: City) -> None:
    """The line passes through the valve at (100, 102), where two pipes meet."""
    out = ask(town, "pipe-section", line=across((100, 101), (100, 103)))
    assert [each.kind for each in out.pipes] == ["water"]


def test_unknown_heights_stand_in_a_strip_of_their_own(own_town: City) -> None:
    change(
        own_town,
        "UPDATE twin.pipe_segment SET elevation_reference = 'unknown', depth_to_m = NULL,"
        " width_m = NULL WHERE kind = 'water'",
    )
    out = ask(own_town, "pipe-section", line=across((110, 90), (110, 200)))
    water, gas = out.pipes
    assert water.level == "unknown"
    assert [water.crown_z_m, water.cover_m, water.width_m] == [None] * 3
    assert (gas.level, gas.crown_z_m) == ("surveyed", 1.0)
    assert out.unknown == [1]
    assert out.clearances[0].vertical_m is None
    said = words(out.svg)
    assert "depth unknown" in said
    assert "1 给水 尺寸未知 高程未知" in said
    # Of the two round pipes, the one of unknown height lies below the axis of heights.
    round_ = ElementTree.fromstring(out.svg).iter(f"{SVG}ellipse")
    cy = [float(each.get("cy", 0)) for each in round_]
    assert cy[0] > cy[1]


def test_rectangles_and_ducts_are_drawn_as_boxes(own_town: City) -> None:
    change(
        own_town,
        "UPDATE twin.pipe_segment SET shape = 'rectangular', width_m = 2, height_m = 1"
        " WHERE kind = 'gas'",
    )
    out = ask(own_town, "pipe-section", line=across((110, 194), (110, 202)))
    (drain,) = out.pipes
    assert (drain.crown_z_m, drain.invert_z_m, drain.cut_width_m) == (1.0, 0.0, 2.0)
    boxes = [each for each in ElementTree.fromstring(out.svg).iter(f"{SVG}rect") if each.get("x")]
    # The strip of unknown heights, and the pipe, twice as wide as high.
    wide, high = (float(boxes[-1].get(name, 0)) for name in ("width", "height"))
    assert len(boxes) == 2
    assert wide / high == pytest.approx(2.0, rel=0.02)


def test_pictures_say_everything_in_both_languages_and_hold_no_markup_of_others(
    own_town: City,
) -> None:
    change(
        own_town,
        "UPDATE twin.pipe_node SET name = '<script>井&1</script>' WHERE source_id = 's1'",
    )
    out = down(own_town)
    assert "<script" not in out.svg
    said = " ".join(words(out.svg))
    for each in (
        "管线纵断面 Depth profile",
        "地面",
        "Ground",
        "管内底",
        "Invert",
        "高程未知",
        "净距",
    ):
        assert each in said


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (across((0, 0), (1, 1), (2, 2)), "two points"),
        (across((0, 0), (0, 0)), "two points"),
        (across((0, 0), (0, 800)), "500 m is the most"),
        ({"type": "Point", "coordinates": [116.7, 23.3]}, "LineString"),
        (
            {"type": "LineString", "coordinates": [[23.3, 116.7], [23.4, 116.7]]},
            "outside the city|not a place",
        ),
    ],
)
def test_wrong_lines_are_refused(town: City, line: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        ask(town, "pipe-section", line=line)


def test_a_line_over_no_pipe_is_an_empty_section(town: City) -> None:
    out = ask(town, "pipe-section", line=across((20, 20), (40, 40)))
    assert (out.pipes, out.clearances) == ([], [])
    assert words(out.svg)
