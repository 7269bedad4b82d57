"""Ways on the road graph: where a place meets the road, how long it takes, and the line of it."""

from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from analysis import _shortest as shortest
from analysis._roads import Bools, Floats, Ints, RoadGraph
from twin.errors import NotFoundError

_TOUCHING_M = 1e-3
"""A place this close to the end of an edge stands at the junction."""


class Snap(NamedTuple):
    """Where a place meets the road."""

    edge: int
    fraction: float
    """Of the edge's line, from its beginning."""
    distance_m: float
    """From the place to the road, plan."""
    x_m: float
    y_m: float


class Times(NamedTuple):
    """How long it takes from every node to one place."""

    goal: Snap
    time_s: Floats
    by_arc: Ints


class Stretch(NamedTuple):
    """Part of an edge, in the direction it is driven."""

    edge: int
    begin: float
    end: float


class Route(NamedTuple):
    """One way: how long, how far, over which edges, and its line."""

    time_s: float
    length_m: float
    edges: Ints
    line: Floats
    """Corners in the order of travel, shape (n, 2), metres."""


def snap(
    graph: RoadGraph, x_m: float, y_m: float, *, closed: Bools, within_m: float
) -> Snap | None:
    """Return the nearest point of an open road, or None if there is none within reach.

    Scraps that hang on nothing are passed over where the main net of roads is within reach as well;
    of equally near edges the one with the smaller id is taken.

    Parameters
    ----------
    graph : RoadGraph
    x_m, y_m : float
        The place, in the city's frame.
    closed : ndarray of bool, shape (edges,)
        Edges that cannot be used.
    within_m : float
        How far the road may be.
    """
    place = shapely.Point(x_m, y_m)
    near = np.sort(graph.tree.query(place, predicate="dwithin", distance=within_m))
    near = near[~closed[near]]
    if near.size == 0:
        return None
    if graph.main[near].any():
        near = near[graph.main[near]]
    distances_m = shapely.distance(graph.lines[near], place)
    edge = int(near[np.argmin(distances_m)])
    line = graph.lines[edge]
    length_m = shapely.length(line)
    along_m = float(shapely.line_locate_point(line, place))
    if along_m <= _TOUCHING_M:
        fraction = 0.0
    elif along_m >= length_m - _TOUCHING_M:
        fraction = 1.0
    else:
        fraction = along_m / length_m
    x, y = _cut(graph.corners_of(edge)[:, :2], fraction, fraction)[0]
    return Snap(edge, fraction, float(distances_m.min()), float(x), float(y))


def times_to(graph: RoadGraph, goal: Snap, *, closed: Bools) -> Times:
    """Return how long it takes from every node to a place on an open road.

    One search from the goal, against the traffic: it answers for every vehicle of a class at once.
    """
    edge, f = goal.edge, goal.fraction
    seeds, times_s = [], []
    if graph.direction[edge] >= 0 or f == 0.0:
        seeds.append(graph.start[edge])
        times_s.append(f * graph.time_s[edge])
    if graph.direction[edge] <= 0 or f == 1.0:
        seeds.append(graph.end[edge])
        times_s.append((1 - f) * graph.time_s[edge])
    time_s, by_arc = shortest.earliest_arrivals(
        graph.into_first,
        graph.into_from,
        graph.into_edge,
        edge_time_s=graph.time_s,
        closes_at_s=shortest.open_or_closed(closed),
        seeds=np.array(seeds, dtype=np.int64),
        seed_time_s=np.array(times_s, dtype=np.float64),
    )
    return Times(goal, time_s, by_arc)


def travel_time_s(graph: RoadGraph, origin: Snap, times: Times) -> float:
    """Return the time from a place on an open road to the goal; infinite if no way leads there."""
    return min((time_s for time_s, _, _ in _departures(graph, origin, times)), default=np.inf)


