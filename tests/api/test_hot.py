"""Tiles answered ahead of the framework are those the framework would have answered."""

from __future__ import annotations

import gzip
import re
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
import zstandard
from fastapi.testclient import TestClient

from api import feature_answer, patient
from api.settings import Settings
from tiles.features import Texts

from ._wire import Live, Wire, get, running
from .conftest import middle_tile


@pytest.fixture(scope="module")
def live(
    town_url: str, tmp_path_factory: pytest.TempPathFactory, client: TestClient
) -> Iterator[Live]:
    """Return a service of the tiny town on a port, its columns made."""
    folder = tmp_path_factory.mktemp("live")
    path = f"/tiles/building/{middle_tile(client.get('/city').json(), 13)}"
    with running(Settings(database_url=town_url, pool_size=2, data_dir=folder)) as found:
        assert found.engine.wait_for_columns(timeout_s=90), found.engine.status()
        yield found._replace(path=path)


@pytest.fixture
def wire(live: Live) -> Iterator[Wire]:
    with Wire(live.port) as found:
        yield found


def _slow(path: str) -> str:
    """Return the same address as only the framework answers it."""
    return path.replace("/tiles/building", "/tiles/%62uilding")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("Accept-Encoding: gzip",),
        ("Accept-Encoding: gzip, deflate, br, zstd",),
        ("Accept-Encoding: zstd;q=0.5, gzip;q=0.6",),
        ("Accept-Encoding: zstd;q=0.5, identity;q=0.1",),
        ("Accept-Encoding: br;q=1, identity;q=0",),
        ("Accept-Encoding: br;q=1, gzip;q=0.1",),
        ("Accept-Encoding: gzip;q=0",),
        ("Accept-Encoding: *",),
        ("Accept-Encoding: identity",),
        ("If-None-Match: *",),
        ('If-None-Match: "other"',),
        ("Origin: http://elsewhere", "User-Agent: 浏览器".encode().decode("latin-1")),
    ],
)
def test_both_ways_give_the_same_head_and_body(
    live: Live, wire: Wire, method: str, lines: tuple[str, ...]
) -> None:
    for path in (live.path, f"{live.path}.mvt", "/tiles/building/14/0/0"):
        answers = []
        for address in (_slow(path), path, path):
            head = "\r\n".join([f"{method} {address} HTTP/1.1", "Host: x", *lines, "", ""])
            wire.send(head.encode("latin-1"))
            status, headers, body = wire.answer(bodiless=method == "HEAD")
            assert headers.pop("date")
            answers.append((status, headers, body))
        assert answers[0] == answers[1] == answers[2]


def test_the_order_of_header_lines_is_the_same_too(live: Live) -> None:
    raw = []
    for path in (_slow(live.path), live.path):
        with Wire(live.port) as wire:
            wire.send(get(path, "Accept-Encoding: gzip"))
            head = b""
            while b"\r\n\r\n" not in head:
                head += wire.socket.recv(65536)
            lines = head.partition(b"\r\n\r\n")[0].split(b"\r\n")
            raw.append([line for line in lines if not line.startswith(b"date")])
    assert raw[0] == raw[1]


def test_a_tag_is_answered_with_304_and_belongs_to_its_encoding(live: Live, wire: Wire) -> None:
    wire.send(get(live.path, "Accept-Encoding: gzip"))
    _, packed, body = wire.answer()
    wire.send(get(live.path))
    _, plain, text = wire.answer()
    assert gzip.decompress(body) == text
    assert packed["content-encoding"] == "gzip"
    assert "content-encoding" not in plain
    assert packed["etag"] != plain["etag"]
    assert packed["vary"] == plain["vary"] == "Accept-Encoding"
    for etag, line, status in (
        (packed["etag"], "Accept-Encoding: gzip", 304),
        (f'"x", W/{packed["etag"]}', "Accept-Encoding: gzip", 304),
        (packed["etag"], "Accept-Encoding: identity", 200),
        (plain["etag"], "Accept-Encoding: identity", 304),
    ):
        wire.send(get(live.path, line, f"If-None-Match: {etag}"))
        assert wire.answer()[0] == status


@pytest.fixture
def ready(live: Live) -> Live:
    """Return the service once texts of features are there."""
    assert live.engine.wait_for_texts(timeout_s=120)
    return live


