"""GeoJSON in, city metres inside, GeoJSON out."""

import json
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from twin.crs import LONLAT, CityGeometry, Frame, LonLatGeometry, reproject
from twin.errors import InvalidInputError

MOST_VERTICES = 50_000
_AREAS = ("Polygon", "MultiPolygon")


def read_geometry(
    document: dict[str, Any], frame: Frame, kinds: Collection[str], *, called: str
) -> CityGeometry:
    """Return a GeoJSON geometry in the city's frame, without heights.

    Parameters
    ----------
    document : dict
        The geometry, longitude first, degrees.
    frame : Frame
        The city's frame.
    kinds : collection of str
        The GeoJSON types that make sense here.
    called : str
        What the caller calls the input.

    Raises
    ------
    InvalidInputError
        If it is no geometry, of another type, empty, crosses itself, or lies outside the city.
    """
    kind = document.get("type")
    if kind not in kinds:
        raise InvalidInputError(
            f"{called} must be a GeoJSON geometry of type {', '.join(kinds)}, not {kind!r}"
        )
    try:
        parsed: BaseGeometry = shapely.force_2d(shapely.from_geojson(json.dumps(document)))
    except (shapely.errors.ShapelyError, ValueError, TypeError) as error:
        raise InvalidInputError(f"{called} is not a GeoJSON {kind}: {error}") from error
    _require_sound(parsed, called)
    return frame.to_city(LonLatGeometry(parsed))


def _require_sound(geometry: BaseGeometry, called: str) -> None:
    if geometry.is_empty:
        raise InvalidInputError(f"{called} is empty: it has no coordinates")
    vertices = shapely.get_num_coordinates(geometry)
    if vertices > MOST_VERTICES:
        raise InvalidInputError(
            f"{called} has {vertices} vertices; {MOST_VERTICES} is the most: simplify it"
        )
    if not np.isfinite(shapely.get_coordinates(geometry)).all():
        raise InvalidInputError(f"{called} has a coordinate that is not a number")
    if geometry.geom_type in _AREAS and not geometry.is_valid:
        raise InvalidInputError(
            f"{called} is not a sound polygon: {shapely.is_valid_reason(geometry)}"
        )


def to_geojsons(geometries: Sequence[BaseGeometry], frame: Frame) -> list[dict[str, Any]]:
    """Return geometries of the city as GeoJSON, brought to degrees in one go."""
    degrees = reproject(np.array(geometries, dtype=object), frame.name, LONLAT)
    rounded = shapely.transform(degrees, lambda xy: np.round(xy, 7))
    return [json.loads(each) for each in shapely.to_geojson(rounded)]


def to_geojson(geometry: BaseGeometry, frame: Frame) -> dict[str, Any]:
    """Return a geometry of the city as GeoJSON, seven decimals of a degree (a centimetre)."""
    degrees = frame.to_lonlat(CityGeometry(geometry))
    rounded = shapely.transform(degrees, lambda xy: np.round(xy, 7))
    document: dict[str, Any] = json.loads(shapely.to_geojson(rounded))
    return document
