"""Archives of tiles, listed and sent by ranges: PMTiles, read without a tile server."""

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from api.archived import MEDIA_TYPE, Opened, listed, opened, read
from api.dependencies import Nothing, OnlyFormat
from api.edge import EXPOSED
from api.errors import problem
from api.links import base, here
from api.negotiate import JsonOnly
from api.render import answer

_EXPOSED = f"{EXPOSED}, Accept-Ranges, Content-Length, Content-Range"

router = APIRouter()


@router.get("/archives", dependencies=[OnlyFormat, JsonOnly])
def archives(request: Request) -> Response:
    """Return the archives that are offered."""
    found = listed(request.app.state.settings.archives, base(request))
    return answer(request, {"links": here(request)[:1], "archives": found})


@router.get("/archives/{name}.pmtiles", dependencies=[Nothing])
def archive(request: Request, name: str) -> Response:
    """Return an archive, or the range of it that is asked for."""
    return _Part(opened(request.app.state.settings.archives, name, request.headers))


class _Part(Response):
    """A file or a part of it, read while it is sent."""

    def __init__(self, found: Opened) -> None:
        self._found = found
        self._head = {**found.head, "Access-Control-Expose-Headers": _EXPOSED}
        super().__init__(None, found.part.status, self._head, MEDIA_TYPE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, and close the file however that ends."""
        found, status = self._found, self.status_code
        with found.file:
            if status in (412, 416):
                why = "the archive has changed" if status == 412 else "the archive ends before"
                await problem(status, why, headers=self._head)(scope, receive, send)
                return
            bodiless = scope.get("bodiless") or status == 304
            head = {"type": "http.response.start", "status": status, "headers": self.raw_headers}
            await send(head)
            at = found.part.begin
            while not bodiless and (chunk := await run_in_threadpool(read, found, at)):
                at += len(chunk)
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
