"""The service of the tiny town, in this process and as a process of its own."""

import io
import math
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from api.app import create_app
from api.cli import main
from api.settings import Settings
from tiles.warm import warm

CITYTWIN = Path(sys.executable).with_name("citytwin")


@pytest.fixture(scope="session", autouse=True)
def machine_code() -> None:
    """Compile before anything is timed, as ``citytwin serve`` does."""
    warm()


@pytest.fixture(scope="session")
def client(town_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Return a client of a service of the tiny town."""
    folder = tmp_path_factory.mktemp("town")
    app = create_app(Settings(database_url=town_url, pool_size=2, data_dir=folder))
    with TestClient(app) as client:
        # Until then tiles come from PostGIS, which orders features in its own way.
        assert app.state.tiles.wait_for_columns(timeout_s=120)
        yield client


@pytest.fixture
def bare(engine: Engine, tmp_path: Path) -> Iterator[TestClient]:
    """Return a client of a service of a city without features."""
    url = engine.url.render_as_string(hide_password=False)
    settings = Settings(database_url=url, pool_size=1, data_dir=tmp_path)
    with TestClient(create_app(settings)) as client:
        yield client


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Service:
    """``citytwin serve`` as a process."""

    def __init__(self, process: "subprocess.Popen[str]", address: str, log: Path) -> None:
        self.process = process
        self.address = address
        self.log = log

    def wait_ready(self, timeout_s: float = 90) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                urllib.request.urlopen(f"{self.address}/health", timeout=5).close()
                return
            except OSError:
                assert self.process.poll() is None, self.log.read_text()
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.1)


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Return a context manager that runs ``citytwin serve`` with some environment."""
    numbers = iter(range(1000))
    folder = tmp_path_factory.mktemp("serve")

    @contextmanager
    def run(*arguments: str, **env: str) -> Iterator[Service]:
        port = free_port()
        log = folder / f"serve-{next(numbers)}.log"
        with log.open("w") as out:
            process = subprocess.Popen(
                [CITYTWIN, "serve", *arguments],
                env={**os.environ, "TWIN_PORT": str(port), **env},
                stdout=out,
                stderr=out,
                text=True,
            )
        try:
            yield Service(process, f"http://127.0.0.1:{port}", log)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()

    return run


class Done(NamedTuple):
    """What a verb did."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def citytwin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    """Return what runs a verb on a database, in this process."""

    def run(*arguments: str, url: str, said: str = "") -> Done:
        monkeypatch.setenv("TWIN_DATABASE_URL", url)
        monkeypatch.setenv("TWIN_DATA_DIR", str(tmp_path / "data"))
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(said.encode())))
        capfd.readouterr()
        status = main(arguments)
        return Done(status, *capfd.readouterr())

    return run


def middle_tile(city: Any, zoom: int) -> str:
    """Return z/x/y of the tile around the middle of a city, as ``/city`` describes it."""
    west, south, east, north = city["extent"]
    lon, lat, n = (west + east) / 2, (south + north) / 2, 2**zoom
    x = int((lon + 180) / 360 * n)
    y = int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * n)
    return f"{zoom}/{x}/{y}"


def one_line(stderr: str) -> str:
    """Return what a failed verb said, which must be one line and no traceback."""
    lines = [line for line in stderr.splitlines() if line.startswith("citytwin: ")]
    assert len(lines) == 1, stderr
    assert not re.search("Traceback|Error:", stderr), stderr
    return lines[0]


@pytest.fixture
def engine_url(engine: Engine) -> str:
    """Return the URL of the test's own city, which ``bare`` serves."""
    return engine.url.render_as_string(hide_password=False)