def _page(wire: Wire, path: str, method: str, lines: tuple[str, ...]) -> tuple[Any, ...]:
    """Return an answer, its head in its order, without what the clock says."""
    wire.send("\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode("latin-1"))
    status, headers, body = wire.answer(bodiless=method == "HEAD")
    assert headers.pop("date")
    if headers.get("content-encoding") == "gzip":
        # The time is in it, so that its length varies.
        assert int(headers.pop("content-length")) > 0
        body = gzip.decompress(body) if body else body
    return status, list(headers.items()), re.sub(rb'"timeStamp":"[^"]+"', b"", body)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "lines",
    [
        ("Host: x",),
        ("Host: 城市.cn:8080".encode().decode("latin-1"), "Accept-Encoding: identity"),
        ("Host: x", "Accept: application/geo+json", "accept-encoding:br"),
        ("Host: x", "Accept: text/html"),
        ("Host: x", "Accept-Encoding: gzip"),
        ("Host: x", "X-Forwarded-Proto: https", "X-Forwarded-For: 10.1.1.1"),
        ("Host: x:y",),
        ("Host: x", "If-None-Match: *", "Origin: http://elsewhere"),
    ],
)
@pytest.mark.parametrize(
    "query",
    [
        "",
        "?",
        "?limit=3",
        "?limit=3&cursor=Mw",
        "?bbox=116.6702,23.3521,116.6719,23.3538&limit=10000",
        "?bbox=116.6702%2C23.3521,116.6719,23.3538",
        "?bbox=170,-90,-170,90",
        "?limit=2&count=true",
        "?use=office",
        "?f=html",
        "?limit=0",
        "?colour=red",
        "?limit=1&limit=2",
        "?bbox=116.67,23.35,116.68,23.36&f=json&&=",
    ],
)
def test_features_are_the_same_both_ways(
    ready: Live, wire: Wire, method: str, lines: tuple[str, ...], query: str
) -> None:
    by_framework = _page(wire, f"/collections/%62uilding/items{query}", method, lines)
    assert _page(wire, f"/collections/building/items{query}", method, lines) == by_framework


def test_features_are_answered_ahead_of_the_framework_counted_and_in_their_order(
    ready: Live, wire: Wire
) -> None:
    path, metrics = "/collections/building/items?limit=5", ready.app.state.desk.metrics
    status, _, body = _page(wire, path, "GET", ("Host: x",))
    samples = metrics.samples()
    calls: list[str] = []
    original = type(ready.app).__call__

    async def noted(self: Any, scope: Any, receive: Any, send: Any) -> None:
        calls.append(scope["path"])
        await original(self, scope, receive, send)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(ready.app), "__call__", noted)
        wire.send(b"".join(get(each) for each in (path, ready.path, path, "/city")))
        pages: list[Any] = []
        others: list[Any] = []
        for found in (pages, others, pages, others):
            found.append(wire.answer())
    assert calls == ["/city"]
    assert [each[0] for each in (*pages, *others)] == [status] * 4
    assert b"srid" in others[1][2]
    for _, _, again in pages:
        assert re.sub(rb'"timeStamp":"[^"]+"', b"", again) == body
    more = {name: value - samples.get(name, 0) for name, value in metrics.samples().items()}
    assert more['citytwin_requests_total{kind="collections",status="200"}'] == len(pages)
    sent = sum(len(each[2]) for each in pages)
    assert more['citytwin_response_bytes_total{kind="collections"}'] == sent


def test_a_page_that_is_too_large_here_is_looked_for_once(
    ready: Live, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, lines = "/collections/building/items?limit=5", ("Host: x",)
    at_once = _page(wire, path, "GET", lines)
    found = []
    original = Texts.page

    def noted(self: Texts, pieces: Any, **asked: Any) -> Any:
        found.append(asked["limit"])
        return original(self, pieces, **asked)

    monkeypatch.setattr(Texts, "page", noted)
    monkeypatch.setattr(feature_answer, "_AT_ONCE_BYTES", 100)
    assert _page(wire, path, "GET", lines) == at_once
    assert _page(wire, path.replace("5", "4"), "HEAD", lines)[0] == 200
    assert found == [5, 4]
    assert _page(wire, "/city", "GET", lines)[0] == 200


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip;q=1.0, zstd;q=0.9", "gzip"),
        ("br", None),
        ("*", "gzip"),
        ("gzip;q=0, zstd;q=0", None),
        ("identity;q=0, *;q=0.1", "gzip"),
    ],
)
def test_the_body_is_in_the_coding_that_the_head_names(
    live: Live, wire: Wire, accepted: str, coding: str | None
) -> None:
    wire.send(get(live.path, "Accept-Encoding: identity"))
    plain = wire.answer()[2]
    for path in (live.path, _slow(live.path), live.path):
        wire.send(get(path, f"Accept-Encoding: {accepted}"))
        status, headers, body = wire.answer()
        assert (status, headers.get("content-encoding")) == (200, coding)
        if coding == "zstd":
            body = zstandard.decompress(body)
        elif coding == "gzip":
            body = gzip.decompress(body)
        assert body == plain


def test_who_takes_nothing_that_there_is_is_told_so(live: Live, wire: Wire) -> None:
    for path in (live.path, "/city"):
        wire.send(get(path, "Accept-Encoding: br, identity;q=0"))
        status, _, body = wire.answer()
        assert status == 406
        assert b"zstd, gzip, identity" in body


def test_an_edit_drops_every_form_of_a_tile_and_memory_is_counted(live: Live, wire: Wire) -> None:
    cache = live.engine.cache
    cache.clear()
    sizes = []
    for accepted in ("gzip", "zstd"):
        wire.send(get(live.path, f"Accept-Encoding: {accepted}"))
        sizes.append(len(wire.answer()[2]))
        assert 0 <= cache.bytes - sum(sizes) < 2000
    assert len(cache) == 1
    cache.drop_layer("building")
    assert cache.bytes == 0


