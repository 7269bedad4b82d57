"""What is answered to whoever asks for features; every way they leave the service uses this."""

from functools import cached_property
from typing import Any, Protocol

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from api import documents, past, render
from api.codings import PLAIN
from api.dependencies import Items, read_items
from api.links import GEOJSON, header
from api.negotiate import wants_html
from api.query_words import write_cursor
from layers import Layer, layers
from layers.filter import EVERYTHING
from tiles.features import Found as TextsFound
from tiles.live import Looked, TileEngine
from twin.errors import TwinError
from twin.history import Moment

READY = "ready"
"""In a request's state: the page that was found for it before the framework saw it."""
_AT_ONCE_BYTES = 2 * 2**20
"""Pages up to this size take less time than a thread for them."""
_LIGHT_BYTES = 4096
"""Of features that are smaller on average it is known at once which lie in a box."""


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
    if selection.as_of is not None:
        return None
    box = selection.box
    if box is not None and (box.west == box.east or box.south == box.north):
        return None  # what touches a line or a point PostGIS decides by rules of its own
    return tiles.features(layer, box)


class Ready:
    """A page of features that are ready as text, asked for and not yet answered."""

    def __init__(self, request: Request, layer: Layer, asked: Items, texts: Looked) -> None:
        self._request, self._layer, self._asked, self._texts = request, layer, asked, texts

    def at_once(self) -> Response | None:
        """Return the answer if it takes less time than a thread for it."""
        if self._asked.counted or self._texts.texts.mean_bytes >= _LIGHT_BYTES:
            return None
        if render.coding_for(self._request) != PLAIN or self._found.size > _AT_ONCE_BYTES:
            return None
        return self.answer()

    def answer(self) -> Response:
        """Return the answer."""
        found, asked = self._found, self._asked
        matched = found.matched
        if matched is None and asked.selection == EVERYTHING:
            matched = found.held
        elif matched is None and asked.counted:
            matched = self._texts.matching()
        return page(self._request, self._layer, found, matched)

    @cached_property
    def _found(self) -> TextsFound:
        return self._texts.page(after=self._asked.after, limit=self._asked.limit)


def page_asked(request: Request) -> Ready | None:
    """Return the page of features that a GET asks for; None if ready texts do not answer it.

    Other addresses, other forms, filters, mistakes: those the application answers.
    """
    path: str = request.scope["path"]
    word, _, name = path.removesuffix("/items").rpartition("/")
    layer = layers().get(name) if word == "/collections" and path.endswith("/items") else None
    if layer is None:
        return None
    try:
        asked = read_items(request, layer)
        if wants_html(request):
            return None
    except TwinError:
        return None
    texts = ready_texts(request.app.state.tiles, layer, asked)
    return None if texts is None else Ready(request, layer, asked, texts)


def page(
    request: Request,
    layer: Layer,
    found: Found,
    matched: int | None,
    known: Moment | None = None,
) -> Response:
    """Return a page of features as a response; of the past, it says of which moment."""
    cursor = None if found.last is None else write_cursor(found.last)
    links = documents.items_links(request, layer, cursor, **past.pinned(known))
    body = render.feature_collection(found, links, matched, past.told(known))
    headers = {"Link": header(links, ("next",)), **past.lasting(known)}
    return render.respond(request, body, GEOJSON, headers=headers)


class ReadyFeatures:
    """An ASGI application around another: it answers with the features that are ready as text.

    What is asked is read by the same functions as in the application within, which gets all that
    is not answered here: other addresses, other forms, filters, mistakes.
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        app = self._app
        if scope["type"] == "http" and scope["method"] == "GET":
            asked = scope.get("state", {}).get(READY) or page_asked(Request(scope))
            if asked is not None:
                app = asked.at_once() or await run_in_threadpool(asked.answer)
        await app(scope, receive, send)
