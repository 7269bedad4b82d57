"""Vector tiles on all grids, TileJSON 3.0, the grids themselves, and the city's MapLibre style."""

from collections.abc import Sequence
from dataclasses import replace

from fastapi import APIRouter, Request, Response

from api import documents, tile_documents
from api.dependencies import (
    CityParam,
    GridParam,
    LayerParam,
    LayersParam,
    NamedGrid,
    OnlyFormat,
    OwnTileFiltersParam,
    Place,
    PlaceOnGridParam,
    PlaceParam,
    StyleAsOfParam,
    TileFiltersParam,
)
from api.negotiate import JsonOnly
from api.past import lasting, moment_of
from api.render import answer, tile_response
from layers import Layer, layers
from layers.filter import EVERYTHING, Selection
from layers.past import at_moment
from tiles.cache import Made
from tiles.encodings.mvt import vector_tile
from tiles.grid import WEB_MERCATOR
from twin.database import City

router = APIRouter()
_MERCATOR = NamedGrid(WEB_MERCATOR.id, WEB_MERCATOR)


@router.get("/tiles/{layer_ids}.json")
def tilejson(
    request: Request, city: CityParam, layers: LayersParam, filters: TileFiltersParam
) -> Response:
    """Return where the tiles of some layers are; its query is passed on to them."""
    return _tilejson(request, city, layers, _MERCATOR, filters)


@router.get("/tiles/{layer_ids}/{grid_id}.json")
def tilejson_on_grid(
    request: Request,
    city: CityParam,
    layers: LayersParam,
    grid: GridParam,
    filters: TileFiltersParam,
) -> Response:
    """Return where the tiles of some layers are on a grid."""
    return _tilejson(request, city, layers, grid, filters)


@router.get("/tiles/{layer_ids}/{z}/{x}/{y}")
def tile(
    request: Request,
    city: CityParam,
    layers: LayersParam,
    place: PlaceParam,
    filters: TileFiltersParam,
) -> Response:
    """Return one tile: 204 if it is empty, 304 if the client has it already."""
    return _tile(request, city, layers, place, filters)


@router.get("/tiles/{layer_ids}/{grid_id}/{z}/{x}/{y}")
def tile_on_grid(
    request: Request,
    city: CityParam,
    layers: LayersParam,
    place: PlaceOnGridParam,
    filters: TileFiltersParam,
) -> Response:
    """Return one tile of a grid."""
    return _tile(request, city, layers, place, filters)


@router.get("/collections/{layer_id}/tiles/{grid_id}/{z}/{y}/{x}")
def tile_of_collection(
    request: Request,
    city: CityParam,
    layer: LayerParam,
    place: PlaceOnGridParam,
    filters: OwnTileFiltersParam,
) -> Response:
    """Return one tile by matrix, row and column, in this order (OGC 20-057, clause 7)."""
    return _tile(request, city, (layer,), place, filters)


@router.get("/tileMatrixSets", dependencies=[OnlyFormat, JsonOnly])
def matrix_sets(request: Request, city: CityParam) -> Response:
    """Return the list of the grids."""
    return answer(request, tile_documents.matrix_sets(request, city.frame))


@router.get("/tileMatrixSets/{grid_id}", dependencies=[OnlyFormat, JsonOnly])
def matrix_set(request: Request, grid: GridParam) -> Response:
    """Return the definition of one grid."""
    return answer(request, tile_documents.matrix_set(request, grid))


@router.get("/styles/city.json")
def style(request: Request, city: CityParam, as_of: StyleAsOfParam) -> Response:
    """Return the city's MapLibre style, also that of a moment."""
    at_moment(city, Selection(as_of=as_of))
    state = request.app.state
    editions = {name: state.editions.of(city, [layer]) for name, layer in layers().items()}
    return answer(request, documents.style(request, city, state.totals.of(city), editions))


def _tilejson(
    request: Request, city: City, shown: Sequence[Layer], grid: NamedGrid, filters: Selection
) -> Response:
    state = request.app.state
    edition = state.editions.of(city, shown)
    holding = state.totals.of(city)
    if at_moment(city, filters).as_of is not None:
        # What there was need not be where there is something now.
        everywhere = dict.fromkeys(holding.boxes, city.frame.lonlat_extent())
        holding = replace(holding, boxes=everywhere)
    return answer(request, tile_documents.tilejson(request, holding, shown, grid, edition))


def _tile(
    request: Request, city: City, shown: Sequence[Layer], place: Place, filters: Selection
) -> Response:
    engine = request.app.state.tiles
    if filters == EVERYTHING and engine.ready:
        return tile_response(request, engine.tile(shown, place.tile, place.grid))
    filters = at_moment(city, filters)
    made = vector_tile(city, shown, place.tile, filters, grid=place.grid)
    return tile_response(request, Made(made), lasting(moment_of(filters)))
