"""What tiles weigh, and what to do about it."""

from fastapi import APIRouter, Request, Response

from api import html
from api.dependencies import CityParam, LayersParam, Nothing, PlaceParam, ReportParam
from api.links import base
from api.negotiate import WantsHtml
from api.render import answer, page
from api.weights import of_tile, weights

router = APIRouter()


@router.get("/tiles/report")
def tile_report(
    request: Request, city: CityParam, asked: ReportParam, wants_html: WantsHtml
) -> Response:
    """Return the heaviest tile of each layer and level, and what to do about it."""
    found = weights(request.app.state.tiles, asked)
    if wants_html:
        return page(request, html.tile_report(base(request), city, found))
    return answer(request, found)


@router.get("/tiles/report/{layer_ids}/{z}/{x}/{y}", dependencies=[Nothing])
def one_tile(request: Request, city: CityParam, layers: LayersParam, place: PlaceParam) -> Response:
    """Return what became of the features of some layers in one tile."""
    return answer(request, of_tile(request.app.state.tiles, layers, place.tile))
