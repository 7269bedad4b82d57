"""The documents that describe the service: what there is, and where."""

from collections.abc import Mapping
from typing import Any

from fastapi import Request

from api.links import GEOJSON, HTML, JSON, OGC, OPENAPI, SCHEMA, Link, address, base, here, link
from api.render import words
from layers import BACKGROUND, Field, Layer, layers
from layers.filter import queryable
from layers.totals import Holding
from tiles.encodings import mvt
from twin.crs import LonLatBox
from twin.database import City

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
CONFORMANCE = (
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/collections",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/html",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30",
)
_SCHEMAS: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "integer": {"type": "integer", "format": "int64"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date-time": {"type": "string", "format": "date-time"},
    "uuid": {"type": "string", "format": "uuid"},
    "strings": {"type": "array", "items": {"type": "string"}},
    "object": {"type": "object"},
}


def landing(request: Request, city: City | None) -> dict[str, Any]:
    """Return the entrance of the service."""
    root = base(request)
    title = "City twin" if city is None else city.name
    return {
        "title": title,
        "description": "城市数字孪生 · A digital twin of one city.",
        "links": [
            *here(request),
            link(f"{root}/api", "service-desc", OPENAPI, "What can be asked, OpenAPI 3.0"),
            link(f"{root}/collections?f=html", "service-doc", HTML, "The layers, for people"),
            link(f"{root}/conformance", "conformance", JSON, "Conformance"),
            link(f"{root}/collections", "data", JSON, "The layers"),
            link(f"{root}/processes", f"{OGC}processes", JSON, "The analyses"),
            link(f"{root}/jobs", f"{OGC}job-list", JSON, "Stored answers"),
            link(f"{root}/tileMatrixSets", f"{OGC}tiling-schemes", JSON, "The grids of tiles"),
            link(f"{root}/archives", "related", JSON, "Archives of tiles, PMTiles"),
            link(f"{root}/quality", "related", JSON, "The quality of the data"),
            link(f"{root}/layers", "related", JSON, "The map's catalogue of layers"),
            link(f"{root}/styles/city.json", "related", JSON, "MapLibre style of the city"),
            link(f"{root}/map/", "related", HTML, "The map"),
            link(f"{root}/map/cgcs2000/", "related", HTML, "The map in CGCS2000 (EPSG:4490)"),
        ],
    }


def collections(request: Request, holding: Holding) -> dict[str, Any]:
    """Return the list of the layers."""
    found = [collection(request, layer, holding) for layer in layers().values()]
    return {"links": here(request), "collections": found}


def collection(request: Request, layer: Layer, holding: Holding) -> dict[str, Any]:
    """Return one layer as a collection, in both languages."""
    url = f"{base(request)}/collections/{layer.id}"
    return {
        "id": layer.id,
        "title": f"{layer.title.zh} {layer.title.en}",
        "description": f"{layer.description.zh} {layer.description.en}",
        "titles": words(layer.title),
        "descriptions": words(layer.description),
        "itemType": "feature",
        "itemCount": holding.counts[layer.id],
        "crs": [CRS84],
        "extent": {"spatial": {"bbox": [list(holding.boxes[layer.id])], "crs": CRS84}},
        "links": [
            link(url, "self", JSON, "This layer"),
            link(f"{url}?f=html", "alternate", HTML, "This layer as HTML"),
            link(f"{url}/items", "items", GEOJSON, "Features as GeoJSON"),
            link(f"{url}/items?f=html", "items", HTML, "Features as HTML"),
            link(f"{url}/queryables", f"{OGC}queryables", SCHEMA, "What to filter by"),
            {
                **link(f"{url}/items/{{featureId}}/file", "describedby", JSON, "All of a feature"),
                "templated": True,
            },
            link(f"{base(request)}/tiles/{layer.id}.json", "related", JSON, "TileJSON"),
        ],
    }


