"""OGC API - Common: the entrance, what the service conforms to, its description."""

from fastapi import APIRouter, Request, Response

from api import documents, html, openapi
from api.dependencies import CityParam, Nothing, OnlyFormat
from api.links import OPENAPI, base
from api.negotiate import JsonOnly, WantsHtml
from api.render import answer, page, respond

router = APIRouter()


@router.get("/", dependencies=[OnlyFormat])
def landing(request: Request, city: CityParam, wants_html: WantsHtml) -> Response:
    """Return the entrance."""
    if wants_html:
        counts = request.app.state.totals.of(city).counts
        return page(request, html.landing(base(request), city, counts))
    return answer(request, documents.landing(request, city))


@router.get("/conformance", dependencies=[OnlyFormat, JsonOnly])
async def conformance(request: Request) -> Response:
    """Return the conformance classes that are kept."""
    return answer(request, {"conformsTo": documents.CONFORMANCE})


@router.get("/api", dependencies=[OnlyFormat, JsonOnly])
async def description(request: Request) -> Response:
    """Return the service's description, OpenAPI 3.0.3."""
    return respond(request, openapi.document(base(request)), OPENAPI)


@router.get("/health", dependencies=[Nothing])
def health(request: Request, city: CityParam) -> Response:
    """Say that the service and its database answer."""
    counts = request.app.state.totals.of(city).counts
    return answer(
        request,
        {
            "status": "ok",
            "city": city.name,
            "features": sum(counts.values()),
            "tiles": request.app.state.tiles.status(),
        },
    )
