"""The report on pipes: the tiny town, and the sewer and the water network of Sant Boi."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import networkx
import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from analysis import analyses, execute
from benchmarks._inp import inp_network
from twin.crs import CityBox, Frame
from twin.database import City, connect, create_city, open_city
from twin.errors import InvalidInputError
from twin.ingest import load
from twin.topology import examine
from twin.topology.graph import bridges

SANT_BOI = Frame(25831, CityBox(410_000, 4_570_000, 430_000, 4_585_000))


def ask(city: City, **inputs: Any) -> Any:
    return execute(city, analyses()["pipe-topology"], inputs)


def counts(outputs: Any) -> dict[str, int]:
    return {each.rule: each.count for each in outputs.rules if each.count}


@pytest.fixture(scope="module")
def sewer(clone: Callable[..., Any], real_data: Path, tmp_path_factory: Any) -> Iterator[City]:
    """Return Sant Boi's sewer as its GeoPackage gives it, with the terrain."""
    data_dir = tmp_path_factory.mktemp("santboi")
    folder = real_data / "santboi_utilities"
    package = folder / "santboi_sewer.gpkg"
    with clone() as url:
        engine = connect(url)
        create_city(engine, "Sant Boi", SANT_BOI)
        for layer, table in (("pipe_node", "node"), ("pipe_segment", "arc")):
            load(engine, layer, [Path(f"{package}#{table}")], data_dir=data_dir,
                 mapping={"kind": "=sewer"})  # fmt: skip
        load(engine, "terrain", [folder / "santboi_dem_5m.tif"], data_dir=data_dir)
        with Session(engine) as session:
            yield open_city(session, data_dir=data_dir)
        engine.dispose()


@pytest.fixture(scope="module")
def oracle(real_data: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((real_data / "oracles.json").read_text())[
        "santboi sewer digraph"
    ]
    return found


def source_id(city: City, table: str, number: int) -> str:
    return str(city.session.scalar(text(f"SELECT source_id FROM twin.{table} WHERE id = {number}")))


def test_sant_boi_is_the_graph_of_the_oracle(sewer: City, oracle: dict[str, Any]) -> None:
    out = ask(sewer)
    assert (out.nodes, out.segments) == (oracle["nodes"], oracle["arcs"])
    assert out.length_m == pytest.approx(oracle["length_m"], abs=0.01)
    assert [each.nodes for each in out.parts] == oracle["weak_components"]
    assert out.is_acyclic == oracle["is_dag"]
    assert out.ends == {"by_id": 412, "by_place": 0, "by_other_ends": 0, "loose": 0}
    assert counts(out)["adverse-slope"] == oracle["adverse_slope_arcs(elev1<elev2)"]


def test_sant_boi_s_water_ends_where_the_oracle_says(sewer: City, oracle: dict[str, Any]) -> None:
    """The oracle counts where flow ends; one of the five is no outfall, and is told as such."""
    out = ask(sewer, checks=["slopes"])
    ends = {
        source_id(sewer, "pipe_node", each.node_id): each.upstream_nodes for each in out.outfalls
    }
    (stray,) = [each for each in out.findings if each.rule == "no-outfall"]
    assert source_id(sewer, "pipe_node", stray.nodes[0]) == "100008"
    ends["100008"] = stray.measured
    assert ends == oracle["outfalls_and_upstream_node_count"]


def test_findings_are_a_layer_that_can_be_asked_for(sewer: City) -> None:
    out = ask(sewer)
    rows = sewer.session.execute(
        text("SELECT class_code, attrs, GeometryType(geom) FROM twin.analysis_feature"
             " WHERE run_id = :run AND role = 'finding'"),
        {"run": out.run_id},
    ).all()  # fmt: skip
    assert len(rows) == out.findings_total == sum(counts(out).values())
    (gable,) = [attrs for rule, attrs, _ in rows if rule == "no-outfall"]
    assert gable["words"]["zh"].startswith("水流终止于无出口的管点：上游管点数 20")
    assert gable["segments"] == []


def test_a_box_keeps_findings_in_it_and_looks_at_the_whole_network(sewer: City) -> None:
    whole = ask(sewer, checks=["slopes", "parts"])
    x, y = next(each for each in whole.findings if each.rule == "no-outfall").place["coordinates"]
    here = ask(sewer, checks=["slopes"], box=[x - 1e-5, y - 1e-5, x + 1e-5, y + 1e-5])
    assert counts(here)["no-outfall"] == 1
    assert here.findings_total < whole.findings_total
    assert (here.segments, here.parts_total) == (206, 2)
    nothing = ask(sewer, checks=["slopes"], box=[x - 2e-3, y + 8e-3, x - 1e-3, y + 9e-3])
    assert nothing.findings_total == 0


def test_a_limit_lists_errors_first_and_counts_all(sewer: City) -> None:
    out = ask(sewer, limit=3)
    assert [each.severity for each in out.findings] == ["error"] * 3
    assert out.findings_total > 3
    assert counts(out)["adverse-slope"] == 4


def test_in_the_tiny_town_gas_and_sewer_are_in_one_place(town: City) -> None:
    """At (98, 198): gas, crown 1.0, DN500, middle 0.75 m; sewer, invert 0.48, DN400, middle 0.68 m.

    0.07 - (0.5 + 0.4) / 2 = -0.38 m.  Water over the sewer at (98, 102): 0.70 over -0.12 m: enough.
    """
    out = ask(town)
    assert counts(out) == {"clash": 1}
    (clash,) = out.findings
    assert clash.measured == pytest.approx(-0.38, abs=1e-9)
    assert clash.kinds == ["gas", "sewer"]
    assert clash.words.zh == "管线实体相碰：净距 -0.38 m（限值 0）"
    assert out.ends == {"by_id": 10, "by_place": 0, "by_other_ends": 0, "loose": 0}
    by_kind = {each.kind: (each.parts, each.bridges, each.length_m) for each in out.kinds}
    assert by_kind == {"gas": (1, 1, 200.0), "water": (1, 2, 200.0), "sewer": (1, 2, 200.0)}
    assert [each.upstream_nodes for each in out.outfalls] == [2]


def test_the_town_broken_says_how(own_town: City) -> None:
    """Lift the gas pipe out of the ground, sink the water main into the sewer, and so on.

    Water, middle 0.85 - 1.3 = -0.45 m, sewer at (98, 102) middle -0.28 m: 0.17 - 0.35 = -0.18 m.
    """
    own_town.session.execute(text("""
        UPDATE twin.pipe_segment SET geom = ST_Translate(geom, 0, 0, 5) WHERE source_id = 'G1';
        UPDATE twin.pipe_segment SET geom = ST_Translate(geom, 0, 0, -1.3) WHERE source_id = 'W1';
        UPDATE twin.pipe_segment SET to_node_id = NULL, geom = ST_Translate(geom, 0.3, 0, 0)
        WHERE  source_id = 'W2';
        UPDATE twin.pipe_segment SET geom = ST_Translate(geom, 0, 0, 9) WHERE source_id = 'S2';
        UPDATE twin.pipe_segment SET geom = ST_Reverse(geom) WHERE source_id = 'S1';
    """))  # fmt: skip
    own_town.session.commit()
    out = ask(own_town)
    found = {each.rule: each for each in out.findings}
    assert set(found) == {
        "dangling-end", "end-apart", "lone-node", "node-on-pipe", "clash", "above-ground",
        "drawn-backwards",
    }  # fmt: skip
    assert found["clash"].measured == pytest.approx(-0.18, abs=1e-9)
    assert found["end-apart"].measured == pytest.approx(0.3)
    # The pipe is turned, its water is not: it still falls from its first node to its last.
    assert found["drawn-backwards"].measured == pytest.approx(100.0)
    assert found["above-ground"].measured == pytest.approx(8.5 + 0.4 - 2.0)


def test_terrain_says_where_the_ground_is_else_the_nodes(sewer: City) -> None:
    assert ask(sewer, checks=["depths"]).terrain == "santboi_dem_5m"
    bare = City(sewer.session, sewer.frame, sewer.name)
    out = ask(bare, checks=["depths"], deepest_m=3.0)
    assert out.terrain is None
    assert counts(out)["too-deep"] > 0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kinds": ["steam"]}, "kinds"),
        ({"checks": []}, "checks"),
        ({"box": [1, 2, 3]}, "box"),
        ({"box": [2, 42, 1, 41]}, "west, south, east, north"),
        ({"snap_m": -1}, "snap_m"),
        ({"snap_m": float("nan")}, "snap_m"),
    ],
)
def test_wrong_questions_are_refused_with_what_is_possible(
    sewer: City, wrong: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidInputError, match=said):
        ask(sewer, **wrong)


