"""Pipes against pipes in space: bodies in one another, and nearer than the standard allows.

Two pipes whose axes cross in plan are judged by the height between them there; two that run beside
one another (within 45°) by the distance between their walls in space.  Pipes that are joined are
not compared.  Sizes are inner sizes: what walls and insulation take up is not known, and the true
clearance is smaller by it.
"""

from collections.abc import Iterator

import numpy as np
import shapely

from twin.topology.clearances import HORIZONTAL, classes, horizontal_m, matrix, vertical_m
from twin.topology.found import Found, found
from twin.topology.joints import Joints
from twin.topology.lines import place_of, vertical_gap_m
from twin.topology.network import Bools, Floats, Ints, Network, Segments, Shapes
from twin.topology.pairs import Near, Neighbours, Pieces, in_space

_ALONG = np.cos(np.radians(45.0))


def check_clashes(network: Network, joints: Joints, beside: Neighbours) -> Iterator[Found]:
    """Yield pairs of pipes in one place, and pairs nearer than GB 50289-2016 allows.

    One finding a pair: where it is worst.  Where a height is not known a crossing is not judged,
    and pipes beside one another are judged in plan and told as such.

    Parameters
    ----------
    network : Network
        Nodes and segments.
    joints : Joints
        How the ends hang: what is joined is not compared.
    beside : Neighbours
        Pairs within `reach_m` of one another.

    Examples
    --------
    Water 0.3 m above a sewer (crowns and inverts apart 0.1 m, the table wants 0.4), and gas 0.4 m
    beside the water pipe, wall to wall, where it wants 0.5:

    >>> from twin.topology.joints import join
    >>> from twin.topology.pairs import neighbours
    >>> from twin.topology.sample import network
    >>> lines = ["0 0 2, 30 0 2", "9 -9 1.7, 9 9 1.7", "15 0.6 2, 30 0.6 2"]
    >>> three = network(lines, kind=["water", "sewer", "gas"], width_m=0.2)
    >>> beside = neighbours(three.segments, reach_m(three.segments))
    >>> for each in check_clashes(three, join(three, 0.05), beside):
    ...     print(each.rule.id, each.segments.tolist(), each.measured.round(2), each.limit)
    clash [] [] []
    clearance-vertical [[1, 2]] [0.1] [0.4]
    clearance-horizontal [[1, 3]] [0.4] [0.5]
    clearance-plan [] [] []
    """
    cut = beside.cut
    pairs = beside.pairs[_strangers(network, joints, cut, beside.pairs)]
    crossing = pairs[pairs.crosses]
    apart = pairs[~np.isin(_keys(network, cut, pairs), _keys(network, cut, crossing))]
    at_crossings = _crossings(network, cut, crossing)
    alongside = _alongside(network, cut, apart)
    for rule in ("clash", "clearance-vertical", "clearance-horizontal", "clearance-plan"):
        rows = [part[rule] for part in (at_crossings, alongside) if rule in part]
        a, b, place, gap, limit = (np.concatenate(each) for each in zip(*rows, strict=True))
        yield found(network, rule, place, segments=(a, b), measured=gap, limit=limit)


def reach_m(segments: Segments) -> Floats:
    """Return how far around itself each pipe has to look for others, shape (n,).

    >>> from twin.topology.sample import network
    >>> reach_m(network(["0 0, 1 0"] * 2, kind=["heat", "power"], width_m=[0.5, 0.1]).segments)
    array([2.5, 2.1])
    """
    which = classes(segments)
    there = np.unique(which)
    widest = np.nan_to_num(matrix(HORIZONTAL)[:, there]).max(axis=1, initial=0.0)[which]
    return np.asarray(widest + 2 * segments.half_width_m, float)


_Rows = tuple[Ints, Ints, Shapes, Floats, Floats]


def _strangers(network: Network, joints: Joints, cut: Pieces, batch: Near) -> Bools:
    """Return pairs of pieces of different pipes that are not joined, nor by a short pipe."""
    a, b = cut.segment[batch.a], cut.segment[batch.b]
    tail, head, kind = joints.tail, joints.head, network.segments.kind
    joined = (tail[a] == tail[b]) | (tail[a] == head[b]) | (head[a] == tail[b])
    joined |= head[a] == head[b]
    short = np.flatnonzero(network.segments.length_m <= 2.0)
    low, high = np.minimum(tail, head)[short], np.maximum(tail, head)[short]
    links = low * joints.count + high
    for one in (tail[a], head[a]):
        for other in (tail[b], head[b]):
            link = np.minimum(one, other) * joints.count + np.maximum(one, other)
            joined |= (kind[a] == kind[b]) & np.isin(link, links)
    strangers: Bools = (a != b) & ~joined
    return strangers


def _keys(network: Network, cut: Pieces, pairs: Near) -> Ints:
    return np.asarray(cut.segment[pairs.a] * network.segments.count + cut.segment[pairs.b])


