"""A depth profile as numbers: places along a way, its pipes, what crosses it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely

from analysis._pipe_levels import Here, Levelled, along_m
from analysis._pipe_route import Step
from twin.topology.clearances import vertical_m
from twin.topology.network import Floats

_SNAP_M = 0.05


@dataclass(frozen=True)
class Station:
    """A place along the way."""

    chainage_m: float
    segment: int
    joint: int | None
    """The joint there; None between two."""
    here: Here


@dataclass(frozen=True)
class Crossing:
    """Another pipe where it crosses the way in plan, or hangs on it."""

    chainage_m: float
    segment: int
    here: Here
    joined: bool
    gap_m: float
    """Height between the bodies; NaN where one height is not known."""
    limit_m: float
    """What the standard wants between them; NaN where nothing says, or they are joined."""


def stations(pipes: Levelled, steps: Sequence[Step], step_m: float) -> list[Station]:
    """Return every vertex along a way, and places between at most a step apart.

    Where two pipes meet there are two stations: they may lie at different heights.
    """
    found: list[Station] = []
    begin = 0.0
    for step in steps:
        along = _along(pipes, step.segment)
        length = float(along[-1])
        places = _spaced(along, step_m)
        for place in places if step.forwards else places[::-1]:
            walked = place if step.forwards else length - place
            joint = step.start if walked == 0 else step.end if walked == length else None
            here = pipes.at(step.segment, float(place))
            found.append(Station(begin + float(walked), step.segment, joint, here))
        begin += length
    return found


def line_of(stations: Sequence[Station]) -> shapely.LineString:
    """Return the way in plan."""
    return shapely.LineString([(each.here.x_m, each.here.y_m) for each in stations])


def crossings(pipes: Levelled, steps: Sequence[Step]) -> list[Crossing]:
    """Return the other pipes that cross a way in plan or hang on it, in the order of the way."""
    segments, joints = pipes.network.segments, pipes.joints
    own = {step.segment for step in steps}
    nodes = {step.start for step in steps} | {step.end for step in steps}
    tree = shapely.STRtree(segments.lines)
    found: list[Crossing] = []
    begin = 0.0
    for step in steps:
        line = segments.lines[step.segment]
        for other in tree.query(line, predicate="dwithin", distance=_SNAP_M).tolist():
            if other in own:
                continue
            joined = bool({int(joints.tail[other]), int(joints.head[other])} & nodes)
            for point in _points(line, segments.lines[other], joined):
                place = float(shapely.line_locate_point(line, point))
                walked = place if step.forwards else float(line.length) - place
                found.append(_crossing(pipes, step, other, point, place, begin + walked, joined))
        begin += float(line.length)
    found.sort(key=lambda each: (each.chainage_m, each.segment))
    # A pipe that hangs on a node of the way is near both pipes that meet there.
    once: dict[tuple[int, float], Crossing] = {}
    for each in found:
        once.setdefault((each.segment, round(each.chainage_m, 1)), each)
    return list(once.values())


def _crossing(
    pipes: Levelled,
    step: Step,
    other: int,
    point: shapely.Point,
    place: float,
    chainage_m: float,
    joined: bool,
) -> Crossing:
    segments = pipes.network.segments
    mine = pipes.at(step.segment, place)
    here = pipes.at(other, float(shapely.line_locate_point(segments.lines[other], point)))
    halves = segments.half_height_m[step.segment] + segments.half_height_m[other]
    gap = abs(mine.centre_z_m - here.centre_z_m) - float(halves)
    pair = np.array([step.segment]), np.array([other])
    limit = float("nan") if joined else float(vertical_m(segments, *pair)[0])
    return Crossing(chainage_m, other, here, joined, gap, limit)


def _points(
    line: shapely.LineString, other: shapely.LineString, joined: bool
) -> list[shapely.Point]:
    """Return where another pipe meets a line: every crossing, or the end that hangs on it."""
    met = shapely.intersection(line, other)
    if met.is_empty:
        # It only comes near: an end that hangs on a node, or one that misses it.
        near = shapely.shortest_line(line, other)
        return [shapely.Point(near.coords[0])] if joined else []
    parts = shapely.get_parts(met).tolist()
    points = [shapely.line_interpolate_point(part, 0.5, normalized=True)
              if part.geom_type == "LineString" else part for part in parts]  # fmt: skip
    return points[:1] if joined else points


def _along(pipes: Levelled, segment: int) -> Floats:
    segments = pipes.network.segments
    vertices = slice(segments.starts[segment], segments.starts[segment + 1])
    return along_m(segments.x[vertices], segments.y[vertices])


def _spaced(along: Floats, step_m: float) -> Floats:
    """Return the vertices along a pipe, and places between them at most a step apart.

    >>> _spaced(np.array([0.0, 5.0, 25.0]), 10.0).tolist()
    [0.0, 5.0, 15.0, 25.0]
    """
    parts = [
        np.linspace(a, b, max(int(np.ceil((b - a) / step_m)), 1), endpoint=False)
        for a, b in pairwise(along)
    ]
    return np.concatenate([*parts, along[-1:]])
