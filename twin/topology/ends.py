"""Ends of pipes: joined or not, near something or not."""

from collections.abc import Iterator

import numpy as np
import shapely

from twin.topology.found import Found, found
from twin.topology.joints import BY_ENDS, BY_PLACE, LISTED, LOOSE, Joints
from twin.topology.network import GRAVITY, NONE, Ints, Network, Shapes


def check_ends(network: Network, joints: Joints, *, snap_m: float) -> Iterator[Found]:
    """Yield what is wrong with how ends hang on nodes.

    Parameters
    ----------
    network : Network
        Nodes and segments.
    joints : Joints
        How the ends hang, see `twin.topology.joints.join`.
    snap_m : float
        How far an end may lie from the node it names, m.

    Examples
    --------
    >>> from twin.topology.joints import join
    >>> from twin.topology.sample import network
    >>> line = network(["0 0, 10 0"], nodes=[(0, 0.02), (10, 1), (5, 5)], ends=[(-1, 1)])
    >>> for each in check_ends(line, join(line, 0.05), snap_m=0.05):
    ...     print(each.rule.id, each.segments[:, 0], each.nodes[:, 0], each.measured)
    end-apart [1] [102] [1.]
    end-by-place [1] [101] [0.02]
    dangling-end [] [] []
    dead-end [-1 -1] [101 102] [nan nan]
    lone-node [-1] [103] [nan]
    """
    points = _end_points(network)
    segment = np.repeat(np.arange(network.segments.count), 2)
    for rule, which in (
        ("end-apart", (joints.how == LISTED) & (joints.apart_m > snap_m)),
        ("end-by-place", (joints.how == BY_PLACE) | (joints.how == BY_ENDS)),
        ("dangling-end", joints.how == LOOSE),
    ):
        at = np.flatnonzero(which)
        yield found(
            network, rule, points[at],
            segments=(segment[at],), nodes=(joints.node(joints.of_end[at]),),
            measured=np.nan if rule == "dangling-end" else joints.apart_m[at],
            limit=np.nan if rule == "dangling-end" else snap_m,
        )  # fmt: skip
    # Gravity pipes begin somewhere; where they end is asked of their slopes.
    degree = joints.degree[: joints.nodes]
    nodes = network.nodes
    for rule, which in (
        ("dead-end", (degree == 1) & ~nodes.may_end & ~GRAVITY[nodes.kind]),
        # Of a kind whose pipes are not there yet nothing is missing.
        ("lone-node", (degree == 0) & np.isin(nodes.kind, network.segments.kind)),
    ):
        at = np.flatnonzero(which)
        yield found(network, rule, nodes.points[at], nodes=(at,))


def check_near(
    network: Network, joints: Joints, *, snap_m: float, near_m: float
) -> Iterator[Found]:
    """Yield what lies near and is not joined: ends, nodes on pipes, nodes upon nodes.

    An end that hangs on nothing or alone on its node misses a pipe of its kind that comes within
    ``near_m``; told once an end, of the nearest.  Not told: that a pipe shorter than that is near
    what its other end is joined to.

    Examples
    --------
    A branch that ends 0.2 m before a main, a node on the main, and a second one 1 cm beside it:

    >>> from twin.topology.joints import join
    >>> from twin.topology.sample import network
    >>> tee = network(["0 0, 10 0", "5 9, 5 0.2"], nodes=[(8, 0), (8, 0.01)])
    >>> for each in check_near(tee, join(tee, 0.05), snap_m=0.05, near_m=0.5):
    ...     print(each.rule.id, each.segments.tolist(), each.nodes.tolist(), each.measured.round(3))
    near-miss [[2, 1]] [[-1, -1]] [0.2]
    node-on-pipe [[1, -1], [1, -1]] [[101, -1], [102, -1]] [0.   0.01]
    node-pair [[-1, -1]] [[101, 102]] [0.01]
    """
    tree = shapely.STRtree(network.segments.lines)
    yield _misses(network, joints, tree, snap_m, near_m)
    yield _nodes_on_pipes(network, joints, tree, snap_m)
    yield _node_pairs(network, joints, snap_m)