def _crossings(network: Network, cut: Pieces, pairs: Near) -> dict[str, _Rows]:
    """Return crossings whose bodies meet, or are too near in height."""
    one, other = pairs.a, pairs.b
    x, y = place_of(cut, one, pairs.on_a)
    a, b = cut.segment[one], cut.segment[other]
    gap = vertical_gap_m(network, cut, one, other, x, y)
    limit = vertical_m(network.segments, a, b)
    # Of one kind, it is told as a crossing without a node.
    same = network.segments.kind[a] == network.segments.kind[b]
    clash = (gap < 0) & ~same
    close = (gap >= 0) & (gap < limit)
    points = np.asarray(shapely.points(x, y), object).reshape(-1)
    return {
        "clash": _worst(network, a, b, points, gap, np.zeros(len(gap)), clash),
        "clearance-vertical": _worst(network, a, b, points, gap, limit, close),
    }


def _alongside(network: Network, cut: Pieces, pairs: Near) -> dict[str, _Rows]:
    """Return pipes beside one another whose bodies meet, or are too near."""
    segments = network.segments
    one, other = pairs.a, pairs.b
    a, b = cut.segment[one], cut.segment[other]
    flat = pairs.plan_m - segments.half_width_m[a] - segments.half_width_m[b]
    apart, on_a, on_b = in_space(cut, one, other)
    gap = _between_bodies(network, cut, (one, other), (on_a, on_b), apart)
    limit = horizontal_m(segments, a, b)
    along = _parallel(cut, one, other)
    known = ~np.isnan(gap)
    on = np.where(known, on_a, pairs.on_a), np.where(known, on_b, pairs.on_b)
    spots = _bridge(cut, (one, other), on)
    clash = known & (gap < 0)
    close = known & (gap >= 0) & (gap < limit) & along
    blind = ~known & (flat < limit) & along
    return {
        "clash": _worst(network, a, b, spots, gap, np.zeros(len(gap)), clash),
        "clearance-horizontal": _worst(network, a, b, spots, gap, limit, close, unless=clash),
        "clearance-plan": _worst(network, a, b, spots, flat, limit, blind),
    }


def _between_bodies(
    network: Network,
    cut: Pieces,
    pair: tuple[Ints, Ints],
    on: tuple[Floats, Floats],
    apart: Floats,
) -> Floats:
    """Return the distance between walls where two axes are nearest: circles, or upright boxes."""
    segments = network.segments
    a, b = (cut.segment[each] for each in pair)
    places = [
        cut.ends[piece, :3] + share[:, None] * (cut.ends[piece, 3:] - cut.ends[piece, :3])
        for piece, share in zip(pair, on, strict=True)
    ]
    away = places[0] - places[1]
    wide = np.hypot(away[:, 0], away[:, 1]) - segments.half_width_m[a] - segments.half_width_m[b]
    high = np.abs(away[:, 2]) - segments.half_height_m[a] - segments.half_height_m[b]
    outside = np.hypot(np.maximum(wide, 0), np.maximum(high, 0))
    boxes = np.where((wide < 0) & (high < 0), np.maximum(wide, high), outside)
    circles = apart - segments.half_width_m[a] - segments.half_width_m[b]
    return np.where(segments.round[a] & segments.round[b], circles, boxes)


def _parallel(cut: Pieces, one: Ints, other: Ints) -> Bools:
    """Return which pieces run within 45° of one another."""
    p, q = (cut.ends[each, 3:5] - cut.ends[each, :2] for each in (one, other))
    lengths = np.hypot(*p.T) * np.hypot(*q.T)
    along = np.abs((p * q).sum(axis=1)) >= _ALONG * lengths
    return np.asarray(along & (lengths > 0), np.bool_)


def _bridge(cut: Pieces, pair: tuple[Ints, Ints], on: tuple[Floats, Floats]) -> Shapes:
    """Return lines from one axis to the other, in plan."""
    ends = [place_of(cut, piece, share) for piece, share in zip(pair, on, strict=True)]
    both = np.stack([np.column_stack(each) for each in ends], axis=1)
    return np.asarray(shapely.linestrings(both), object).reshape(-1)


def _worst(
    network: Network,
    a: Ints,
    b: Ints,
    places: Shapes,
    gap: Floats,
    limit: Floats,
    which: Bools,
    unless: Bools | None = None,
) -> _Rows:
    """Return for each pair of segments the place where the gap is smallest.

    Pairs of ``unless`` are told of already.
    """
    keys = a * network.segments.count + b
    at = np.flatnonzero(which if unless is None else which & ~np.isin(keys, keys[unless]))
    order = at[np.lexsort((gap[at], keys[at]))]
    _, first = np.unique(keys[order], return_index=True)
    worst = order[first]
    return a[worst], b[worst], places[worst], gap[worst], limit[worst]
