"""Gravity pipes: which way the water is said to go, and whether it can."""

from collections.abc import Iterator

import numpy as np
import shapely

from twin.jit import compiled
from twin.topology.found import Found, found
from twin.topology.graph import in_loops, upstream
from twin.topology.joints import LOOSE, Joints
from twin.topology.network import GRAVITY, Bools, Floats, Ints, Network, Segments, Shapes

LEAST_RISE_M = 0.001
"""Heights are surveyed to a centimetre and kept to a millimetre."""


def check_slopes(
    network: Network, joints: Joints, *, least_rise_m: float = LEAST_RISE_M
) -> Iterator[Found]:
    """Yield gravity pipes that climb, turn against their nodes, go round or end nowhere.

    Water flows from a segment's first end to its last unless ``flow`` says otherwise; devices lift
    it or hold it back, and are not judged by their slope.

    Parameters
    ----------
    network : Network
        Nodes and segments; only kinds that flow downhill are looked at.
    joints : Joints
        How the ends hang.
    least_rise_m : float
        Smaller rises are not told, m.

    Examples
    --------
    Of three sewers in a row the second climbs 0.2 m; the last node is no outfall:

    >>> from twin.topology.joints import join
    >>> from twin.topology.sample import network
    >>> row = network(
    ...     ["0 0 2, 9 0 1.5", "9 0 1.5, 18 0 1.7", "18 0 1.2, 27 0 1"], kind="sewer",
    ...     nodes=[(0, 0), (9, 0), (18, 0), (27, 0)], ends=[(0, 1), (1, 2), (2, 3)],
    ... )
    >>> for each in check_slopes(row, join(row, 0.05)):
    ...     if len(each):
    ...         print(each.rule.id, each.segments[:, 0], each.nodes[:, 0], each.measured.round(3))
    adverse-slope [2] [-1] [0.2]
    no-outfall [-1] [104] [3.]
    """
    segments, nodes = network.segments, network.nodes
    gravity = GRAVITY[segments.kind] & (segments.flow != 0) & ~segments.device
    way = np.where(joints.turned, -segments.flow, segments.flow)
    rise = np.where(gravity & segments.level_known, climb_m(segments, way), np.nan)
    adverse = rise > least_rise_m
    yield _on_lines(network, "adverse-slope", adverse, rise, least_rise_m)
    levels = np.append(nodes.invert_z_m, np.full(joints.count - joints.nodes, np.nan))
    between = (levels[joints.head] - levels[joints.tail]) * segments.flow
    between = np.where(gravity, between, np.nan)
    against = (between > least_rise_m) & ~adverse
    yield _on_lines(network, "flow-against-slope", against, between, least_rise_m)
    yield _on_lines(network, "drawn-backwards", joints.turned, segments.length_m, np.nan)
    yield from _flow(network, joints)


def climb_m(segments: Segments, way: Ints) -> Floats:
    """Return the greatest rise along each segment from any vertex to a later one, shape (n,).

    ``way`` is 1 where it is walked as it is drawn, -1 where it is walked against that.

    >>> from twin.topology.sample import network
    >>> pipes = network(["0 0 5, 1 0 3, 2 0 4", "0 0 2, 1 0 1", "0 0 2, 1 0 1"]).segments
    >>> climb_m(pipes, np.array([1, 1, -1])).tolist()
    [1.0, 0.0, 1.0]
    """
    return np.asarray(_climb(segments.centre_z_m, segments.starts, way), float)


def _on_lines(network: Network, rule: str, which: Bools, measured: Floats, limit: float) -> Found:
    at = np.flatnonzero(which)
    lines = network.segments.lines[at]
    return found(network, rule, lines, segments=(at,), measured=measured[at], limit=limit)


def flows(network: Network, joints: Joints) -> tuple[Ints, Ints, Ints]:
    """Return the gravity segments that flow from one joint to another, and these: from, to."""
    segments = network.segments
    at = np.flatnonzero(
        GRAVITY[segments.kind] & (segments.flow != 0) & (joints.tail != joints.head)
    )
    along = segments.flow[at] > 0
    tail, head = joints.tail[at], joints.head[at]
    return at, np.where(along, tail, head), np.where(along, head, tail)


def _flow(network: Network, joints: Joints) -> Iterator[Found]:
    """Yield joints that water reaches and does not leave, and loops of flow."""
    at, tail, head = flows(network, joints)
    leaves = np.bincount(tail, minlength=joints.count) > 0
    reached = np.bincount(head, minlength=joints.count) > 0
    out = np.append(network.nodes.outlet, np.zeros(joints.count - joints.nodes, np.bool_))
    loose = np.zeros(joints.count, np.bool_)
    loose[joints.of_end[joints.how == LOOSE]] = True
    stops = np.flatnonzero(reached & ~leaves & ~out & ~loose)
    yield found(
        network, "no-outfall", joints.points[stops], nodes=(joints.node(stops),),
        measured=upstream(tail, head, joints.count, stops).astype(float),
    )  # fmt: skip
    round_ = at[in_loops(tail, head, joints.count)]
    first, counts, places = grouped(joints.part[joints.tail[round_]], network.segments, round_)
    yield found(network, "flow-loop", places, segments=(first,), measured=counts.astype(float))


def grouped(group: Ints, segments: Segments, which: Ints) -> tuple[Ints, Ints, Shapes]:
    """Return for each group of segments the first, how many there are, and all their lines."""
    order = np.argsort(group, kind="stable")
    _, first, at, counts = np.unique(
        group[order], return_index=True, return_inverse=True, return_counts=True
    )
    places = np.empty(len(first), object)
    if len(first):
        places[:] = shapely.multilinestrings(segments.lines[which[order]], indices=at)
    return which[order][first], counts.astype(np.int64), places


def outfalls(network: Network, joints: Joints) -> tuple[Ints, Ints]:
    """Return the outlets at which gravity flow ends, and how many nodes drain to each.

    >>> from twin.topology.joints import join
    >>> from twin.topology.sample import network
    >>> pipe = network(["0 0, 9 0"], kind="storm", nodes=[(0, 0), (9, 0)], ends=[(0, 1)],
    ...     outlet=[False, True])
    >>> outfalls(pipe, join(pipe, 0.05))
    (array([1]), array([1]))
    """
    _, tail, head = flows(network, joints)
    reached = np.bincount(head, minlength=joints.count) > 0
    leaves = np.bincount(tail, minlength=joints.count) > 0
    seeds = np.flatnonzero((reached & ~leaves)[: joints.nodes] & network.nodes.outlet)
    return seeds, upstream(tail, head, joints.count, seeds)


@compiled
def _climb(z: Floats, starts: Ints, ways: Ints) -> Floats:
    climbs = np.zeros(len(starts) - 1)
    for k in range(len(starts) - 1):
        way = 1 if ways[k] >= 0 else -1
        lowest = way * z[starts[k]]
        for at in range(starts[k] + 1, starts[k + 1]):
            # Walked the other way a fall is a rise.
            climbs[k] = max(climbs[k], way * z[at] - lowest)
            lowest = min(lowest, way * z[at])
    return climbs
