"""The service's description, OpenAPI 3.0.3, put together by hand.

FastAPI writes OpenAPI 3.1, which the clients of OGC APIs do not read.  QGIS takes its page size
from ``components.parameters.limit`` and the filters it can leave to the service from the paths of
the layers.
"""

from functools import lru_cache
from typing import Any

import orjson

from analysis import Analysis, analyses
from api.archived import MEDIA_TYPE as PMTILES
from api.documents import schema
from api.errors import PROBLEM
from api.links import GEOJSON, HTML, JSON
from api.query_words import DEFAULT_LIMIT, MAXIMUM_LIMIT
from layers import Layer, layers
from layers.filter import queryable
from tiles.encodings import mvt
from tiles.grid import ALIASES, CITY, MAXZOOM, grids
from twin.codes.answers import KINDS

Doc = dict[str, Any]
GRIDS = [*grids(None), CITY, *ALIASES]

_TAGS = ("Common", "Features", "Tiles", "Codes", "Processes", "Quality", "Map")


@lru_cache(maxsize=8)
def document(root: str) -> bytes:
    """Return the description of the service at an address, as JSON."""
    described = {
        "openapi": "3.0.3",
        "info": {
            "title": "城市数字孪生 City twin",
            "description": "Layers, vector tiles and analyses of one city.",
            "version": "0.1.0",
            "license": {"name": "Apache-2.0"},
        },
        "servers": [{"url": root}],
        "tags": [{"name": name} for name in _TAGS],
        "paths": {**_common(), **_features(), **_tiles(), **_codes(), **_processes(), **_quality()},
        "components": {"parameters": _parameters(), "schemas": _schemas(), "responses": _errors()},
    }
    return orjson.dumps(described)


def _common() -> Doc:
    style = _get("Map", "getStyle", "MapLibre style of the city", plain=True)
    style["get"]["parameters"] = [_ref("asOf")]
    return {
        "/": _get("Common", "getLandingPage", "The entrance", html=True),
        "/conformance": _get("Common", "getConformance", "What the service conforms to"),
        "/api": _get("Common", "getApi", "This description"),
        "/health": _get("Common", "getHealth", "Whether service and database answer", plain=True),
        "/city": _get("Map", "getCity", "The city", plain=True),
        "/layers": _get("Map", "getLayers", "Layers with their looks, for maps", plain=True),
        "/styles/city.json": style,
    }


def _features() -> Doc:
    found = {"/collections": _get("Features", "getCollections", "The layers", html=True)}
    for layer in layers().values():
        found |= _layer(layer)
    return found


def _layer(layer: Layer) -> Doc:
    path, title = f"/collections/{layer.id}", f"{layer.title.zh} {layer.title.en}"
    shared = [
        _ref(name)
        for name in ("limit", "cursor", "bbox", "datetime", "asOf", "count", "properties", "f")
    ]
    own = [_filter(name, schema(layer.by_name[name])) for name in queryable(layer)]
    items = _get("Features", f"get_{layer.id}_items", f"{title}: features", form=GEOJSON, html=True)
    items["get"]["parameters"] = [*shared, *own]
    one = _get("Features", f"get_{layer.id}_item", f"{title}: one feature", form=GEOJSON, html=True)
    one["get"]["parameters"] = [_ref(name) for name in ("featureId", "datetime", "asOf", "f")]
    states = _get("Features", f"get_{layer.id}_item_history", f"{title}: states of one feature")
    states["get"]["parameters"] = [_ref("featureId"), _ref("f")]
    changes = _get("Features", f"get_{layer.id}_changes", f"{title}: differences", form=GEOJSON)
    changes["get"]["parameters"] = [
        _ref(name) for name in ("from", "to", "bbox", "limit", "cursor", "f")
    ]
    file = _get("Features", f"get_{layer.id}_file", f"{title}: the file of one", html=True)
    file["get"]["parameters"] = [
        _ref(name) for name in ("featureId", "distance", "datetime", "asOf", "f")
    ]
    return {
        path: _get("Features", f"get_{layer.id}", title, html=True),
        f"{path}/changes": changes,
        f"{path}/queryables": _get(
            "Features",
            f"get_{layer.id}_queryables",
            f"{title}: filters",
            form="application/schema+json",
        ),
        f"{path}/items": items,
        f"{path}/items/{{featureId}}": one,
        f"{path}/items/{{featureId}}/file": file,
        f"{path}/items/{{featureId}}/history": states,
    }


