"""How pipes hang together, as rules of the quality report: each on a network made to break it."""

from typing import Any

import pytest
from sqlalchemy import Engine, text

from tests.twin.quality.conftest import Ask, Put
from twin.quality import check, rules

X, Y = 460_000, 2_580_000
PIPES = [name for name in rules() if name.startswith("pipe-")]


def line(*places: tuple[float, ...]) -> str:
    each = ", ".join(f"{X + x} {Y + y} {z[0] if z else 0}" for x, y, *z in places)
    return f"LINESTRING Z ({each})"


def point(x: float, y: float) -> str:
    return f"POINT Z ({X + x} {Y + y} 0)"


@pytest.fixture
def pipe(put: Put) -> Any:
    def write(*places: tuple[float, ...], kind: str = "water", **columns: Any) -> int:
        known = {"elevation_reference": "centre"} if len(places[0]) == 3 else {}
        return put("pipe_segment", line(*places), kind=kind, **known, **columns)

    return write


def test_a_sound_network_breaks_no_rule(ask: Ask, put: Put) -> None:
    nodes = [put("pipe_node", point(x, 0), kind="sewer", appurtenance=what, ground_z_m=3)
             for x, what in ((0, "manhole"), (50, "manhole"), (100, "outfall"))]  # fmt: skip
    for at, z in ((0, 1.0), (1, 0.8)):
        put("pipe_segment", line((50 * at, 0, z), (50 * at + 50, 0, z - 0.2)), kind="sewer",
            from_node_id=nodes[at], to_node_id=nodes[at + 1], elevation_reference="invert",
            width_m=0.4)  # fmt: skip
    assert ask(*PIPES) == []


def test_loose_ends_and_near_misses(ask: Ask, pipe: Any) -> None:
    main = pipe((0, 0), (100, 0))
    branch = pipe((50, 40), (50, 0.2))
    found = ask("pipe-dangling-end", "pipe-near-miss")
    assert [each["feature_id"] for each in found if each["rule"] == "pipe-dangling-end"] == [
        main, main, branch, branch,
    ]  # fmt: skip
    (missed,) = [each for each in found if each["rule"] == "pipe-near-miss"]
    assert (missed["feature_id"], missed["other_id"]) == (main, branch)
    assert missed["value"] == pytest.approx(0.2)
    assert missed["message_en"] == "End not joined to what is near: distance 0.2 m (limit 0.5)"
    assert missed["message_zh"] == "管端与邻近管线未相接：距离 0.2 m（限值 0.5）"


def test_nodes_that_are_passed_by_alone_or_twice(ask: Ask, pipe: Any, put: Put) -> None:
    main = pipe((0, 0), (100, 0))
    places = (30, 0), (30, 0.01), (30, 50)
    on, again, alone = (put("pipe_node", point(*at), kind="water") for at in places)
    names = "pipe-node-on-pipe", "pipe-node-pair", "pipe-lone-node"
    by_rule: dict[str, list[Any]] = {name: [] for name in names}
    for each in ask(*names):
        by_rule[each["rule"]].append((each["layer"], each["feature_id"], each["other_id"]))
    assert by_rule["pipe-node-on-pipe"] == [
        ("pipe_segment", main, on), ("pipe_segment", main, again),
    ]  # fmt: skip
    assert by_rule["pipe-node-pair"] == [("pipe_node", on, again)]
    assert [each[1] for each in by_rule["pipe-lone-node"]] == [on, again, alone]


def test_crossings_are_told_each_and_doubles_once(ask: Ask, pipe: Any) -> None:
    main = pipe((0, 0), (100, 0))
    weaving = pipe((10, -5), (10, 5), (20, 5), (20, -5))
    double = pipe((100, 0), (0, 0))
    found = ask("pipe-crossing", "pipe-duplicate")
    pairs = [(each["rule"], each["feature_id"], each["other_id"]) for each in found]
    assert pairs.count(("pipe-crossing", main, weaving)) == 2
    assert pairs.count(("pipe-duplicate", main, double)) == 1


def test_flow_that_climbs_goes_round_or_ends_nowhere(ask: Ask, pipe: Any, put: Put) -> None:
    a, b, c = (put("pipe_node", point(*at), kind="storm") for at in ((0, 0), (50, 0), (25, 40)))
    climbs = pipe((0, 0, 1.0), (50, 0, 1.5), kind="storm", from_node_id=a, to_node_id=b)
    pipe((50, 0, 1.0), (25, 40, 0.9), kind="storm", from_node_id=b, to_node_id=c)
    (found,) = ask("pipe-adverse-slope")
    assert (found["feature_id"], found["value"], found["severity"]) == (climbs, 0.5, "error")
    (sink,) = ask("pipe-no-outfall")
    assert (sink["layer"], sink["feature_id"], sink["value"]) == ("pipe_node", c, 2.0)
    pipe((25, 40, 0.9), (0, 0, 0.8), kind="storm", from_node_id=c, to_node_id=a)
    assert [each["value"] for each in ask("pipe-flow-loop")] == [3.0]
    assert ask("pipe-no-outfall") == []


def test_clashes_are_asked_of_the_city_and_not_of_every_load(
    engine: Engine, ask: Ask, pipe: Any
) -> None:
    gas = pipe((0, 0, 1), (100, 0, 1), kind="gas", width_m=0.4)
    power = pipe((50, -9, 1.1), (50, 9, 1.1), kind="power", width_m=0.1)
    (found,) = ask("pipe-clash")
    assert (found["feature_id"], found["other_id"]) == (gas, power)
    assert found["value"] == pytest.approx(-0.15)
    near = pipe((0, 0.5, 1), (100, 0.5, 1), kind="telecom", width_m=0.1)
    told = ask("pipe-clearance-horizontal")
    assert [(each["feature_id"], each["other_id"]) for each in told] == [(gas, near)]
    assert rules()["pipe-clearance-horizontal"].status == "unverified"
    with engine.begin() as connection:
        load_id = connection.scalar(text(
            "INSERT INTO twin.load (layer, source, files) VALUES ('pipe_segment', 't', '[]')"
            " RETURNING id"))  # fmt: skip
        connection.execute(
            text("SELECT set_config('twin.load_id', :id, true)"), {"id": str(load_id)}
        )
        connection.execute(
            text("UPDATE twin.pipe_segment SET width_m = 0.2, load_id = :id"), {"id": load_id}
        )
    asked = check(engine, load_id=load_id).rules
    assert "pipe-clash" not in asked
    assert "found" in asked["pipe-near-miss"]


def test_every_rule_of_the_report_is_one_of_the_network(ask: Ask, pipe: Any) -> None:
    """All of them run, on a network with one pipe of each kind."""
    for at, kind in enumerate(("water", "sewer", "gas", "power")):
        pipe((0, 10 * at, 1), (50, 10 * at, 0.9), kind=kind)
    assert len(PIPES) == 21
    assert {each["rule"] for each in ask(*PIPES)} == {"pipe-dangling-end"}
