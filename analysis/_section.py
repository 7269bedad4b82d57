"""A cross-section as numbers: the pipes a line cuts, and the clearances between neighbours."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely

from analysis._pipe_levels import Here, Levelled
from twin.topology.clearances import horizontal_m, vertical_m

STEEPEST = 5.0
"""A pipe is cut at no less than 1/5 of a right angle's sine: flatter, it runs along the line."""


@dataclass(frozen=True)
class Cut:
    """A pipe where a line cuts it."""

    segment: int
    offset_m: float
    """How far along the line."""
    here: Here
    half_width_m: float
    """Half the width in the section: that of the pipe over the sine of the angle between both."""
    angle_deg: float
    """Between the line and the pipe in plan, 0 to 90."""


@dataclass(frozen=True)
class Clearance:
    """Two neighbours in the section, left and right; NaN where a height is not known."""

    left: int
    """Number of the cut."""
    right: int
    horizontal_m: float
    """Between the walls, negative where one lies above the other."""
    vertical_m: float
    apart_m: float
    """The shorter of what is asked: across, or in height where one lies above the other."""
    limit_m: float


def cuts(pipes: Levelled, line: shapely.LineString) -> tuple[list[Cut], list[int]]:
    """Return the pipes that a straight line cuts, from its first point on, and those along it."""
    segments = pipes.network.segments
    found: list[Cut] = []
    along: list[int] = []
    for at in shapely.STRtree(segments.lines).query(line, predicate="intersects").tolist():
        for part in shapely.get_parts(shapely.intersection(line, segments.lines[at])).tolist():
            if part.geom_type != "Point":
                along.append(at)
                continue
            place = float(shapely.line_locate_point(segments.lines[at], part))
            sine = _sine(line, segments.lines[at], place)
            if sine < 1 / STEEPEST:
                along.append(at)
                continue
            found.append(
                Cut(
                    segment=at,
                    offset_m=float(shapely.line_locate_point(line, part)),
                    here=pipes.at(at, place),
                    half_width_m=float(segments.half_width_m[at]) / sine,
                    angle_deg=float(np.degrees(np.arcsin(min(sine, 1.0)))),
                )
            )
    found.sort(key=lambda each: (each.offset_m, each.segment))
    return _once(pipes, found), sorted(set(along) - {each.segment for each in found})


def _once(pipes: Levelled, found: list[Cut]) -> list[Cut]:
    """Leave out the second of two pipes of a kind that meet where the line cuts them."""
    kinds, joints = pipes.network.segments.kind, pipes.joints
    kept: list[Cut] = []
    for each in found:
        before = kept[-1] if kept else None
        if before is not None and abs(each.offset_m - before.offset_m) < 1e-3:
            ends = {int(joints.tail[before.segment]), int(joints.head[before.segment])}
            mine = {int(joints.tail[each.segment]), int(joints.head[each.segment])}
            if kinds[each.segment] == kinds[before.segment] and ends & mine:
                continue
        kept.append(each)
    return kept


def clearances(pipes: Levelled, found: list[Cut]) -> list[Clearance]:
    """Return the distances between neighbours of a section, and what the standard wants.

    Beside one another they are asked for the distance across, above one another for the height.
    """
    segments = pipes.network.segments
    told = []
    for left, right in pairwise(range(len(found))):
        one, other = found[left], found[right]
        across = other.offset_m - one.offset_m - one.half_width_m - other.half_width_m
        halves = segments.half_height_m[one.segment] + segments.half_height_m[other.segment]
        height = abs(one.here.centre_z_m - other.here.centre_z_m) - float(halves)
        pair = np.array([one.segment]), np.array([other.segment])
        limit = (horizontal_m if across >= 0 else vertical_m)(segments, *pair)
        told.append(
            Clearance(
                left, right, across, height, across if across >= 0 else height, float(limit[0])
            )
        )
    return told


def ground_line(
    pipes: Levelled, found: list[Cut], sampled: list[tuple[float, float]]
) -> list[tuple[float, float]]:
    """Return the ground along the line: the terrain, else between what is known at the pipes.

    Parameters
    ----------
    pipes : Levelled
        The pipes.
    found : list of Cut
        Those that are cut.
    sampled : list of (float, float)
        Places along the line and the terrain there, m; NaN where it is void.
    """
    known = [(far, z) for far, z in sampled if not np.isnan(z)]
    if known:
        return known
    return [
        (each.offset_m, each.here.ground_z_m)
        for each in found
        if not np.isnan(each.here.ground_z_m)
    ]


def _sine(line: shapely.LineString, pipe: shapely.LineString, place: float) -> float:
    """Return the sine of the angle between a line and a pipe at a place along it.

    >>> cross = shapely.LineString([(5, -1), (5, 1)])
    >>> _sine(shapely.LineString([(0, 0), (9, 0)]), cross, 1.0)
    1.0
    """
    length = float(pipe.length)
    reach = min(0.01, length / 4)
    a = np.array(pipe.interpolate(max(place - reach, 0.0)).coords[0][:2])
    b = np.array(pipe.interpolate(min(place + reach, length)).coords[0][:2])
    u, v = np.array(line.coords[-1][:2]) - np.array(line.coords[0][:2]), b - a
    size = float(np.hypot(*u) * np.hypot(*v))
    return abs(float(u[0] * v[1] - u[1] * v[0])) / size if size else 0.0