def _tiles() -> Doc:
    tile = _get("Tiles", "getTile", "A vector tile of one or more layers", form=mvt.MEDIA_TYPE)
    tile["get"]["parameters"] = [
        _ref(name) for name in ("layers", "z", "x", "y", "datetime", "asOf", "edition")
    ]
    tile["get"]["responses"] |= {
        "204": {"description": "Nothing is in this tile"},
        "304": {"description": "The client has this tile already"},
    }
    described = _get("Tiles", "getTileJson", "TileJSON 3.0 of one or more layers")
    described["get"]["parameters"] = [_ref("layers"), _ref("datetime"), _ref("asOf")]
    report = _get("Tiles", "getTileReport", "The heaviest tiles, and what to do about them")
    report["get"]["parameters"] = [
        _query("layers", "Layers, with commas", {"type": "string"}),
        _query("zooms", "One level or two, such as 9-16", {"type": "string"}),
        _ref("f"),
    ]
    account = _get("Tiles", "getTileAccount", "What became of the features of one tile", plain=True)
    account["get"]["parameters"] = [_ref(name) for name in ("layers", "z", "x", "y")]
    sets = _get("Tiles", "getTileMatrixSets", "The grids of tiles")
    one = _get("Tiles", "getTileMatrixSet", "The definition of one grid of tiles")
    one["get"]["parameters"] = [_ref("grid"), _ref("f")]
    return {
        "/tiles/report": report,
        "/tiles/report/{layers}/{z}/{x}/{y}": account,
        "/tiles/{layers}.json": described,
        "/tiles/{layers}/{z}/{x}/{y}": tile,
        "/tiles/{layers}/{grid}.json": _on_grid(described, "getTileJsonOnGrid", "layers"),
        "/tiles/{layers}/{grid}/{z}/{x}/{y}": _on_grid(tile, "getTileOnGrid", "layers"),
        "/collections/{collectionId}/tiles/{grid}/{z}/{y}/{x}": _on_grid(
            tile, "getTileOfCollection", "collectionId"
        ),
        "/collections/{collectionId}/changes/tiles/{grid}/{z}/{y}/{x}": {
            "get": {
                **tile["get"],
                "operationId": "getTileOfChanges",
                "summary": "A vector tile of what differs between two moments",
                "parameters": [
                    _ref(name) for name in ("collectionId", "grid", "z", "x", "y", "from", "to")
                ],
            }
        },
        "/tileMatrixSets": sets,
        "/tileMatrixSets/{grid}": one,
        **_archives(),
    }


def _archives() -> Doc:
    found = _get("Tiles", "getArchive", "An archive of tiles, by ranges", form=PMTILES, plain=True)
    found["get"]["parameters"] = [_ref("archive")]
    found["get"]["responses"] |= {
        "206": {"description": "The range that is asked for"},
        "304": {"description": "The client has it already"},
        "412": {"description": "The archive is another one by now"},
        "416": {"description": "The archive ends before the range"},
    }
    return {
        "/archives": _get("Tiles", "getArchives", "The archives of tiles that are offered"),
        "/archives/{archive}.pmtiles": found,
    }


def _on_grid(plain: Doc, name: str, whose: str) -> Doc:
    """Return an operation on tiles as it is on a grid that its address names."""
    known = [each for each in plain["get"]["parameters"] if each != _ref("layers")]
    own = {"operationId": name, "parameters": [_ref(whose), _ref("grid"), *known]}
    return {"get": {**plain["get"], **own}}


