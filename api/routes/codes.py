"""Codes of places and things: read, checked, made.  They need no city."""

from fastapi import APIRouter, Request, Response

from api.codes import AreaAskedParam, PlaceAskedParam
from api.dependencies import Nothing
from api.render import answer
from twin.codes import answers

router = APIRouter()


@router.get("/codes/beidou")
def beidou(request: Request, place: PlaceAskedParam) -> Response:
    """Return the BeiDou cell around a point."""
    return answer(request, answers.about_point(place.lon, place.lat, place.level, place.datum))


@router.get("/codes/beidou/cover")
def beidou_cover(request: Request, asked: AreaAskedParam) -> Response:
    """Return the BeiDou cells that cover an area."""
    return answer(request, answers.about_area(asked.area, asked.level, whole=asked.whole))


@router.get("/codes/beidou/{code}", dependencies=[Nothing])
def beidou_cell(request: Request, code: str) -> Response:
    """Return the BeiDou cell that a code names."""
    return answer(request, answers.about_code(code))


@router.get("/codes/{kind}/{code}", dependencies=[Nothing])
def parts(request: Request, kind: str, code: str) -> Response:
    """Return the parts of a code of a region, grid cell, component or event."""
    return answer(request, answers.about_digits(kind, code))
