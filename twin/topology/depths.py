"""Pipes against the ground: above it, or deeper than anybody digs."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely

from twin.topology.found import Found, found
from twin.topology.joints import Joints
from twin.topology.network import Floats, Ints, Network, Segments

STEP_M = 20.0
DEEPEST_M = 10.0
"""More cover is implausible without trenchless works: a judgement, not a standard."""
GROUND_TOLERANCE_M = 0.3
"""How far terrain and surveyed heights may differ."""


@dataclass(frozen=True, eq=False)
class Stations:
    """Places along pipes where they are compared with the ground, shape (k,) each."""

    segment: Ints
    share: Floats
    """How far along its segment, from 0 to 1."""
    x: Floats
    y: Floats
    centre_z_m: Floats


def stations(segments: Segments, step_m: float = STEP_M) -> Stations:
    """Return every vertex of every segment, and places between them at most a step apart.

    Examples
    --------
    >>> from twin.topology.sample import network
    >>> along = stations(network(["0 0 1, 30 0 4"]).segments, 10.0)
    >>> along.x.tolist(), along.centre_z_m.tolist(), along.share.round(2).tolist()
    ([0.0, 10.0, 20.0, 30.0], [1.0, 2.0, 3.0, 4.0], [0.0, 0.33, 0.67, 1.0])
    """
    of_vertex = np.repeat(np.arange(segments.count), np.diff(segments.starts))
    inner = of_vertex[:-1] == of_vertex[1:]
    gap = np.where(inner, np.hypot(np.diff(segments.x), np.diff(segments.y)), 0.0)
    steps = np.append(np.where(inner, np.maximum(np.ceil(gap / step_m), 1), 1), 1).astype(np.int64)
    at = np.repeat(np.arange(len(steps)), steps)
    begins = np.cumsum(steps) - steps
    part = (np.arange(len(at)) - begins[at]) / steps[at]
    beyond = np.minimum(at + 1, len(steps) - 1)
    far = np.concatenate([[0.0], np.cumsum(gap)])
    segment = of_vertex[at]
    chainage = far[at] + part * np.append(gap, 0.0)[at] - far[segments.first[segment]]

    def between(values: Floats) -> Floats:
        # A height that is not known is not known beside it either, but at the vertex itself.
        step = np.where(part > 0, part * (values[beyond] - values[at]), 0.0)
        return np.asarray(values[at] + step, float)

    length = segments.length_m[segment]
    return Stations(
        segment,
        np.where(length > 0, chainage / np.where(length > 0, length, 1.0), 0.0),
        between(segments.x),
        between(segments.y),
        between(segments.centre_z_m),
    )


def ground_by_nodes(network: Network, joints: Joints, along: Stations) -> Floats:
    """Return the ground at stations, straight between the levels of the nodes at both ends, m.

    NaN where one of them is not known.

    >>> from twin.topology.joints import join
    >>> from twin.topology.sample import network
    >>> pipe = network(["0 0 1, 30 0 4"], nodes=[(0, 0), (30, 0)], ends=[(0, 1)],
    ...     ground_z_m=[3.0, 6.0])
    >>> ground_by_nodes(pipe, join(pipe, 0.05), stations(pipe.segments, 15.0)).tolist()
    [3.0, 4.5, 6.0]
    """
    level = np.append(network.nodes.ground_z_m, np.full(joints.count - joints.nodes, np.nan))
    first = np.where(joints.turned, joints.head, joints.tail)
    last = np.where(joints.turned, joints.tail, joints.head)
    low, high = level[first][along.segment], level[last][along.segment]
    return np.asarray(low + along.share * (high - low), float)


def check_depths(
    network: Network,
    along: Stations,
    ground_z_m: Floats,
    *,
    deepest_m: float = DEEPEST_M,
    tolerance_m: float = GROUND_TOLERANCE_M,
) -> Iterator[Found]:
    """Yield pipes whose crown is above the ground, and those with too much cover.

    Parameters
    ----------
    network : Network
        Nodes and segments.
    along : Stations
        Where they are compared.
    ground_z_m : ndarray of float, shape (k,)
        The ground at the stations, m; NaN where it is not known: nothing is told of those.
    deepest_m : float
        The most cover that is plausible, m.
    tolerance_m : float
        How far above the ground a crown may seem to be, m.

    Examples
    --------
    >>> from twin.topology.sample import network
    >>> two = network(["0 0 1, 9 0 1", "0 5 -20, 9 5 -20"], width_m=0.4)
    >>> along = stations(two.segments)
    >>> for each in check_depths(two, along, np.full(4, 0.5)):
    ...     print(each.rule.id, each.segments[:, 0], each.measured.round(2), each.limit)
    above-ground [1] [0.7] [0.3]
    too-deep [2] [20.3] [10.]
    """
    segments = network.segments
    crown = along.centre_z_m + segments.half_height_m[along.segment]
    cover = np.where(segments.device[along.segment], np.nan, ground_z_m - crown)
    for rule, measured, limit in (
        ("above-ground", -cover, tolerance_m),
        ("too-deep", cover, deepest_m),
    ):
        bad = np.flatnonzero(measured > limit)
        order = bad[np.lexsort((-measured[bad], along.segment[bad]))]
        _, first = np.unique(along.segment[order], return_index=True)
        at = order[first]
        yield found(
            network, rule, np.asarray(shapely.points(along.x[at], along.y[at]), object).reshape(-1),
            segments=(along.segment[at],), measured=measured[at], limit=limit,
        )  # fmt: skip
