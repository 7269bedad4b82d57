"""What the map page asks: the city, and the layers with their looks."""

from fastapi import APIRouter, Request, Response

from api import documents
from api.dependencies import CityParam, Nothing
from api.render import answer, catalogue_entry
from layers import layers

router = APIRouter(dependencies=[Nothing])


@router.get("/city")
def city(request: Request, city: CityParam) -> Response:
    """Return the city: its name, frame, extent, and how much it holds."""
    return answer(request, documents.city(city, request.app.state.totals.of(city)))


@router.get("/layers")
def catalogue(request: Request, city: CityParam) -> Response:
    """Return the layers as a map lists and draws them, bottom first."""
    counts = request.app.state.totals.of(city).counts
    return answer(
        request, [catalogue_entry(layer, counts[layer.id]) for layer in layers().values()]
    )
