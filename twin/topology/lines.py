"""Pipes against pipes in plan: crossings without a node, the same pipe twice."""

from collections.abc import Iterator

import numpy as np
import shapely

from twin.topology.found import Found, found
from twin.topology.joints import Joints
from twin.topology.network import Bools, Floats, Ints, Network, Shapes
from twin.topology.pairs import Near, Neighbours, Pieces

LEAST_OVERLAP_M = 0.5
"""Shorter common stretches are the acute corners of a fork."""
_WHOLE = 0.98


def check_crossings(network: Network, beside: Neighbours, *, snap_m: float) -> Iterator[Found]:
    """Yield crossings in plan of pipes of one kind, and of a pipe with itself, without a node.

    Left out: crossings whose bodies are known to pass one above the other, and those within
    ``snap_m`` of an end of one of the two, which are ends that touch.

    Examples
    --------
    The third pipe dives under the first, the second does not:

    >>> from twin.topology.pairs import neighbours
    >>> from twin.topology.sample import network
    >>> lines = ["0 0 2, 9 0 2", "3 -5 2, 3 5 2", "6 -5 1, 6 5 1"]
    >>> three = network(lines, width_m=0.3)
    >>> beside = neighbours(three.segments, np.zeros(3))
    >>> for each in check_crossings(three, beside, snap_m=0.05):
    ...     print(each.rule.id, each.segments.tolist(), [str(place) for place in each.places])
    crossing [[1, 2]] ['POINT (3 0)']
    self-crossing [] []
    """
    cut = beside.cut
    a, b, x, y = _crossing(cut, beside.pairs[_cross(network, cut, beside.pairs)])
    one, other = cut.segment[a], cut.segment[b]
    inside = ~(_at_end(network, one, x, y, snap_m) | _at_end(network, other, x, y, snap_m))
    gap = vertical_gap_m(network, cut, a, b, x, y)
    own = one == other
    places = np.asarray(shapely.points(x, y), object).reshape(-1)
    for rule, which in (
        ("crossing", inside & ~own & ~(gap >= 0)),
        ("self-crossing", own & ~(gap >= 0)),
    ):
        yield found(network, rule, places[which], segments=(one[which], other[which]))


def vertical_gap_m(network: Network, cut: Pieces, a: Ints, b: Ints, x: Floats, y: Floats) -> Floats:
    """Return the height between the bodies of two pieces where they cross, shape (k,).

    Negative where they are in one another, NaN where a height is not known.
    """
    segments = network.segments
    one, other = (_level(cut, piece, x, y) for piece in (a, b))
    halves = segments.half_height_m[cut.segment[a]] + segments.half_height_m[cut.segment[b]]
    return np.asarray(np.abs(one - other) - halves, float)


def check_duplicates(
    network: Network,
    joints: Joints,
    beside: Neighbours,
    *,
    snap_m: float,
    least_overlap_m: float = LEAST_OVERLAP_M,
) -> Iterator[Found]:
    """Yield pipes of one kind that lie upon one another, and pipes without length.

    A stretch is common where both axes run within ``snap_m`` of one another.  Pipes whose bodies
    are known to lie one above the other have none.

    Examples
    --------
    >>> from twin.topology.joints import join
    >>> from twin.topology.pairs import neighbours
    >>> from twin.topology.sample import network
    >>> lines = ["0 0, 10 0", "10 0.01, 0 0", "6 0, 20 0", "50 0, 50 0.01"]
    >>> four = network(lines)
    >>> beside = neighbours(four.segments, np.full(4, 0.05))
    >>> for each in check_duplicates(four, join(four, 0.05), beside, snap_m=0.05):
    ...     print(each.rule.id, each.segments.tolist(), each.measured.round(2).tolist())
    duplicate [[1, 2]] [10.0]
    overlap [[1, 3], [2, 3]] [4.0, 4.0]
    collapsed [[4, -1]] [0.01]
    """
    segments = network.segments
    a, b, common, lines = _common(network, beside, snap_m)
    one, other, common, places = _by_pair(segments.count, a, b, common, lines)
    shorter = np.minimum(segments.length_m[one], segments.length_m[other])
    longer = np.maximum(segments.length_m[one], segments.length_m[other])
    same = (common >= _WHOLE * longer) & (shorter > snap_m)
    for rule, which, limit in (
        ("duplicate", same, np.nan),
        ("overlap", ~same & (common >= least_overlap_m), least_overlap_m),
    ):
        yield found(
            network, rule, places[which],
            segments=(one[which], other[which]), measured=common[which], limit=limit,
        )  # fmt: skip
    tiny = (segments.length_m <= snap_m) | (joints.tail == joints.head)
    tiny = np.flatnonzero(tiny & ~segments.device)
    yield found(
        network, "collapsed", shapely.line_interpolate_point(segments.lines[tiny], 0.0),
        segments=(tiny,), measured=segments.length_m[tiny], limit=snap_m,
    )  # fmt: skip


