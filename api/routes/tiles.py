"""Vector tiles by z/x/y, TileJSON 3.0, and the city's MapLibre style."""

from fastapi import APIRouter, Request, Response

from api import documents
from api.dependencies import CityParam, LayersParam, Nothing, TileFiltersParam, TileParam
from api.render import answer, tile_response
from layers.filter import EVERYTHING
from tiles.cache import Made
from tiles.encodings.mvt import vector_tile

router = APIRouter()


@router.get("/tiles/{layer_ids}.json")
def tilejson(
    request: Request, city: CityParam, layers: LayersParam, filters: TileFiltersParam
) -> Response:
    """Return where the tiles of some layers are; its query is passed on to them."""
    holding = request.app.state.totals.of(city)
    return answer(request, documents.tilejson(request, holding, layers))


@router.get("/tiles/{layer_ids}/{z}/{x}/{y}")
def tile(
    request: Request,
    city: CityParam,
    layers: LayersParam,
    address: TileParam,
    filters: TileFiltersParam,
) -> Response:
    """Return one tile: 204 if it is empty, 304 if the client has it already."""
    engine = request.app.state.tiles
    if filters == EVERYTHING and engine.ready:
        return tile_response(request, engine.tile(layers, address))
    return tile_response(request, Made(vector_tile(city, layers, address, filters)))


@router.get("/styles/city.json", dependencies=[Nothing])
def style(request: Request, city: CityParam) -> Response:
    """Return the city's MapLibre style."""
    return answer(request, documents.style(request, city, request.app.state.totals.of(city)))
