"""OGC API - Features, Part 1 (OGC 17-069r4): layers as collections, and their features."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request, Response

from api import documents, html, render
from api.dependencies import (
    AskedFeature,
    CityParam,
    FileParam,
    Items,
    ItemsParam,
    LayerParam,
    OneParam,
    OnlyFormat,
)
from api.element_file import document as element_document
from api.element_file import links as element_links
from api.feature_answer import page
from api.links import GEOJSON, SCHEMA, address, base
from api.negotiate import JsonOnly, WantsHtml
from api.past import lasting, moment_of, pinned, told
from api.query_words import write_cursor
from layers import Layer, file, query
from layers.filter import EVERYTHING
from layers.past import at_moment
from twin.database import City
from twin.history import Moment, moment

router = APIRouter()


@router.get("/collections", dependencies=[OnlyFormat])
def collections(request: Request, city: CityParam, wants_html: WantsHtml) -> Response:
    """Return the layers, clause 7.13."""
    holding = request.app.state.totals.of(city)
    if wants_html:
        return render.page(request, html.collections(base(request), city, holding.counts))
    return render.answer(request, documents.collections(request, holding))


@router.get("/collections/{layer_id}", dependencies=[OnlyFormat])
def collection(
    request: Request, city: CityParam, layer: LayerParam, wants_html: WantsHtml
) -> Response:
    """Return one layer, clause 7.14."""
    holding = request.app.state.totals.of(city)
    if wants_html:
        count = holding.counts[layer.id]
        return render.page(request, html.collection(base(request), city, layer, count))
    return render.answer(request, documents.collection(request, layer, holding))


@router.get("/collections/{layer_id}/queryables", dependencies=[OnlyFormat, JsonOnly])
async def queryables(request: Request, layer: LayerParam) -> Response:
    """Return what a layer can be filtered by."""
    return render.answer(request, documents.queryables(request, layer), SCHEMA)


@router.get("/collections/{layer_id}/items")
def items(
    request: Request, city: CityParam, layer: LayerParam, asked: ItemsParam, wants_html: WantsHtml
) -> Response:
    """Return a page of features, clause 7.15."""
    asked = asked._replace(selection=at_moment(city, asked.selection))
    known = moment_of(asked.selection)
    ask: Callable[..., Any] = query.page if wants_html else query.written
    found = ask(
        city, layer, asked.selection, after=asked.after, limit=asked.limit, names=asked.names
    )
    matched = found.matched
    if matched is None:
        matched = _matched(request, city, layer, asked)
    if not wants_html:
        return page(request, layer, found, matched, known)
    json, following = address(request, f="json"), _following(request, found.last, known)
    made = html.items(
        base(request), city, found, matched, json=json, following=following, known=known
    )
    return render.page(request, made, lasting(known))


def _following(request: Request, last: int | None, known: Moment | None) -> str | None:
    """Return the address of the next page for people, if there is one."""
    if last is None:
        return None
    return address(request, cursor=write_cursor(last), f="html", **pinned(known))


def _matched(request: Request, city: City, layer: Layer, asked: Items) -> int | None:
    """Return how many features match, exactly, where it is known or asked for."""
    if asked.selection == EVERYTHING:
        return int(request.app.state.totals.of(city).counts[layer.id])
    return query.count(city, layer, asked.selection) if asked.counted else None


@router.get("/collections/{layer_id}/items/{feature_id}")
def item(
    request: Request,
    city: CityParam,
    layer: LayerParam,
    feature_id: str,
    asked: OneParam,
    wants_html: WantsHtml,
) -> Response:
    """Return one feature by its id or uid, clause 7.16; also as it was known at a moment."""
    known = _known(city, layer, feature_id, asked)
    if wants_html:
        found = query.one(city, layer, feature_id, known)
        made = html.item(base(request), city, found, json=address(request, f="json"), known=known)
        return render.page(request, made, lasting(known))
    text = request.app.state.tiles.feature(layer, feature_id) if known is None else None
    if text is None:
        text = query.one_written(city, layer, feature_id, known).encode()
    feature = render.feature(text, documents.item_links(request, layer), told(known))
    return render.respond(request, feature, GEOJSON, headers=lasting(known))


@router.get("/collections/{layer_id}/items/{feature_id}/file")
def element_file(
    request: Request,
    city: CityParam,
    layer: LayerParam,
    feature_id: str,
    asked: FileParam,
    wants_html: WantsHtml,
) -> Response:
    """Return all that is, or was, known of one feature: one element, one file (一要素一档案)."""
    known = _known(city, layer, feature_id, asked)
    found = file.file_of(city, layer, feature_id, distance_m=asked.distance_m, known=known)
    if wants_html:
        links = element_links(request, found.subject)
        made = html.element_file(base(request), city, found, links)
        return render.page(request, made, lasting(known))
    return render.answer(request, element_document(request, found), headers=lasting(known))


def _known(city: City, layer: Layer, feature_id: str, asked: AskedFeature) -> Moment | None:
    """Return the moment that a feature is asked of, after a look whether it held in the world."""
    known = None if asked.as_of is None else moment(city.session, asked.as_of)
    if asked.period is not None:
        query.require_held(city, layer, feature_id, asked.period, known)
    return known
