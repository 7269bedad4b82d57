"""OGC API - Features, Part 1 (OGC 17-069r4): layers as collections, and their features."""

import orjson
from fastapi import APIRouter, Request, Response

from api import documents, html, render
from api.dependencies import CityParam, ItemsParam, LayerParam, OnlyFormat, write_cursor
from api.links import GEOJSON, SCHEMA, address, base, header
from api.negotiate import JsonOnly, WantsHtml
from layers import query

router = APIRouter()


@router.get("/collections", dependencies=[OnlyFormat])
def collections(request: Request, city: CityParam, wants_html: WantsHtml) -> Response:
    """Return the layers, clause 7.13."""
    counts = request.app.state.totals.of(city)
    if wants_html:
        return render.page(request, html.collections(base(request), city, counts))
    return render.answer(request, documents.collections(request, city, counts))


@router.get("/collections/{layer_id}", dependencies=[OnlyFormat])
def collection(
    request: Request, city: CityParam, layer: LayerParam, wants_html: WantsHtml
) -> Response:
    """Return one layer, clause 7.14."""
    count = request.app.state.totals.of(city)[layer.id]
    if wants_html:
        return render.page(request, html.collection(base(request), city, layer, count))
    extent = city.frame.lonlat_extent()
    return render.answer(request, documents.collection(request, layer, extent, count))


@router.get("/collections/{layer_id}/queryables", dependencies=[OnlyFormat, JsonOnly])
async def queryables(request: Request, layer: LayerParam) -> Response:
    """Return what a layer can be filtered by."""
    return render.answer(request, documents.queryables(request, layer), SCHEMA)


@router.get("/collections/{layer_id}/items")
def items(
    request: Request, city: CityParam, layer: LayerParam, asked: ItemsParam, wants_html: WantsHtml
) -> Response:
    """Return a page of features, clause 7.15."""
    found = query.page(
        city, layer, asked.selection, after=asked.after, limit=asked.limit, names=asked.names
    )
    matched = query.count(city, layer, asked.selection) if asked.counted else found.matched
    cursor = None if found.last is None else write_cursor(found.last)
    if wants_html:
        following = cursor and address(request, cursor=cursor, f="html")
        json = address(request, f="json")
        made = html.items(base(request), city, found, matched, json=json, following=following)
        return render.page(request, made)
    links = documents.items_links(request, layer, cursor)
    body = render.feature_collection(found, links, matched)
    return render.respond(request, body, GEOJSON, headers={"Link": header(links, ("next",))})


@router.get("/collections/{layer_id}/items/{feature_id}", dependencies=[OnlyFormat])
def item(
    request: Request, city: CityParam, layer: LayerParam, feature_id: str, wants_html: WantsHtml
) -> Response:
    """Return one feature by its id or uid, clause 7.16."""
    found = query.one(city, layer, feature_id)
    if wants_html:
        json = address(request, f="json")
        return render.page(request, html.item(base(request), city, found, json=json))
    feature = render.features(found)[0] | {"links": documents.item_links(request, layer)}
    return render.respond(request, orjson.dumps(feature), GEOJSON)
