"""Which pieces of pipes come near one another, and how near, in plan and in space.

A piece is what lies between two vertices.  A tree of their boxes finds candidates, a compiled loop
measures them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from twin.jit import compiled
from twin.topology.network import Bools, Floats, Ints, Segments

_CHUNK = 100_000


@dataclass(frozen=True, eq=False)
class Pieces:
    """Straight pieces of all segments, shape (m,) each; ``ends`` (m, 6) is x, y, z twice."""

    segment: Ints
    number: Ints
    """Number of the piece along its segment, from 0."""
    ends: Floats


@dataclass(frozen=True, eq=False)
class Near:
    """Pairs of pieces, ``a`` before ``b``, and how near they come; shape (k,) each."""

    a: Ints
    b: Ints
    plan_m: Floats
    """Distance of the axes in plan."""
    on_a: Floats
    """Where along ``a`` that is, from 0 to 1."""
    on_b: Floats
    crosses: Bools
    """Whether the axes cross in plan, and are not parallel."""

    @property
    def columns(self) -> tuple[Any, ...]:
        """Its arrays in order."""
        return self.a, self.b, self.plan_m, self.on_a, self.on_b, self.crosses

    def __getitem__(self, which: Bools | Ints) -> "Near":
        """Return some of them."""
        return Near(*(column[which] for column in self.columns))


def pieces(segments: Segments) -> Pieces:
    """Return the pieces of all segments; vertices that repeat make none.

    >>> from twin.topology.sample import network
    >>> cut = pieces(network(["0 0, 5 0, 5 0, 5 5", "9 9, 9 8"]).segments)
    >>> cut.segment.tolist(), cut.number.tolist()
    ([0, 0, 1], [0, 1, 0])
    """
    of_vertex = np.repeat(np.arange(segments.count), np.diff(segments.starts))
    moved = (np.diff(segments.x) != 0) | (np.diff(segments.y) != 0)
    # A segment that goes nowhere keeps a piece, as long as nothing.
    moved |= (segments.length_m == 0)[of_vertex[:-1]]
    at = np.flatnonzero((of_vertex[:-1] == of_vertex[1:]) & moved)
    places = np.column_stack([segments.x, segments.y, segments.centre_z_m])
    segment = of_vertex[at]
    begins = np.searchsorted(segment, np.arange(segments.count))
    number = np.arange(len(at)) - begins[segment]
    return Pieces(segment, number, np.hstack([places[at], places[at + 1]]))


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The pieces of a network, and all pairs that come near one another."""

    cut: Pieces
    pairs: Near


def neighbours(segments: Segments, reach_m: Floats) -> Neighbours:
    """Return the pairs of pieces that come within reach in plan; devices meet nothing.

    Parameters
    ----------
    segments : Segments
        The pipes.
    reach_m : ndarray of float, shape (n,)
        How far around itself each segment looks, m; two see each other if one of them does.

    Examples
    --------
    >>> from twin.topology.sample import network
    >>> pipes = network(["0 0, 10 0", "5 -5, 5 5", "5 0, 6 0"], device=[False, False, True])
    >>> found = neighbours(pipes.segments, np.zeros(3)).pairs
    >>> found.a.tolist(), found.b.tolist(), found.crosses.tolist()
    ([0], [1], [True])
    """
    cut = pieces(segments)
    if not len(cut.segment) or (reach_m < 0).all():
        nothing = np.zeros(0)
        none, never = nothing.astype(np.int64), nothing.astype(np.bool_)
        return Neighbours(cut, Near(none, none, nothing, nothing, nothing, never))
    batches = list(near(cut, reach_m[cut.segment], ~segments.device[cut.segment]))
    columns = zip(*(batch.columns for batch in batches), strict=True)
    return Neighbours(cut, Near(*(np.concatenate(column) for column in columns)))


def near(cut: Pieces, reach_m: Floats, counts: Bools) -> Iterator[Near]:
    """Yield pairs of pieces whose axes come within reach in plan, a batch at a time.

    Parameters
    ----------
    cut : Pieces
        The pieces.
    reach_m : ndarray of float, shape (m,)
        How far around itself each piece looks, m; two see each other if one of them does.
    counts : ndarray of bool, shape (m,)
        Which pieces are compared at all.

    Examples
    --------
    >>> from twin.topology.sample import network
    >>> cut = pieces(network(["0 0, 10 0", "5 -5, 5 5", "0 3, 4 3"]).segments)
    >>> batch, = near(cut, np.full(3, 3.0), np.ones(3, bool))
    >>> list(zip(batch.a.tolist(), batch.b.tolist(), batch.plan_m.tolist()))
    [(0, 1, 0.0), (0, 2, 3.0), (1, 2, 1.0)]
    """
    ends = cut.ends
    low, high = np.minimum(ends[:, :2], ends[:, 3:5]), np.maximum(ends[:, :2], ends[:, 3:5])
    tree = shapely.STRtree(shapely.box(low[:, 0], low[:, 1], high[:, 0], high[:, 1]))
    for start in range(0, len(ends), _CHUNK):
        here = slice(start, start + _CHUNK)
        wide = reach_m[here]
        boxes = shapely.box(
            low[here, 0] - wide, low[here, 1] - wide, high[here, 0] + wide, high[here, 1] + wide
        )
        one, other = tree.query(boxes)
        one = one + start
        # Both see each other: the pair is kept by the one that looks further, or comes first.
        further, as_far = reach_m[one] > reach_m[other], reach_m[one] == reach_m[other]
        kept = (further | (as_far & (one < other))) & counts[one] & counts[other]
        one, other = one[kept], other[kept]
        a, b = np.minimum(one, other), np.maximum(one, other)
        order = np.lexsort((b, a))
        a, b = a[order], b[order]
        plan_m, on_a, on_b, crosses = _measured(ends, a, b)
        within = plan_m <= np.maximum(reach_m[a], reach_m[b])
        yield Near(a, b, plan_m, on_a, on_b, crosses)[within]


