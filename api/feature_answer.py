"""What is answered to whoever asks for features; every way they leave the service uses this."""

from typing import Protocol

from fastapi import Request, Response

from api import documents, render
from api.dependencies import Items, write_cursor
from api.links import GEOJSON, header
from layers import Layer
from layers.filter import EVERYTHING
from tiles.live import Looked, TileEngine


class Found(render.Texts, Protocol):
    """A page of features as text."""

    @property
    def last(self) -> int | None:
        """The number to ask on from; None if nothing follows."""


def ready_texts(tiles: TileEngine, layer: Layer, asked: Items) -> Looked | None:
    """Return where to look for what is asked, if ready texts answer it; else ask PostGIS."""
    selection = asked.selection
    if asked.names is not None or selection.values:
        return None
    if selection.heights_m is not None or selection.period is not None:
        return None
    box = selection.box
    if box is not None and (box.west == box.east or box.south == box.north):
        return None  # what touches a line or a point PostGIS decides by rules of its own
    return tiles.features(layer, box)


def from_texts(request: Request, layer: Layer, asked: Items, texts: Looked) -> Response:
    """Return a page of features from ready texts."""
    found = texts.page(after=asked.after, limit=asked.limit)
    matched = found.matched
    if matched is None and asked.selection == EVERYTHING:
        matched = found.held
    elif matched is None and asked.counted:
        matched = texts.matching()
    return page(request, layer, found, matched)


def page(request: Request, layer: Layer, found: Found, matched: int | None) -> Response:
    """Return a page of features as a response."""
    cursor = None if found.last is None else write_cursor(found.last)
    links = documents.items_links(request, layer, cursor)
    body = render.feature_collection(found, links, matched)
    return render.respond(request, body, GEOJSON, headers={"Link": header(links, ("next",))})
