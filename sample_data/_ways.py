"""Lines beside the streets: the whole road graph shifted sideways and cut into segments at once."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sample_data._geometry import Floats, Ints, Shapes, lines
from sample_data._streets import RIGHT_OF_WAY_M, Roads


@dataclass(frozen=True)
class Ways:
    """Edges of the road graph as one long array of points.

    ``key`` grows along every edge and from each edge to the next, so that a place on any edge is
    one number: the edge's ``base`` plus the metres along it.
    """

    edges: Ints
    start: Ints
    end: Ints
    length_m: Floats
    half_m: Floats
    """Half of the street's right of way, m."""
    corner_m: Floats
    """How far off its ends an edge has its own points, m."""
    base: Floats
    first: Ints
    owner: Ints
    key: Floats
    points: Floats
    normal: Floats
    z: Floats

    @property
    def count(self) -> int:
        """Number of edges."""
        return len(self.edges)


def ways(roads: Roads, chosen: Ints) -> Ways:
    """Return chosen edges of the road graph, ready to be shifted and cut.

    Each gets two more points, a little way off its junctions: between them what is laid beside it
    keeps its distance.
    """
    edges = [roads.edges[k] for k in chosen.tolist()]
    sizes = np.array([len(edge.line) for edge in edges], dtype=np.int64)
    first = np.concatenate([[0], np.cumsum(sizes)])
    owner = np.repeat(np.arange(len(edges)), sizes)
    length = np.array([edge.length_m for edge in edges])
    half = np.array([RIGHT_OF_WAY_M[roads.street(edge).road_class] / 2 for edge in edges])
    corner = np.minimum(0.3 * length, 5.0 + 0.6 * half)
    base = np.concatenate([[0], np.cumsum(length + 1.0)])[:-1]
    points = np.concatenate([edge.line for edge in edges])
    z = np.concatenate([edge.z for edge in edges])
    ahead = np.diff(points, axis=0, append=points[-1:])
    step = np.hypot(ahead[:, 0], ahead[:, 1])
    step[first[1:] - 1] = 0
    run = np.concatenate([[0], np.cumsum(step)[:-1]])
    key = base[owner] + run - run[first[owner]]
    near = np.concatenate([base + corner, base + length - corner])
    order = np.argsort(np.concatenate([key, near]), kind="stable")
    owner = np.concatenate([owner, np.arange(len(edges)), np.arange(len(edges))])[order]
    columns = (points[:, 0], points[:, 1], z)
    filled = [np.concatenate([each, np.interp(near, key, each)])[order] for each in columns]
    first = np.concatenate([[0], np.cumsum(sizes + 2)])
    line = np.column_stack(filled[:2])
    return Ways(
        edges=chosen,
        start=np.array([edge.start for edge in edges], dtype=np.int64),
        end=np.array([edge.end for edge in edges], dtype=np.int64),
        length_m=length,
        half_m=half,
        corner_m=corner,
        base=base,
        first=first,
        owner=owner,
        key=np.concatenate([key, near])[order],
        points=line,
        normal=_normals(line, first, owner),
        z=filled[2],
    )


def _normals(points: Floats, first: Ints, owner: Ints) -> Floats:
    """Return the direction to the left of each point's way on, the mean of its two pieces."""
    ahead = np.diff(points, axis=0, append=points[-1:])
    ahead[first[1:] - 1] = 0
    length = np.hypot(ahead[:, 0], ahead[:, 1])
    unit = ahead / np.where(length > 0, length, 1)[:, None]
    inner = np.arange(len(points)) != first[owner]
    mean = unit + np.roll(unit, 1, axis=0) * inner[:, None]
    mean /= np.hypot(mean[:, 0], mean[:, 1])[:, None]
    return np.column_stack([-mean[:, 1], mean[:, 0]])


@dataclass(frozen=True)
class Cuts:
    """Places at which edges are cut, in order of edge and way along it."""

    owner: Ints
    along_m: Floats
    tag: NDArray[Any]


def cuts(parts: list[tuple[Ints, Floats, str]]) -> Cuts:
    """Return cuts given in groups, each with what stands there, in order."""
    owner = np.concatenate([part[0] for part in parts])
    along = np.concatenate([part[1] for part in parts])
    tag = np.concatenate([np.full(len(part[0]), part[2], dtype=object) for part in parts])
    order = np.lexsort((along, owner))
    return Cuts(owner[order], along[order], tag[order])


