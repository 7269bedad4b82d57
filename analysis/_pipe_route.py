"""A way along pipes: the shortest between two nodes, or one pipe after the other as named."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from analysis._shortest import NONE, earliest_arrivals, open_or_closed, rows
from twin.errors import InvalidInputError, NotFoundError
from twin.topology.joints import LISTED, Joints
from twin.topology.network import Network


class Step(NamedTuple):
    """One pipe of a way."""

    segment: int
    """Number in the network."""
    forwards: bool
    """Whether it is walked from its first vertex to its last."""
    start: int
    """The joint it is walked from."""
    end: int


def between(network: Network, joints: Joints, start: int, end: int) -> list[Step]:
    """Return the shortest way along pipes between two joints, whichever way they flow.

    Raises
    ------
    NotFoundError
        If no pipes lead from one to the other.

    Examples
    --------
    >>> from twin.topology.joints import join
    >>> from twin.topology.sample import network
    >>> pipes = network(["0 0, 9 0", "9 9, 9 0", "0 0, 0 30, 9 9"])
    >>> hung = join(pipes, 0.05)
    >>> [(step.segment, step.forwards) for step in between(pipes, hung, 0, 2)]
    [(0, True), (1, False)]
    """
    count = network.segments.count
    tail = np.concatenate([joints.tail, joints.head])
    head = np.concatenate([joints.head, joints.tail])
    first, heads, edges, order = rows(tail, head, np.tile(np.arange(count), 2), joints.count)
    arrival, by_arc = earliest_arrivals(
        first,
        heads,
        edges,
        edge_time_s=network.segments.length_m,
        closes_at_s=open_or_closed(np.zeros(count, np.bool_)),
        seeds=np.array([start]),
        seed_time_s=np.zeros(1),
    )
    if not np.isfinite(arrival[end]):
        raise NotFoundError("no pipes of these kinds lead from one node to the other")
    steps: list[Step] = []
    here = end
    while by_arc[here] != NONE:
        arc = int(order[by_arc[here]])
        there = int(tail[arc])
        steps.append(_step(joints, arc % count, there, here))
        here = there
    return steps[::-1]


def in_turn(network: Network, joints: Joints, segments: Sequence[int]) -> list[Step]:
    """Return the way along pipes in the order given.

    Raises
    ------
    InvalidInputError
        If one is not joined to the one before it, or pipes of no length are named alone.

    Examples
    --------
    >>> from twin.topology.joints import join
    >>> from twin.topology.sample import network
    >>> pipes = network(["9 0, 0 0", "9 9, 9 0"])
    >>> [step.forwards for step in in_turn(pipes, join(pipes, 0.05), [0, 1])]
    [False, False]
    """
    ends = [(int(joints.tail[each]), int(joints.head[each])) for each in segments]
    start = ends[0][0]
    if len(ends) > 1 and start in ends[1] and ends[0][1] not in ends[1]:
        start = ends[0][1]
    steps = []
    for at, (segment, (tail, head)) in enumerate(zip(segments, ends, strict=True)):
        if start not in (tail, head):
            ids = network.segments.ids
            raise InvalidInputError(
                f"segment {ids[segment]} is not joined to segment {ids[segments[at - 1]]} before it"
            )
        end = head if start == tail else tail
        steps.append(_step(joints, segment, start, end))
        start = end
    return steps


def by_place(joints: Joints, steps: Sequence[Step]) -> int:
    """Return how many ends of a way hang by their place, and not by what the data says."""
    return sum(
        int(joints.how[2 * step.segment + side] != LISTED) for step in steps for side in (0, 1)
    )


def _step(joints: Joints, segment: int, start: int, end: int) -> Step:
    along = int(joints.tail[segment]) == start
    forwards = along != bool(joints.turned[segment])
    return Step(segment, forwards, start, end)
