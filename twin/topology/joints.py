"""Where the ends of pipes meet: as the data says, or by place; which of the two is never hidden.

An end that names its node hangs on it.  One that names none is held to lie at the nearest node of
its kind within the tolerance, or to meet the other loose ends of its kind there; else it hangs on
nothing.  Joints are the nodes, and after them one for every place without a node where ends are.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely

from twin.topology.graph import parts
from twin.topology.network import NONE, Bools, Floats, Ints, Network, Shapes

LISTED, BY_PLACE, BY_ENDS, LOOSE = range(4)
"""How an end hangs: it names its node; it lies at one; it meets other ends; it hangs on nothing."""


@dataclass(frozen=True, eq=False)
class Joints:
    """How ends hang; end 2k is the first of segment k, end 2k + 1 its last."""

    of_end: Ints
    """The joint of each end, shape (2 n,): the number of a node, or one above."""
    how: Ints
    """`LISTED`, `BY_PLACE`, `BY_ENDS` or `LOOSE`, shape (2 n,)."""
    apart_m: Floats
    """Plan distance from the end to its node; 0 where there is no node, shape (2 n,).

    Of a segment that is drawn from its last node to its first it is that of the other end."""
    turned: Bools
    """Whether a segment is drawn so, shape (n,)."""
    x: Floats
    y: Floats
    kind: Ints
    nodes: int
    """How many joints are nodes of the data: the first ones."""

    @property
    def count(self) -> int:
        """How many joints there are."""
        return len(self.x)

    @property
    def tail(self) -> Ints:
        """The joint each segment begins at, shape (n,)."""
        return self.of_end[0::2]

    @property
    def head(self) -> Ints:
        """The joint each segment ends at, shape (n,)."""
        return self.of_end[1::2]

    @cached_property
    def degree(self) -> Ints:
        """How many ends hang on each joint."""
        return np.bincount(self.of_end, minlength=self.count).astype(np.int64)

    @cached_property
    def part(self) -> Ints:
        """The part of the network each joint belongs to."""
        return parts(self.tail, self.head, self.count)

    @cached_property
    def points(self) -> Shapes:
        """The joints in plan."""
        return np.asarray(shapely.points(self.x, self.y), object).reshape(-1)

    def node(self, joint: Ints) -> Ints:
        """Return the numbers of nodes, -1 for joints that are none."""
        return np.where(joint < self.nodes, joint, NONE)


def join(network: Network, snap_m: float) -> Joints:
    """Return how the ends of all segments hang together.

    Parameters
    ----------
    network : Network
        Nodes and segments.
    snap_m : float
        How far an end that names no node may lie from it, m.

    Examples
    --------
    Two pipes that meet 2 cm apart where the data has no node:

    >>> from twin.topology.sample import network
    >>> joints = join(network(lines=["0 0, 10 0", "10.02 0, 20 0"]), 0.05)
    >>> joints.of_end.tolist(), joints.how.tolist()
    ([0, 1, 1, 2], [3, 2, 2, 3])
    """
    segments, nodes = network.segments, network.nodes
    ends = np.empty(2 * segments.count, np.int64)
    ends[0::2], ends[1::2] = segments.first, segments.last
    x, y, kind = segments.x[ends], segments.y[ends], np.repeat(segments.kind, 2)
    points = np.asarray(shapely.points(x, y), object).reshape(-1)
    of_end = np.empty(len(ends), np.int64)
    of_end[0::2], of_end[1::2] = segments.from_node, segments.to_node
    how = np.where(of_end == NONE, LOOSE, LISTED)
    open_ = np.flatnonzero(how == LOOSE)
    found = _nearest(points[open_], kind[open_], nodes.points, nodes.kind, snap_m)
    of_end[open_], how[open_] = found, np.where(found == NONE, LOOSE, BY_PLACE)
    loose = np.flatnonzero(of_end == NONE)
    group = _groups(points[loose], kind[loose], snap_m)
    of_end[loose] = len(nodes.ids) + group
    how[loose[np.bincount(group)[group] > 1]] = BY_ENDS
    _, first = np.unique(group, return_index=True)
    own = loose[first]
    joint_x, joint_y = np.append(nodes.x, x[own]), np.append(nodes.y, y[own])
    apart = np.hypot(x - joint_x[of_end], y - joint_y[of_end])
    crosswise = of_end.reshape(-1, 2)[:, ::-1].ravel()
    other = np.hypot(x - joint_x[crosswise], y - joint_y[crosswise])
    listed = (how.reshape(-1, 2) == LISTED).all(axis=1)
    turned = listed & (_both(apart) > _both(other) + snap_m)
    # Seen from its node, a turned segment ends where its other end is.
    apart = np.where(np.repeat(turned, 2), other.reshape(-1, 2)[:, ::-1].ravel(), apart)
    return Joints(
        of_end,
        how.astype(np.int64),
        np.where(of_end < len(nodes.ids), apart, 0.0),
        turned,
        joint_x,
        joint_y,
        np.append(nodes.kind, kind[own]).astype(np.int64),
        len(nodes.ids),
    )


def _both(of_ends: Floats) -> Floats:
    return np.asarray(of_ends.reshape(-1, 2).sum(axis=1), float)


def _nearest(points: Shapes, kind: Ints, others: Shapes, other_kind: Ints, reach_m: float) -> Ints:
    """Return for each point the nearest of the others of its kind within reach, or -1."""
    found = np.full(len(points), NONE)
    if not len(points) or not len(others):
        return found
    at, other = shapely.STRtree(others).query(points, predicate="dwithin", distance=reach_m)
    same = kind[at] == other_kind[other]
    at, other = at[same], other[same]
    far = shapely.distance(points[at], others[other])
    order = np.lexsort((other, far, at))
    each, first = np.unique(at[order], return_index=True)
    found[each] = other[order][first]
    return found


def _groups(points: Shapes, kind: Ints, reach_m: float) -> Ints:
    """Return a number for each point: the same for those of a kind that reach one another."""
    if not len(points):
        return np.zeros(0, np.int64)
    a, b = shapely.STRtree(points).query(points, predicate="dwithin", distance=reach_m)
    near: Bools = (a < b) & (kind[a] == kind[b])
    return parts(a[near], b[near], len(points))
