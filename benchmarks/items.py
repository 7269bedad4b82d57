"""1 000 and 10 000 features as GeoJSON over HTTP: ours beside PostGIS's best query and TiPg."""

import json
import math
import socket
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from sqlalchemy import Engine, text

from benchmarks._bench import Bench, Benchmark, Result
from benchmarks._demo import demo_buildings
from benchmarks._load import cpu_s, listening, memory_mb
from benchmarks._peers import free_port, python_with, serving, socket_in_host
from benchmarks._places import places_of
from benchmarks._served import Client, our_server
from layers import layer_named
from twin.errors import UnavailableError

_LIMIT = 10_000
_SIZES = {1000: 960, 10_000: 9650}
"""Features that a box is to hold, and how many have their middle in it: others touch the rim."""
_IDLE_S = 2.0
_LAST_DECIMAL = 1.01e-7
_RIM = 0.03
"""TiPg looks in metres for what is asked in degrees: so many features may differ at the rim."""
_NAMES = [entry.name for entry in layer_named("building").fields]

_AGREED = text("""
    -- Whether a box in degrees and its corners joined by straight lines in metres hold the same.
    WITH box AS (SELECT ST_MakeEnvelope(:w, :s, :e, :n, 4326) AS lonlat)
    SELECT count(*), bool_and(
               ST_Intersects(geom, ST_Transform(lonlat, 4548))
               = ST_Intersects(ST_Transform(geom, 4326), lonlat)
           )
    FROM   twin.building, box
    WHERE  geom && ST_Expand(ST_Transform(lonlat, 4548), 5)
""")


@dataclass(frozen=True)
class _Contender:
    name: str
    address: str
    path: str
    pids: Sequence[int]

    def asked(self, box: str) -> str:
        return f"{self.path}bbox={box}&limit={_LIMIT}"