def in_space(cut: Pieces, a: Ints, b: Ints) -> tuple[Floats, Floats, Floats]:
    """Return how near pieces come in three dimensions, and where: ``apart_m``, ``on_a``, ``on_b``.

    NaN where a height is not known.

    >>> from twin.topology.sample import network
    >>> cut = pieces(network(["0 0 1, 10 0 1", "5 -5 3, 5 5 3"]).segments)
    >>> [each.tolist() for each in in_space(cut, np.array([0]), np.array([1]))]
    [[2.0], [0.5], [0.5]]
    """
    apart, on_a, on_b = _apart(cut.ends, a, b)
    return apart, on_a, on_b


@compiled
def _onto(px: float, py: float, ax: float, ay: float, bx: float, by: float) -> float:
    """Return where on a piece, from 0 to 1, the point nearest to another lies."""
    dx, dy = bx - ax, by - ay
    square = dx * dx + dy * dy
    if square == 0.0:
        return 0.0
    return min(1.0, max(0.0, ((px - ax) * dx + (py - ay) * dy) / square))


@compiled
def _measured(ends: Floats, first: Ints, second: Ints) -> tuple[Floats, Floats, Floats, Bools]:
    """Return the distance of pairs in plan, where it is, and whether they cross."""
    count = len(first)
    plan, on_a, on_b = np.empty(count), np.empty(count), np.empty(count)
    crosses = np.zeros(count, np.bool_)
    for k in range(count):
        p, q = ends[first[k]], ends[second[k]]
        ux, uy, vx, vy = p[3] - p[0], p[4] - p[1], q[3] - q[0], q[4] - q[1]
        wx, wy = q[0] - p[0], q[1] - p[1]
        turn = ux * vy - uy * vx
        # Parallel within the rounding of coordinates: they touch along a stretch or nowhere.
        if abs(turn) > 1e-12 * (abs(ux) + abs(uy)) * (abs(vx) + abs(vy)):
            s, t = (wx * vy - wy * vx) / turn, (wx * uy - wy * ux) / turn
            if 0.0 <= s <= 1.0 and 0.0 <= t <= 1.0:
                plan[k], on_a[k], on_b[k], crosses[k] = 0.0, s, t, True
                continue
        best = np.inf
        for side in range(4):
            if side < 2:
                s = float(side)
                x, y = p[3 * side], p[3 * side + 1]
                t = _onto(x, y, q[0], q[1], q[3], q[4])
            else:
                t = float(side - 2)
                x, y = q[3 * side - 6], q[3 * side - 5]
                s = _onto(x, y, p[0], p[1], p[3], p[4])
            dx, dy = s * ux - wx - t * vx, s * uy - wy - t * vy
            far = np.sqrt(dx * dx + dy * dy)
            if far < best:
                best, on_a[k], on_b[k] = far, s, t
        plan[k] = best
    return plan, on_a, on_b, crosses


@compiled
def _apart(ends: Floats, first: Ints, second: Ints) -> tuple[Floats, Floats, Floats]:
    """Return the distance of pieces in space (Ericson 2005, 5.1.9), and where it is."""
    count = len(first)
    apart, on_a, on_b = np.empty(count), np.empty(count), np.empty(count)
    for k in range(count):
        p, q = ends[first[k]], ends[second[k]]
        u, v, r = p[3:] - p[:3], q[3:] - q[:3], p[:3] - q[:3]
        a, e, f = (u * u).sum(), (v * v).sum(), (v * r).sum()
        c, b = (u * r).sum(), (u * v).sum()
        s = t = 0.0
        if a == 0.0 and e == 0.0:
            pass
        elif a == 0.0:
            t = min(1.0, max(0.0, f / e))
        elif e == 0.0:
            s = min(1.0, max(0.0, -c / a))
        else:
            denominator = a * e - b * b
            if denominator > 1e-14 * a * e:
                s = min(1.0, max(0.0, (b * f - c * e) / denominator))
            t = (b * s + f) / e
            if t < 0.0:
                t, s = 0.0, min(1.0, max(0.0, -c / a))
            elif t > 1.0:
                t, s = 1.0, min(1.0, max(0.0, (b - c) / a))
        gap = r + s * u - t * v
        apart[k], on_a[k], on_b[k] = np.sqrt((gap * gap).sum()), s, t
    return apart, on_a, on_b
