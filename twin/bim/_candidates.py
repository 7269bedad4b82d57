"""Each way in which a file says where its model stands, as a candidate."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from twin.bim._georef import (
    FAR_M,
    Candidate,
    Place,
    Stand,
    convergence_deg,
    degrees,
    north_deg,
)
from twin.crs import LONLAT, Frame, move_points, parse_crs
from twin.errors import InvalidInputError

_UNIT_SLACK = 0.01
_PROBE_M = 100.0
_NORTH_BY_DEFAULT = "no TrueNorth: the y axis is taken for true north, as IFC says"


def candidates(
    facts: dict[str, Any], frame: Frame, unit_m: float, crs: str | None, place: Place
) -> Iterator[Candidate]:
    """Yield what the file says, the lesser levels first; ``place`` overrides turn and height."""
    for one in _as_written(facts, frame, unit_m, crs, place):
        if one.stand is None:
            yield one
            continue
        stand = one.stand
        if place.rotation_deg is not None:
            lon, lat = _lonlat(stand.to_m, frame)
            turn = -place.rotation_deg + convergence_deg(frame, lon, lat)
            stand = replace(stand, turn_deg=turn)
        if place.height_m is not None:
            stand = replace(stand, lift_m=place.height_m)
        yield replace(one, stand=stand)


def from_place(
    facts: dict[str, Any], frame: Frame, place: Place, middle: tuple[float, float]
) -> Candidate:
    """Return the candidate of a place that the caller says; the file fills in what he leaves out.

    Raises
    ------
    InvalidInputError
        If neither says the height.
    """
    assert place.lon is not None
    assert place.lat is not None
    assumed: list[str] = []
    if place.rotation_deg is None:
        north, stated = north_deg(facts["contexts"])
        assumed += [] if stated else [_NORTH_BY_DEFAULT]
    else:
        north = -place.rotation_deg
    height = place.height_m
    if height is None:
        height = (facts["site"] or {}).get("elevation_m")
        if height is None:
            raise InvalidInputError("the file says no height; give it: --place lon,lat,,height")
        assumed.append("height: the site's RefElevation")
    # A model drawn in map coordinates is set down by its own origin, not by the map's.
    far = math.hypot(*middle) > FAR_M
    pivot = _origin(facts)[:2] if far else (0.0, 0.0)
    turn = north + convergence_deg(frame, place.lon, place.lat)
    stand = Stand(turn, 1.0, pivot, _metres(place.lon, place.lat, frame), height)
    return Candidate("place", 0, "said by the caller", stand, assumed=tuple(assumed))


def _as_written(
    facts: dict[str, Any], frame: Frame, unit_m: float, crs: str | None, place: Place
) -> Iterator[Candidate]:
    if facts["site"] is not None and facts["site"]["latitude"] is not None:
        yield _from_degrees(facts, frame, place)
    yield from _from_placements(facts, frame, crs)
    for each in facts["conversions"]:
        yield from _from_conversion(each, frame, unit_m, crs, place)


def _from_degrees(facts: dict[str, Any], frame: Frame, place: Place) -> Candidate:
    """Return LoGeoRef 20: the site's reference point in degrees, with true north of LoGeoRef 40."""
    site = facts["site"]
    lat, lon, height = degrees(site["latitude"]), degrees(site["longitude"]), site["elevation_m"]
    says = f"IfcSite at latitude {lat}, longitude {lon}, elevation {height} m"
    if lat is None or lon is None or not (abs(lat) <= 90 and abs(lon) <= 180):
        return Candidate("20", 20, says, why_not="not a place on Earth")
    if lat == 0 == lon:
        return Candidate("20", 20, says, why_not="zero, zero: a place nobody filled in")
    if height is None and place.height_m is None:
        return Candidate("20", 20, says, why_not="no RefElevation: give --place ,,,height")
    north, stated = north_deg(facts["contexts"])
    says += f", true north {north:.4f}° clockwise from y" if stated else ""
    origin = _origin(facts)
    to_m = _metres(lon, lat, frame)
    if not all(map(math.isfinite, to_m)):
        return Candidate("20", 20, says, why_not=f"no place in {frame.name}")
    turn = north + convergence_deg(frame, lon, lat)
    lift = (height or 0.0) - origin[2]
    assumed = () if stated else (_NORTH_BY_DEFAULT,)
    return Candidate("20", 20, says, Stand(turn, 1.0, origin[:2], to_m, lift), assumed=assumed)


