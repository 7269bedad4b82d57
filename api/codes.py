"""Turn requests about codes into domain values."""

from typing import Annotated, NamedTuple

from fastapi import Depends, Request

from api.query_words import require_known
from twin.codes.beidou import HELD_LEVEL
from twin.errors import InvalidInputError


class PlaceAsked(NamedTuple):
    """A point and a level."""

    lon: str
    lat: str
    level: int
    datum: str | None


class AreaAsked(NamedTuple):
    """An area to be covered with cells."""

    area: str
    level: int
    whole: bool


def read_level(word: str | None) -> int:
    """Return a level of the BeiDou grid; the one that things carry if none is said."""
    if word is None:
        return HELD_LEVEL
    if not (word.isascii() and word.isdigit() and len(word) <= 2):
        raise InvalidInputError(f"level is a whole number from 1 to 10, not {word!r}")
    return int(word)


async def _place(request: Request) -> PlaceAsked:
    require_known(request, ("lon", "lat", "level", "datum"))
    query = request.query_params
    lon, lat = query.get("lon"), query.get("lat")
    if lon is None or lat is None:
        raise InvalidInputError("give lon and lat in degrees; a code goes into the address")
    return PlaceAsked(lon, lat, read_level(query.get("level")), query.get("datum"))


async def _area(request: Request) -> AreaAsked:
    require_known(request, ("area", "level", "whole"))
    query = request.query_params
    if "area" not in query:
        raise InvalidInputError("give area: WKT or a GeoJSON geometry, degrees, longitude first")
    if query.get("whole") not in (None, "true", "false"):
        raise InvalidInputError(f"whole is true or false, not {query['whole']!r}")
    return AreaAsked(query["area"], read_level(query.get("level")), query.get("whole") == "true")


PlaceAskedParam = Annotated[PlaceAsked, Depends(_place)]
AreaAskedParam = Annotated[AreaAsked, Depends(_area)]
