"""What holds for every request, whatever it asks: HEAD, OPTIONS, CORS, the size of a body."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.routing import Match, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.codings import chosen
from api.errors import problem

EXPOSED = "Content-Encoding, ETag, Link, Location, OGC-NumberMatched, OGC-NumberReturned"
_ALLOWED = "Accept, Content-Type, If-Match, If-None-Match, If-Range, Prefer, Range"
EVERYWHERE = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", EXPOSED.encode()),
    (b"x-content-type-options", b"nosniff"),
)
"""What stands in the head of every answer."""
_SAFE = ("GET", "HEAD", "OPTIONS")


class TooLargeError(Exception):
    """The body of a request is larger than the service reads."""


class Edge:
    """An ASGI application around another.

    Parameters
    ----------
    app : ASGIApp
        What answers.
    router : Router
        The routes, asked which methods an address knows.
    body_limit_bytes : int
        The largest body that is read.
    """

    def __init__(self, app: ASGIApp, *, router: Router, body_limit_bytes: int) -> None:
        self._app = app
        self._router = router
        self._limit = body_limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = scope["method"]
        respond = _sender(send, bodiless=method == "HEAD")
        if method == "OPTIONS":
            await self._options(scope)(scope, receive, respond)
            return
        headers = Headers(scope=scope)
        if chosen(headers.get("accept-encoding", "")) is None:
            told = "Accept-Encoding takes none of what there is: zstd, gzip, identity"
            await problem(406, told)(scope, receive, respond)
            return
        if method == "HEAD":
            # A HEAD is answered as the GET it asks about, without the body.
            scope = {**scope, "method": "GET", "bodiless": True}
        declared = headers.get("content-length", "")
        if declared.isdigit() and int(declared) > self._limit:
            await self._refused()(scope, receive, respond)
            return
        try:
            await self._app(scope, self._bounded(receive), respond)
        except TooLargeError:
            await self._refused()(scope, receive, respond)

    def _options(self, scope: Scope) -> ASGIApp:
        allowed = {
            method
            for method in ("GET", "POST")
            for route in self._router.routes
            if route.matches({**scope, "method": method})[0] is Match.FULL
        }
        if not allowed:
            return problem(404, f"there is nothing at {scope['path']}")
        methods = ", ".join(sorted({*allowed, *(_SAFE if "GET" in allowed else ("OPTIONS",))}))
        headers = {
            "Allow": methods,
            "Access-Control-Allow-Methods": methods,
            "Access-Control-Allow-Headers": _ALLOWED,
            "Access-Control-Max-Age": "86400",
        }
        return Response(status_code=204, headers=headers)

    def _refused(self) -> ASGIApp:
        return problem(413, f"the body of a request may have {self._limit} bytes at the most")

    def _bounded(self, receive: Receive) -> Receive:
        read = 0

        async def bounded() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._limit:
                raise TooLargeError
            return message

        return bounded


def _sender(send: Send, *, bodiless: bool) -> Send:
    async def sender(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in EVERYWHERE:
                headers.setdefault(name.decode(), value.decode())
        elif bodiless:
            message = {**message, "body": b""}
        await send(message)

    return sender
