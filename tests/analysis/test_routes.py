"""Ways on small graphs that can be drawn on paper, and on random ones against networkx."""

from itertools import pairwise
from typing import Any

import networkx as nx
import numpy as np
import pytest
import shapely

from analysis import _closures as closures
from analysis import _routes as routes
from analysis._closures import DRY, Gauge
from analysis._roads import RoadGraph, build_graph
from twin.errors import InvalidInputError, NotFoundError


def graph_of(
    *edges: tuple[int, int, list[tuple[float, ...]]],
    direction: dict[int, int] | None = None,
    deck: dict[int, int] | None = None,
    speed: float = 10.0,
    heights: bool = True,
) -> RoadGraph:
    """Return a graph of lines; edge n has the id 100 + n."""
    lines = np.array(
        [shapely.LineString([(*c, 0.0)[:3] for c in corners]) for _, _, corners in edges]
    )
    count = len(edges)
    return build_graph(
        edge_id=np.arange(100, 100 + count),
        from_node_id=np.array([e[0] for e in edges]),
        to_node_id=np.array([e[1] for e in edges]),
        direction=np.array([(direction or {}).get(n, 0) for n in range(count)]),
        length_m=shapely.length(lines),
        speed_m_per_s=np.full(count, speed),
        deck_level=np.array([(deck or {}).get(n, 0) for n in range(count)]),
        has_height=np.full(count, heights),
        lines=lines,
    )


def go(
    graph: RoadGraph,
    start: tuple[float, float],
    goal: tuple[float, float],
    closed: list[int] | None = None,
) -> routes.Route:
    shut = np.zeros(graph.edges, dtype=bool)
    shut[closed or []] = True
    end = routes.snap(graph, *goal, closed=shut, within_m=50)
    begin = routes.snap(graph, *start, closed=shut, within_m=50)
    assert begin is not None
    assert end is not None
    return routes.route(graph, begin, routes.times_to(graph, end, closed=shut))


STREET = graph_of((1, 2, [(0, 0), (100, 0)]))


def test_within_one_edge_both_ways() -> None:
    there, back = go(STREET, (20, 3), (70, -3)), go(STREET, (70, -3), (20, 3))
    assert there.time_s == back.time_s == pytest.approx(5)
    assert there.line.tolist() == [[20, 0], [70, 0]]
    assert back.line.tolist() == [[70, 0], [20, 0]]
    assert there.edges.tolist() == [100]


def test_a_one_way_street_is_left_and_entered_again() -> None:
    loop = graph_of(
        (1, 2, [(0, 0), (100, 0)]), (2, 1, [(100, 0), (100, 50), (0, 50), (0, 0)]), direction={0: 1}
    )
    assert go(loop, (20, 0), (70, 0)).length_m == pytest.approx(50)
    round_trip = go(loop, (70, 0), (20, 0))
    assert round_trip.length_m == pytest.approx(30 + 200 + 20)
    assert round_trip.edges.tolist() == [100, 101, 100]
    assert round_trip.line.tolist() == [
        [70, 0],
        [100, 0],
        [100, 50],
        [0, 50],
        [0, 0],
        [20, 0],
    ]


def test_against_the_line_only() -> None:
    street = graph_of((1, 2, [(0, 0), (100, 0)]), direction={0: -1})
    assert go(street, (70, 0), (20, 0)).length_m == pytest.approx(50)
    with pytest.raises(NotFoundError):
        go(street, (20, 0), (70, 0))


def test_from_a_junction_every_road_is_open() -> None:
    # Both roads are one-way, away from the junction at (100, 0); the place snaps to the first.
    fork = graph_of(
        (2, 1, [(100, 0), (0, 0)]), (2, 3, [(100, 0), (200, 0)]), direction={0: 1, 1: 1}
    )
    assert go(fork, (100, 0), (180, 0)).length_m == pytest.approx(80)
    assert go(fork, (100, 0), (180, 0)).edges.tolist() == [101]


def test_a_way_of_no_length() -> None:
    way = go(STREET, (50, 5), (50, -5))
    assert (way.time_s, way.length_m) == (0, 0)
    assert way.line.tolist() == [[50, 0], [50, 0]]


def test_a_loop_is_entered_at_the_nearer_end() -> None:
    loop = graph_of(
        (1, 1, [(0, 0), (100, 0), (100, 100), (0, 100), (0, 0)]), (1, 2, [(0, 0), (-50, 0)])
    )
    assert go(loop, (-40, 0), (100, 20)).length_m == pytest.approx(40 + 120)
    assert go(loop, (-40, 0), (20, 100)).length_m == pytest.approx(40 + 120)
    last = go(loop, (-40, 0), (20, 100)).line[-2:]
    assert last.ravel().tolist() == pytest.approx([0, 100, 20, 100])


