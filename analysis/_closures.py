"""Which roads are closed, to whom, and why.

Some closures hold for everybody (roads named, areas closed off).  Water holds for a class of
vehicle: the deepest water on an edge is compared with what the class can wade.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from analysis._roads import Bools, Floats, Ints, RoadGraph
from twin.crs import CityGeometry
from twin.errors import InvalidInputError
from twin.jit import compiled

DRY = -np.inf
"""The depth where there is no water that anybody knows of."""


class Gauge(NamedTuple):
    """A waterlogging point with the depth that is taken to hold about it."""

    x_m: float
    y_m: float
    reach_m: float
    depth_m: float
    low_z_m: float
    """Level of the ground the depth was measured from; NaN if not known."""


@dataclass(frozen=True)
class Closures:
    """What closes each edge; every array has shape (edges,)."""

    named: Bools
    area: Bools
    gauge_depth_m: Floats
    """Deepest water by the waterlogging points; -inf where there is none."""
    raster_depth_m: Floats
    """Deepest water by the depth raster; -inf where there is none."""

    @property
    def depth_m(self) -> Floats:
        """Deepest water on each edge, whoever knows of it."""
        return np.maximum(self.gauge_depth_m, self.raster_depth_m)

    def ordered(self) -> Bools:
        """Return the edges that are closed to everybody."""
        return self.named | self.area

    def closed_to(self, limit_m: float) -> Bools:
        """Return the edges that are closed to vehicles that stop at a depth."""
        return self.ordered() | (self.depth_m >= limit_m)

    def causes(self, limit_m: float) -> Mapping[str, Bools]:
        """Return by cause what is closed to vehicles that stop at a depth; causes may overlap."""
        return {
            "named": self.named,
            "area": self.area,
            "readings": self.gauge_depth_m >= limit_m,
            "raster": self.raster_depth_m >= limit_m,
        }


def open_everywhere(graph: RoadGraph) -> Closures:
    """Return closures that close nothing."""
    nothing, dry = np.zeros(graph.edges, dtype=np.bool_), np.full(graph.edges, DRY)
    return Closures(nothing, nothing, dry, dry)


def by_id(graph: RoadGraph, edge_ids: Sequence[int]) -> Bools:
    """Return the edges of those ids.

    Raises
    ------
    InvalidInputError
        If a road is not in the graph.
    """
    closed = np.isin(graph.edge_id, np.array(edge_ids, dtype=np.int64))
    if closed.sum() < len(set(edge_ids)):
        unknown = sorted(set(edge_ids) - set(graph.edge_id[closed].tolist()))
        raise InvalidInputError(f"closures.edges: no open road_edge has the id {unknown[:10]}")
    return closed


def by_area(graph: RoadGraph, areas: Sequence[CityGeometry]) -> Bools:
    """Return the edges that come into any of some areas, bridges and tunnels included."""
    closed = np.zeros(graph.edges, dtype=np.bool_)
    for area in areas:
        closed[graph.tree.query(area, predicate="intersects")] = True
    return closed


def by_gauges(graph: RoadGraph, gauges: Sequence[Gauge]) -> tuple[Floats, Bools]:
    """Return the deepest water on each edge by the waterlogging points about it.

    The part of an edge within a point's reach is under the point's water.  Where the road's height
    and the point's level are known, its surface is taken as flat (level + depth), and the depth on
    the road is down to the lowest deck within reach; elsewhere the depth of the point itself holds.
    Bridges stand above it.  Tunnels take the depth of the point: the water runs down into them.

    Returns
    -------
    depth_m : ndarray of float, shape (edges,)
        ``DRY`` where no water is known, or the deck is above it.
    guessed : ndarray of bool, shape (edges,)
        Where the depth of the point was taken for want of heights.
    """
    depth_m = np.full(graph.edges, DRY)
    guessed = np.zeros(graph.edges, dtype=np.bool_)
    for gauge in gauges:
        if gauge.depth_m <= 0:
            continue
        place = shapely.Point(gauge.x_m, gauge.y_m)
        near = graph.tree.query(place, predicate="dwithin", distance=gauge.reach_m)
        near = near[graph.deck_level[near] <= 0]
        lowest_m = lowest_within(
            graph.corners, graph.corner_first, near, gauge.x_m, gauge.y_m, gauge.reach_m
        )
        levelled = (
            graph.has_height[near] & (graph.deck_level[near] == 0) & np.isfinite(gauge.low_z_m)
        )
        here_m = np.where(levelled, gauge.low_z_m + gauge.depth_m - lowest_m, gauge.depth_m)
        here_m[here_m <= 0] = DRY
        guessed[near[~levelled & (here_m > depth_m[near])]] = True
        depth_m[near] = np.maximum(depth_m[near], here_m)
    return depth_m, guessed


@compiled
def lowest_within(
    corners: Floats, corner_first: Ints, edges: Ints, x_m: float, y_m: float, reach_m: float
) -> Floats:
    """Return the lowest z of some edges within a distance of a point; inf where none comes near.

    z runs straight between corners, so the lowest place of the part inside is a corner or a place
    where the edge enters the circle.

    Parameters
    ----------
    corners : ndarray of float, shape (corners, 3)
    corner_first : ndarray of int, shape (all edges + 1,)
    edges : ndarray of int, shape (n,)
        The edges to look at.
    x_m, y_m, reach_m : float
        The circle.

    Examples
    --------
    A road that falls from 10 m to 0 m over 100 m, and a circle of 20 m about its middle:

    >>> road = np.array([[0.0, 0.0, 10.0], [100.0, 0.0, 0.0]])
    >>> lowest_within(road, np.array([0, 2]), np.array([0]), 50.0, 0.0, 20.0).tolist()
    [3.0]
    """
    lowest = np.full(len(edges), np.inf)
    for n in range(len(edges)):
        for k in range(corner_first[edges[n]], corner_first[edges[n] + 1] - 1):
            ax, ay, az = corners[k, 0] - x_m, corners[k, 1] - y_m, corners[k, 2]
            dx, dy = corners[k + 1, 0] - x_m - ax, corners[k + 1, 1] - y_m - ay
            # |a + t·d|² = reach²: the part inside is between the two roots.
            a, b, c = dx * dx + dy * dy, ax * dx + ay * dy, ax * ax + ay * ay - reach_m * reach_m
            if a == 0.0:
                first, last = (0.0, 1.0) if c <= 0.0 else (1.0, 0.0)
            elif b * b < a * c:
                continue
            else:
                root = np.sqrt(b * b - a * c)
                first, last = max(0.0, (-b - root) / a), min(1.0, (-b + root) / a)
            if first <= last:
                rise = corners[k + 1, 2] - az
                lowest[n] = min(lowest[n], az + first * rise, az + last * rise)
    return lowest


class Profile(NamedTuple):
    """Places along many edges, close enough together that no raster cell is stepped over."""

    column: NDArray[np.float64]
    row: NDArray[np.float64]
    edge: Ints


def profile(
    columns: Floats, rows: Floats, corner_first: Ints, edges: Ints, *, step: float = 0.5
) -> Profile:
    """Return places along edges no farther apart than a step, corners included.

    Parameters
    ----------
    columns, rows : ndarray of float, shape (corners,)
        The corners of all edges in the raster's own grid, in pixels.
    corner_first : ndarray of int, shape (all edges + 1,)
        Where each edge begins in them.
    edges : ndarray of int, shape (n,)
        The edges to walk.
    step : float
        Pixels; half a cell by default.

    Examples
    --------
    >>> walk = profile(np.array([0.0, 1.0]), np.zeros(2), np.array([0, 2]), np.array([0]))
    >>> walk.column.tolist(), walk.edge.tolist()
    ([0.0, 0.5, 1.0], [0, 0, 0])
    """
    counts = corner_first[edges + 1] - corner_first[edges] - 1
    owner = np.repeat(edges, counts)
    # The first corner of every part: the edge's own first, then one after the other.
    within = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    part = corner_first[owner] + within
    length = np.hypot(columns[part + 1] - columns[part], rows[part + 1] - rows[part])
    pieces = np.maximum(1, np.ceil(length / step)).astype(np.int64)
    # Every part gives its first place and those between; its last corner is the next one's first.
    places = pieces + (within == np.repeat(counts, counts) - 1)
    index = np.repeat(np.arange(len(part)), places)
    t = (np.arange(len(index)) - np.repeat(np.cumsum(places) - places, places)) / pieces[index]
    a, b = part[index], part[index] + 1
    return Profile(
        columns[a] + t * (columns[b] - columns[a]), rows[a] + t * (rows[b] - rows[a]), owner[index]
    )


def deepest_on(
    graph: RoadGraph, depth_m: NDArray[np.floating], columns: Floats, rows: Floats
) -> tuple[Floats, Bools]:
    """Return the deepest water of a raster under each edge.

    Bridges (``deck_level`` above 0) stand above it; tunnels take the depth at the surface.

    Parameters
    ----------
    graph : RoadGraph
    depth_m : ndarray of float, shape (rows, columns)
        Depth of water, m; NaN where the raster says nothing.
    columns, rows : ndarray of float, shape (corners,)
        The graph's corners in the raster's grid, in pixels.

    Returns
    -------
    depth_m : ndarray of float, shape (edges,)
        ``DRY`` on bridges, and where the raster says nothing or no water.
    outside : ndarray of bool, shape (edges,)
        Edges on the ground of which the raster says nothing at all.
    """
    ground = np.flatnonzero(graph.deck_level <= 0)
    walk = profile(columns, rows, graph.corner_first, ground)
    values = np.full(len(walk.edge), np.nan)
    inside = (
        (walk.column >= 0)
        & (walk.row >= 0)
        & (walk.column < depth_m.shape[1])
        & (walk.row < depth_m.shape[0])
    )
    values[inside] = depth_m[
        walk.row[inside].astype(np.int64), walk.column[inside].astype(np.int64)
    ]
    known = ~np.isnan(values)
    deepest = np.full(graph.edges, DRY)
    np.maximum.at(deepest, walk.edge[known], values[known])
    outside = np.zeros(graph.edges, dtype=np.bool_)
    outside[ground] = deepest[ground] == DRY
    return np.where(deepest > 0, deepest, DRY), outside


def warm() -> None:
    """Compile the kernel."""
    lowest_within(np.zeros((2, 3)), np.array([0, 2]), np.array([0]), 0.0, 0.0, 1.0)
