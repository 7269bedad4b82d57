"""Whatever is killed, no acknowledged row is lost, and the server comes back by itself."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from threading import Timer
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from twin._account import server_account
from twin._keeper import server_processes
from twin.cluster import Cluster, attach

WRITE = """
import sys, time
from pathlib import Path
import psycopg
from sqlalchemy import make_url
from twin.cluster import attach
cluster = attach(Path(sys.argv[-1]))
url = make_url(cluster.ensure_database("city"))
options = url.get_dialect()().create_connect_args(url)[1]
number = int(sys.argv[1])
until = time.monotonic() + 60
while time.monotonic() < until:
    try:
        with psycopg.connect(**options, autocommit=True) as connection:
            connection.execute("SET client_min_messages = error")
            connection.execute("CREATE TABLE IF NOT EXISTS row (number bigint)")
            while True:
                number += 1
                connection.execute("INSERT INTO row VALUES (%s)", [number])
                print(number)  # Only now it is acknowledged.
    except psycopg.Error:
        time.sleep(0.02)
"""


class Writer:
    """A process that inserts rows, and the rows it was told are safe."""

    def __init__(self, box: Any, first: int = 0) -> None:
        self.process: subprocess.Popen[str] = box.script(WRITE, first)
        self.acknowledged: set[int] = set()

    def read(self, rows: int) -> None:
        """Wait until so many more rows are acknowledged."""
        assert self.process.stdout is not None
        for _ in range(rows):
            line = self.process.stdout.readline()
            assert line, "the writer ended"
            self.acknowledged.add(int(line))

    def stop(self) -> None:
        """End the writer by force and take what it had been told by then."""
        self.process.send_signal(signal.SIGKILL)
        lines = self.process.communicate()[0].splitlines(keepends=True)
        self.acknowledged |= {int(line) for line in lines if line.endswith("\n")}


def rows_of(cluster: Cluster) -> set[int]:
    with connect(cluster) as connection:
        return {number for (number,) in connection.execute("SELECT number FROM row")}


def connect(cluster: Cluster) -> psycopg.Connection[Any]:
    cluster.ensure_database("city")
    return psycopg.connect(**options_of(cluster), autocommit=True)


def options_of(cluster: Cluster) -> dict[str, Any]:
    url = make_url(cluster.url)
    return {**url.get_dialect()().create_connect_args(url)[1], "dbname": "city"}


def test_killing_the_server_three_times_loses_no_row(made_box: Any) -> None:
    writer = Writer(made_box)
    for _ in range(3):
        writer.read(50)
        made_box.kill(made_box.postmaster())
    writer.read(200)  # It goes on: the keeper started the server again each time.
    with attach(made_box.path) as cluster:
        writer.stop()
        assert len(writer.acknowledged) >= 350
        assert writer.acknowledged <= rows_of(cluster)


def test_killing_a_backend_loses_no_row(made_box: Any) -> None:
    writer = Writer(made_box)
    writer.read(50)
    with attach(made_box.path) as cluster:
        with connect(cluster) as connection:
            query = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'INSERT INTO row%'"
            (pid,) = connection.execute(query).fetchone() or (None,)
        server = made_box.postmaster()
        assert pid is not None
        made_box.kill(pid)
        writer.read(200)
        writer.stop()
        assert made_box.postmaster() == server
        assert writer.acknowledged <= rows_of(cluster)


def test_who_comes_during_the_recovery_waits(made_box: Any) -> None:
    with attach(made_box.path) as cluster, connect(cluster) as connection:
        # Enough to be replayed for longer than it takes to find and hold the process that does.
        connection.execute("CREATE TABLE row (number bigint PRIMARY KEY)")
        connection.execute("INSERT INTO row SELECT generate_series(1, 1000000)")
        server = made_box.postmaster()
        os.kill(connection.info.backend_pid, signal.SIGKILL)
        replaying = 0
        until = time.monotonic() + 20
        while not replaying and time.monotonic() < until:
            replaying = sum(children(server, "startup recovering"))
        time.sleep(0.02)
        os.kill(replaying, signal.SIGSTOP)
        with pytest.raises(psycopg.OperationalError, match=r"DETAIL: .* not been yet reached"):
            psycopg.connect(**options_of(cluster))
        Timer(1.0, os.kill, (replaying, signal.SIGCONT)).start()
        assert len(rows_of(cluster)) == 1_000_000


def children(parent: int, title: str) -> list[int]:
    """Return a server's processes that are named so."""
    found = []
    for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        with suppress(OSError):
            if title in Path(f"/proc/{pid}/cmdline").read_text():
                found.append(int(pid))
    return found


