"""Addresses and links."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request

JSON = "application/json"
GEOJSON = "application/geo+json"
HTML = "text/html"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
SCHEMA = "application/schema+json"
OGC = "http://www.opengis.net/def/rel/ogc/1.0/"

Link = dict[str, Any]


def base(request: Request) -> str:
    """Return the address clients know the service by, without a slash at its end."""
    public: str | None = request.app.state.settings.public_url
    return (public or str(request.base_url)).rstrip("/")


def link(href: str, rel: str, media_type: str, title: str) -> Link:
    """Return one link of a document."""
    return {"href": href, "rel": rel, "type": media_type, "title": title}


def here(request: Request, *, media_type: str = JSON) -> list[Link]:
    """Return the links of a document to itself and to its page for people."""
    return [
        link(address(request), "self", media_type, "This document"),
        link(address(request, f="html"), "alternate", HTML, "This document as HTML"),
    ]


def address(request: Request, **changed: str | None) -> str:
    """Return the request's own address, with some query parameters changed or (None) left out."""
    pairs = [(k, v) for k, v in request.query_params.multi_items() if k not in changed]
    pairs += [(name, value) for name, value in changed.items() if value is not None]
    query = f"?{urlencode(pairs)}" if pairs else ""
    return f"{base(request)}{_quoted(request.url.path)}{query}"


@lru_cache(maxsize=1024)
def _quoted(path: str) -> str:
    return quote(path)


def header(links: Iterable[Link], rels: Iterable[str]) -> str:
    """Return some links as the value of a ``Link`` header."""
    wanted = set(rels)
    return ", ".join(
        f'<{each["href"]}>; rel="{each["rel"]}"; type="{each["type"]}"'
        for each in links
        if each["rel"] in wanted
    )