def _codes() -> Doc:
    text, level = {"type": "string"}, {"type": "integer", "minimum": 1, "maximum": 10, "default": 8}
    point = _get("Codes", "getBeidou", "The BeiDou grid cell around a point", plain=True)
    point["get"]["parameters"] = [
        _needed("lon", "Degrees", {"type": "number"}, 116.6775114),
        _needed("lat", "Degrees", {"type": "number"}, 23.3567569),
        _query("level", "Of the cell", level),
        _query("datum", "What the degrees are of", {**text, "enum": ["gcj02", "bd09"]}),
    ]
    area = _get("Codes", "getBeidouCover", "The BeiDou cells that cover an area", plain=True)
    area["get"]["parameters"] = [
        _needed("area", "WKT or GeoJSON geometry, degrees", text, "POINT (116.68 23.36)"),
        _query("level", "Of the cells", level),
        _query("whole", "Whole cells by the coarsest code", {"type": "boolean"}),
    ]
    parts = _get("Codes", "getCodeParts", "The parts of a code of digits", plain=True)
    parts["get"]["parameters"] = [
        _in_path("kind", "What it names", {**text, "enum": ["beidou", *KINDS]}),
        _in_path("code", "The code", text),
    ]
    return {
        "/codes/beidou": point,
        "/codes/beidou/cover": area,
        "/codes/{kind}/{code}": parts,
    }


def _processes() -> Doc:
    found = {"/processes": _get("Processes", "getProcesses", "The analyses")}
    for analysis in analyses().values():
        found |= _analysis(analysis)
    jobs = _get("Processes", "getJobs", "Stored runs, latest first")
    jobs["get"]["parameters"] = [_ref("limit"), _ref("f")]
    found["/jobs"] = jobs
    for path, name, title in (
        ("/jobs/{jobId}", "getJob", "One stored run"),
        ("/jobs/{jobId}/results", "getResults", "The answer of a stored run"),
    ):
        found[path] = _get("Processes", name, title)
        found[path]["get"]["parameters"] = [_ref("jobId"), _ref("f")]
    one = _get("Processes", "getResult", "One output of a stored run, a picture as it is")
    output = _in_path("output", "Name of the output", {"type": "string"})
    one["get"]["parameters"] = [_ref("jobId"), output, _ref("f")]
    one["get"]["responses"]["200"]["content"] = {
        JSON: {"schema": {}},
        "image/svg+xml": {"schema": {"type": "string"}},
    }
    found["/jobs/{jobId}/results/{output}"] = one
    return found


def _quality() -> Doc:
    latest = _get("Quality", "getQuality", "What rules find in the data, the latest run", html=True)
    latest["get"]["parameters"] = [
        _query("layer", "The latest run that looked at this layer", {"type": "string"}),
        _query("load", "The latest run that looked at this load", {"type": "integer"}),
        _ref("f"),
    ]
    one = _get("Quality", "getQualityRun", "What one run found", html=True)
    one["get"]["parameters"] = [
        _in_path("run", "Number of the run", {"type": "integer"}),
        _ref("f"),
    ]
    return {"/quality": latest, "/quality/{run}": one}


def _analysis(analysis: Analysis) -> Doc:
    path, name = f"/processes/{analysis.id}", analysis.id.replace("-", "_")
    title = f"{analysis.title.zh} {analysis.title.en}"
    body = {"application/json": {"schema": {"$ref": "#/components/schemas/execute"}}}
    execution = {
        "tags": ["Processes"],
        "operationId": f"execute_{name}",
        "summary": f"{title}: run it",
        "requestBody": {"required": True, "content": body},
        "responses": _responses(JSON, html=False),
    }
    return {
        path: _get("Processes", f"get_{name}", title),
        f"{path}/execution": {"post": execution},
    }


def _get(
    tag: str, name: str, title: str, *, form: str = JSON, html: bool = False, plain: bool = False
) -> Doc:
    return {
        "get": {
            "tags": [tag],
            "operationId": name,
            "summary": title,
            "parameters": [] if plain else [_ref("f")],
            "responses": _responses(form, html=html),
        }
    }


def _responses(form: str, *, html: bool) -> Doc:
    binary = {"type": "string", "format": "binary"}
    content = {
        form: {"schema": binary if form in (mvt.MEDIA_TYPE, PMTILES) else {"type": "object"}}
    }
    if html:
        content[HTML] = {"schema": {"type": "string"}}
    return {
        "200": {"description": "The answer", "content": content},
        "400": {"$ref": "#/components/responses/invalid"},
        "404": {"$ref": "#/components/responses/missing"},
        "500": {"$ref": "#/components/responses/failed"},
        "503": {"$ref": "#/components/responses/unavailable"},
    }


