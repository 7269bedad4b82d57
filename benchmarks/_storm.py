"""Those who edit, watch and read during an edit storm, each in a process of its own."""

import gzip
import http.client
import json
import math
import multiprocessing as mp
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.queues import Queue
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import psycopg
from numpy.typing import NDArray

_SPAWN = mp.get_context("spawn")
_BOX = """
    SELECT ST_XMin(b), ST_YMin(b), ST_XMax(b), ST_YMax(b)
    FROM (SELECT Box2D(ST_Transform(geom, 3857)) AS b FROM twin.building WHERE id = %s) AS found
"""
_NAMED = "UPDATE twin.building SET name = %(name)s WHERE id = %(id)s"
_MOVED = """
    UPDATE twin.building SET name = %(name)s, geom = ST_Translate(geom, %(dx)s, %(dy)s)
    WHERE  id = %(id)s
"""
_ADDED = """
    INSERT INTO twin.building (source, source_id, name, use, height_m, storeys, geom)
    SELECT 'storm', %(name)s, %(name)s, use, height_m, storeys, ST_Translate(geom, %(dx)s, %(dy)s)
    FROM   twin.building WHERE id = %(id)s RETURNING id
"""
_GONE = "DELETE FROM twin.building WHERE id = %(id)s"
PATIENCE_S = 30.0
_PAUSE_S = 0.002
"""Who waits for a tile asks again so soon."""
_SETTLED = 40
"""What was added is taken away no sooner than when so many more were: somebody may look for it."""


@dataclass(frozen=True)
class Edit:
    """One edit: when its commit returned, what to look for where, and the boxes it touched."""

    at: float
    word: bytes
    place: tuple[float, float] | None
    """Where the feature is now, in metres of the Mercator square; None if it is gone."""
    boxes: tuple[tuple[float, float, float, float], ...]


@dataclass
class Storm:
    """What a storm was like."""

    edits: list[Edit] = field(default_factory=list)
    waited_s: list[float] = field(default_factory=list)
    never: int = 0
    """Edits that were not seen in the time that was given."""
    seconds: float = 0.0
    reads: int = 0


def edit(
    url: str, last_id: int, per_s: float, seconds: float, seed: int, out: "Queue[Any]"
) -> None:
    """Edit at a steady pace, and tell of each commit; a database that restarts is waited for."""
    random, own = np.random.default_rng(seed), list[int]()
    # Each feature once: a later edit of it would hide what an earlier one is looked for by.
    ids = iter(random.permutation(np.arange(1, last_id)).tolist())
    began, number = time.monotonic(), 0
    connection = _database(url)
    while time.monotonic() - began < seconds:
        try:
            told = _one(connection, random, next(ids), own, seed, number)
        except psycopg.Error:
            cut = time.monotonic()
            connection = _database(url)
            began += time.monotonic() - cut  # nothing can be edited meanwhile
            continue
        out.put(told)
        number += 1
        time.sleep(max(0.0, began + number / per_s - time.monotonic()))
    out.put(None)


def _one(
    connection: "psycopg.Connection[Any]",
    random: np.random.Generator,
    id: int,
    own: list[int],
    seed: int,
    number: int,
) -> Edit:
    word, what = f"storm-{seed}-{number:06d}", random.random()
    values = {"name": word, "dx": random.normal() * 60, "dy": random.normal() * 60}
    before = None
    if what < 0.05 and len(own) > _SETTLED:
        id = own.pop(0)
        before = connection.execute(_BOX, [id]).fetchone()
        connection.execute(_GONE, {"id": id})
    elif what < 0.15:
        row = connection.execute(_ADDED, values | {"id": id}).fetchone()
        id = int(row[0]) if row is not None else id
        own.append(id)
    else:
        before = connection.execute(_BOX, [id]).fetchone()
        connection.execute(_MOVED if what < 0.45 else _NAMED, values | {"id": id})
    at = time.monotonic()
    after = connection.execute(_BOX, [id]).fetchone()
    place = ((after[0] + after[2]) / 2, (after[1] + after[3]) / 2) if after is not None else None
    return Edit(at, word.encode(), place, tuple(tuple(b) for b in (before, after) if b is not None))


def _database(url: str) -> "psycopg.Connection[Any]":
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return psycopg.connect(url, autocommit=True)
        except psycopg.Error:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


