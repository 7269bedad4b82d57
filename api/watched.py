"""What surrounds every request that is not answered from memory."""

from time import monotonic
from typing import Any

from anyio import CancelScope

from api.desk import Desk
from api.edge import EVERYWHERE
from api.errors import problem
from twin.caller import Caller

_SAFE = ("GET", "HEAD")
_HERE = ("127.0.0.1", "::1")


class Watched:
    """An ASGI application around another: it counts, and ends what nobody waits for.

    Parameters
    ----------
    app : ASGI application
        What answers.
    desk : Desk
        Where it is counted.
    client : str
        Whose request it is; nothing if nobody knows.
    """

    def __init__(self, app: Any, desk: Desk, client: str) -> None:
        self._app, self._desk, self._client = app, desk, client
        self._caller = Caller()
        # Its end waits for the threads that work for the request: they have a session in hand.
        self._work = CancelScope()
        self._safe = self._runs = self._left = False
        self._status, self._size = 0, 0
        desk.in_work[client] += 1

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        began = monotonic()
        self._safe, self._runs = scope["method"] in _SAFE, True
        scope["state"]["caller"] = self._caller

        async def counted(message: Any) -> None:
            if self._left:
                return
            if message["type"] == "http.response.start":
                self._status = message["status"]
            else:
                self._size += len(message.get("body", b""))
            await send(message)

        try:
            if not self._left:
                with self._work:
                    await self._app(scope, receive, counted)
        finally:
            self._runs = False
            self._end(scope, monotonic() - began)

    def leave(self) -> None:
        """Note that the client is gone: nothing is done for it alone any more.

        A request that may change something goes on: whoever sent it finds the result later.
        """
        if self._left or (self._runs and not self._safe):
            return
        self._left = True
        self._desk.metrics.left += 1
        if self._runs:
            self._caller.gone = True
            self._work.cancel()
            self._desk.enders.submit(self._caller.leave)

    def _end(self, scope: Any, took_s: float) -> None:
        desk = self._desk
        desk.in_work[self._client] -= 1
        if not desk.in_work[self._client]:
            del desk.in_work[self._client]
        if self._status:
            desk.metrics.answered(scope["path"], self._status, self._size, took_s)
            if desk.log is not None:
                query = scope["query_string"].decode("latin-1")
                path = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
                asked = f"{scope['method']} {path} HTTP/{scope['http_version']}"
                client = scope["client"]
                desk.log.note(client[0] if client else "-", asked, self._status, self._size)


class Refusal:
    """An ASGI application that answers with an error, whatever is asked."""

    def __init__(self, status: int, detail: str, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._response = problem(status, detail, headers=named)
        self._response.raw_headers.extend(EVERYWHERE)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer."""
        await self._response(scope, receive, send)


def client_of(scope: Any) -> str:
    """Return who sent a request; behind a proxy on this machine, whom the proxy names.

    Listeners to news are counted apart: theirs never end.
    """
    peer: str = scope["client"][0] if scope["client"] else ""
    if peer in _HERE:
        for name, value in scope["headers"]:
            if name == b"x-forwarded-for":
                peer = str(value.decode("latin-1")).rpartition(",")[2].strip()[:64]
    return f"{peer}/events" if scope["path"] == "/events" else peer
