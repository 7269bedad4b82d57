"""Boxes in degrees against tiles and columns."""

from collections.abc import Sequence
from math import asinh, atan, ceil, degrees, floor, pi, radians, sinh, tan

import numpy as np

from tiles._covered import State, Window
from twin.crs import LonLatBox

_SOUTH_END = degrees(atan(sinh(-pi)))


def held(states: Sequence[State]) -> LonLatBox | None:
    """Return the box around all features."""
    boxes = []
    for columns, state in states:
        for inside in (state.nodes[-1:], state.tail.boxes):
            full = inside[inside[:, 0] <= inside[:, 2]]
            if len(full):
                around = np.concatenate([full[:, :2].min(0), full[:, 2:].max(0)])
                boxes.append(columns.world.shares(around.astype(np.int32)))
    shares = [box for box in boxes if box is not None]
    if not shares:
        return None
    return LonLatBox(
        min(box.left for box in shares) * 360 - 180,
        _lat(max(box.bottom for box in shares)),
        max(box.right for box in shares) * 360 - 180,
        _lat(min(box.top for box in shares)),
    )


def window(box: LonLatBox | None, zoom: int) -> Window:
    """Return the tiles of a level that a box has ground in; all of them for no box."""
    side: int = 2**zoom
    if box is None:
        return Window(0, 0, side - 1, side - 1)

    def column(lon: float) -> float:
        return (lon + 180) / 360 * side

    def row(lat: float) -> float:
        bounded = min(max(lat, _SOUTH_END), -_SOUTH_END)
        return (1 - asinh(tan(radians(bounded))) / pi) / 2 * side

    left, top = floor(column(box.west)), floor(row(box.north))
    right, bottom = ceil(column(box.east)) - 1, ceil(row(box.south)) - 1
    return Window(
        min(max(left, 0), side - 1),
        min(max(top, 0), side - 1),
        min(max(right, left, 0), side - 1),
        min(max(bottom, top, 0), side - 1),
    )


def common(one: LonLatBox, other: LonLatBox) -> LonLatBox | None:
    """Return what two boxes share; None if they do not meet.

    >>> common(LonLatBox(0, 0, 2, 2), LonLatBox(1, 1, 3, 3))
    LonLatBox(west=1, south=1, east=2, north=2)
    """
    west, south = max(one.west, other.west), max(one.south, other.south)
    east, north = min(one.east, other.east), min(one.north, other.north)
    return LonLatBox(west, south, east, north) if west <= east and south <= north else None


def _lat(row: float) -> float:
    return degrees(atan(sinh(pi * (1 - 2 * row))))


def shown(box: LonLatBox) -> str:
    """Return a box as people write it: west,south,east,north."""
    return ",".join(f"{side:.4f}" for side in box)
