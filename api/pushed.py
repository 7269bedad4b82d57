"""News of the city pushed to whoever listens, as server-sent events (WHATWG HTML, 9.2)."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence

import orjson

from tiles.news import News, news
from twin.changes import Change, Position
from twin.crs import Frame
from twin.errors import InvalidInputError

MEDIA_TYPE = "text/event-stream"
_BEAT_S = 15.0
"""Something is said at least this often, so that proxies and clients know the line is alive."""
_WAITING = 256
"""News that may wait for a client; who falls further behind is left, and asks again later."""
_MOST_REPLAYED = 5_000
"""More changes than this are not told one by one: the client is told to look at everything."""

Replay = Callable[[Position, int], Sequence[Change]]
"""Returns what came after a position, at most so much."""


class Listener:
    """One client's news, in order."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[tuple[Position, bytes] | None] = asyncio.Queue(_WAITING)
        self.lost = False

    def put(self, position: Position, event: bytes) -> None:
        """Add news; a client that does not take them is left."""
        if self._queue.full():
            self.lost = True
        else:
            self._queue.put_nowait((position, event))

    def end(self) -> None:
        """Let the client go."""
        self.lost = True
        if not self._queue.full():
            self._queue.put_nowait(None)

    async def next(self) -> tuple[Position, bytes] | None:
        """Return the next news; None if there were none for a while."""
        try:
            return await asyncio.wait_for(self._queue.get(), _BEAT_S)
        except TimeoutError:
            return None


class Pushed:
    """All clients of one process.  News come from the thread that follows the change feed."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = False

    def tell(self, changes: Sequence[Change], frame: Frame) -> None:
        """Pass changes on; called from any thread, when the tiles show them already."""
        if self._listeners and self._loop is not None and not self._loop.is_closed():
            events = [(each.position, written(each)) for each in news(changes, frame)]
            self._loop.call_soon_threadsafe(self._pass_on, events)

    def _pass_on(self, events: Sequence[tuple[Position, bytes]]) -> None:
        for listener in self._listeners:
            for position, event in events:
                listener.put(position, event)

    def close(self) -> None:
        """Let all clients go: the service stops."""
        self._ended = True
        for listener in self._listeners:
            listener.end()

    async def stream(
        self, after: Position | None, reached: Callable[[], Position], replay: Replay, frame: Frame
    ) -> AsyncIterator[bytes]:
        """Yield a client's events for as long as it listens.

        Parameters
        ----------
        after : Position, optional
            The last news that the client had; None to begin now.
        reached : callable
            Returns how far the tiles are: what comes later is told when they show it.
        replay : callable
            Reads the feed.
        frame : Frame
            The city's frame.
        """
        self._loop = asyncio.get_running_loop()
        listener = Listener()
        self._listeners.add(listener)
        try:
            had = reached()
            yield f"retry: 1000\nid: {_id(had)}\nevent: here\ndata: {{}}\n\n".encode()
            if after is not None and after < had:
                missed = await asyncio.to_thread(replay, after, _MOST_REPLAYED + 1)
                missed = [change for change in missed if change.position <= had]
                if len(missed) > _MOST_REPLAYED:
                    yield f"id: {_id(had)}\nevent: everything\ndata: {{}}\n\n".encode()
                else:
                    for each in news(missed, frame):
                        yield written(each)
            while not (listener.lost or self._ended):
                told = await listener.next()
                if told is None:
                    yield b": still here\n\n"
                elif told[0] > had:
                    yield told[1]
        finally:
            self._listeners.discard(listener)


def written(told: News) -> bytes:
    """Return news as an event."""
    document = {
        "at": told.at,
        "layers": [
            {"id": each.layer, "ids": each.ids, "boxes": [_rounded(box) for box in each.boxes]}
            for each in told.layers
        ],
    }
    return b"id: %b\nevent: change\ndata: %b\n\n" % (
        _id(told.position).encode(),
        orjson.dumps(document),
    )


def read_position(word: str) -> Position:
    """Return the place in the feed that a ``Last-Event-ID`` names.

    >>> read_position("12-3")
    Position(seq=12, id=3)
    """
    if not re.fullmatch(r"[0-9]{1,18}-[0-9]{1,18}", word):
        raise InvalidInputError(f"Last-Event-ID {word[:40]!r} is none of ours, such as 12-3")
    seq, _, number = word.partition("-")
    return Position(int(seq), int(number))


def _id(position: Position) -> str:
    return f"{position.seq}-{position.id}"


def _rounded(box: Sequence[float]) -> list[float]:
    """Return a box with seven decimals, rounded outward."""
    west, south, east, north = box
    rim = 5e-8
    return [
        round(west - rim, 7),
        round(south - rim, 7),
        round(east + rim, 7),
        round(north + rim, 7),
    ]
