"""The search against networkx, and against every way there is."""

import itertools
import json
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import _shortest as shortest
from twin.errors import InvalidInputError
from twin.topology.graph import parts


def search(
    arcs: list[tuple[int, int, float]],
    nodes: int,
    seeds: dict[int, float],
    closes_at_s: list[float] | None = None,
) -> tuple[list[float], list[int]]:
    """Search a graph whose every arc is an edge of its own; return arrivals and last edges."""
    tail, head = (np.array([a[k] for a in arcs], dtype=np.int64) for k in (0, 1))
    number = np.arange(len(arcs))
    first, heads, edge, _ = shortest.rows(tail, head, number, nodes)
    arrival_s, by_arc = shortest.earliest_arrivals(
        first,
        heads,
        edge,
        edge_time_s=np.array([a[2] for a in arcs], dtype=float),
        closes_at_s=np.array(closes_at_s or [np.inf] * len(arcs), dtype=float),
        seeds=np.array(list(seeds), dtype=np.int64),
        seed_time_s=np.array(list(seeds.values()), dtype=float),
    )
    return arrival_s.tolist(), [int(edge[a]) if a >= 0 else -1 for a in by_arc]


def random_arcs(rng: np.random.Generator, nodes: int, arcs: int) -> list[tuple[int, int, float]]:
    ends = rng.integers(0, nodes, (arcs, 2))
    times = rng.choice([0.0, 0.5, 1.0, 2.25, 3.5, 1 / 3], arcs) + rng.choice([0, 1e-3], arcs)
    return [(int(a), int(b), float(t)) for (a, b), t in zip(ends, times, strict=True)]


@pytest.mark.parametrize("seed", range(20))
def test_times_equal_networkx(seed: int) -> None:
    rng = np.random.default_rng(seed)
    arcs = random_arcs(rng, 200, 700)
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(range(200))
    graph.add_weighted_edges_from(arcs)
    expected = nx.multi_source_dijkstra_path_length(graph, {0})
    arrival_s, _ = search(arcs, 200, {0: 0.0})
    for node in range(200):
        assert arrival_s[node] == pytest.approx(expected.get(node, np.inf), abs=1e-9)


def test_times_equal_networkx_on_a_large_graph() -> None:
    rng = np.random.default_rng(7)
    arcs = random_arcs(rng, 20_000, 60_000)
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(range(20_000))
    graph.add_weighted_edges_from(arcs)
    expected = nx.single_source_dijkstra_path_length(graph, 11)
    arrival_s, _ = search(arcs, 20_000, {11: 0.0})
    assert sum(np.isfinite(arrival_s)) == len(expected)
    assert [arrival_s[node] for node in expected] == pytest.approx(
        list(expected.values()), abs=1e-9
    )


def test_the_way_adds_up_to_the_time() -> None:
    rng = np.random.default_rng(3)
    arcs = random_arcs(rng, 300, 900)
    tail = np.array([a[0] for a in arcs])
    arrival_s, by_edge = search(arcs, 300, {0: 0.25})
    reached = 0
    for node in range(300):
        way = shortest.way_back(np.array(by_edge), tail, node)
        if np.isfinite(arrival_s[node]):
            reached += 1
            assert 0.25 + sum(arcs[a][2] for a in way) == pytest.approx(arrival_s[node], abs=1e-9)
            assert [arcs[a][0] for a in way[:-1]] == [arcs[a][1] for a in way[1:]]
    assert reached > 200


@settings(max_examples=300, deadline=None)
@given(
    arcs=st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=9
    ),
    data=st.data(),
)
def test_closing_times_equal_trying_every_way(
    arcs: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    closes = data.draw(
        st.lists(st.integers(-1, 6), min_size=len(arcs), max_size=len(arcs)), label="closes"
    )
    best = [0.0 if node == 0 else np.inf for node in range(5)]
    # A way worth trying uses no edge twice and there are at most 4 other nodes.
    for count in range(1, 5):
        for way in itertools.permutations(range(len(arcs)), count):
            at, time = 0, 0.0
            for k in way:
                tail, head, took = arcs[k]
                time += took
                if tail != at or time > closes[k]:
                    break
                at = head
            else:
                best[at] = min(best[at], time)
    found, _ = search(
        [(a, b, float(t)) for a, b, t in arcs], 5, {0: 0.0}, [float(c) for c in closes]
    )
    assert found == best


def test_a_tie_goes_to_the_edge_with_the_smaller_number() -> None:
    # Two ways of 2 s from 0 to 3; and the same with the edges numbered the other way round.
    _, by = search([(0, 1, 1.0), (0, 2, 1.0), (1, 3, 1.0), (2, 3, 1.0)], 4, {0: 0.0})
    assert by[3] == 2
    _, by = search([(0, 1, 1.0), (0, 2, 1.0), (2, 3, 1.0), (1, 3, 1.0)], 4, {0: 0.0})
    assert by[3] == 2


def test_edges_without_length_make_no_circle() -> None:
    arcs = [(0, 1, 0.0), (1, 0, 0.0), (1, 2, 0.0), (2, 1, 0.0), (0, 2, 0.0)]
    arrival_s, by = search(arcs, 3, {0: 0.0})
    assert arrival_s == [0.0, 0.0, 0.0]
    tail = np.array([a[0] for a in arcs])
    assert len(shortest.way_back(np.array(by), tail, 2)) <= 2


def test_refuses_times_that_run_backwards() -> None:
    for bad in (-1.0, np.nan):
        with pytest.raises(InvalidInputError, match="negative or not a number"):
            search([(0, 1, bad)], 2, {0: 0.0})


def test_parts_equal_networkx() -> None:
    rng = np.random.default_rng(5)
    ends = rng.integers(0, 500, (350, 2))
    graph = nx.Graph()
    graph.add_nodes_from(range(500))
    graph.add_edges_from(ends.tolist())
    piece = parts(ends[:, 0].copy(), ends[:, 1].copy(), 500)
    assert {frozenset(np.flatnonzero(piece == name)) for name in np.unique(piece)} == {
        frozenset(part) for part in nx.connected_components(graph)
    }


def test_costs_of_pgrouting_s_documented_answers(real_data: Path) -> None:
    folder = real_data / "analysis" / "pgrouting"
    edges = json.loads((folder / "sampledata.json").read_text())["edges"]
    expected = json.loads((folder / "expected.json").read_text())
    arcs = [(e["source"], e["target"], e["cost"]) for e in edges if e["cost"] >= 0]
    arcs += [(e["target"], e["source"], e["reverse_cost"]) for e in edges if e["reverse_cost"] >= 0]
    for case in expected["dijkstra_directed"]:
        arrival_s, _ = search(arcs, 18, {case["s"]: 0.0})
        assert arrival_s[case["t"]] == case["cost"]
    arrival_s, _ = search(arcs, 18, {11: 0.0})
    within = {node: cost for node, cost in enumerate(arrival_s) if cost <= 3}
    assert within == {
        each["node"]: each["agg_cost"] for each in expected["driving_distance_11_3_directed"]
    }
