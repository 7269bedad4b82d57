"""What all connections of one process share: the clock, the counters, the limits."""

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from heapq import nsmallest
from time import time
from typing import Any, NamedTuple

from api.access_log import AccessLog
from api.metrics import Metrics, Samples, Slate, lasting, summed
from api.request_head import Head, read_head
from tiles.cache import Address, Made
from tiles.live import TileEngine

_MOST_REMEMBERED = 4096
_EVERY_S = 1.0
_SHARE_CLOSED = 64
"""When there are too many connections, one in so many is closed: those idle longest."""


class Asked(NamedTuple):
    """A request for a tile, read."""

    key: bytes
    coding: str
    known: str
    bodiless: bool
    line: bytes


class Place(NamedTuple):
    """One process among several, and the slate that they share."""

    slate: Slate
    row: int


class Desk:
    """What the connections of one process share; used by its event loop alone.

    Parameters
    ----------
    tiles : TileEngine
        Where tiles come from.
    most_of_one : int
        How many requests of one client may be in work; 0 for any number.
    most_connections : int
        How many connections there may be.
    log : AccessLog, optional
        Where requests are written down.

    Attributes
    ----------
    made : mapping
        The tiles that may be answered at once; empty while none may.
    until : float
        When `renew` must be called, by the monotonic clock.
    start_200, start_204, start_304 : bytes
        The first lines of an answer, with the date.
    """

    def __init__(
        self,
        tiles: TileEngine,
        *,
        most_of_one: int,
        most_connections: int,
        log: AccessLog | None = None,
    ) -> None:
        self.tiles, self.log = tiles, log
        self.most_of_one, self.most_connections = most_of_one, most_connections
        self.metrics = Metrics()
        self.asked: dict[bytes, Asked] = {}
        self.heads: dict[bytes, Head] = {}
        self.made: dict[bytes, tuple[Address, Made]] = {}
        self.until = float("-inf")
        self.start_200 = self.start_204 = self.start_304 = b""
        self.sent_200 = self.sent_204 = self.sent_304 = self.sent_bytes = 0
        self.connections: set[Any] = set()
        self.in_work: Counter[str] = Counter()
        self.makers = ThreadPoolExecutor(2, thread_name_prefix="tile")
        self.askers = ThreadPoolExecutor(8, thread_name_prefix="tile by SQL")
        self.enders = ThreadPoolExecutor(4, thread_name_prefix="cancel")
        self._place: Place | None = None
        self._before: Samples = {}
        self._timer: asyncio.TimerHandle | None = None

    def take(self, place: Place) -> None:
        """Be one of several processes, and go on counting where the one before ended."""
        self._place, self._before = place, lasting(place.slate.row(place.row))

    def open(self) -> None:
        """Begin."""
        if self.log is not None:
            self.log.start()
        self._tell()

    def close(self) -> None:
        """End."""
        if self._timer is not None:
            self._timer.cancel()
        for threads in (self.makers, self.askers, self.enders):
            threads.shutdown(cancel_futures=True)
        if self.log is not None:
            self.log.stop()

    def renew(self, now: float) -> None:
        """Bring up to date what changes with time: the date, and whether tiles may be answered."""
        wall = time()
        date = b"date: %b\r\n" % formatdate(wall, usegmt=True).encode()
        self.start_200 = b"HTTP/1.1 200 OK\r\n" + date
        self.start_204 = b"HTTP/1.1 204 No Content\r\n" + date
        self.start_304 = b"HTTP/1.1 304 Not Modified\r\n" + date
        # Never longer than the engine vouches for what it knows.
        self.until = min(now + 1.0 - wall % 1.0, self.tiles.ready_until)
        self.made = self.tiles.cache.kept if now < self.until else {}

    def make_room(self) -> None:
        """Close the connections that are idle longest."""
        number = max(1, self.most_connections // _SHARE_CLOSED)
        idle = [each for each in self.connections if each.is_idle()]
        for each in nsmallest(number, idle, key=lambda connection: connection.seen):
            self.connections.discard(each)
            each.transport.close()

    def remember(self, request: bytes, asked: Asked) -> None:
        """Keep how a request was read: clients repeat theirs word for word."""
        if len(self.asked) >= _MOST_REMEMBERED:
            self.asked.clear()
        self.asked[request] = asked

    def head(self, block: bytes) -> Head | None:
        """Return header lines, read; None if they are not plain.

        How they were read is kept: a browser repeats them, but for the tag.
        """
        found = self.heads.get(block)
        if found is None:
            found = read_head(block)
            if found is not None:
                if len(self.heads) >= _MOST_REMEMBERED:
                    self.heads.clear()
                self.heads[block] = found
        return found

    def samples(self) -> Samples:
        """Return what all processes counted."""
        others = () if self._place is None else self._place.slate.rows(but=self._place.row)
        return summed((self._own(), *others))

    def _own(self) -> Samples:
        cache = self.tiles.cache
        statuses = {200: self.sent_200, 204: self.sent_204, 304: self.sent_304}
        now: Samples = {
            "citytwin_tiles_made_total": cache.made,
            "citytwin_tiles_dropped_total": cache.dropped,
            "citytwin_tiles_given_up_total": cache.given_up,
            "citytwin_tiles_kept": len(cache),
            "citytwin_tile_memory_bytes": cache.bytes,
            "citytwin_connections": len(self.connections),
            "citytwin_requests_in_work": self.in_work.total(),
            "citytwin_log_lines_lost_total": 0 if self.log is None else self.log.lost,
        }
        hot = self.metrics.hot(statuses, self.sent_bytes)
        return summed((self._before, self.metrics.samples(), hot, now))

    def _tell(self) -> None:
        """Write this process's row each second, for the others to read."""
        if self._place is not None:
            self._place.slate.write(self._place.row, self._own())
            self._timer = asyncio.get_running_loop().call_later(_EVERY_S, self._tell)
