"""Clients that mean harm, or behave as if: a clear answer, a bounded memory, others unharmed."""

from __future__ import annotations

import json
import re
import resource
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from api import patient
from api.settings import Settings

from ._wire import Live, Wire, get, running
from .conftest import middle_tile


@pytest.fixture(scope="module")
def live(
    town_url: str, tmp_path_factory: pytest.TempPathFactory, client: TestClient
) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("hostile")
    path = f"/tiles/building/{middle_tile(client.get('/city').json(), 13)}"
    with running(Settings(database_url=town_url, pool_size=2, data_dir=folder)) as found:
        assert found.engine.wait_for_columns(timeout_s=90), found.engine.status()
        yield found._replace(path=path)


def _alive(live: Live) -> None:
    with Wire(live.port) as wire:
        wire.send(get(live.path))
        assert wire.answer()[0] == 200


def _rss_mb(pid: int | str = "self") -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    assert found is not None
    return int(found[1]) / 1024


def _more_files(number: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= hard < number:
        pytest.skip(f"the system lets a process have {hard} files, {number} are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, number), hard))


def test_a_giant_address_is_refused(live: Live) -> None:
    for size, statuses in ((20_000, {414}), (3_000_000, {414, 431})):
        with Wire(live.port) as wire:
            with suppress(OSError):  # it may hang up on us before all is sent
                wire.send(get(f"/collections/building/items?name={'a' * size}"))
            status, _, body = wire.answer()
            assert status in statuses
            assert b"at the most" in body
    _alive(live)


def test_a_head_without_end_is_refused_in_a_bounded_memory(live: Live) -> None:
    before = _rss_mb()
    for _ in range(10):
        with Wire(live.port) as wire:
            sent = 0
            wire.send(b"GET / HTTP/1.1\r\n")
            with suppress(OSError):
                while sent < 50_000_000:
                    wire.send(b"X-Nothing: at all\r\n" * 1000)
                    sent += 19_000
            assert sent < 30_000_000
    assert _rss_mb() - before < 50
    _alive(live)


def test_a_filter_bomb_is_answered(live: Live, wire: Wire) -> None:
    many = "&".join(f"use={n}" for n in range(1500))
    unknown = "&".join(f"p{n}=1" for n in range(1500))
    for query, statuses in ((many, {200, 204}), (unknown, {400})):
        for path in ("/collections/building/items", live.path):
            began = time.monotonic()
            wire.send(get(f"{path}?{query}"))
            status, _, body = wire.answer()
            assert status in statuses, body
            assert time.monotonic() - began < 8


@pytest.mark.parametrize(
    "place", ["40/1/1", "99/0/0", "13/99999/0", "13/-1/0", "13/1.5/0", "x/0/0"]
)
def test_a_tile_that_cannot_be_is_refused(live: Live, wire: Wire, place: str) -> None:
    wire.send(get(f"/tiles/building/{place}"))
    status, _, body = wire.answer()
    assert status in (400, 404)
    assert json.loads(body)["detail"]


@pytest.fixture
def wire(live: Live) -> Iterator[Wire]:
    with Wire(live.port) as found:
        yield found


def test_a_head_or_a_body_that_drips_does_not_stay(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patient, "FIRST_REQUEST_S", 0.5)
    monkeypatch.setattr(patient, "BODY_S", 0.5)
    post = get("/processes/impact-radius/execution", "Content-Length: 500", method="POST")
    for start in (b"GET /city HTTP/1.1\r\nHost: ", post):
        with Wire(live.port) as wire:
            wire.send(start)
            began = time.monotonic()
            with pytest.raises(OSError, match=r"closed|reset|pipe|Broken"):  # noqa: PT012
                while True:
                    wire.send(b"x")
                    time.sleep(0.05)
                    assert time.monotonic() - began < 15
                    wire.raise_if_closed()


def test_slow_readers_take_no_more_than_their_buffers(live: Live) -> None:
    """A hundred clients ask for tiles without end and read nothing."""
    before, request = _rss_mb(), get(live.path) * 200
    with ExitStack() as stack:
        for _ in range(100):
            quiet = stack.enter_context(socket.socket())
            quiet.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            quiet.connect(("127.0.0.1", live.port))
            quiet.setblocking(False)
            with suppress(BlockingIOError):
                for _ in range(50):
                    quiet.send(request)
        took = []
        with Wire(live.port) as wire:
            for _ in range(50):
                began = time.monotonic()
                wire.send(get(live.path))
                assert wire.answer()[0] == 200
                took.append(time.monotonic() - began)
        assert median(took) < 0.25
        assert _rss_mb() - before < 200


def test_a_client_has_so_many_requests_in_work_and_no_more(engine: Engine, tmp_path: Path) -> None:
    url = engine.url.render_as_string(hide_password=False)
    settings = Settings(database_url=url, pool_size=4, data_dir=tmp_path, client_requests=2)
    path = "/collections/building/items"
    with running(settings) as live, ExitStack() as stack:
        lock = stack.enter_context(engine.connect())
        lock.execute(text("LOCK TABLE twin.building IN ACCESS EXCLUSIVE MODE"))
        wires = [stack.enter_context(Wire(live.port)) for _ in range(3)]
        for wire in wires[:2]:
            wire.send(get(path))
        end = time.monotonic() + 10
        while live.app.state.desk.in_work["127.0.0.1"] < 2:
            assert time.monotonic() < end
            time.sleep(0.01)
        wires[2].send(get("/conformance"))
        status, headers, _ = wires[2].answer()
        assert (status, headers["retry-after"]) == (429, "1")
        # Somebody else behind the same proxy is not concerned.
        wires[2].send(get("/conformance", "X-Forwarded-For: 10.0.0.9"))
        assert wires[2].answer()[0] == 200
        lock.rollback()
        for wire in wires[:2]:
            assert wire.answer()[0] == 200
        wires[2].send(get("/conformance"))
        assert wires[2].answer()[0] == 200


def test_room_is_made_for_who_comes(engine_url: str, tmp_path: Path) -> None:
    settings = Settings(database_url=engine_url, pool_size=1, data_dir=tmp_path, connections=8)
    with running(settings) as live, ExitStack() as stack:
        wires = [stack.enter_context(Wire(live.port)) for _ in range(8)]
        for wire in wires[1:]:
            wire.send(get("/conformance"))
            assert wire.answer()[0] == 200
        last = stack.enter_context(Wire(live.port))
        last.send(get("/conformance"))
        assert last.answer()[0] == 200
        assert len(live.app.state.desk.connections) <= 8
        # One was closed, among them those that were idle longest.
        closed = 0
        for wire in wires:
            wire.socket.settimeout(0.2)
            with suppress(TimeoutError):
                closed += wire.closed()
        assert closed == 1


def _idle_connections(serve: Callable[..., Any], town_url: str, folder: Path, number: int) -> None:
    _more_files(number + 1000)
    env = {"TWIN_DATABASE_URL": town_url, "TWIN_DATA_DIR": str(folder)}
    with serve(**env) as service, ExitStack() as stack:
        service.wait_ready(300)
        with urllib.request.urlopen(f"{service.address}/city", timeout=30) as answer:
            place = middle_tile(json.load(answer), 13)
        port, path = int(service.address.rpartition(":")[2]), f"/tiles/building/{place}"
        before = _rss_mb(service.process.pid)

        def times() -> float:
            took = []
            with Wire(port) as wire:
                for _ in range(100):
                    began = time.perf_counter()
                    wire.send(get(path))
                    assert wire.answer()[0] == 200
                    took.append(time.perf_counter() - began)
            return median(took)

        alone_s = times()
        for n in range(number):
            quiet = stack.enter_context(socket.socket())
            # Each address of the loopback has its own ports.
            quiet.bind((f"127.0.{n // 5000}.2", 0))
            quiet.connect(("127.0.0.1", port))
        among_s = times()
        each_kb = (_rss_mb(service.process.pid) - before) * 1024 / number
        print(
            f"{number} idle: {each_kb:.1f} kB each; a tile in {among_s * 1e3:.2f} ms, "
            f"alone {alone_s * 1e3:.2f} ms"
        )
        assert each_kb < 32
        assert among_s < max(alone_s * 5, 0.05)
        told = urllib.request.urlopen(f"{service.address}/metrics", timeout=30).read().decode()
        open_ = re.search(r"^citytwin_connections (\d+)", told, re.MULTILINE)
        assert open_ is not None
        assert int(open_[1]) >= number


def test_a_thousand_idle_connections_harm_nobody(
    serve: Callable[..., Any], town_url: str, tmp_path: Path
) -> None:
    _idle_connections(serve, town_url, tmp_path, 1000)


@pytest.mark.slow
def test_ten_thousand_idle_connections_harm_nobody(
    serve: Callable[..., Any], town_url: str, tmp_path: Path
) -> None:
    _idle_connections(serve, town_url, tmp_path, 10_000)
