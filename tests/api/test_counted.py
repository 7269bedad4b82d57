"""What the service counts, and what it writes down."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.access_log import AccessLog
from api.metrics import Metrics, Slate, lasting, summed, text_of
from api.settings import Settings

from ._wire import Wire, get, running
from .conftest import middle_tile


def test_requests_are_counted_and_written_down(
    town_url: str, tmp_path: Path, client: TestClient
) -> None:
    path = f"/tiles/building/{middle_tile(client.get('/city').json(), 13)}"
    log = tmp_path / "access.log"
    settings = Settings(database_url=town_url, pool_size=2, data_dir=tmp_path, access_log=str(log))
    with running(settings) as live:
        assert live.engine.wait_for_columns(timeout_s=90)
        with Wire(live.port) as wire:
            sent = 0
            for _ in range(3):
                wire.send(get(path))
                _, headers, body = wire.answer()
                sent += len(body)
            wire.send(get(path, f"If-None-Match: {headers['etag']}"))
            assert wire.answer()[0] == 304
            wire.send(get("/nothing/there?at=all"))
            assert wire.answer()[0] == 404
            wire.send(get("/metrics"))
            _, headers, body = wire.answer()
    assert headers["content-type"].startswith("text/plain; version=0.0.4")
    told = dict(line.rsplit(" ", 1) for line in body.decode().splitlines() if line[0] != "#")
    assert told['citytwin_requests_total{kind="tiles",status="200"}'] == "3"
    assert told['citytwin_requests_total{kind="tiles",status="304"}'] == "1"
    assert told['citytwin_requests_total{kind="other",status="404"}'] == "1"
    assert told['citytwin_response_bytes_total{kind="tiles"}'] == str(sent)
    assert told['citytwin_request_seconds_count{kind="other"}'] == "1"
    assert told["citytwin_tiles_made_total"] == "1"
    assert told["citytwin_connections"] == "1"
    assert float(told["citytwin_tile_memory_bytes"]) > 0
    lines = log.read_text().splitlines()
    assert len(lines) == 6
    assert re.fullmatch(
        rf'127\.0\.0\.1 - - \[[^]]+ \+0000\] "GET {path} HTTP/1\.1" 200 \d+', lines[0]
    )
    assert lines[3].endswith('" 304 0')
    assert '"GET /nothing/there?at=all HTTP/1.1" 404' in lines[4]


def test_each_line_is_what_prometheus_reads() -> None:
    metrics = Metrics()
    metrics.answered("/tiles/building/1/0/0", 200, 5, 0.002)
    metrics.answered("/tiles/building/1/0/0", 200, 5, 20.0)
    metrics.refused["client"] += 1
    text = text_of(metrics.samples())
    sample = re.compile(r'[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+')
    for line in text.splitlines():
        assert line.startswith("#") or sample.fullmatch(line), line
    assert 'citytwin_request_seconds_bucket{kind="tiles",le="0.003"} 1\n' in text
    assert 'citytwin_request_seconds_bucket{kind="tiles",le="+Inf"} 2\n' in text


def test_who_takes_a_place_goes_on_with_its_counters_and_not_with_its_gauges() -> None:
    slate = Slate(2)
    slate.write(0, {"citytwin_left_total": 7, "citytwin_connections": 3})
    assert lasting(slate.row(0)) == {"citytwin_left_total": 7}
    slate.write(1, {"citytwin_left_total": 1, "citytwin_connections": 2})
    assert summed(slate.rows(but=-1)) == {"citytwin_left_total": 8, "citytwin_connections": 5}


def test_a_log_that_cannot_be_written_takes_a_bounded_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from api import access_log

    monkeypatch.setattr(access_log, "_MOST_WAITING", 10)
    log = AccessLog(str(tmp_path / "no" / "such" / "folder"))
    log._waiting = type(log._waiting)(maxlen=10)
    log.start()
    time.sleep(0.1)
    for _ in range(25):
        log.note("10.0.0.1", "GET / HTTP/1.1", 200, 5)
    assert (len(log._waiting), log.lost) == (10, 15)
    log.stop()