def test_a_city_without_pipes_has_nothing_wrong(empty_city: City) -> None:
    out = ask(empty_city)
    assert (out.segments, out.findings_total, out.parts_total, out.is_acyclic) == (0, 0, 0, True)


def test_ky4_has_the_parts_and_bridges_of_the_oracle(real_data: Path) -> None:
    path = real_data / "networks" / "ky4.inp"
    expected = json.loads((real_data / "oracles.json").read_text())["ky4 graph"]
    report = examine(inp_network(path), checks=["ends", "parts"])
    assert len(report.network.nodes.ids) == expected["nodes"]
    tail, head = report.joints.tail, report.joints.head
    # The oracle's graph has one edge between two nodes, however many pipes lie there.
    pairs = np.unique(np.sort(np.column_stack([tail, head]), axis=1), axis=0)
    assert len(pairs) == expected["edges"]
    assert len(report.parts.kind) == expected["components"]
    simple = bridges(pairs[:, 0].copy(), pairs[:, 1].copy(), report.joints.count)
    assert simple.sum() == expected["bridges"]
    graph = networkx.MultiGraph(zip(tail.tolist(), head.tolist(), strict=True))
    alone = [
        pair
        for pair in networkx.bridges(networkx.Graph(graph))
        if graph.number_of_edges(*pair) == 1
    ]
    assert report.bridges.sum() == len(alone) < simple.sum()


def test_declared_flow_and_devices_are_heeded(own_town: City) -> None:
    """The first sewer flows the other way, so it climbs; the second is a pump: not judged."""
    own_town.session.execute(text("""
        UPDATE twin.pipe_segment SET flow_dir = -1 WHERE source_id = 'S1';
        UPDATE twin.pipe_segment SET device = 'pump', flow_dir = -1 WHERE source_id = 'S2';
    """))  # fmt: skip
    own_town.session.commit()
    out = ask(own_town, checks=["slopes", "clashes"])
    (climbs,) = [each for each in out.findings if each.rule == "adverse-slope"]
    assert climbs.measured == pytest.approx(1.0)
    assert source_id(own_town, "pipe_segment", climbs.segments[0]) == "S1"
    own_town.session.execute(
        text("UPDATE twin.pipe_segment SET device = 'valve' WHERE source_id = 'S1'")
    )
    own_town.session.commit()
    assert "clash" not in counts(ask(own_town, checks=["clashes"]))