def test_snaps_past_a_closed_road_to_the_next_open_one() -> None:
    two = graph_of((1, 2, [(0, 0), (100, 0)]), (3, 4, [(0, 30), (100, 30)]))
    shut = np.array([True, False])
    snap = routes.snap(two, 50, 5, closed=shut, within_m=50)
    assert snap is not None
    assert (snap.edge, snap.distance_m, snap.fraction) == (1, 25, 0.5)
    assert routes.snap(two, 50, 5, closed=shut, within_m=20) is None


def test_scraps_are_passed_over_where_the_net_is_near() -> None:
    net = [(k, k + 1, [(100.0 * k, 30.0), (100.0 * (k + 1), 30.0)]) for k in range(5)]
    scrap = (90, 91, [(40.0, 0.0), (60.0, 0.0)])
    graph = graph_of(scrap, *net)
    open_ = np.zeros(graph.edges, dtype=bool)
    near = routes.snap(graph, 50, 1, closed=open_, within_m=50)
    alone = routes.snap(graph, 50, 1, closed=open_, within_m=20)
    assert near is not None
    assert alone is not None
    assert (near.edge, alone.edge) == (1, 0)


@pytest.mark.parametrize("seed", range(8))
def test_times_equal_networkx_with_closures_and_one_way_streets(seed: int) -> None:
    rng = np.random.default_rng(seed)
    side = 12
    nodes = [(100.0 * (k % side), 100.0 * (k // side)) for k in range(side * side)]
    edges, direction = [], {}
    for k, (x, y) in enumerate(nodes):
        for other in (
            k + 1 if (k + 1) % side else None,
            k + side if k + side < len(nodes) else None,
        ):
            if other is None:
                continue
            bend = (x + rng.uniform(20, 80), y + rng.uniform(20, 80))
            direction[len(edges)] = int(rng.choice([-1, 0, 0, 1]))
            edges.append((k, other, [(x, y), bend, nodes[other]]))
    graph = graph_of(*edges, direction=direction)
    closed = rng.random(graph.edges) < 0.15
    places = [tuple(p) for p in rng.uniform(0, 100 * (side - 1), (12, 2))]
    goal = routes.snap(graph, *places[0], closed=closed, within_m=500)
    assert goal is not None
    times = routes.times_to(graph, goal, closed=closed)
    found = 0
    for place in places[1:]:
        origin = routes.snap(graph, *place, closed=closed, within_m=500)
        assert origin is not None
        expected = networkx_time_s(graph, closed, origin, goal)
        time_s = routes.travel_time_s(graph, origin, times)
        assert time_s == pytest.approx(expected, abs=1e-9)
        if np.isfinite(time_s):
            found += 1
            way = routes.route(graph, origin, times)
            assert way.length_m == pytest.approx(shapely.length(shapely.LineString(way.line)))
            assert way.length_m / 10.0 == pytest.approx(time_s, abs=1e-9)
            assert not closed[way.edges - 100].any()
            assert way.line[0].tolist() == pytest.approx([origin.x_m, origin.y_m])
            assert way.line[-1].tolist() == pytest.approx([goal.x_m, goal.y_m])
    assert found >= 4


def networkx_time_s(
    graph: RoadGraph, closed: np.ndarray[Any, Any], origin: routes.Snap, goal: routes.Snap
) -> float:
    """Return the time by networkx: the edges of the two places are cut in two there."""
    net = nx.MultiDiGraph()
    cuts: dict[int, list[tuple[float, str]]] = {}
    for name, snap in (("origin", origin), ("goal", goal)):
        cuts.setdefault(snap.edge, []).append((snap.fraction, name))
    for e in np.flatnonzero(~closed):
        stops: list[tuple[float, Any]] = [(0.0, int(graph.start[e]))]
        stops += sorted(cuts.get(int(e), []))
        stops.append((1.0, int(graph.end[e])))
        for (a, u), (b, v) in pairwise(stops):
            if graph.direction[e] >= 0:
                net.add_edge(u, v, weight=(b - a) * graph.time_s[e])
            if graph.direction[e] <= 0:
                net.add_edge(v, u, weight=(b - a) * graph.time_s[e])
    try:
        return float(nx.dijkstra_path_length(net, "origin", "goal"))
    except nx.NetworkXNoPath:
        return float("inf")


# Closures ---------------------------------------------------------------------------------------

DIP = graph_of(
    (1, 2, [(0, 0, 2.0), (50, 0, 1.0), (100, 0, 2.0)]),  # falls to 1 m in its middle
    (3, 4, [(50, -50, 8.0), (50, 50, 8.0)]),  # a bridge over it
    (5, 6, [(50, -50, -5.0), (50, 50, -5.0)]),  # a tunnel under it
    (2, 7, [(100, 0, 2.0), (200, 0, 2.0)]),  # beyond
    deck={1: 1, 2: -1},
)
POINT = Gauge(50, 0, 20, 0.7, 1.0)


def test_water_lies_in_the_dip_and_not_on_the_bridge() -> None:
    depth_m, guessed = closures.by_gauges(DIP, [POINT])
    assert depth_m.tolist() == [pytest.approx(0.7), DRY, 0.7, DRY]
    assert guessed.tolist() == [False, False, True, False]


def test_the_surface_is_flat_within_reach() -> None:
    # 10 m short of the dip the road is at 1.2 m; the surface is at 1.7 m.
    depth_m, _ = closures.by_gauges(DIP, [Gauge(20, 0, 20, 0.7, 1.0)])
    assert depth_m[0] == pytest.approx(0.5)


def test_a_road_above_the_surface_is_dry() -> None:
    assert closures.by_gauges(DIP, [Gauge(150, 0, 20, 0.7, 1.0)])[0][3] == DRY


def test_without_heights_the_depth_of_the_point_holds_and_is_called_a_guess() -> None:
    flat = graph_of((1, 2, [(0, 0), (100, 0)]), heights=False)
    depth_m, guessed = closures.by_gauges(flat, [POINT])
    assert (depth_m.tolist(), guessed.tolist()) == ([0.7], [True])
    depth_m, guessed = closures.by_gauges(DIP, [POINT._replace(low_z_m=float("nan"))])
    assert depth_m[0] == 0.7
    assert guessed[0]


def test_the_deepest_of_several_points_holds_and_dry_points_say_nothing() -> None:
    depth_m, _ = closures.by_gauges(
        DIP, [POINT, POINT._replace(depth_m=0.9), POINT._replace(depth_m=0)]
    )
    assert depth_m[0] == pytest.approx(0.9)


def test_out_of_reach_is_dry() -> None:
    assert closures.by_gauges(DIP, [Gauge(50, 21, 20, 0.7, 1.0)])[0][0] == DRY
    assert closures.by_gauges(DIP, [Gauge(50, 19, 20, 0.7, 1.0)])[0][0] > 0.6


def test_a_raster_is_read_along_the_whole_edge_but_not_under_bridges() -> None:
    # One wet cell of 1 m in a hundred, under the middle of the first edge.
    depth = np.zeros((100, 200))
    depth[50, 50] = 0.33
    deepest, outside = closures.deepest_on(
        DIP, depth, DIP.corners[:, 0] + 0.5, DIP.corners[:, 1] + 50.5
    )
    assert deepest.tolist() == [pytest.approx(0.33), DRY, pytest.approx(0.33), DRY]
    assert not outside.any()


def test_what_a_raster_does_not_cover_is_told() -> None:
    depth = np.full((100, 60), np.nan)
    depth[:, :40] = 0.2
    deepest, outside = closures.deepest_on(
        DIP, depth, DIP.corners[:, 0] + 0.5, DIP.corners[:, 1] + 50.5
    )
    assert deepest.tolist() == [pytest.approx(0.2), DRY, DRY, DRY]
    assert outside.tolist() == [False, False, True, True]


@pytest.mark.parametrize("seed", range(5))
def test_no_cell_that_an_edge_crosses_deeply_is_stepped_over(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.uniform(1, 49, (40, 2, 2))
    graph = graph_of(*[(2 * k, 2 * k + 1, c.tolist()) for k, c in enumerate(corners)])
    depth = rng.random((50, 50))
    deepest, _ = closures.deepest_on(graph, depth, graph.corners[:, 0], graph.corners[:, 1])
    for k, line in enumerate(graph.lines):
        crossed = [
            depth[row, column]
            for row in range(50)
            for column in range(50)
            if line.intersection(shapely.box(column, row, column + 1, row + 1)).length > 0.5
        ]
        touched = [
            depth[row, column]
            for row in range(50)
            for column in range(50)
            if line.intersects(shapely.box(column, row, column + 1, row + 1))
        ]
        assert max(crossed, default=0) <= deepest[k] <= max(touched)


def test_an_area_closes_what_comes_into_it_bridges_included() -> None:
    area: Any = shapely.box(45, -5, 55, 5)
    assert closures.by_area(DIP, [area]).tolist() == [True, True, True, False]


def test_a_closed_road_must_be_there() -> None:
    assert closures.by_id(DIP, [101, 101]).tolist() == [False, True, False, False]
    with pytest.raises(InvalidInputError, match=r"no open road_edge has the id \[7\]"):
        closures.by_id(DIP, [101, 7])


def test_closures_add_up() -> None:
    none = closures.open_everywhere(DIP)
    assert not none.closed_to(0.01).any()
    wet, _ = closures.by_gauges(DIP, [POINT])
    some = closures.Closures(closures.by_id(DIP, [103]), none.area, wet, none.raster_depth_m)
    assert some.closed_to(0.6).tolist() == [True, False, True, True]
    assert some.closed_to(0.8).tolist() == [False, False, False, True]
    assert {n: int(c.sum()) for n, c in some.causes(0.6).items()} == {
        "named": 1,
        "area": 0,
        "readings": 2,
        "raster": 0,
    }