def route(graph: RoadGraph, origin: Snap, times: Times) -> Route:
    """Return the fastest way from a place on an open road to the goal.

    Raises
    ------
    NotFoundError
        If no way leads there.
    """
    time_s, _, leaves_at = min(_departures(graph, origin, times), default=(np.inf, 0, None))
    if not np.isfinite(time_s):
        raise NotFoundError("no way leads to the goal")
    e, goal = origin.edge, times.goal
    if leaves_at is None:
        stretches = [Stretch(e, origin.fraction, goal.fraction)]
    else:
        stretches = [
            Stretch(e, origin.fraction, leaves_at),
            *_onward(graph, int(graph.end[e] if leaves_at else graph.start[e]), times),
        ]
    driven = [s for s in stretches if s.begin != s.end] or stretches[-1:]
    return Route(
        float(time_s),
        float(sum(abs(s.end - s.begin) * graph.length_m[s.edge] for s in driven)),
        graph.edge_id[[s.edge for s in driven]],
        _line([_cut(graph.corners_of(s.edge)[:, :2], s.begin, s.end) for s in driven]),
    )


def _departures(
    graph: RoadGraph, origin: Snap, times: Times
) -> list[tuple[float, int, float | None]]:
    """Return the ways to set out: time in all, preference among equals, the end it leaves by."""
    e, g, goal = origin.edge, origin.fraction, times.goal
    direction, time_s = graph.direction[e], graph.time_s[e]
    found: list[tuple[float, int, float | None]] = []
    if goal.edge == e and (
        g == goal.fraction or (direction >= 0 if g < goal.fraction else direction <= 0)
    ):
        found.append((abs(goal.fraction - g) * time_s, 0, None))
    if direction >= 0 or g == 1.0:
        found.append(((1 - g) * time_s + times.time_s[graph.end[e]], 1, 1.0))
    if direction <= 0 or g == 0.0:
        found.append((g * time_s + times.time_s[graph.start[e]], 2, 0.0))
    return found


def _onward(graph: RoadGraph, node: int, times: Times) -> list[Stretch]:
    """Return the stretches from a node to the goal."""
    arcs = shortest.way_back(times.by_arc, graph.into_node, node)
    stretches = [
        Stretch(int(graph.into_edge[a]), 0.0, 1.0)
        if graph.into_along[a]
        else Stretch(int(graph.into_edge[a]), 1.0, 0.0)
        for a in arcs
    ]
    last = int(graph.into_node[arcs[-1]]) if arcs.size else node
    return [*stretches, _arrival(graph, last, times.goal)]


def _arrival(graph: RoadGraph, node: int, goal: Snap) -> Stretch:
    e, f = goal.edge, goal.fraction
    from_start = graph.start[e] == node and (graph.direction[e] >= 0 or f == 0.0)
    from_end = graph.end[e] == node and (graph.direction[e] <= 0 or f == 1.0)
    if from_start and from_end:  # A loop: both ends are the same junction.
        from_start = f <= 0.5
    return Stretch(e, 0.0 if from_start else 1.0, f)


def _line(parts: list[NDArray[np.float64]]) -> Floats:
    joined = np.concatenate(parts)
    moves = np.ones(len(joined), dtype=bool)
    moves[1:] = np.any(joined[1:] != joined[:-1], axis=1)
    # A way of no length is still a line: two corners at one place.
    return joined[moves] if moves.sum() > 1 else joined[[0, -1]]


def _cut(corners: NDArray[np.float64], begin: float, end: float) -> Floats:
    """Return the part of a line between two fractions of its length, in that direction.

    >>> _cut(np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0]]), 0.75, 0.25).tolist()
    [[10.0, 5.0], [10.0, 0.0], [5.0, 0.0]]
    """
    if begin > end:
        return _cut(corners, end, begin)[::-1]
    steps_m = np.hypot(*np.diff(corners, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps_m)])
    if along[-1] == 0.0:
        return corners[[0, -1]]
    along /= along[-1]
    ends = [[np.interp(at, along, corners[:, k]) for k in (0, 1)] for at in (begin, end)]
    between = corners[(along > begin) & (along < end)]
    return np.concatenate([[ends[0]], between, [ends[1]]])
