"""A tile that takes a while, made without the framework around it."""

import asyncio
from typing import Any

from api.codings import PLAIN, chosen
from api.desk import Desk
from api.edge import EVERYWHERE
from api.tile_answer import body_of, is_known, is_ready, sheet
from tiles.cache import Address, Flight, Made
from tiles.live import TileEngine


class TileApp:
    """An ASGI application that answers with one tile."""

    def __init__(self, desk: Desk, address: Address, app: Any) -> None:
        self._desk, self._address, self._app = desk, address, app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer; whatever is not quite plain the application answers."""
        given = dict(scope["headers"])
        coding = chosen(given.get(b"accept-encoding", b"").decode("latin-1"))
        try:
            made = None if coding is None else await self._made(coding)
        except Exception:
            made = None  # whatever it is, the application meets it too, and knows how to tell of it
        if made is None or coding is None:
            await self._app(scope, receive, send)
            return
        told = sheet(made, coding)
        unchanged = is_known(told.etag, given.get(b"if-none-match", b"").decode("latin-1"))
        status, head = (304, told.unchanged) if unchanged else (told.status, told.head)
        headers = [*head, *EVERYWHERE]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        body = b"" if unchanged or scope["method"] == "HEAD" else body_of(made, told)
        await send({"type": "http.response.body", "body": body})

    async def _made(self, coding: str) -> Made:
        cache = self._desk.tiles.cache
        made = cache.get(self._address.key) or await self._making(coding)
        if coding != PLAIN and not is_ready(made, coding):
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._desk.makers, made.form, coding)
            cache.weigh(self._address.key, made)
        return made

    async def _making(self, coding: str) -> Made:
        """Have the tile made, or wait with others for it."""
        desk, cache = self._desk, self._desk.tiles.cache
        flight, own = cache.board(self._address)
        if own:
            # What waits for the database does not keep those waiting that need it not.
            threads = desk.makers if desk.tiles.columnar(self._address) else desk.askers
            threads.submit(_make, desk.tiles, flight, coding)
        waiting = asyncio.wrap_future(flight.future)
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            # Else asyncio complains that nobody looked at how it ended.
            waiting.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
            if cache.leave(flight):
                desk.enders.submit(flight.caller.leave)
            raise


def _make(tiles: TileEngine, flight: Flight, coding: str) -> None:
    try:
        made = tiles.make(flight.address, flight.caller)
        if coding != PLAIN:
            made.form(coding)
    except BaseException as error:
        tiles.cache.land(flight, error)
    else:
        tiles.cache.land(flight, made)
