"""``citytwin serve`` where something is missing: no city, no room to write, no place for code."""

import json
import os
import re
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import pytest

from api import kernels


def _asked(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def _await_map(service: Any) -> None:
    """Wait until it says that it listens; without a city nothing else tells."""
    end = time.monotonic() + 90
    while "/map/" not in service.log.read_text():
        assert service.process.poll() is None, service.log.read_text()
        assert time.monotonic() < end, service.log.read_text()
        time.sleep(0.1)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_without_a_city_it_serves_and_stops(
    serve: Callable[..., Any], database_url: str, tmp_path: Path, workers: str, stop: int
) -> None:
    env = {"TWIN_DATABASE_URL": database_url, "TWIN_DATA_DIR": str(tmp_path)}
    with serve("--workers", workers, **env) as service:
        _await_map(service)
        status, told = _asked(f"{service.address}/tiles/building/13/6749/3550")
        assert status == 404
        assert "citytwin init" in json.loads(told)["detail"]
        service.process.send_signal(stop)
        assert service.process.wait(timeout=40) == 0
    said = service.log.read_text()
    assert "No city yet" in said
    assert "Traceback" not in said


def test_without_room_for_columns_postgis_writes_the_tiles(
    serve: Callable[..., Any], town_url: str, tmp_path: Path
) -> None:
    # A folder that is a file cannot be written to, not even by root.
    (tmp_path / "file").touch()
    env = {"TWIN_DATABASE_URL": town_url, "TWIN_DATA_DIR": str(tmp_path / "file")}
    with serve(**env) as service:
        service.wait_ready()
        health = json.loads(_asked(f"{service.address}/health")[1])
        layers = health["tiles"]["layers"].values()
        assert all(layer["from"] == "database" for layer in layers)
        assert all("cannot be written to" in layer["why"] for layer in layers)
        assert _asked(f"{service.address}/tiles/building/0/0/0")[0] in (200, 204)
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(timeout=30) == 0
    said = service.log.read_text()
    assert said.count("tiles come from the database") == 1
    assert "Traceback" not in said


def test_machine_code_has_a_place_wherever_one_can_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "mine")
    assert kernels.choose_room(tmp_path) is None
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    # A checkout that is not there cannot be written to, not even by root.
    monkeypatch.setattr(kernels, "ROOT", tmp_path / "nowhere")
    assert kernels.choose_room(tmp_path / "data") == tmp_path / "data" / "kernels"
    assert os.environ["NUMBA_CACHE_DIR"] == str(tmp_path / "data" / "kernels")
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    (tmp_path / "file").touch()
    room = kernels.choose_room(tmp_path / "file")
    assert room is not None
    assert room.is_dir()
    assert not room.is_relative_to(tmp_path)
    monkeypatch.undo()
    numba.config.reload_config()


def test_a_checkout_that_can_be_written_to_keeps_its_machine_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    for room in ("tiles", "analysis"):
        (tmp_path / room).mkdir()
    monkeypatch.setattr(kernels, "ROOT", tmp_path)
    assert kernels.choose_room(tmp_path / "data") is None
    assert "NUMBA_CACHE_DIR" not in os.environ


def test_told_to_stop_while_it_compiles_it_stops(
    serve: Callable[..., Any], database_url: str, tmp_path: Path
) -> None:
    # An empty place for machine code: everything has to be compiled.
    env = {
        "TWIN_DATABASE_URL": database_url,
        "TWIN_DATA_DIR": str(tmp_path),
        "NUMBA_CACHE_DIR": str(tmp_path / "code"),
    }
    with serve(**env) as service:
        end = time.monotonic() + 90
        while "compiling" not in service.log.read_text():
            assert time.monotonic() < end, service.log.read_text()
            time.sleep(0.05)
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(timeout=60) == 0
    said = service.log.read_text()
    assert said.endswith("stopped\n")
    assert "Traceback" not in said


def test_a_process_that_dies_is_replaced_at_once_and_its_counts_stay(
    serve: Callable[..., Any], town_url: str, tmp_path: Path
) -> None:
    env = {"TWIN_DATABASE_URL": town_url, "TWIN_DATA_DIR": str(tmp_path)}
    with serve("--workers", "2", **env) as service:
        _await_map(service)
        for _ in range(20):
            assert _asked(f"{service.address}/conformance")[0] == 200
        time.sleep(1.5)  # each process tells the others every second
        before = _counted(service)
        assert before >= 20
        children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children")
        first = int(children.read_text().split()[0])
        os.kill(first, signal.SIGKILL)
        end = time.monotonic() + 30
        while "took its place" not in service.log.read_text():
            assert time.monotonic() < end, service.log.read_text()
            time.sleep(0.02)
        found = re.search(r"took its place in ([\d.]+) s", service.log.read_text())
        assert found is not None
        assert float(found[1]) < 1.0
        time.sleep(1.5)
        assert _counted(service) >= before
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(timeout=40) == 0


def _counted(service: Any) -> float:
    told = _asked(f"{service.address}/metrics")[1].decode()
    found = re.findall(r'^citytwin_requests_total\{kind="other",status="200"\} (\d+)', told, re.M)
    return float(found[0]) if found else 0.0
