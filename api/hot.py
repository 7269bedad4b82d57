"""Tiles and features answered before the framework sees the request.

uvicorn's own protocol, taught one thing: a complete request without a body for a tile that is ready
(or made in no time), or for features whose texts are, is answered at once on the transport.
Everything else, and everything unusual, goes to uvicorn's parser and to the application, on the
same connection and in the same order.
"""

import re
from time import monotonic
from typing import Any

from fastapi import Request
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from api.codings import PLAIN
from api.desk import Asked, Desk
from api.feature_answer import READY, Ready, page_asked
from api.patient import PatientProtocol
from api.request_head import Head, PlainItems, read_items_request, read_request
from api.tile_answer import Sheet, body_of, is_known, is_ready, sheet, written
from api.tile_app import TileApp
from api.watched import Refusal, Watched, client_of
from tiles.cache import Made

LONGEST_ADDRESS_BYTES = 16 * 1024
_IN_A_ROW = 8
"""So many requests that came in at once are answered before others have their turn."""
_COPIED_BYTES = 8192
"""Up to this size copying a body behind its head is cheaper than handing over two pieces."""
_AT_ONCE_BYTES = 64 * 1024
"""Up to this size a tile is compressed on the spot."""
_LONGEST_REMEMBERED = 1024
_EDITION = re.compile(rb"(?:v=[0-9a-z]{1,40})?")
"""A query that asks nothing: the edition that TileJSON puts behind the addresses of tiles."""


