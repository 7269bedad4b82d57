"""What rules found in the data, and when somebody looked."""

from fastapi import APIRouter, Request, Response

from api import html
from api.dependencies import CityParam, OnlyFormat, QualityParam, RunNumberParam
from api.links import base
from api.negotiate import WantsHtml
from api.render import answer, page
from twin.quality import one_run, overview

router = APIRouter()


@router.get("/quality")
def quality(
    request: Request, city: CityParam, asked: QualityParam, wants_html: WantsHtml
) -> Response:
    """Return the latest look at the data, of a layer or a load if one is named."""
    found = overview(city.session, layer=asked.layer, load_id=asked.load_id)
    if wants_html:
        return page(request, html.quality(base(request), city, found))
    return answer(request, found)


@router.get("/quality/{run}", dependencies=[OnlyFormat])
def quality_run(
    request: Request, city: CityParam, run: RunNumberParam, wants_html: WantsHtml
) -> Response:
    """Return one look at the data."""
    found = one_run(city.session, run)
    if wants_html:
        return page(request, html.quality(base(request), city, found))
    return answer(request, found)
