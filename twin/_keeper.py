"""Hold one PostgreSQL server while anyone uses it, and stop it when the last user has gone.

`twin.cluster` starts this file by path as a process of its own, with the standard library alone,
so that it starts in a few hundredths of a second and lives on when its starter dies.  Users hold a
shared lock on the users file; the kernel takes it back even from a process killed by force.
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

POLL_S = 0.2
STOP_PATIENCE_S = 60.0
"""A fast shutdown writes a checkpoint, which on a slow disk takes its time."""
MOST_FAILURES = 5
"""How often in a row a crashed server is started again before it once gets ready."""
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Place:
    """The folder of one private cluster, and what lies in it."""

    root: Path

    @property
    def data(self) -> Path:
        """The server's own data directory."""
        return self.root / "data"

    @property
    def cluster_name(self) -> str:
        """A name of this cluster alone, which its processes show in their titles."""
        digest = hashlib.sha256(os.fsencode(self.data)).hexdigest()
        return f"citytwin-{digest[:12]}"

    @property
    def start_lock(self) -> Path:
        """Locked exclusively while somebody creates, starts or stops the server."""
        return self.root / "start.lock"

    @property
    def users_lock(self) -> Path:
        """Locked shared by every process that uses the server."""
        return self.root / "users.lock"

    @property
    def keeper_lock(self) -> Path:
        """Locked exclusively by the keeper for as long as it lives."""
        return self.root / "keeper.lock"

    @property
    def log(self) -> Path:
        """What the server and the keeper say."""
        return self.root / "server.log"


def lock(path: Path, how: int) -> int | None:
    """Return a file descriptor holding the lock, or None if ``LOCK_NB`` met another holder."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, how)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def is_locked(path: Path) -> bool:
    """Return whether any process holds a lock on the file."""
    descriptor = lock(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False


def server_processes(data: Path, cluster_name: str) -> list[int]:
    """Return the live PostgreSQL processes of one data directory, zombies not counted."""
    here = os.path.realpath(data)
    pids = (int(name) for name in os.listdir("/proc") if name.isdigit())  # noqa: PTH208
    return [pid for pid in pids if _serves(f"/proc/{pid}", here, cluster_name)]


def _serves(process: str, data: str, cluster_name: str) -> bool:
    try:
        program = os.readlink(f"{process}/exe").removesuffix(" (deleted)")  # noqa: PTH115
        return Path(program).name == "postgres" and os.readlink(f"{process}/cwd") == data  # noqa: PTH115
    except PermissionError:
        # Root in a container may lack CAP_SYS_PTRACE: the command line is open to everyone.
        pass
    except OSError:
        return False
    try:
        words = Path(f"{process}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    if words[0].startswith(f"postgres: {cluster_name}: ".encode()):
        return True
    return Path(os.fsdecode(words[0])).name == "postgres" and os.fsencode(data) in words


def clear_stale(data: Path, cluster_name: str, socket_dir: Path | None = None) -> None:
    """Stop every process left over from a dead server, then remove its pid files.

    PostgreSQL refuses to start if the pid in an old file belongs by now to any process of the
    same user, be it a zombie.  The caller knows that no server of ours is meant to be running.
    """
    left = server_processes(data, cluster_name)
    for pid in _postmaster_of(data, left):
        _kill(pid, signal.SIGINT)
        left = _wait_gone(data, cluster_name, STOP_PATIENCE_S)
    for number in (signal.SIGQUIT, signal.SIGKILL):
        for pid in left:
            _kill(pid, number)
        left = _wait_gone(data, cluster_name, 5.0) if left else []
    (data / "postmaster.pid").unlink(missing_ok=True)
    if socket_dir is not None:
        for file in socket_dir.glob(".s.PGSQL.*"):
            file.unlink()


def _wait_gone(data: Path, cluster_name: str, patience_s: float) -> list[int]:
    until = time.monotonic() + patience_s
    while (left := server_processes(data, cluster_name)) and time.monotonic() < until:
        time.sleep(0.02)
    return left


def _postmaster_of(data: Path, pids: list[int]) -> list[int]:
    try:
        first = (data / "postmaster.pid").read_text().splitlines()[0]
        return [pid for pid in pids if pid == int(first)]
    except (OSError, ValueError, IndexError):
        return []


def _kill(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def die_with_parent() -> Callable[[], None]:
    """Return what a child runs before its program, so that its parent's death stops it cleanly."""
    set_option = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def prepare() -> None:
        # Runs after the change of user, which would have cleared the setting.
        set_option(_PR_SET_PDEATHSIG, signal.SIGINT)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        if os.getppid() != parent:
            os._exit(1)

    return prepare