def _cross(network: Network, cut: Pieces, batch: Near) -> Bools:
    """Return which pairs of one kind cross, leaving out pieces that follow one another."""
    a, b = cut.segment[batch.a], cut.segment[batch.b]
    own = a == b
    follows = own & (np.abs(cut.number[batch.a] - cut.number[batch.b]) <= 1)
    # A ring ends where it begins.
    ends = own & (cut.number[batch.a] == 0) & np.isclose(batch.on_a, 0.0)
    ends &= np.isclose(batch.on_b, 1.0)
    same = network.segments.kind[a] == network.segments.kind[b]
    return np.asarray(batch.crosses & same & ~follows & ~ends, np.bool_)


def _crossing(cut: Pieces, pairs: Near) -> tuple[Ints, Ints, Floats, Floats]:
    """Return pairs of pieces and where they cross; one for each pair of segments and place."""
    a, b = pairs.a, pairs.b
    x, y = place_of(cut, a, pairs.on_a)
    # A crossing on a vertex is one of both pieces there.
    spot = np.column_stack([cut.segment[a], cut.segment[b], np.round(x, 3), np.round(y, 3)])
    _, first = np.unique(spot, axis=0, return_index=True)
    return a[first], b[first], x[first], y[first]


def place_of(cut: Pieces, piece: Ints, share: Floats) -> tuple[Floats, Floats]:
    """Return where shares of pieces lie, from 0 at their first ends to 1 at their last."""
    ends = cut.ends[piece]
    return (
        np.asarray(ends[:, 0] + share * (ends[:, 3] - ends[:, 0]), float),
        np.asarray(ends[:, 1] + share * (ends[:, 4] - ends[:, 1]), float),
    )


def _at_end(network: Network, segment: Ints, x: Floats, y: Floats, snap_m: float) -> Bools:
    segments = network.segments
    near_end = np.zeros(len(segment), np.bool_)
    for end in (segments.first[segment], segments.last[segment]):
        near_end |= np.hypot(segments.x[end] - x, segments.y[end] - y) <= snap_m
    return near_end


def _level(cut: Pieces, piece: Ints, x: Floats, y: Floats) -> Floats:
    """Return the height of the middle of a piece at a place on it."""
    ends = cut.ends[piece]
    length = np.hypot(ends[:, 3] - ends[:, 0], ends[:, 4] - ends[:, 1])
    along = np.hypot(x - ends[:, 0], y - ends[:, 1]) / np.where(length == 0, 1.0, length)
    return np.asarray(ends[:, 2] + along * (ends[:, 5] - ends[:, 2]), float)


def _common(
    network: Network, beside: Neighbours, snap_m: float
) -> tuple[Ints, Ints, Floats, Shapes]:
    """Return pairs of segments and the stretch that two pieces of theirs have in common."""
    cut, batch = beside.cut, beside.pairs[beside.pairs.plan_m <= snap_m]
    kind, a, b = network.segments.kind, cut.segment[batch.a], cut.segment[batch.b]
    batch = batch[(a != b) & (kind[a] == kind[b])]
    p, q = cut.ends[batch.a], cut.ends[batch.b]
    along = p[:, 3:5] - p[:, :2]
    length = np.hypot(along[:, 0], along[:, 1])
    with np.errstate(invalid="ignore", divide="ignore"):
        along /= length[:, None]
        ends = [((q[:, k : k + 2] - p[:, :2]) * along).sum(axis=1) for k in (0, 3)]
    low = np.clip(np.minimum(*ends), 0.0, length)
    high = np.clip(np.maximum(*ends), 0.0, length)
    off = []
    for far in (low, high):
        place = p[:, :2] + far[:, None] * along
        span = np.where(ends[1] == ends[0], np.nan, ends[1] - ends[0])
        share = ((far - ends[0]) / span)[:, None]
        off.append(np.hypot(*(place - (q[:, :2] + share * (q[:, 3:5] - q[:, :2]))).T))
    middle = p[:, :2] + ((low + high) / 2)[:, None] * along
    gap = vertical_gap_m(network, cut, batch.a, batch.b, middle[:, 0], middle[:, 1])
    upon = (high - low > 0) & (off[0] <= snap_m) & (off[1] <= snap_m) & ~(gap > 0)
    p, low, high, along = p[upon], low[upon], high[upon], along[upon]
    stretch = np.stack([p[:, :2] + low[:, None] * along, p[:, :2] + high[:, None] * along], axis=1)
    return (
        cut.segment[batch.a[upon]],
        cut.segment[batch.b[upon]],
        high - low,
        np.asarray(shapely.linestrings(stretch), object).reshape(-1),
    )


def _by_pair(
    count: int, a: Ints, b: Ints, common: Floats, lines: Shapes
) -> tuple[Ints, Ints, Floats, Shapes]:
    """Return common stretches summed for each pair of segments."""
    pair, at = np.unique(a * count + b, return_inverse=True)
    total = np.bincount(at, weights=common, minlength=len(pair))
    order = np.argsort(at, kind="stable")
    places = np.empty(len(pair), object)
    if len(pair):
        places[:] = shapely.multilinestrings(lines[order], indices=at[order])
    return np.asarray(pair // count), np.asarray(pair % count), np.asarray(total, float), places
