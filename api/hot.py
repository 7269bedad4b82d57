"""Tiles answered before the framework sees the request.

uvicorn's own protocol, taught one thing: a complete request without a body for a tile that is ready
(or made in no time) is answered at once on the transport.  Everything else, and everything unusual,
goes to uvicorn's parser and to the application, on the same connection and in the same order.
"""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, NamedTuple

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from api.edge import EVERYWHERE
from api.tile_answer import answer, body_of, is_known, on_the_wire, reads_gzip
from tiles.cache import Address, Made
from tiles.live import TileEngine

FIRST_REQUEST_S = 30.0
"""How long a new connection may take to send its first request, or any one to send a whole head."""
STALLED_S = 60.0
"""How long a client may leave what was sent to it unread."""
_LAST_LOOK_S = 0.05
_COPIED_BYTES = 8192
"""Up to this size copying a body behind its head is cheaper than handing over two pieces."""
_LONGEST_BLOCK = 8192
_LONGEST_REMEMBERED = 1024
_MOST_BLOCKS = 4096
_LINE = re.compile(
    rb"(GET|HEAD) /tiles/"
    rb"([a-z_,]{1,400}/(?:[A-Za-z][0-9A-Za-z]{0,30}/)?[0-9]{1,2}/[0-9]{1,9}/[0-9]{1,9})"
    rb"(?:\.mvt|\.pbf)?(?:\?v=[0-9a-z]{1,40})? HTTP/1\.1\r\n"
)
_EDITION = re.compile(rb"(?:v=[0-9a-z]{1,40})?")
"""A query that asks nothing: the edition that TileJSON puts behind the addresses of tiles."""
_HEADER = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)\r\n")
_KNOWN = re.compile(rb"(?im)^if-none-match:[ \t]*([\t\x20-\x7e\x80-\xff]*)\r\n")
_NOT_OURS = frozenset(
    (
        *(b"content-length", b"transfer-encoding", b"expect", b"upgrade", b"http2-settings"),
        b"if-none-match",  # taken out before; a second one is none of ours
    )
)
_ONCE = (b"accept-encoding", b"host", b"connection")
_START = {
    status: f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()
    for status in (200, 204, 304)
}


def read_head(block: bytes) -> bool | None:
    r"""Return whether the sender of some header lines reads gzip; None if they are not plain.

    >>> read_head(b"Host: a\r\nAccept-Encoding: gzip, br\r\n")
    True
    >>> read_head(b"Host: a\r\nContent-Length: 5\r\n") is None
    True
    """
    found: dict[bytes, bytes] = {}
    at = 0
    while at < len(block):
        match = _HEADER.match(block, at)
        if match is None:
            return None
        name = match[1].lower()
        if name in _NOT_OURS or (name in found and name in _ONCE):
            return None
        found[name] = match[2].strip()
        at = match.end()
    if found.get(b"connection", b"keep-alive").lower() != b"keep-alive" or b"host" not in found:
        return None
    return reads_gzip(found.get(b"accept-encoding", b"").decode("latin-1"))


class Asked(NamedTuple):
    """A request for a tile, read."""

    key: bytes
    gzip: bool
    known: str
    bodiless: bool
    line: bytes


