"""Turn domain values into response bodies, and bodies into responses."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import orjson
from fastapi import Request, Response

from api.codings import PLAIN, chosen
from api.links import HTML, JSON, Link
from api.tile_answer import body_of, is_known, sheet
from layers import Field, Layer, Words
from tiles.cache import Made
from tiles.codings import pack

_COMPRESS_FROM_BYTES = 1000
_COLLECTION = b'{"type":"FeatureCollection","features":['


def answer(
    request: Request,
    document: Any,
    media_type: str = JSON,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Response:
    """Return a document as a JSON response."""
    return respond(request, orjson.dumps(document), media_type, status=status, headers=headers)


def page(request: Request, html: str, headers: dict[str, str] | None = None) -> Response:
    """Return a page for people."""
    return respond(request, html.encode(), f"{HTML}; charset=utf-8", headers=headers)


def respond(
    request: Request,
    body: bytes | memoryview,
    media_type: str,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Response:
    """Return bytes as a response, compressed if the client can read that and it is worth it."""
    headers = {"Vary": "Accept, Accept-Encoding", **(headers or {})}
    coding = coding_for(request)
    if len(body) >= _COMPRESS_FROM_BYTES and coding != PLAIN:
        body = pack(body, coding)
        headers["Content-Encoding"] = coding
    return Response(body, status, headers, media_type)


def coding_for(request: Request) -> str:
    """Return the coding to answer a request in; who takes none is answered before."""
    return chosen(request.headers.get("accept-encoding", "")) or PLAIN


class Texts(Protocol):
    """Features as GeoJSON text, wherever they come from."""

    @property
    def returned(self) -> int:
        """How many there are."""

    def written(self, before: bytes, after: bytes) -> bytes | memoryview:
        """Return them with commas between, and what stands around them."""


def feature_collection(
    found: Texts, links: Sequence[Link], matched: int | None, more: Mapping[str, Any] | None = None
) -> bytes | memoryview:
    """Return features as a GeoJSON feature collection, as bytes.

    Their texts are passed on unread; ``more`` are further members of the collection.
    """
    told = {
        **(more or {}),
        "numberReturned": found.returned,
        **({} if matched is None else {"numberMatched": matched}),
        "timeStamp": now(),
        "links": links,
    }
    return found.written(_COLLECTION, b"]," + orjson.dumps(told)[1:])


def feature(text: bytes, links: Sequence[Link], more: Mapping[str, Any] | None = None) -> bytes:
    """Return one feature with links, and further members."""
    return text[:-1] + b"," + orjson.dumps({**(more or {}), "links": links})[1:]


def catalogue_entry(layer: Layer, count: int) -> dict[str, Any]:
    """Return a layer as the map's catalogue lists it."""
    return {
        "id": layer.id,
        "title": words(layer.title),
        "description": words(layer.description),
        "geometry": layer.geometry,
        "group": layer.group.id,
        "group_title": words(layer.group.title),
        "fields": [field_entry(entry) for entry in layer.fields],
        "minzoom": layer.minzoom,
        "maxzoom": layer.maxzoom,
        "visible": layer.visible,
        "style": layer.style,
        "legend": [
            {"colour": each.colour, "label": words(each.label), "shape": each.shape}
            for each in layer.legend
        ],
        "count": count,
    }


def field_entry(entry: Field) -> dict[str, Any]:
    """Return a field as the catalogue lists it."""
    return {
        "name": entry.name,
        "title": words(entry.title),
        "type": entry.type,
        "unit": entry.unit,
        "codes": {code: words(meaning) for code, meaning in entry.codes.items()},
    }


def words(both: Words) -> dict[str, str]:
    """Return words in both languages as a JSON object."""
    return both._asdict()


def now() -> str:
    """Return the present time as RFC 3339 writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def tile_response(
    request: Request, made: Made, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a vector tile, with a strong ETag of what is sent; 204 if it is empty.

    ``headers`` stand in for those of a tile of now.
    """
    told = sheet(made, coding_for(request))
    if is_known(told.etag, request.headers.get("if-none-match", "")):
        response, head = Response(status_code=304), told.unchanged
    else:
        response, head = Response(body_of(made, told), told.status), told.head
    response.raw_headers = list(head)
    response.headers.update(headers or {})
    return response