def every(way: Ways, spacing_m: float, *, free_m: float = 0.0) -> tuple[Ints, Floats]:
    """Return evenly spaced places on every edge, none within ``free_m`` of its ends."""
    room = way.length_m - 2 * free_m
    pieces = np.maximum(np.round(room / spacing_m), 1).astype(np.int64)
    pieces[room < spacing_m] = 1
    owner = np.repeat(np.arange(way.count), pieces - 1)
    before = np.concatenate([[0], np.cumsum(pieces - 1)])[:-1]
    turn = np.arange(len(owner)) - before[owner] + 1
    return owner, free_m + room[owner] * turn / pieces[owner]


@dataclass(frozen=True)
class Laid:
    """Lines that were shifted and cut.

    Segment k runs from node ``tail[k]`` to node ``head[k]`` on edge ``owner[k]``, from ``low_m`` to
    ``high_m`` along it.  Nodes below the number of junctions are junctions, the others are cuts.
    """

    cut_xy: Floats
    cut_z: Floats
    owner: Ints
    tail: Ints
    head: Ints
    low_m: Floats
    high_m: Floats
    xy: Floats
    z: Floats
    along_m: Floats
    segment: Ints

    def lines(self, z: Floats) -> Shapes:
        """Return the segments as lines with the heights given, one for each of the points."""
        return lines(np.column_stack([np.round(self.xy, 3), np.round(z, 3)]), self.segment)


def lay(way: Ways, aside_m: float | Floats, nodes_xy: Floats, where: Cuts) -> Laid:
    """Shift edges sideways, tie their ends to nodes beside the junctions, and cut them.

    Parameters
    ----------
    way : Ways
        The edges.
    aside_m : float or ndarray of float, shape (edges,)
        How far to the left of an edge's direction its line lies, m.
    nodes_xy : ndarray of float, shape (junctions, 2)
        Where the line's nodes lie, m.
    where : Cuts
        The places at which to cut.
    """
    aside = np.broadcast_to(np.asarray(aside_m, dtype=np.float64), (way.count,))
    xy = way.points + way.normal * aside[way.owner][:, None]
    xy[way.first[:-1]] = nodes_xy[way.start]
    xy[way.first[1:] - 1] = nodes_xy[way.end]
    place = way.base[where.owner] + where.along_m
    cut_xy = np.column_stack([np.interp(place, way.key, xy[:, k]) for k in (0, 1)])
    cut_z = np.interp(place, way.key, way.z)
    number = np.bincount(where.owner, minlength=way.count)
    cut_first = np.concatenate([[0], np.cumsum(number)])[:-1]
    segment_first = cut_first + np.arange(way.count)
    at_cut = segment_first[where.owner] + np.arange(len(place)) - cut_first[where.owner]
    at_point = segment_first[way.owner] + np.searchsorted(place, way.key) - cut_first[way.owner]
    segment = np.concatenate([at_point, at_cut, at_cut + 1])
    along = np.concatenate([way.key - way.base[way.owner], where.along_m, where.along_m])
    order = np.lexsort((along, segment))
    owner = np.repeat(np.arange(way.count), number + 1)
    ends = _ends(way, where, at_cut, len(owner), segment_first, number, len(nodes_xy))
    return Laid(
        cut_xy,
        cut_z,
        owner,
        *ends,
        xy=np.concatenate([xy, cut_xy, cut_xy])[order],
        z=np.concatenate([way.z, cut_z, cut_z])[order],
        along_m=along[order],
        segment=segment[order],
    )


def _ends(
    way: Ways,
    where: Cuts,
    at_cut: Ints,
    count: int,
    segment_first: Ints,
    number: Ints,
    junctions: int,
) -> tuple[Ints, Ints, Floats, Floats]:
    tail, head = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    low, high = np.zeros(count), np.zeros(count)
    tail[segment_first] = way.start
    head[segment_first + number] = way.end
    high[segment_first + number] = way.length_m
    names = junctions + np.arange(len(at_cut))
    tail[at_cut + 1], head[at_cut] = names, names
    low[at_cut + 1], high[at_cut] = where.along_m, where.along_m
    return tail, head, low, high