def _from_placements(facts: dict[str, Any], frame: Frame, crs: str | None) -> Iterator[Candidate]:
    """Yield LoGeoRef 30 and 40: coordinates so large that they can only be a map's."""
    found = []
    if facts["placement"] is not None:
        # Meshes carry this placement already, so they are in the map's coordinates as they are.
        origin = _origin(facts)
        found.append(("30", 30, f"{facts['placement']['of']} placed", origin, 0.0, origin))
    for each in facts["contexts"][:1]:
        origin = (each["origin_m"][0], each["origin_m"][1], each["origin_m"][2])
        turn = math.degrees(math.atan2(each["x_axis"][1], each["x_axis"][0]))
        what = "the context's world coordinate system lies"
        found.append(("40", 40, what, origin, turn, (0.0, 0.0, 0.0)))
    for name, level, what, origin, turn, pivot in found:
        if math.hypot(*origin[:2]) <= FAR_M:
            continue
        says = f"{what} at {origin[0]:.3f}, {origin[1]:.3f}, {origin[2]:.3f} m"
        if crs is None:
            fits = _inside(origin, frame)
            hint = f"; they fit {frame.name}, the city's own" if fits else ""
            why = f"a map's coordinates without the name of their frame: give --crs{hint}"
            yield Candidate(name, level, says, why_not=why)
        else:
            at, lift = origin[:2], origin[2] - pivot[2]
            yield _set_down(name, level, says, frame, crs, at, turn, 1.0, lift, pivot[:2])


def _from_conversion(
    each: dict[str, Any], frame: Frame, unit_m: float, crs: str | None, place: Place
) -> Iterator[Candidate]:
    """Yield LoGeoRef 50, in each way that its units can be read."""
    called = each["crs"] or crs
    numbers = (each["eastings"], each["northings"])
    scale, height = each["scale"], each["height"]
    says = (
        f"{each['from']} to {called or 'an unnamed frame'}: E {numbers[0]}, N {numbers[1]}, "
        f"H {height}, x axis {each['x_axis']}, Scale {scale}"
    )
    if not all(isinstance(value, int | float) for value in numbers):
        yield Candidate("50", 50, says, why_not="no eastings and northings")
        return
    if height is None and place.height_m is None:
        yield Candidate("50", 50, says, why_not="no OrthogonalHeight: give --place ,,,height")
        return
    if called is None:
        yield Candidate("50", 50, says, why_not="it names no frame: give --crs")
        return
    for name, map_unit_m, factor, assumed in _readings(each, unit_m, numbers, called, frame):
        a, b = each["x_axis"]
        theta = math.atan2(b or 0.0, a if a is not None else 1.0) if (a or b) else 0.0
        made = _set_down(
            name,
            50,
            says,
            frame,
            called,
            (numbers[0] * map_unit_m, numbers[1] * map_unit_m),
            math.degrees(theta),
            factor,
            (height or 0.0) * map_unit_m,
            (0.0, 0.0),
        )
        yield replace(made, assumed=assumed)