def test_requests_sent_at_once_are_answered_in_their_order(live: Live, wire: Wire) -> None:
    paths = [
        live.path,
        "/city",
        live.path,
        "/tiles/dragons/1/0/0",
        live.path,
        "/tiles/building/14/0/0",
    ]
    wire.send(b"".join(get(path) for path in paths * 5))
    for path in paths * 5:
        status, headers, body = wire.answer()
        assert status == {"/city": 200, live.path: 200, paths[3]: 404, paths[5]: 204}[path]
        if path == live.path:
            assert headers["content-type"] == "application/vnd.mapbox-vector-tile"
        if path == "/city":
            assert b"srid" in body


def test_a_request_in_pieces_is_answered(live: Live, wire: Wire) -> None:
    whole = get(live.path, "Accept-Encoding: gzip")
    for at in (1, 20, len(whole) - 2):
        wire.send(whole[:at])
        time.sleep(0.05)
        wire.send(whole[at:])
        assert wire.answer()[0] == 200


def test_a_body_is_left_to_the_framework(live: Live, wire: Wire) -> None:
    wire.send(get(live.path, "Content-Length: 5") + b"hello" + get(live.path))
    assert [wire.answer()[0], wire.answer()[0]] == [200, 200]


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /tiles/building/13/1/1 HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
        b"GET /tiles/building/13/1/1 HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET /tiles/building/13/1/1 HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n",
        b"GET /tiles/building/13/1/1 HTTP/9.9\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
    ],
)
def test_nonsense_is_refused_and_harms_nobody(live: Live, request_bytes: bytes) -> None:
    with Wire(live.port) as wire:
        wire.send(request_bytes)
        assert wire.answer()[0] == 400
        assert wire.closed()
    with Wire(live.port) as wire:
        wire.send(get(live.path))
        assert wire.answer()[0] == 200


def test_who_asks_to_close_is_left(live: Live) -> None:
    for lines, version in ((("Connection: close",), "1.1"), ((), "1.0")):
        with Wire(live.port) as wire:
            wire.send(get(live.path, *lines).replace(b"HTTP/1.1", f"HTTP/{version}".encode()))
            assert wire.answer()[0] == 200
            assert wire.closed()


def test_who_does_not_read_is_not_written_to(live: Live) -> None:
    """From a client that reads nothing, no more is read than fits into the buffers."""
    with socket.socket() as quiet:
        quiet.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        quiet.connect(("127.0.0.1", live.port))
        quiet.settimeout(2)
        asked = 0
        try:
            # The kernel's own buffers take some megabytes; ours must not take the rest.
            for _ in range(5000):
                quiet.sendall(get(live.path) * 500)
                asked += 500
        except TimeoutError:
            pass
        assert asked < 2_500_000, "the server read everything"
        with Wire(live.port) as other:
            other.send(get(live.path))
            assert other.answer()[0] == 200
        # It reads after all, and gets every answer that it asked for, whole.
        quiet.settimeout(20)
        found, tail = 0, b""
        while found < min(asked, 200):
            more = quiet.recv(1 << 20)
            assert more
            text = tail + more
            found += text.count(b"HTTP/1.1 200 OK\r\n")
            tail = text[-16:] if not text.endswith(b"HTTP/1.1 200 OK\r\n") else b""


def test_idle_connections_are_closed(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient, "FIRST_REQUEST_S", 0.3)
    with Wire(live.port) as silent, Wire(live.port) as half, Wire(live.port, 15) as done:
        half.send(b"GET /tiles/building/13")
        done.send(get(live.path))
        assert done.answer()[0] == 200
        assert silent.closed()
        assert half.closed()
        began = time.monotonic()
        assert done.closed()
        assert time.monotonic() - began < 10


def test_a_heavy_tile_is_made_once_for_all(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    live.engine.cache.clear()
    made = []
    original = live.engine.make

    def slowly(address: Any, caller: Any) -> Any:
        made.append(address)
        time.sleep(0.2)
        return original(address, caller)

    monkeypatch.setattr(live.engine, "make", slowly)
    monkeypatch.setattr(live.engine, "quick", lambda _: False)
    wires = [Wire(live.port) for _ in range(20)]
    for each in wires:
        each.send(get(live.path))
    bodies = {each.answer()[2] for each in wires}
    assert len(bodies) == 1
    assert len(made) == 1
    for each in wires:
        each.socket.close()


def test_the_framework_answers_while_the_feed_is_not_followed(
    live: Live, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire.send(get(live.path))
    before = wire.answer()[2]
    monkeypatch.setattr(type(live.engine), "ready", property(lambda _: False))
    assert live.engine.cached(b"any") is None
    wire.send(get(live.path))
    assert len(wire.answer()[2]) == pytest.approx(len(before), rel=0.05)
