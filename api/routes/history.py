"""What the city was known to be: the states of a feature."""

from fastapi import APIRouter, Request, Response

from api import past
from api.dependencies import CityParam, LayerParam, OnlyFormat
from api.negotiate import JsonOnly
from api.render import answer
from twin import history

router = APIRouter()


@router.get(
    "/collections/{layer_id}/items/{feature_id}/history", dependencies=[OnlyFormat, JsonOnly]
)
def states(request: Request, city: CityParam, layer: LayerParam, feature_id: str) -> Response:
    """Return all states of one feature, oldest first, with who wrote them and when."""
    found = history.states(city, layer.id, feature_id)
    return answer(request, past.timeline(request, layer, found))