def _readings(
    each: dict[str, Any], unit_m: float, numbers: tuple[float, float], crs: str, frame: Frame
) -> Iterator[tuple[str, float, float, tuple[str, ...]]]:
    """Yield how a conversion can be read: id, map unit in m, metres a metre, what is assumed.

    Scale turns the project's unit into the map's.  A missing one follows from the units; one that
    contradicts them makes two readings.
    """
    map_unit_m, scale = each["map_unit_m"] or 1.0, each["scale"]
    implied = unit_m / map_unit_m
    mixed = abs(implied - 1) > _UNIT_SLACK
    if scale is None:
        text = (
            f"Scale is missing though the project's unit is {unit_m:g} m and the map's "
            f"{map_unit_m:g} m: taken as {implied:g}, which follows from the units"
        )
        yield "50", map_unit_m, 1.0, (text,) if mixed else ()
    elif abs(scale / implied - 1) <= _UNIT_SLACK:
        yield "50", map_unit_m, scale / implied, ()
    elif mixed and abs(scale - 1) <= _UNIT_SLACK:
        yield "50-units", map_unit_m, scale, (f"Scale {scale} read as {implied:g}, by the units",)
        yield "50-written", map_unit_m, scale / implied, (f"Scale {scale} as it is written",)
    else:
        text = f"Scale {scale} makes the model {scale / implied:g} times as large"
        yield "50", map_unit_m, scale / implied, (text,)
    if each["map_unit_m"] is None and abs(unit_m - 1) > _UNIT_SLACK:
        small = (numbers[0] * unit_m, numbers[1] * unit_m)
        if _inside(_moved(small, crs, frame), frame):
            text = f"eastings and northings read in the project's unit, {unit_m:g} m"
            yield "50-project-unit", unit_m, 1.0, (text,)


def _set_down(
    name: str,
    level: int,
    says: str,
    frame: Frame,
    crs: str,
    at: tuple[float, float],
    turn_deg: float,
    factor: float,
    lift_m: float,
    pivot: tuple[float, float],
) -> Candidate:
    """Return a candidate from coordinates in a map's frame, turned and scaled into the city's."""
    try:
        source = parse_crs(crs)
        if source.is_geographic:
            return Candidate(name, level, says, why_not=f"{crs} is in degrees, not a map's frame")
        xs = np.array([at[0], at[0] + _PROBE_M])
        x, y = move_points(xs, np.array([at[1], at[1]]), source, frame.name)
    except InvalidInputError as error:
        return Candidate(name, level, says, why_not=f"{error}; or give --crs")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return Candidate(name, level, says, why_not=f"no place in {frame.name}")
    across, up = float(x[1] - x[0]), float(y[1] - y[0])
    turn = turn_deg + math.degrees(math.atan2(up, across))
    to_m = (float(x[0]), float(y[0]))
    stand = Stand(turn, factor * math.hypot(across, up) / _PROBE_M, pivot, to_m, lift_m)
    return Candidate(name, level, says, stand)


def _origin(facts: dict[str, Any]) -> tuple[float, float, float]:
    """Return where the topmost thing is placed, in the model's coordinates, m."""
    placed = facts["placement"]
    if placed is None:
        return 0.0, 0.0, 0.0
    x, y, z = (float(row[3]) for row in placed["matrix"][:3])
    return x, y, z


def _moved(at: tuple[float, float], crs: str, frame: Frame) -> tuple[float, float]:
    try:
        x, y = move_points(np.array([at[0]]), np.array([at[1]]), parse_crs(crs), frame.name)
    except InvalidInputError:
        return math.nan, math.nan
    return float(x[0]), float(y[0])


def _inside(at: tuple[float, ...], frame: Frame) -> bool:
    low_x, low_y, high_x, high_y = frame.extent
    return low_x <= at[0] <= high_x and low_y <= at[1] <= high_y


def _metres(lon: float, lat: float, frame: Frame) -> tuple[float, float]:
    x, y = move_points(np.array([lon]), np.array([lat]), LONLAT, frame.name)
    return float(x[0]), float(y[0])


def _lonlat(at: tuple[float, float], frame: Frame) -> tuple[float, float]:
    lon, lat = move_points(np.array([at[0]]), np.array([at[1]]), frame.name, LONLAT)
    return float(lon[0]), float(lat[0])
