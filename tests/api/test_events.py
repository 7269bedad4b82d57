"""News of the city reach who listens, once, also after a break; several processes serve alike."""

from __future__ import annotations

import http.client
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Engine, text

_HOUSE = "ST_SetSRID(ST_Multi(ST_MakeEnvelope({x}, 2580000, {x} + 30, 2580020)), 4548)"


class Event(NamedTuple):
    id: str
    kind: str
    data: Any


@contextmanager
def listening(address: str, last: str | None = None) -> Iterator[Iterator[Event]]:
    """Listen to a service's news."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    headers = {} if last is None else {"Last-Event-ID": last}
    connection.request("GET", "/events", headers=headers)
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/event-stream")

    def events() -> Iterator[Event]:
        found: dict[str, str] = {}
        while True:
            line = answer.readline().decode().rstrip("\n")
            if line:
                name, _, value = line.partition(": ")
                found[name] = value
            elif "event" in found:
                yield Event(found["id"], found["event"], json.loads(found["data"]))
                found = {}

    try:
        yield events()
    finally:
        connection.close()


def _edit(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_each_commit_is_told_once_also_after_a_break(
    engine: Engine, engine_url: str, serve: Callable[..., Any], tmp_path: Path
) -> None:
    _edit(engine, f"INSERT INTO twin.building (name, geom) VALUES ('a', {_HOUSE.format(x=460000)})")
    with serve(TWIN_DATABASE_URL=engine_url, TWIN_DATA_DIR=str(tmp_path)) as service:
        service.wait_ready()
        with listening(service.address) as events:
            here = next(events)
            assert here.kind == "here"
            _edit(
                engine,
                f"UPDATE twin.building SET geom = {_HOUSE.format(x=461000)} WHERE name = 'a'",
                "INSERT INTO twin.facility (kind, geom) "
                "VALUES ('x', ST_SetSRID(ST_MakePoint(460000, 2580000), 4548))",
            )
            first = next(events)
        told = {each["id"]: each for each in first.data["layers"]}
        assert first.kind == "change"
        assert set(told) == {"building", "facility"}
        assert told["building"]["ids"] == [1]
        assert len(told["building"]["boxes"]) == 2
        for west, south, east, north in told["building"]["boxes"]:
            assert 116 < west < east < 117
            assert 23 < south < north < 24
        _edit(engine, "UPDATE twin.building SET name = 'b'")
        _edit(engine, "UPDATE twin.building SET name = 'c'")
        with listening(service.address, last=first.id) as events:
            assert next(events).kind == "here"
            missed = [next(events), next(events)]
            _edit(engine, "UPDATE twin.building SET name = 'd'")
            missed.append(next(events))
        assert len({each.id for each in missed}) == 3
        assert all(each.data["layers"][0]["ids"] == [1] for each in missed)
        with listening(service.address, last=here.id) as events:
            assert next(events).kind == "here"
            assert next(events) == first
            assert [next(events) for _ in range(3)] == missed
        with listening(service.address) as events:
            next(events)
            began = time.monotonic()
            service.process.send_signal(signal.SIGTERM)
            assert service.process.wait(timeout=30) == 0
            assert time.monotonic() - began < 15


def _asked(address: str, path: str, **headers: str) -> tuple[int, str, bytes]:
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    found = answer.status, answer.headers.get("ETag", ""), answer.read()
    connection.close()
    return found


def _health(address: str) -> Any:
    return json.loads(_asked(address, "/health")[2])


def _await(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_two_processes_show_the_same_and_one_that_dies_is_replaced(
    engine: Engine, engine_url: str, serve: Callable[..., Any], tmp_path: Path
) -> None:
    _edit(engine, f"INSERT INTO twin.building (name, geom) VALUES ('a', {_HOUSE.format(x=460000)})")
    path = "/tiles/building/13/6749/3550"
    with serve(
        "--workers", "2", TWIN_DATABASE_URL=engine_url, TWIN_DATA_DIR=str(tmp_path)
    ) as service:
        service.wait_ready()

        def pids() -> set[int]:
            return {_health(service.address)["tiles"]["process"] for _ in range(20)}

        def settled() -> bool:
            told = [_health(service.address)["tiles"] for _ in range(20)]
            return len({each["process"] for each in told}) == 2 and all(
                each["following"] and layer["from"] == "columns"
                for each in told
                for layer in each["layers"].values()
            )

        _await(settled)
        assert len({_asked(service.address, path)[1] for _ in range(30)}) == 1
        os.kill(min(pids()), signal.SIGKILL)
        _edit(engine, "UPDATE twin.building SET name = '杀'")
        _await(settled)
        answers = {_asked(service.address, path) for _ in range(30)}
        assert len({each[1] for each in answers}) == 1
        assert all("杀".encode() in each[2] for each in answers)
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(timeout=40) == 0
    assert "Traceback" not in service.log.read_text()


def test_an_unknown_event_is_refused(client: Any) -> None:
    assert client.get("/events", headers={"Last-Event-ID": "yesterday"}).status_code == 400
    assert client.head("/events").headers["content-type"].startswith("text/event-stream")
    assert client.get("/events?x=1").status_code == 400


@pytest.mark.parametrize("number", ["0", "-1", "many", "1000"])
def test_a_strange_number_of_workers_is_refused(
    number: str, citytwin: Callable[..., Any], engine_url: str
) -> None:
    with pytest.raises(SystemExit):
        citytwin("serve", "--workers", number, url=engine_url)
