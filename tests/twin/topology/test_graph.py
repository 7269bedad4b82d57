"""Parts, bridges, loops and what lies upstream, beside networkx."""

import networkx
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.topology.graph import bridges, in_loops, parts, upstream

NODES = 12
arcs = st.lists(st.tuples(st.integers(0, NODES - 1), st.integers(0, NODES - 1)), max_size=30)


def columns(pairs: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    both = np.array(pairs, np.int64).reshape(-1, 2)
    return both[:, 0].copy(), both[:, 1].copy()


@settings(deadline=None)
@given(arcs)
def test_parts_are_the_connected_components(pairs: list[tuple[int, int]]) -> None:
    found = parts(*columns(pairs), NODES)
    graph = networkx.MultiGraph(pairs)
    graph.add_nodes_from(range(NODES))
    expected = {frozenset(part) for part in networkx.connected_components(graph)}
    assert {frozenset(np.flatnonzero(found == k).tolist()) for k in set(found)} == expected
    assert found.max() + 1 == len(expected)


@settings(deadline=None)
@given(arcs)
def test_a_bridge_is_a_pipe_whose_loss_makes_more_parts(pairs: list[tuple[int, int]]) -> None:
    """Brute force: take each away and count."""
    tail, head = columns(pairs)
    whole = parts(tail, head, NODES).max()
    expected = [
        parts(np.delete(tail, k), np.delete(head, k), NODES).max() > whole
        for k in range(len(pairs))
    ]
    assert bridges(tail, head, NODES).tolist() == expected


@settings(deadline=None)
@given(arcs)
def test_a_loop_is_an_arc_whose_end_leads_back_to_its_beginning(
    pairs: list[tuple[int, int]],
) -> None:
    graph = networkx.MultiDiGraph(pairs)
    expected = [networkx.has_path(graph, head, tail) for tail, head in pairs]
    assert in_loops(*columns(pairs), NODES).tolist() == expected


@settings(deadline=None)
@given(arcs)
def test_upstream_are_all_that_lead_here(pairs: list[tuple[int, int]]) -> None:
    graph = networkx.MultiDiGraph(pairs)
    graph.add_nodes_from(range(NODES))
    seeds = np.arange(NODES)
    expected = [len(networkx.ancestors(graph, seed)) for seed in seeds]
    assert upstream(*columns(pairs), NODES, seeds).tolist() == expected


def test_a_million_pipes_in_a_row_need_no_stack() -> None:
    count = 1_000_000
    tail, head = np.arange(count), np.arange(1, count + 1)
    assert bridges(tail, head, count + 1).all()
    assert not in_loops(tail, head, count + 1).any()
    assert parts(tail, head, count + 1).max() == 0
    assert upstream(tail, head, count + 1, np.array([count])).tolist() == [count]
