"""A connection with a measure to everything: time, heads, what is written to who does not read."""

import asyncio
import socket
from contextlib import suppress
from http import HTTPStatus
from time import monotonic
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.desk import Desk

FIRST_REQUEST_S = 30.0
"""How long a new connection may take to send its first request, or any one to send a whole head."""
BODY_S = 120.0
"""How long a client may take to send the body of a request."""
STALLED_S = 60.0
"""How long a client may leave what was sent to it unread."""
LONGEST_HEAD_BYTES = 64 * 1024
_LAST_LOOK_S = 0.05
_UNSENT_BYTES = 128 * 1024
"""What the system may hold for a client that does not read; what is under way to it is apart."""


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's own protocol, which leaves who keeps it waiting.

    Attributes
    ----------
    seen : float
        When the client was last heard or answered, by the monotonic clock.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        desk = self.app_state.get("desk") if self.limit_concurrency is None else None
        self._desk: Desk | None = desk
        self._free = False
        """Whether the next bytes begin a request, and it may be answered now."""
        self._held = b""
        self._inside = False
        self._in_head = False
        self._head_size = 0
        self.seen = 0.0
        self._began = 0.0
        self._overdue = False
        self._idle_timer: asyncio.TimerHandle | None = None
        self._stalled_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin: a client that says nothing does not stay."""
        super().connection_made(transport)
        with suppress(OSError):  # not every kind of socket knows it
            own = transport.get_extra_info("socket")
            own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
        self.seen = monotonic() + FIRST_REQUEST_S - self.timeout_keep_alive
        self._idle_timer = self.loop.call_later(FIRST_REQUEST_S, self._look)
        if self._desk is not None:
            if len(self._desk.connections) >= self._desk.most_connections:
                self._desk.make_room()
            if len(self._desk.connections) >= self._desk.most_connections:
                self._desk.metrics.refused["connections"] += 1
                self._refuse(503, "too many connections; come again in a moment")
                return
            self._desk.connections.add(self)
            self._free = True

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._held, self._free = b"", False
        for timer in (self._idle_timer, self._stalled_timer):
            if timer is not None:
                timer.cancel()
        if self._desk is not None:
            self._desk.connections.discard(self)
        super().connection_lost(exc)

    def _between(self) -> bool:
        """Return whether no request is under way."""
        return (self.cycle is None or self.cycle.response_complete) and not self.pipeline

    def _settle(self) -> None:
        """Find out whether the next request may be answered at once."""
        self._free = (
            self._desk is not None
            and not (self._inside or self._held or self.flow.write_paused)
            and self._between()
            and not self.transport.is_closing()
        )

    def _feed(self, data: bytes) -> None:
        """Let the parser read."""
        self._free = False
        self._head_size += len(data)
        super().data_received(data)
        if self._in_head and self._head_size > LONGEST_HEAD_BYTES:
            if self._desk is not None:
                self._desk.metrics.refused["head"] += 1
            self._refuse(431, f"a request's head may have {LONGEST_HEAD_BYTES} bytes at the most")
        self._settle()

    def on_message_begin(self) -> None:
        """Note that the parser is inside a request."""
        self._inside = self._in_head = True
        self._began = monotonic()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Note that the head is whole."""
        self._in_head, self._head_size = False, 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note that the request is whole."""
        self._inside = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Note when the application was done."""
        self.seen = monotonic()
        super().on_response_complete()
        # The look that this class takes at idle connections is enough.
        self._unset_keepalive_if_required()
        self._settle()

    def is_idle(self) -> bool:
        """Return whether nothing is under way."""
        return self._between() and not self._inside and not self._held

    def _look(self) -> None:
        """Close the connection if nothing came for long; else look again when that might be."""
        if self.transport.is_closing():
            return
        now = monotonic()
        if self._inside:
            left = self._began + (FIRST_REQUEST_S if self._in_head else BODY_S) - now
        elif self.is_idle():
            left = self.seen + self.timeout_keep_alive - now
        else:
            left = float(self.timeout_keep_alive)  # what ends the answer begins the time anew
        if left > 0:
            self._overdue = False
        elif not self._overdue:
            # The loop looks at the clock before it reads: if it was late itself, the request that
            # it waits for may be here already.
            self._overdue, left = True, _LAST_LOOK_S
        else:
            self.transport.close()
            return
        # A request that begins meanwhile may have less time than this one has left.
        self._idle_timer = self.loop.call_later(min(left, FIRST_REQUEST_S), self._look)

    def _refuse(self, status: int, detail: str) -> None:
        """Answer with an error ahead of the framework, and hang up."""
        self._free = False
        title, body = HTTPStatus(status).phrase, detail.encode()
        head = f"HTTP/1.1 {status} {title}\r\nconnection: close\r\n"
        head += "retry-after: 5\r\n" if status == 503 else ""
        head += f"content-type: text/plain; charset=utf-8\r\ncontent-length: {len(body)}\r\n\r\n"
        self.transport.write(head.encode() + body)
        self.transport.close()

    def pause_writing(self) -> None:
        """Stop answering a client that does not read, and leave it if it never does."""
        super().pause_writing()
        self._free = False
        if self._stalled_timer is None:
            self._stalled_timer = self.loop.call_later(STALLED_S, self.transport.abort)

    def resume_writing(self) -> None:
        """Forget that the client did not read."""
        super().resume_writing()
        if self._stalled_timer is not None:
            self._stalled_timer.cancel()
            self._stalled_timer = None