class _Reader:
    """A client that takes an answer off the line and does no more: its time is the server's."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._place = parts.hostname or "", parts.port or 80
        self._host = f"{parts.hostname}:{parts.port}"
        self._room = bytearray(1 << 20)
        self.dial()

    def dial(self) -> None:
        """Begin a connection; servers close one that was idle while others were asked."""
        self._line = socket.create_connection(self._place, timeout=60)
        self._asked = time.monotonic()

    def wake(self) -> None:
        """Dial anew if the connection may have been closed meanwhile."""
        if time.monotonic() - self._asked > _IDLE_S:
            self.close()
            self.dial()

    def get(self, path: str) -> int:
        """Ask for a path; return how many bytes came."""
        head = f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\nAccept-Encoding: identity\r\n\r\n"
        self._line.sendall(head.encode())
        got = self._line.recv_into(self._room)
        end = self._room.index(b"\r\n\r\n") + 4
        told = self._room[:end].lower()
        if not told.startswith(b"http/1.1 200"):
            raise UnavailableError(f"{bytes(told[:60])!r} for {path}")
        at = told.find(b"content-length:")
        total = end + int(told[at + 15 :].split(b"\r\n")[0]) if at >= 0 else None
        last, count = bytes(self._room[max(got - 5, 0) : got]), got
        while count < total if total is not None else last != b"0\r\n\r\n":
            got = self._line.recv_into(self._room)
            if got == 0:
                raise UnavailableError(f"{path} was cut short")
            last, count = (last + bytes(self._room[max(got - 5, 0) : got]))[-5:], count + got
        self._asked = time.monotonic()
        return count

    def close(self) -> None:
        self._line.close()


def _run(bench: Bench) -> Result:
    houses = 20_000 if bench.quick else 400_000
    rounds = 2 if bench.quick else 6
    with demo_buildings(bench, "bench_items", houses) as engine, ExitStack() as open_:
        sizes = {1000: 960} if bench.quick else _SIZES
        boxes = {size: _boxes(engine, middles, 4 if bench.quick else 10)
                 for size, middles in sizes.items()}  # fmt: skip
        ours, made_s = open_.enter_context(_citytwin(bench, engine))
        contenders = [
            ours,
            open_.enter_context(_postgis(bench, engine)),
            open_.enter_context(_tipg(bench, engine)),
        ]
        equal, rim = _compared(contenders, [box for found in boxes.values() for box in found])
        rows, ratios = [], {}
        for size, found in boxes.items():
            rows_s, alone_s, bytes_ = _in_turn(
                contenders, found, rounds if size < _LIMIT else rounds // 2
            )
            spent = {each.name: _spent_s(each, found) for each in contenders}
            mine = ours.name
            for each in contenders:
                name = each.name
                rows.append(
                    [
                        f"{size:,}",
                        name,
                        f"{rows_s[name] * 1e3:.2f}",
                        f"{rows_s[name] / rows_s[mine]:.1f}",
                        f"{alone_s[name] * 1e3:.2f}",
                        f"{alone_s[name] / alone_s[mine]:.1f}",
                        f"{spent[name] * 1e3:.1f}",
                        f"{spent[name] / spent[mine]:.1f}",
                        f"{bytes_[name] / 1e6:.2f}",
                    ]
                )
                if each is not ours:
                    word = "tipg" if "TiPg" in name else "postgis"
                    ratios[f"{word}_{size}"] = rows_s[name] / rows_s[mine]
                    ratios[f"{word}_{size}_alone"] = alone_s[name] / alone_s[mine]
                    ratios[f"{word}_{size}_cpu"] = spent[name] / spent[mine]
        memory = memory_mb(ours.pids)
        kept = sum(file.stat().st_size for file in bench.folder.rglob("texts.bin"))
    return Result(
        [
            *("features", "server", "ms in a row", "× ours", "ms alone", "× ours"),
            *("CPU ms", "× ours", "MB"),
        ],
        rows,
        ratios,
        equal,
        [
            f"Boxes of about so many among {houses:,} buildings of the demonstration city, each "
            "server asked for the same boxes on one connection, nothing compressed; all "
            f"{len(_NAMES)} properties and the geometry. Medians: in a row, a server answers for "
            "ten boxes, then the next does; alone, each server answers for one box in turn, so "
            "that it wakes from sleep with its caches lost to the others, which costs ours more "
            "than the answer itself. CPU is the server's and the database's, in a row.",
            "Equal: ids, coordinates to 1e-7°, every property, with PostGIS's query; with TiPg the "
            f"same but for {rim} features at the rims, which it looks for in metres.",
            f"Our texts take {kept / 1e6:.0f} MB on the disk and were there {made_s:.0f} s after "
            f"the service began; until then pages come from PostGIS. The service holds "
            f"{memory:.0f} MB.",
        ],
    )


def _boxes(engine: Engine, middles: int, count: int) -> list[str]:
    """Return boxes around random buildings with so many middles of buildings in them."""
    places = places_of(engine)
    rng, found = np.random.default_rng(middles), []
    for place in rng.permutation(places)[:400]:
        apart = np.abs(places - place).max(axis=1)
        reach = float(np.partition(apart, middles)[middles])
        if reach > 4 * float(np.partition(apart, middles // 4)[middles // 4]):
            continue  # at the city's edge: half of the box is empty
        west, north = _lonlat(place[0] - reach, place[1] - reach)
        east, south = _lonlat(place[0] + reach, place[1] + reach)
        sides = {"w": west, "s": south, "e": east, "n": north}
        with engine.connect() as connection:
            held, agreed = connection.execute(_AGREED, sides).one()
        if agreed and held < _LIMIT:
            found.append(f"{west},{south},{east},{north}")
        if len(found) == count:
            return found
    raise UnavailableError(f"only {len(found)} boxes with about {middles} buildings")


def _lonlat(x: float, y: float) -> tuple[float, float]:
    lat = math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * y))))
    return round(x * 360 - 180, 7), round(lat, 7)


@contextmanager
def _citytwin(bench: Bench, engine: Engine) -> Iterator[tuple[_Contender, float]]:
    began = time.monotonic()
    with our_server(bench, engine) as address:
        while True:
            health = json.loads(Client(address).get("/health"))
            if health["tiles"]["features"]["building"]["from"] == "texts":
                break
            if time.monotonic() - began > 600:
                raise UnavailableError("no texts after 10 minutes")
            time.sleep(0.5)
        made_s = time.monotonic() - began
        pids = [*_pids(address), _database(bench)]
        yield _Contender("citytwin", address, "/collections/building/items?", pids), made_s


@contextmanager
def _postgis(bench: Bench, engine: Engine) -> Iterator[_Contender]:
    python, port = python_with("asyncpg", "orjson", "uvicorn", "uvloop", "httptools"), free_port()
    env = {
        "DATABASE_URL": socket_in_host(engine.url.render_as_string(hide_password=False)),
        "ITEMS_COLUMNS": json.dumps(_NAMES),
    }
    command: list[str | Path] = [python, "-m", "uvicorn", "_postgis_items:app"]
    command += ["--app-dir", Path(__file__).parent, "--port", str(port), "--no-access-log"]
    with serving(command, port, env=env, log=bench.folder / "postgis.log") as address:
        pids = [*_pids(address), _database(bench)]
        yield _Contender("PostGIS's best query", address, "/items?", pids)


@contextmanager
def _tipg(bench: Bench, engine: Engine) -> Iterator[_Contender]:
    python, port = python_with("tipg==1.6.1", "uvicorn"), free_port()
    env = {
        "DATABASE_URL": socket_in_host(engine.url.render_as_string(hide_password=False)),
        "TIPG_DB_SCHEMAS": '["twin"]',
        "TIPG_MAX_FEATURES_PER_QUERY": str(_LIMIT),
        "TIPG_CATALOG_TTL": "0",
    }
    command: list[str | Path] = [python, "-m", "uvicorn", "tipg.main:app", "--port", str(port)]
    command += ["--log-level", "warning"]
    with serving(command, port, env=env, log=bench.folder / "tipg.log") as address:
        pids = [*_pids(address), _database(bench)]
        path = f"/collections/twin.building/items?properties={','.join(_NAMES)}&"
        yield _Contender("TiPg 1.6.1", address, path, pids)


def _pids(address: str) -> list[int]:
    return listening(int(address.rpartition(":")[2]))


def _database(bench: Bench) -> int:
    file = bench.folder / "data" / "cluster" / "data" / "postmaster.pid"
    return int(file.read_text().split()[0])


def _in_turn(
    contenders: Sequence[_Contender], boxes: Sequence[str], rounds: int
) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """Return the median seconds in a row and alone, and the mean size of answers.

    In a row a server answers for all boxes, then the next one does.  Alone it answers for one,
    after the others have had the processors and their caches to themselves.
    """
    readers = [_Reader(each.address) for each in contenders]
    rows: dict[str, list[float]] = {each.name: [] for each in contenders}
    alone: dict[str, list[float]] = {each.name: [] for each in contenders}
    sizes: dict[str, list[int]] = {each.name: [] for each in contenders}

    def ask(each: _Contender, reader: _Reader, box: str) -> float:
        began = time.perf_counter()
        sizes[each.name].append(reader.get(each.asked(box)))
        return time.perf_counter() - began

    for turn in range(-1, rounds):
        for each, reader in zip(contenders, readers, strict=True):
            reader.wake()
            found = [ask(each, reader, box) for box in boxes]
            rows[each.name] += found if turn >= 0 else []
        for box in boxes:
            for each, reader in zip(contenders, readers, strict=True):
                reader.wake()
                alone[each.name].append(ask(each, reader, box))
    for reader in readers:
        reader.close()
    return (
        {name: statistics.median(found) for name, found in rows.items()},
        {name: statistics.median(found) for name, found in alone.items()},
        {name: statistics.mean(found) for name, found in sizes.items()},
    )


def _spent_s(contender: _Contender, boxes: Sequence[str], *, least: int = 3) -> float:
    """Return the processor time of one answer, in the server and in the database."""
    reader, asked, began = _Reader(contender.address), 0, time.monotonic()
    before = cpu_s(contender.pids)
    # The clock of the processor ticks a hundred times a second: go on until that is little.
    while asked < least or time.monotonic() - began < 2.0:
        reader.get(contender.asked(boxes[asked % len(boxes)]))
        asked += 1
    reader.close()
    return (cpu_s(contender.pids) - before) / asked


def _compared(contenders: Sequence[_Contender], boxes: Sequence[str]) -> tuple[bool, int]:
    """Return whether all give the same, and how many features differ at rims with TiPg."""
    rim, total = 0, 0
    for box in boxes:
        ours, best, tipg = (_content(_fetched(each, box)) for each in contenders)
        if ours.keys() != best.keys() or not _same(ours, best):
            return False, rim
        rim += len(ours.keys() ^ tipg.keys())
        total += len(ours)
        if not _same({id: told for id, told in ours.items() if id in tipg}, tipg):
            return False, rim
    return rim <= _RIM * total, rim


def _fetched(contender: _Contender, box: str) -> bytes:
    client = Client(contender.address)
    body = client.get(contender.asked(box))
    client.close()
    return body


def _content(body: bytes) -> dict[int, tuple[dict[str, Any], list[float]]]:
    return {
        feature["id"]: (
            {name: _plain(feature["properties"][name]) for name in _NAMES},
            [
                value
                for polygon in feature["geometry"]["coordinates"]
                for ring in polygon
                for point in ring
                for value in point
            ],
        )
        for feature in json.loads(body)["features"]
    }


def _plain(value: Any) -> Any:
    """Return a value without its spelling: a time may be written in several ways."""
    if isinstance(value, str) and len(value) >= 19 and value[4] == "-" and value[10] == "T":
        return datetime.fromisoformat(value)
    if isinstance(value, str) and value[:1] == "{":
        return json.loads(value)
    return value


def _same(mine: dict[int, Any], theirs: dict[int, Any]) -> bool:
    return all(
        attributes == theirs[key][0]
        and len(numbers) == len(theirs[key][1])
        and all(abs(a - b) <= _LAST_DECIMAL for a, b in zip(numbers, theirs[key][1], strict=True))
        for key, (attributes, numbers) in mine.items()
    )


BENCHMARK = Benchmark("items", "1 000 and 10 000 features over HTTP, beside PostGIS and TiPg", _run)
