"""Turn requests about codes into domain values."""

from typing import Annotated, NamedTuple

from fastapi import Depends, Request

from api.dependencies import require_known
from twin.codes.beidou import HELD_LEVEL
from twin.errors import InvalidInputError


class PlaceAsked(NamedTuple):
    """A code, or a point and a level."""

    code: str | None
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
    require_known(request, ("code", "lon", "lat", "level", "datum"))
    query = request.query_params
    code, lon, lat = query.get("code"), query.get("lon"), query.get("lat")
    if code is not None and len(query) > 1:
        raise InvalidInputError("code stands alone: it says place and level")
    if code is None and (lon is None or lat is None):
        raise InvalidInputError("give lon and lat in degrees, or code")
    return PlaceAsked(
        code, lon or "", lat or "", read_level(query.get("level")), query.get("datum")
    )


async def _area(request: Request) -> AreaAsked:
    require_known(request, ("area", "level", "whole"))
    query = request.query_params
    if "area" not in query:
        raise InvalidInputError("give area: WKT or a GeoJSON geometry, degrees, longitude first")
    if query.get("whole") not in (None, "true", "false"):
        raise InvalidInputError(f"whole is true or false, not {query['whole']!r}")
    return AreaAsked(query["area"], read_level(query.get("level")), query.get("whole") == "true")


async def _digits(request: Request, kind: str, code: str) -> tuple[str, str]:
    require_known(request, ())
    return kind, code


PlaceAskedParam = Annotated[PlaceAsked, Depends(_place)]
AreaAskedParam = Annotated[AreaAsked, Depends(_area)]
DigitsParam = Annotated[tuple[str, str], Depends(_digits)]