class Watcher:
    """Connections to every process of a server, each asked until it shows an edit."""

    def __init__(self, address: str, processes: int) -> None:
        parts = urlsplit(address)
        self._at = parts.hostname or "", parts.port
        self._processes = processes
        self._open: list[http.client.HTTPConnection] = []

    def seen(self, path: str, word: bytes, since: float) -> float | None:
        """Return how long after a time every process showed a word in a tile; None if never."""
        at, tag = 0, ""
        while at < max(len(self._open), 1):
            if time.monotonic() - since > PATIENCE_S:
                return None
            try:
                if not self._open:
                    self._connect()
                body, tag = self._asked(self._open[at], path, tag)
                if word in body:
                    at, tag = at + 1, ""
                else:
                    time.sleep(_PAUSE_S)
            except (OSError, http.client.HTTPException, EOFError):
                self._open, at, tag = [], 0, ""
                time.sleep(0.005)
        return time.monotonic() - since

    def _connect(self) -> None:
        """Open connections until each process has one: which one answers, its health tells."""
        found: dict[int, http.client.HTTPConnection] = {}
        for _ in range(64):
            connection = http.client.HTTPConnection(*self._at, timeout=10)
            told = json.loads(self._asked(connection, "/health", "")[0]).get("tiles")
            if told is None or found.setdefault(told["process"], connection) is not connection:
                connection.close()  # it cannot tell now, or is one more of the same
            if len(found) == self._processes:
                break
        if not found:
            raise ConnectionError("no process tells who it is")
        self._open = list(found.values())

    @staticmethod
    def _asked(connection: http.client.HTTPConnection, path: str, tag: str) -> tuple[bytes, str]:
        """Return what is new since a tag, nothing if nothing is, and the tag of what there is."""
        head = {"Accept-Encoding": "gzip"} | ({"If-None-Match": tag} if tag else {})
        connection.request("GET", path, headers=head)
        answer = connection.getresponse()
        body = answer.read()
        plain = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
        return plain, answer.headers.get("etag", "")


def watch(address: str, processes: int, asked: "Queue[Any]", out: "Queue[Any]") -> None:
    """Ask for the tile of each edit until all processes show it."""
    watcher = Watcher(address, processes)
    while (work := asked.get()) is not None:
        path, word, since = work
        out.put(watcher.seen(path, word, since))
    out.put("end")


def read(address: str, paths: Sequence[str], per_s: float, stopped: Any, out: "Queue[Any]") -> None:
    """Ask for tiles at a steady pace, over connections that stay open, until told to stop."""
    parts = urlsplit(address)
    connections = [_plain(parts.hostname, parts.port) for _ in range(8)]
    began, number = time.monotonic(), 0
    while not stopped.is_set():
        which = number % len(connections)
        try:
            connections[which].request(
                "GET", paths[number % len(paths)], headers={"Accept-Encoding": "gzip"}
            )
            connections[which].getresponse().read()
        except (OSError, http.client.HTTPException):
            connections[which] = _plain(parts.hostname, parts.port)
        number += 1
        time.sleep(max(0.0, began + number / per_s - time.monotonic()))
    out.put(number)


def _plain(host: str | None, port: int | None) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(host or "", port, timeout=10)


@contextmanager
def _process(target: Any, *arguments: Any) -> Iterator[Any]:
    process = _SPAWN.Process(target=target, args=arguments, daemon=True)
    process.start()
    try:
        yield process
    finally:
        process.join(timeout=5)
        if process.is_alive():
            process.kill()


def run(
    address: str,
    url: str,
    *,
    last_id: int,
    zoom: int,
    seconds: float,
    per_s: float,
    reads: Sequence[str],
    reads_per_s: float,
    seed: int,
    meanwhile: Any = None,
) -> Storm:
    """Run one storm against a server of two processes; ``meanwhile`` is called in its middle."""
    done, told, stopped = Storm(), _SPAWN.Queue(), _SPAWN.Event()
    asked, seen, counted = _SPAWN.Queue(), _SPAWN.Queue(), _SPAWN.Queue()
    watchers = 2
    with (
        _process(edit, url, last_id, per_s, seconds, seed, told),
        _process(watch, address, 2, asked, seen),
        _process(watch, address, 2, asked, seen),
        _process(read, address, reads, reads_per_s, stopped, counted),
    ):
        began, called = math.inf, meanwhile is None
        while (each := told.get(timeout=2 * PATIENCE_S + seconds)) is not None:
            done.edits.append(each)
            began = min(began, time.monotonic())
            if each.place is not None:
                asked.put((path_of(each.place, zoom), each.word, each.at))
            if not called and time.monotonic() - began > seconds / 2:
                meanwhile()
                called = True
        done.seconds = done.edits[-1].at - done.edits[0].at
        for _ in range(watchers):
            asked.put(None)
        ended = 0
        while ended < watchers:
            answer = seen.get(timeout=2 * PATIENCE_S)
            if answer == "end":
                ended += 1
            elif answer is None:
                done.never += 1
            else:
                done.waited_s.append(answer)
        stopped.set()
        done.reads = counted.get(timeout=PATIENCE_S)
    return done


def path_of(place: tuple[float, float], zoom: int) -> str:
    """Return the path of our tile around a place of the Mercator square, in metres."""
    half, side = 20037508.342789244, 2**zoom
    x = int((place[0] + half) / (2 * half) * side)
    y = int((half - place[1]) / (2 * half) * side)
    return f"/tiles/building/{zoom}/{x}/{y}"


def percentiles_ms(waited_s: Sequence[float]) -> NDArray[np.float64]:
    """Return the median, the 95th percentile and the largest, in milliseconds."""
    found: NDArray[np.float64] = np.percentile(np.array(waited_s), [50, 95, 100]) * 1e3
    return found
