"""A folder for a private cluster of one test's own, and processes that use it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from twin._keeper import Place, is_locked
from twin.cluster import attach


class Box:
    """A data directory, what runs in it, and ways to hurt it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.place = Place(path / "cluster")
        self.started: list[subprocess.Popen[str]] = []

    def is_running(self) -> bool:
        """Return whether a keeper holds the cluster."""
        return self.place.root.exists() and is_locked(self.place.keeper_lock)

    def postmaster(self) -> int:
        """Return the process id of the server, once it accepts connections."""
        file = self.place.data / "postmaster.pid"

        def ready() -> bool:
            with suppress(OSError):
                return "ready" in file.read_text()
            return False

        self.wait_until(ready)
        return int(file.read_text().splitlines()[0])

    def keeper(self) -> int:
        """Return the process id of the keeper: the server's parent."""
        status = Path(f"/proc/{self.postmaster()}/status").read_text()
        return int(status.split("PPid:")[1].split()[0])

    def script(self, code: str, *arguments: object) -> subprocess.Popen[str]:
        """Run Python code in a process of its own, its last argument this folder."""
        command = [sys.executable, "-u", "-c", code, *map(str, arguments), str(self.path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.started.append(process)
        return process

    def end(self) -> None:
        """Kill the scripts and wait for the server to follow."""
        for process in self.started:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        self.wait_until(lambda: not self.is_running(), 30.0)

    @staticmethod
    def wait_until(true: Callable[[], object], patience_s: float = 20.0) -> None:
        """Wait until something becomes true, and fail if it does not."""
        until = time.monotonic() + patience_s
        while not true():
            assert time.monotonic() < until, "waited in vain"
            time.sleep(0.02)

    def kill(self, pid: int) -> None:
        """Kill by force, and wait until the process is no more than a zombie."""
        os.kill(pid, signal.SIGKILL)

        def gone() -> bool:
            try:
                return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
            except OSError:
                return True

        self.wait_until(gone)


@pytest.fixture
def box() -> Iterator[Box]:
    """Return an empty data directory that PostgreSQL's user can enter."""
    with tempfile.TemporaryDirectory(prefix="citytwin-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        box = Box(Path(folder))
        yield box
        box.end()


@pytest.fixture(scope="session")
def made_cluster() -> Iterator[Path]:
    """Return the folder of a cluster that was created and stopped, to be copied."""
    with tempfile.TemporaryDirectory(prefix="citytwin-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        with attach(Path(folder), fsync=False) as cluster:
            cluster.ensure_database("city")
            cluster.close(wait=True)
        yield Path(folder) / "cluster"


@pytest.fixture
def made_box(box: Box, made_cluster: Path) -> Box:
    """Return a data directory with a cluster that nobody has started yet."""
    subprocess.run(["cp", "-a", made_cluster, box.place.root], check=True)
    return box