def test_killing_the_owner_loses_no_row_and_leaves_the_others_their_server(made_box: Any) -> None:
    owner, other = Writer(made_box), Writer(made_box, 1_000_000)
    owner.read(50)
    other.read(50)
    server = made_box.postmaster()
    owner.stop()
    other.read(50)
    assert made_box.postmaster() == server
    with attach(made_box.path) as cluster:
        other.stop()
        assert owner.acknowledged | other.acknowledged <= rows_of(cluster)


def test_killing_the_keeper_stops_the_server_cleanly(made_box: Any) -> None:
    writer = Writer(made_box)
    writer.read(50)
    server = made_box.postmaster()
    made_box.kill(made_box.keeper())
    made_box.wait_until(lambda: not Path(f"/proc/{server}").exists())
    writer.stop()
    assert "database system is shut down" in made_box.place.log.read_text()
    with attach(made_box.path) as cluster:
        assert "not properly shut down" not in made_box.place.log.read_text()
        assert writer.acknowledged <= rows_of(cluster)


def test_killing_everything_at_once_loses_no_row(made_box: Any) -> None:
    writer = Writer(made_box)
    writer.read(50)
    server, keeper = made_box.postmaster(), made_box.keeper()
    os.kill(keeper, signal.SIGSTOP)  # Else it would start the server again at once.
    busy = made_box.script(BUSY)
    assert busy.stdout is not None
    assert busy.stdout.readline() == "busy\n"
    writer.stop()
    made_box.kill(server)
    made_box.kill(busy.pid)
    made_box.kill(keeper)
    # The busy backend does not notice that its server is dead, and would block the next one.
    assert server_processes(made_box.place.data, made_box.place.cluster_name)
    with attach(made_box.path) as cluster:
        assert writer.acknowledged <= rows_of(cluster)


BUSY = """
import sys, threading
from pathlib import Path
import psycopg
from sqlalchemy import make_url
from twin.cluster import attach
url = make_url(attach(Path(sys.argv[-1])).database_url("city"))
connection = psycopg.connect(**url.get_dialect()().create_connect_args(url)[1])
threading.Timer(0.3, lambda: print("busy")).start()
connection.execute("SELECT count(*) FROM generate_series(1, 100000000000) AS n WHERE sqrt(n) < 0")
"""


def test_a_stale_pid_file_that_names_somebody_elses_process_is_removed(made_box: Any) -> None:
    with attach(made_box.path) as cluster:
        cluster.ensure_database("city")
        cluster.close(wait=True)
    bystander = subprocess.Popen(["sleep", "600"], **server_account(made_box.place.data).popen())
    try:
        pid_file = made_box.place.data / "postmaster.pid"
        lines = [bystander.pid, made_box.place.data, int(time.time()), 5432, "", "", "1 1", "ready"]
        pid_file.write_text("".join(f"{line}\n" for line in lines))
        with attach(made_box.path) as cluster, connect(cluster) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


@pytest.mark.parametrize("moment_s", [0.05, 0.4, 0.8])
def test_killing_the_first_start_at_any_moment_leaves_no_half_cluster(
    box: Any, moment_s: float
) -> None:
    first = Writer(box)
    box.wait_until(lambda: list(box.place.root.glob("data.init.*")))
    time.sleep(moment_s)
    first.stop()
    with attach(box.path) as cluster, connect(cluster) as connection:
        assert connection.execute("SELECT postgis_version() IS NOT NULL").fetchone() == (True,)
