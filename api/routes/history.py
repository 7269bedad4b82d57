"""What the city was known to be: states of a feature, differences between two moments."""

from fastapi import APIRouter, Request, Response

from api import past
from api.dependencies import (
    Between,
    BetweenParam,
    CityParam,
    LayerParam,
    OnlyFormat,
    PlaceOnGridParam,
    SpanParam,
)
from api.links import GEOJSON
from api.negotiate import JsonOnly
from api.render import answer, tile_response
from layers.differences import differences
from tiles.cache import Made
from tiles.encodings.differences import difference_tile
from twin import history
from twin.database import City
from twin.history import Moment

router = APIRouter()


@router.get(
    "/collections/{layer_id}/items/{feature_id}/history", dependencies=[OnlyFormat, JsonOnly]
)
def states(request: Request, city: CityParam, layer: LayerParam, feature_id: str) -> Response:
    """Return all states of one feature, oldest first, with who wrote them and when."""
    found = history.states(city, layer.id, feature_id)
    return answer(request, past.timeline(request, layer, found))


@router.get("/collections/{layer_id}/changes", dependencies=[JsonOnly])
def changes(request: Request, city: CityParam, layer: LayerParam, asked: BetweenParam) -> Response:
    """Return what differs in a layer between two moments, or from one until now."""
    since, until = moments(city, asked)
    found = differences(
        city, layer, since, until, box=asked.box, after=asked.after, limit=asked.limit
    )
    document = past.changes(request, layer, found, since, until)
    return answer(request, document, GEOJSON, headers=past.lasting(since, until))


@router.get("/collections/{layer_id}/changes/tiles/{grid_id}/{z}/{y}/{x}")
def changes_tile(
    request: Request, city: CityParam, layer: LayerParam, place: PlaceOnGridParam, asked: SpanParam
) -> Response:
    """Return what differs between two moments in one tile, by matrix, row and column."""
    since, until = moments(city, asked)
    made = difference_tile(city, layer, place.tile, since, until, grid=place.grid)
    return tile_response(request, Made(made), past.lasting(since, until))


def moments(city: City, asked: Between) -> tuple[Moment, Moment]:
    """Return the two moments that a request is about."""
    since = history.moment(city.session, asked.since)
    if asked.until is None:
        # The last commit is final, but what is asked for is now.
        return since, history.last_moment(city.session)._replace(final=False)
    return since, history.moment(city.session, asked.until)