class Keeper:
    """One server and the reasons to keep it."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.place = Place(Path(order["root"]))
        self.socket_dir = Path(order["socket_dir"])
        self.command: list[str] = order["command"]
        self.environment: dict[str, str] = order["environment"]
        self.account: dict[str, Any] = order["account"]
        self.failures = 0

    def start(self) -> subprocess.Popen[bytes]:
        """Start the server on a directory nobody else serves."""
        clear_stale(self.place.data, self.place.cluster_name, self.socket_dir)
        return subprocess.Popen(
            self.command,
            env=self.environment,
            cwd="/",
            umask=0o077,
            stdin=subprocess.DEVNULL,
            preexec_fn=die_with_parent(),
            **self.account,
        )

    def run(self) -> int:
        """Watch until the last user has gone, the server was stopped, or it fails to start."""
        waited = {signal.SIGCHLD, signal.SIGTERM}
        signal.pthread_sigmask(signal.SIG_BLOCK, waited)
        server = self.start()
        while True:
            news = signal.sigtimedwait(waited, POLL_S)
            if server.poll() is not None:
                again = self.after_death(server.returncode)
                if again is None:
                    return server.returncode
                server = again
            elif news is not None and news.si_signo == signal.SIGTERM:
                return self.stop(server)
            elif not is_locked(self.place.users_lock) and self.last_user_gone(server):
                return 0
            elif self.failures and self.is_ready():
                self.failures = 0

    def after_death(self, status: int) -> subprocess.Popen[bytes] | None:
        """Start the server again if it crashed under its users; None if it is to stay down."""
        if status == 0 or not is_locked(self.place.users_lock):
            return None
        if self.failures >= MOST_FAILURES:
            return None
        self.failures += 1
        print(f"keeper: the server ended with {status}, starting it again", file=sys.stderr)
        return self.start()

    def is_ready(self) -> bool:
        """Return whether the server accepts connections."""
        with suppress(OSError):
            return "ready" in (self.place.data / "postmaster.pid").read_text()
        return False

    def last_user_gone(self, server: subprocess.Popen[bytes]) -> bool:
        """Stop the server unless a new user came while we took the start lock."""
        start = lock(self.place.start_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if start is None:
            return False
        try:
            if is_locked(self.place.users_lock):
                return False
            self.stop(server)
            if self.socket_dir.parent != self.place.root:
                with suppress(OSError):
                    self.socket_dir.rmdir()
            return True
        finally:
            os.close(start)

    def stop(self, server: subprocess.Popen[bytes]) -> int:
        """Shut the server down, cleanly if it lets itself."""
        for number, patience_s in [(signal.SIGINT, STOP_PATIENCE_S), (signal.SIGQUIT, 5.0)]:
            server.send_signal(number)
            try:
                return server.wait(patience_s)
            except subprocess.TimeoutExpired:
                continue
        server.kill()
        return server.wait()


def main() -> int:
    """Keep the server that the JSON on the command line describes, in the background."""
    keeper = Keeper(json.loads(sys.argv[1]))
    if lock(keeper.place.keeper_lock, fcntl.LOCK_EX | fcntl.LOCK_NB) is None:
        return 0
    # The child inherits the lock; our starter need not wait for it, and is not its parent.
    if os.fork() != 0:
        return 0
    return keeper.run()


if __name__ == "__main__":
    sys.exit(main())