def queryables(request: Request, layer: Layer) -> dict[str, Any]:
    """Return what a layer can be filtered by, as a JSON Schema."""
    named = queryable(layer)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": address(request, f=None),
        "type": "object",
        "title": f"{layer.title.zh} {layer.title.en}",
        "properties": {name: schema(layer.by_name[name]) for name in named},
        "additionalProperties": False,
    }


def schema(entry: Field) -> dict[str, Any]:
    """Return a field as a JSON Schema."""
    unit = {} if entry.unit is None else {"x-ogc-unit": entry.unit}
    return {"title": f"{entry.title.zh} {entry.title.en}", **_SCHEMAS[entry.type], **unit}


def items_links(
    request: Request, layer: Layer, cursor: str | None, **pinned: str | None
) -> list[Link]:
    """Return the links of a page of features; ``cursor`` leads to the next one.

    ``pinned`` are parameters of the next page that are not those of this one.
    """
    found = [
        link(address(request), "self", GEOJSON, "This page"),
        link(address(request, f="html"), "alternate", HTML, "This page as HTML"),
        link(f"{base(request)}/collections/{layer.id}", "collection", JSON, "The layer"),
    ]
    if cursor is not None:
        following = address(request, cursor=cursor, **pinned)
        found.append(link(following, "next", GEOJSON, "The next page"))
    return found


def item_links(request: Request, layer: Layer) -> list[Link]:
    """Return the links of one feature."""
    return [
        link(address(request), "self", GEOJSON, "This feature"),
        link(address(request, f="html"), "alternate", HTML, "This feature as HTML"),
        link(f"{base(request)}/collections/{layer.id}", "collection", JSON, "The layer"),
        link(f"{base(request)}{request.url.path}/file", "describedby", JSON, "Its file"),
    ]


def city(found: City, holding: Holding) -> dict[str, Any]:
    """Return the city itself: ``extent`` is where its features are, ``limits`` how far it may."""
    return {
        "name": found.name,
        "srid": found.frame.srid,
        "extent": list(holding.extent),
        "limits": list(found.frame.lonlat_extent()),
        "vertical_datum": found.vertical_datum,
        "layers": holding.counts,
    }


def style(
    request: Request, found: City, holding: Holding, editions: Mapping[str, str]
) -> dict[str, Any]:
    """Return the city's MapLibre style: a source a layer, so that a hidden one costs nothing.

    The style of a moment draws the tiles of that moment.
    """
    # What a client must not ask beyond: features may come wherever the city reaches.
    root, limits = base(request), list(found.frame.lonlat_extent())
    asked = address(request).partition("?")[2]
    moment = f"&{asked}" if asked else ""
    drawn: list[dict[str, Any]] = [
        {"id": "background", "type": "background", "paint": {"background-color": BACKGROUND}}
    ]
    for layer in layers().values():
        shown = {} if layer.visible else {"visibility": "none"}
        for part in layer.style:
            layout = {**part.get("layout", {}), **shown}
            whose = {"source": layer.id, "source-layer": layer.id, "layout": layout}
            drawn.append({**part, **whose})
    return {
        "version": 8,
        "name": found.name,
        "center": middle(holding.extent),
        "zoom": 13,
        "sources": {
            layer.id: {
                "type": "vector",
                "tiles": [
                    f"{root}/tiles/{layer.id}/{{z}}/{{x}}/{{y}}?v={editions[layer.id]}{moment}"
                ],
                "minzoom": layer.minzoom,
                "maxzoom": layer.maxzoom,
                "bounds": limits,
            }
            for layer in layers().values()
        },
        "layers": drawn,
        "metadata": {"tiles": mvt.MEDIA_TYPE},
    }


def middle(extent: LonLatBox) -> list[float]:
    """Return the middle of a box."""
    return [
        round((extent.west + extent.east) / 2, 6),
        round((extent.south + extent.north) / 2, 6),
    ]
