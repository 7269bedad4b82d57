"""A service in a thread of this process, and sockets that speak to it without a library."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import uvicorn

from api.app import create_app
from api.hot import HotProtocol
from api.settings import Settings

from .conftest import free_port


class Live(NamedTuple):
    """A service in a thread of this process."""

    port: int
    app: Any
    path: str = ""
    """A tile with something in it."""

    @property
    def engine(self) -> Any:
        return self.app.state.tiles


@contextmanager
def running(settings: Settings) -> Iterator[Live]:
    """Serve until the block ends, as ``citytwin serve`` does."""
    port = free_port()
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        port=port,
        http=HotProtocol,
        loop="uvloop",
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            thread.join(0.02)
        yield Live(port, app)
    finally:
        server.should_exit = True
        thread.join(timeout=40)
        assert not thread.is_alive()


class Wire:
    """A socket that reads answers one by one."""

    def __init__(self, port: int, timeout_s: float = 10) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
        self._left = b""

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self, *, bodiless: bool = False) -> tuple[int, dict[str, str], bytes]:
        while b"\r\n\r\n" not in self._left:
            more = self.socket.recv(65536)
            assert more, "closed"
            self._left += more
        head, _, self._left = self._left.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        status = int(first.split()[1])
        length = 0 if bodiless or status in (204, 304) else int(headers["content-length"])
        while len(self._left) < length:
            more = self.socket.recv(65536)
            assert more, "closed"
            self._left += more
        body, self._left = self._left[:length], self._left[length:]
        return status, headers, body

    def raise_if_closed(self) -> None:
        """Raise `ConnectionError` if the other side hung up."""
        self.socket.setblocking(False)
        try:
            if self.socket.recv(1, socket.MSG_PEEK) == b"":
                raise ConnectionError("closed")
        except BlockingIOError:
            pass
        finally:
            self.socket.setblocking(True)

    def closed(self) -> bool:
        return self.socket.recv(1) == b""


def get(path: str, *lines: str, method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *lines, "", ""]).encode()