def _ref(name: str) -> Doc:
    return {"$ref": f"#/components/parameters/{name}"}


def _filter(name: str, known: Doc) -> Doc:
    single = known["items"] if known["type"] == "array" else known
    return {
        "name": name,
        "in": "query",
        "description": known["title"],
        "required": False,
        "style": "form",
        "explode": False,
        "schema": {key: single[key] for key in ("type", "format") if key in single},
    }


def _parameters() -> Doc:
    integer = {"type": "integer", "minimum": 0}
    box = {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}}
    words = {"type": "array", "items": {"type": "string"}}
    metres = {"type": "number", "minimum": 0, "exclusiveMinimum": True, "maximum": 1000}
    limit = {
        "type": "integer",
        "minimum": 1,
        "maximum": MAXIMUM_LIMIT,
        "default": DEFAULT_LIMIT,
    }
    return {
        "limit": _query("limit", "How many at most; more than the maximum means it", limit),
        "bbox": _query("bbox", "west,south,east,north in degrees (heights: six numbers)", box),
        "datetime": _query("datetime", "A time, or two with / between", {"type": "string"}),
        "asOf": _query("asOf", "As known at a time, or by a commit (seq:12)", {"type": "string"}),
        "cursor": _query("cursor", "From the next link of a page", {"type": "string"}),
        "properties": _query("properties", "Only these, with commas", words),
        "distance": _query("distance", "How far around it, m", metres),
        "count": _query("count", "Whether to count all that match", {"type": "boolean"}),
        "from": _needed("from", "A moment, as in asOf", {"type": "string"}, "seq:0"),
        "to": _query("to", "A moment, as in asOf; now if not said", {"type": "string"}),
        "f": _query("f", "The form", {"type": "string", "enum": ["json", "html"]}),
        "featureId": _in_path("featureId", "id or uid of a feature", {"type": "string"}),
        "jobId": _in_path("jobId", "id of a run", {"type": "string", "format": "uuid"}),
        "layers": _in_path("layers", "A layer, or several with commas", {"type": "string"}),
        "collectionId": _in_path("collectionId", "id of a layer", {"type": "string"}),
        "edition": _query("v", "As in TileJSON; asks nothing", {"type": "string"}),
        "archive": _in_path("archive", "The archive's name", {"type": "string"}),
        "grid": _in_path("grid", "A grid of tiles", {"type": "string", "enum": GRIDS}),
        "z": _in_path("z", "Zoom level", integer | {"maximum": MAXZOOM}),
        "x": _in_path("x", "Column, from the west", integer),
        "y": _in_path("y", "Row, from the north", integer),
    }


def _query(name: str, about: str, known: Doc) -> Doc:
    whole = {"name": name, "in": "query", "description": about, "required": False}
    return {**whole, "style": "form", "explode": False, "schema": known}


def _needed(name: str, about: str, known: Doc, example: Any) -> Doc:
    return {**_query(name, about, known), "required": True, "example": example}


def _in_path(name: str, about: str, known: Doc) -> Doc:
    return {"name": name, "in": "path", "description": about, "required": True, "schema": known}


def _schemas() -> Doc:
    text, number = {"type": "string"}, {"type": "integer"}
    fields = {"type": text, "title": text, "status": number, "detail": text}
    return {
        "problem": {"type": "object", "properties": fields, "required": list(fields)},
        "execute": {
            "type": "object",
            "properties": {"inputs": {"type": "object"}},
            "required": ["inputs"],
        },
    }


def _errors() -> Doc:
    content = {PROBLEM: {"schema": {"$ref": "#/components/schemas/problem"}}}
    said = {
        "invalid": "A value cannot be used as it is, or a parameter is unknown",
        "missing": "There is no such thing",
        "failed": "Something went wrong in the service",
        "unavailable": "The database does not answer, or took too long",
    }
    return {name: {"description": text, "content": content} for name, text in said.items()}