class HotProtocol(HttpToolsProtocol):
    """One connection.

    Requests that come in one after another, without waiting for answers, are answered in their
    order; while the client does not read, nothing more is answered and nothing more is read.
    """

    _heads: dict[bytes, bool] = {}  # noqa: RUF012 - shared by all connections on purpose
    _asked: dict[bytes, Asked] = {}  # noqa: RUF012 - likewise
    _threads = ThreadPoolExecutor(2, thread_name_prefix="tile")

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._tiles: TileEngine | None = self.app_state.get("tiles")
        self._held = b""
        self._inside = False
        self._in_head = False
        self._seen = 0.0
        self._overdue = False
        self._idle_timer: asyncio.TimerHandle | None = None
        self._stalled_timer: asyncio.TimerHandle | None = None
        self._dated: tuple[object, bytes] = (None, b"")

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin: a client that says nothing does not stay."""
        super().connection_made(transport)
        self._seen = self.loop.time() + FIRST_REQUEST_S - self.timeout_keep_alive
        self._idle_timer = self.loop.call_later(FIRST_REQUEST_S, self._idle)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._held = b""
        for timer in (self._idle_timer, self._stalled_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Answer what can be answered at once, and give the rest to the parser."""
        if self._held:
            self._held += data
        elif self._inside or self._tiles is None or not self._between():
            super().data_received(data)
        else:
            self._unset_keepalive_if_required()
            self._serve(data)

    def _between(self) -> bool:
        """Return whether no request is under way."""
        return (self.cycle is None or self.cycle.response_complete) and not self.pipeline

    def _serve(self, data: bytes) -> None:
        # The very same request came before, perhaps from another client: it need not be read.
        asked = self._asked.get(data)
        if asked is not None and not (self.flow.write_paused or self.transport.is_closing()):
            assert self._tiles is not None
            made = self._tiles.cached(asked.key)
            if made is not None:
                self._send(made, asked)
                return
        at = 0
        while at < len(data):
            if self.transport.is_closing():
                return
            if self.flow.write_paused:
                self._held = data[at:]
                self.flow.pause_reading()
                return
            end = data.find(b"\r\n\r\n", at)
            if end < 0 or not self._answer(data, at, end + 2):
                break
            at = end + 4
        if at < len(data):
            super().data_received(data[at:])

    def _answer(self, data: bytes, at: int, end: int) -> bool:
        """Answer the request at a place; return False to leave it to the parser."""
        line = _LINE.match(data, at, end)
        tiles = self._tiles
        if line is None or tiles is None or self.limit_concurrency is not None:
            return False
        block = data[line.end() : end]
        known = ""
        if (given := _KNOWN.search(block)) is not None:
            known = given[1].decode("latin-1").strip()
            block = block[: given.start()] + block[given.end() :]
        gzip = self._heads.get(block)
        if gzip is None and (gzip := self._read(block)) is None:
            return False
        made = tiles.cached(line[2])
        if made is None and (made := self._made_at_once(tiles, line[2])) is None:
            return False
        asked = Asked(line[2], gzip, known, line[1] == b"HEAD", line[0])
        if at == 0 and end + 2 == len(data) <= _LONGEST_REMEMBERED:
            if len(self._asked) >= _MOST_BLOCKS:
                self._asked.clear()
            self._asked[data] = asked
        self._send(made, asked)
        return True

    def _send(self, made: Made, asked: Asked) -> None:
        status, head, body = on_the_wire(
            made, gzip=asked.gzip, known=asked.known, bodiless=asked.bodiless
        )
        start = _START[status] + self._date() + head
        if len(body) < _COPIED_BYTES:
            self.transport.write(start + body)
        else:
            self.transport.writelines((start, body))
        self._counted(asked.line, status)

    def _read(self, block: bytes) -> bool | None:
        gzip = read_head(block) if len(block) <= _LONGEST_BLOCK else None
        if gzip is not None:
            # A browser repeats its head word for word, but for the tag of what it has.
            if len(self._heads) >= _MOST_BLOCKS:
                self._heads.clear()
            self._heads[block] = gzip
        return gzip

    def _made_at_once(self, tiles: TileEngine, key: bytes) -> Made | None:
        """Return a tile that is not kept, if making it takes no longer than handing it over."""
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

    def _date(self) -> bytes:
        """Return the head's first lines, which uvicorn renews each second."""
        current = self.server_state.default_headers
        if self._dated[0] is not current:
            written = b"".join(b"%b: %b\r\n" % entry for entry in current)
            self._dated = current, written
        return self._dated[1]

    def _counted(self, line: bytes, status: int) -> None:
        self.server_state.total_requests += 1
        self._seen = self.loop.time()
        if self._idle_timer is None:
            self._idle_timer = self.loop.call_later(self.timeout_keep_alive, self._idle)
        if self.access_log:
            method, path, _ = line.decode().split()
            client = f"{self.client[0]}:{self.client[1]}" if self.client else ""
            self.access_logger.info('%s - "%s %s HTTP/%s" %d', client, method, path, "1.1", status)

    def on_message_begin(self) -> None:
        """Note that the parser is inside a request."""
        self._inside = self._in_head = True
        if self._idle_timer is None:
            self._seen = self.loop.time() + FIRST_REQUEST_S - self.timeout_keep_alive
            self._idle_timer = self.loop.call_later(FIRST_REQUEST_S, self._idle)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Note that the head is whole."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note that the request is whole."""
        self._inside = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Note when the application was done."""
        self._seen = self.loop.time()
        super().on_response_complete()

    def _idle(self) -> None:
        """Close the connection if nothing was asked for long; else look again when it might be."""
        self._idle_timer = None
        if self.transport.is_closing():
            return
        if self._held or (not self._between()) or (self._inside and not self._in_head):
            return  # an answer or a body is under way; what ends it begins the time anew
        left = self._seen + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._overdue = False
            self._idle_timer = self.loop.call_later(left, self._idle)
        elif not self._overdue:
            # The loop looks at the clock before it reads: if it was late itself, the request that
            # it waits for may be here already.
            self._overdue = True
            self._idle_timer = self.loop.call_later(_LAST_LOOK_S, self._idle)
        else:
            self.transport.close()

    def shutdown(self) -> None:
        """Begin to stop: who listens to news would keep the connection for ever."""
        pushed = self.app_state.get("pushed")
        if pushed is not None:
            pushed.close()
        super().shutdown()

    def pause_writing(self) -> None:
        """Stop answering a client that does not read, and leave it if it never does."""
        super().pause_writing()
        if self._stalled_timer is None:
            self._stalled_timer = self.loop.call_later(STALLED_S, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on with what was held back."""
        super().resume_writing()
        if self._stalled_timer is not None:
            self._stalled_timer.cancel()
            self._stalled_timer = None
        if self._held and not self.transport.is_closing():
            held, self._held = self._held, b""
            self.flow.resume_reading()
            self._serve(held)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Let a tile that takes a while be made without the framework around it."""
        tiles, scope = self._tiles, cycle.scope
        path = scope["raw_path"]
        if (
            tiles is not None
            and app is self.app
            and path.startswith(b"/tiles/")
            and scope["method"] in ("GET", "HEAD")
            and _EDITION.fullmatch(scope["query_string"])
            and tiles.ready
        ):
            key = path.removeprefix(b"/tiles/").removesuffix(b".mvt").removesuffix(b".pbf")
            address = tiles.address(key)
            if address is not None:
                app = _TileApp(tiles, address, app, self._threads)
        super()._start_asgi_task(cycle, app)


class _TileApp:
    """An ASGI application that answers with one tile."""

    def __init__(
        self, tiles: TileEngine, address: Address, app: Any, threads: ThreadPoolExecutor
    ) -> None:
        self._tiles, self._address, self._app, self._threads = tiles, address, app, threads

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            made = await self._made()
        except Exception:
            # Whatever it is, the application meets it too, and knows how to tell of it.
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"])
        gzip = reads_gzip(given.get(b"accept-encoding", b"").decode("latin-1"))
        told = answer(made, gzip=gzip)
        unchanged = is_known(told.etag, given.get(b"if-none-match", b"").decode("latin-1"))
        status, head = (304, told.unchanged) if unchanged else (told.status, told.head)
        headers = [*head, *EVERYWHERE]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        body = b"" if unchanged or scope["method"] == "HEAD" else body_of(made, gzip=gzip)
        await send({"type": "http.response.body", "body": body})

    async def _made(self) -> Made:
        tiles, cache = self._tiles, self._tiles.cache
        kept = cache.get(self._address.key)
        if kept is not None:
            return kept
        flight, own = cache.board(self._address)
        if own:
            self._threads.submit(_make, tiles, flight)
        # Others may wait for the same tile: who gives up does not take it from them.
        return await asyncio.shield(asyncio.wrap_future(flight.future))


def _make(tiles: TileEngine, flight: Any) -> None:
    try:
        made = tiles.make(flight.address)
    except BaseException as error:
        tiles.cache.land(flight, error)
    else:
        tiles.cache.land(flight, made)