class HotProtocol(PatientProtocol):
    """One connection.

    Requests that come in one after another, without waiting for answers, are answered in their
    order; while the client does not read, nothing more is answered and nothing more is read.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._watched: Watched | None = None
        self._found: Ready | None = None
        """What was found for the request that the parser reads next, and is too large for here."""

    def connection_lost(self, exc: Exception | None) -> None:
        """End, and let nothing be made for a client that is gone."""
        self._leave()
        super().connection_lost(exc)

    def _leave(self) -> None:
        if self._watched is not None and self.cycle and not self.cycle.response_complete:
            self._watched.leave()

    def data_received(self, data: bytes) -> None:
        """Answer what can be answered at once, and give the rest to the parser."""
        if self._free:
            desk = self._desk
            # The very same request came before, perhaps from another client: it is not read again.
            asked = desk.asked.get(data)  # type: ignore[union-attr]
            if asked is not None and self._repeated(desk, asked):
                return
            self._serve(data)
        elif self._held:
            self._held += data
        elif self._inside or self._desk is None or not self._between():
            self._feed(data)
        else:
            self._serve(data)

    def _repeated(self, desk: Any, asked: Asked) -> bool:
        """Answer a request that was read before, if all is ready; this is the busiest path."""
        now = monotonic()
        if now >= desk.until:
            desk.renew(now)
        key, coding, known, bodiless, line = asked
        found = desk.made.get(key)
        if found is None:
            return False
        made = found[1]
        told = made.kept.get(coding)
        if told is None:
            return False
        made.used = True
        self.seen = now
        if known == told.etag:
            desk.sent_304 += 1
            self.transport.write(desk.start_304 + told.unchanged_bytes)
            if desk.log is not None:
                self._note(line, 304, 0)
            return True
        body = told.body
        if known or bodiless or not body:
            self._send(desk, made, told, asked)
            return True
        desk.sent_200 += 1
        desk.sent_bytes += told.length
        if told.length < _COPIED_BYTES:
            self.transport.write(desk.start_200 + told.head_bytes + body)
        else:
            self.transport.writelines((desk.start_200 + told.head_bytes, body))
        if desk.log is not None:
            self._note(line, 200, told.length)
        return True

    def _send(self, desk: Desk, made: Made, told: Sheet, asked: Asked) -> None:
        """Answer in any of the ways there are."""
        body = b""
        if asked.known and is_known(told.etag, asked.known):
            status, head = 304, desk.start_304 + told.unchanged_bytes
            desk.sent_304 += 1
        elif told.status == 204:
            status, head = 204, desk.start_204 + told.head_bytes
            desk.sent_204 += 1
        else:
            status, head = 200, desk.start_200 + told.head_bytes
            body = b"" if asked.bodiless else body_of(made, told)
            desk.sent_200 += 1
            desk.sent_bytes += len(body)
        self.transport.writelines((head, body) if body else (head,))
        if desk.log is not None:
            self._note(asked.line, status, len(body))

    def _serve(self, data: bytes) -> None:
        at = answered = 0
        while at < len(data):
            if self.transport.is_closing():
                return
            if self.flow.write_paused or answered == _IN_A_ROW:
                self._held, self._free = data[at:], False
                self.flow.pause_reading()
                if not self.flow.write_paused:
                    self.loop.call_soon(self._go_on)
                return
            end = data.find(b"\r\n\r\n", at)
            if end < 0 or not self._answer(data, at, end + 2):
                break
            at = end + 4
            answered += 1
        if at < len(data):
            self._head_size = 0
            self._feed(data[at:])

    def _answer(self, data: bytes, at: int, end: int) -> bool:
        """Answer the request at a place; return False to leave it to the parser."""
        desk, plain = self._desk, read_request(data, at, end)
        if desk is None:
            return False
        if plain is None:
            return self._answer_features(desk, data, at, end)
        head = desk.head(plain.block)
        if head is None or head.coding is None:
            return False
        coding = head.coding
        made = self._ready(desk, plain.key, coding)
        if made is None:
            return False
        asked = Asked(plain.key, coding, plain.known, plain.bodiless, plain.line)
        if at == 0 and end + 2 == len(data) <= _LONGEST_REMEMBERED:
            desk.remember(data, asked)
        self.seen = monotonic()
        self._send(desk, made, sheet(made, coding), asked)
        return True

    def _answer_features(self, desk: Desk, data: bytes, at: int, end: int) -> bool:
        """Answer a page of features at a place, as the application would; else return False."""
        began = monotonic()
        plain = read_items_request(data, at, end)
        head = None if plain is None else desk.head(plain.block)
        if plain is None or head is None or head.coding != PLAIN or head.forwarded:
            return False
        try:
            asked = page_asked(Request(self._scope(plain, head)))
            answer = None if asked is None else asked.at_once()
        except Exception:
            return False  # the application meets the same error, and knows how to tell of it
        if answer is None:
            self._found = asked
            return False
        if began >= desk.until:
            desk.renew(began)
        start = desk.start_200 + written(answer.raw_headers)
        body = b"" if plain.bodiless else answer.body
        self.transport.writelines((start, body) if body else (start,))
        self.seen = monotonic()
        desk.metrics.answered(plain.path.decode(), 200, len(body), self.seen - began)
        if desk.log is not None:
            self._note(plain.line, 200, len(body))
        return True

    def _scope(self, plain: PlainItems, head: Head) -> dict[str, Any]:
        """Return what the application would be told of a request, HEAD being GET."""
        path = plain.path.decode()
        return {
            "type": "http",
            "http_version": "1.1",
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "root_path": self.root_path,
            "headers": head.headers,
            "state": self.app_state,
            "app": self.app_state["app"],
            "method": "GET",
            "path": path,
            "raw_path": plain.path,
            "query_string": plain.query,
        }

    def _ready(self, desk: Desk, key: bytes, coding: str) -> Made | None:
        """Return a tile, if it is there in a coding, or made in no time."""
        now = monotonic()
        if now >= desk.until:
            desk.renew(now)
        found = desk.made.get(key)
        made = self._made_at_once(desk, key) if found is None else found[1]
        if made is None:
            return None
        if not is_ready(made, coding):
            if made.size > _AT_ONCE_BYTES:
                return None
            made.form(coding)
            desk.tiles.cache.weigh(key, made)
        made.used = True
        return made

    def _made_at_once(self, desk: Desk, key: bytes) -> Made | None:
        """Return a tile that is not kept, if making it takes no longer than handing it over."""
        tiles = desk.tiles
        address = tiles.address(key)
        if address is None or not tiles.ready or not tiles.quick(address):
            return None
        flight, own = tiles.cache.board(address)
        if not own:
            return flight.future.result() if flight.future.done() else None
        try:
            made = tiles.make(address)
        except Exception as error:
            tiles.cache.land(flight, error)
            return None  # the application meets the same error, and knows how to tell of it
        tiles.cache.land(flight, made)
        return made

    def _note(self, line: bytes, status: int, size: int) -> None:
        client = self.client[0] if self.client else "-"
        self._desk.log.note(client, line[:-2].decode(), status, size)  # type: ignore[union-attr]

    def on_headers_complete(self) -> None:
        """Refuse an address that is too long."""
        if len(self.url) > LONGEST_ADDRESS_BYTES:
            self.url = b"/"
            self.scope["state"]["refused"] = 414
        super().on_headers_complete()

    def shutdown(self) -> None:
        """Begin to stop: who listens to news would keep the connection for ever."""
        pushed = self.app_state.get("pushed")
        if pushed is not None:
            pushed.close()
        super().shutdown()
        self._settle()
        if self.config.timeout_graceful_shutdown:
            # What is then still under way is cancelled, and nobody waits for its threads.
            self.loop.call_later(0.8 * self.config.timeout_graceful_shutdown, self._leave)

    def resume_writing(self) -> None:
        """Go on with what was held back."""
        super().resume_writing()
        # Not now: others have their turn first.
        self.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        """Serve what was held back."""
        if self._held and not (self.flow.write_paused or self.transport.is_closing()):
            held, self._held = self._held, b""
            self.flow.resume_reading()
            self._serve(held)
        self._settle()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Watch over a request, and let a tile be made without the framework around it."""
        desk = self._desk
        if desk is not None and app is self.app:
            client = client_of(cycle.scope)
            cycle.scope["state"][READY], self._found = self._found, None
            inner = self._refusal(desk, cycle.scope, client) or self._tile_app(desk, cycle.scope)
            app = self._watched = Watched(inner or app, desk, client)
        super()._start_asgi_task(cycle, app)

    def _refusal(self, desk: Desk, scope: Any, client: str) -> Refusal | None:
        if scope["state"].get("refused"):
            desk.metrics.refused["address"] += 1
            most = f"an address may have {LONGEST_ADDRESS_BYTES} bytes at the most"
            return Refusal(414, most, Connection="close")
        if 0 < desk.most_of_one <= desk.in_work[client]:
            desk.metrics.refused["client"] += 1
            told = f"{desk.most_of_one} requests of yours are in work; wait for some of them"
            return Refusal(429, told, Retry_After="1")
        return None

    def _tile_app(self, desk: Desk, scope: Any) -> TileApp | None:
        path = scope["raw_path"]
        if (
            not path.startswith(b"/tiles/")
            or scope["method"] not in ("GET", "HEAD")
            or not _EDITION.fullmatch(scope["query_string"])
            or not desk.tiles.ready
        ):
            return None
        key = path.removeprefix(b"/tiles/").removesuffix(b".mvt").removesuffix(b".pbf")
        address = desk.tiles.address(key)
        return None if address is None else TileApp(desk, address, self.app)