def _misses(
    network: Network, joints: Joints, tree: shapely.STRtree, snap_m: float, near_m: float
) -> Found:
    lines, own = network.segments.lines, _own_segment(network, joints)
    open_ = np.flatnonzero(joints.degree <= 1)
    at, other = _within(tree, joints.points[open_], near_m)
    joint = open_[at]
    far = shapely.distance(joints.points[joint], lines[other])
    mine = own[joint]
    tail, head = joints.tail, joints.head
    beyond = np.where(tail[mine] == joint, head[mine], tail[mine])
    beside = (mine != NONE) & ((tail[other] == beyond) | (head[other] == beyond))
    natural = beside & (network.segments.length_m[mine] <= 2 * far)
    # A node within the tolerance of a pipe is told of as such.
    told = (joints.kind[joint] == network.segments.kind[other]) & ~natural
    told &= (tail[other] != joint) & (head[other] != joint)
    told &= (joint >= joints.nodes) | (far > snap_m)
    joint, other, far = joint[told], other[told], far[told]
    order = np.lexsort((other, far, joint))
    joint, first = np.unique(joint[order], return_index=True)
    other, far = other[order][first], far[order][first]
    mine = own[joint]
    return found(
        network, "near-miss", _shapes(shapely.shortest_line(joints.points[joint], lines[other])),
        segments=(np.where(mine == NONE, other, mine), np.where(mine == NONE, NONE, other)),
        nodes=(joints.node(joint),), measured=far, limit=near_m,
    )  # fmt: skip


def _nodes_on_pipes(
    network: Network, joints: Joints, tree: shapely.STRtree, snap_m: float
) -> Found:
    points, segments = network.nodes.points, network.segments
    at, other = _within(tree, points, snap_m)
    same = network.nodes.kind[at] == segments.kind[other]
    at, other = at[same], other[same]
    far = shapely.distance(points[at], segments.lines[other])
    along = shapely.line_locate_point(segments.lines[other], points[at])
    inside = (along > snap_m) & (along < segments.length_m[other] - snap_m)
    inside &= (joints.tail[other] != at) & (joints.head[other] != at)
    at, other, far = at[inside], other[inside], far[inside]
    return found(
        network, "node-on-pipe", points[at],
        segments=(other,), nodes=(at,), measured=far, limit=snap_m,
    )  # fmt: skip


def _node_pairs(network: Network, joints: Joints, snap_m: float) -> Found:
    nodes = network.nodes
    at, other = _within(shapely.STRtree(nodes.points), nodes.points, snap_m)
    kept = (at < other) & (nodes.kind[at] == nodes.kind[other])
    at, other = at[kept], other[kept]
    low, high = np.minimum(joints.tail, joints.head), np.maximum(joints.tail, joints.head)
    joined = np.isin(at * joints.count + other, low * joints.count + high)
    at, other = at[~joined], other[~joined]
    return found(
        network, "node-pair", nodes.points[at], nodes=(at, other),
        measured=shapely.distance(nodes.points[at], nodes.points[other]), limit=snap_m,
    )  # fmt: skip


def _within(tree: shapely.STRtree, points: Shapes, reach_m: float) -> tuple[Ints, Ints]:
    if not len(points):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    at, other = tree.query(points, predicate="dwithin", distance=reach_m)
    return at, other


def _own_segment(network: Network, joints: Joints) -> Ints:
    """Return a segment that hangs on each joint, -1 where none does."""
    own = np.full(joints.count, NONE)
    own[joints.of_end] = np.repeat(np.arange(network.segments.count), 2)
    return own


def _shapes(shapes: object) -> Shapes:
    return np.asarray(shapes, object).reshape(-1)


def _end_points(network: Network) -> Shapes:
    segments = network.segments
    at = np.column_stack([segments.first, segments.last]).ravel()
    return np.asarray(shapely.points(segments.x[at], segments.y[at]), object).reshape(-1)
