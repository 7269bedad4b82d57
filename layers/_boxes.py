"""From a box in degrees to the boxes in metres that an index and a quick look can use.

A rectangle in degrees is no rectangle in metres: its sides bend.  So the index is asked for the
smallest upright box around it, what lies in the largest upright box inside it needs no second
look, and only what is left is moved to degrees and tested there.
"""

from functools import lru_cache
from math import hypot, radians, tan
from typing import NamedTuple

import numpy as np

from twin.crs import LONLAT, CityBox, Frame, LonLatBox, move_points

_EARTH_RADIUS_M = 6_371_000.0
_LONGEST_EDGE_M = 20_000.0
_ROOM_DEGREES = 0.5
"""How far around the city a box is still looked at; PROJ need not follow it to the poles."""
_POINTS_A_SIDE = 21
_HALF_A_MILLIMETRE_M = 0.0005


class Search(NamedTuple):
    """One piece of a box in degrees, and its surroundings and its inside in metres."""

    lonlat: LonLatBox
    around: CityBox
    inside: CityBox | None


@lru_cache(maxsize=4096)
def searches(frame: Frame, box: LonLatBox) -> tuple[Search, ...]:
    """Return where to look for what touches a box in degrees; nothing if it is off the city.

    Parameters
    ----------
    frame : Frame
        The city's frame.
    box : LonLatBox
        Degrees; west may be greater than east for a box across the antimeridian.

    Notes
    -----
    An edge that is straight in metres bows in degrees: by L²·tan φ / 8R for an edge of length L
    along a parallel φ.  The surroundings are that much wider, for edges up to 20 km.
    """
    margin_m = _bow_m(frame, frame.lonlat_extent())
    return tuple(
        Search(piece, _grown(frame.box_to_city(piece), margin_m), _inside(frame, piece, margin_m))
        for piece in pieces(frame, box)
    )


def pieces(frame: Frame, box: LonLatBox) -> tuple[LonLatBox, ...]:
    """Return the parts of a box in degrees that lie near the city, none of them across 180."""
    return tuple(
        shared
        for part in _parts(box)
        for area in _parts(_widened(frame.lonlat_extent()))
        if (shared := _shared(part, area)) is not None
    )


def holds_city(frame: Frame, box: LonLatBox) -> bool:
    """Return whether a box holds the whole city, so that nothing needs to be looked up."""
    city = frame.lonlat_extent()
    if city.west > city.east or box.west > box.east:
        return False
    return (
        box.west <= city.west
        and box.south <= city.south
        and city.east <= box.east
        and city.north <= box.north
    )


def _parts(box: LonLatBox) -> tuple[LonLatBox, ...]:
    if box.west <= box.east:
        return (box,)
    return (box._replace(east=180.0), box._replace(west=-180.0))


def _widened(box: LonLatBox) -> LonLatBox:
    west, east = box.west - _ROOM_DEGREES, box.east + _ROOM_DEGREES
    return LonLatBox(
        west + 360 if west < -180 else west,
        max(box.south - _ROOM_DEGREES, -90.0),
        east - 360 if east > 180 else east,
        min(box.north + _ROOM_DEGREES, 90.0),
    )


def _shared(a: LonLatBox, b: LonLatBox) -> LonLatBox | None:
    west, south = max(a.west, b.west), max(a.south, b.south)
    east, north = min(a.east, b.east), min(a.north, b.north)
    return LonLatBox(west, south, east, north) if west <= east and south <= north else None


def _bow_m(frame: Frame, extent: LonLatBox) -> float:
    city = frame.extent
    diagonal_m = hypot(city.max_x_m - city.min_x_m, city.max_y_m - city.min_y_m)
    edge_m = min(diagonal_m, _LONGEST_EDGE_M)
    steepest = tan(radians(min(max(abs(extent.south), abs(extent.north)), 85.0)))
    return float(edge_m**2 * steepest / (8 * _EARTH_RADIUS_M)) + _HALF_A_MILLIMETRE_M


def _grown(box: CityBox, margin_m: float) -> CityBox:
    return CityBox(
        box.min_x_m - margin_m,
        box.min_y_m - margin_m,
        box.max_x_m + margin_m,
        box.max_y_m + margin_m,
    )


def _inside(frame: Frame, box: LonLatBox, margin_m: float) -> CityBox | None:
    """Return an upright box in metres all of which lies in the box in degrees."""
    along = np.linspace(0.0, 1.0, _POINTS_A_SIDE)
    lon = box.west + along * (box.east - box.west)
    lat = box.south + along * (box.north - box.south)
    level = np.full(_POINTS_A_SIDE, 1.0)
    west_x, _ = move_points(level * box.west, lat, LONLAT, frame.name)
    east_x, _ = move_points(level * box.east, lat, LONLAT, frame.name)
    _, south_y = move_points(lon, level * box.south, LONLAT, frame.name)
    _, north_y = move_points(lon, level * box.north, LONLAT, frame.name)
    found = CityBox(
        float(west_x.max()) + margin_m,
        float(south_y.max()) + margin_m,
        float(east_x.min()) - margin_m,
        float(north_y.min()) - margin_m,
    )
    return found if found[0] < found[2] and found[1] < found[3] else None
