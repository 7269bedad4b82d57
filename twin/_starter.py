"""Create and start the private cluster of a data directory; `twin.cluster` is the door to it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL

from twin import _bundle, _keeper
from twin._account import clean_environment, make_folder, server_account
from twin._bundle import Progress, Server
from twin._keeper import Place
from twin.errors import ConflictError, UnavailableError

_ROLE = "twin"
_UNFINISHED = "data.init."
_MAINTENANCE = "postgres"
_PORT = 5432  # Only names the socket: the server listens on no network.
_SOCKET_PATH_LIMIT_BYTES = 107
_START_PATIENCE_S = 120.0  # Crash recovery replays at most max_wal_size.
_SYSTEM_CACHE = Path("/var/cache/citytwin")
_LOG_LIMIT_BYTES = 10_000_000


class Starter:
    """What one process does to become a user of the cluster in a data directory."""

    def __init__(
        self,
        data_dir: Path,
        *,
        pg_bin: Path | None,
        cache_dir: Path | None,
        progress: Progress,
        fsync: bool,
    ) -> None:
        self.data_dir = Path(os.path.realpath(data_dir.expanduser()))
        self.place = Place(self.data_dir / "cluster")
        self.pg_bin, self.cache_dir = pg_bin, cache_dir
        self.progress, self.fsync = progress, fsync
        self.started = False

    def join(self) -> int:
        """Return the descriptor of our lock on the users file, the server being ready."""
        make_folder(self.place.root)
        self.account = server_account(self.place.data)
        self.account.require_access(self.place.root)
        with self._starting():
            users = _keeper.lock(self.place.users_lock, fcntl.LOCK_SH)
            assert users is not None
            try:
                if not (_keeper.is_locked(self.place.keeper_lock) and self._wait_ready()):
                    self._start()
            except BaseException:
                os.close(users)
                raise
        return users

    def url(self) -> str:
        """Return the SQLAlchemy URL of the maintenance database."""
        query = {"host": str(self._socket_dir()), "port": str(_PORT)}
        made = URL.create("postgresql+psycopg", _ROLE, database=_MAINTENANCE, query=query)
        return made.render_as_string(hide_password=False)

    def wait_stopped(self, patience_s: float) -> bool:
        """Return whether the server is down, waiting so long for it."""
        until = time.monotonic() + patience_s
        while _keeper.is_locked(self.place.keeper_lock):
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
        return True

    @contextmanager
    def _starting(self) -> Iterator[None]:
        """Hold the start lock: nobody else creates, starts or stops this cluster meanwhile."""
        held = _keeper.lock(self.place.start_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if held is None:
            self.progress("waiting for another process that prepares the database")
            held = _keeper.lock(self.place.start_lock, fcntl.LOCK_EX)
            assert held is not None
        try:
            yield
        finally:
            os.close(held)

    def _socket_dir(self) -> Path:
        """Return the folder of the socket: beside the data, or a short one if that is too long."""
        beside = self.place.root / "socket"
        length = len(os.fsencode(beside / f".s.PGSQL.{_PORT}"))
        # libpq splits a host at commas.
        if length <= _SOCKET_PATH_LIMIT_BYTES and "," not in str(beside):
            return beside
        return Path("/tmp") / f"{self.place.cluster_name}-{self.account.uid}"

    def _start(self) -> None:
        server = self._find()
        # A name of its own each time: the initdb of a killed starter lives on for a moment, and
        # on failing it empties its folder.
        for left in self.place.root.glob(f"{_UNFINISHED}*"):
            shutil.rmtree(left, ignore_errors=True)
        if not self.place.data.exists():
            self._create(server)
        has = (self.place.data / "PG_VERSION").read_text().strip()
        if has != str(server.major):
            raise ConflictError(
                f"the cluster in {self.place.data} is of PostgreSQL {has}, and only PostgreSQL "
                f"{server.major} with PostGIS was found ({server.bin_dir}); name the other "
                "with TWIN_PG_BIN"
            )
        self._configure()
        self._make_socket_dir()
        _keeper.clear_stale(self.place.data, self.place.cluster_name, self._socket_dir())
        self._launch_keeper(server)
        if not self._wait_ready():
            raise UnavailableError(f"PostgreSQL did not start: {self._last_words()}")
        self.started = True

    def _find(self) -> Server:
        """Return a PostgreSQL with PostGIS: the machine's, one unpacked before, or a new one."""
        version = self.place.data / "PG_VERSION"
        wanted = version.read_text().strip() if version.exists() else None
        other: Server | None = None
        for server in self._known_servers():
            tried = self.account.run([str(server.bin_dir / "postgres"), "-V"], server.environment)
            if tried.returncode != 0:
                self.progress(f"{server.bin_dir} does not run as user {self.account.name}")
            elif wanted in (None, str(server.major)):
                return server
            else:
                other = other or server
        if other is not None:
            return other
        if not _bundle.can_unpack():
            raise UnavailableError(f"found no PostgreSQL with PostGIS. {_bundle.how_to_install()}")
        return _bundle.unpack(self._bundle_home() / _bundle.bundle_name(), self.progress)

    def _known_servers(self) -> Iterator[Server]:
        if self.pg_bin is not None and not (self.pg_bin / "postgres").exists():
            self.progress(f"{self.pg_bin} holds no postgres; looking elsewhere")
        yield from _bundle.system_servers(self.pg_bin)
        for home in dict.fromkeys([self.data_dir, self._cache(), _SYSTEM_CACHE]):
            server = _bundle.unpacked_server(home / _bundle.bundle_name())
            if server is not None:
                yield server

    def _cache(self) -> Path:
        if self.cache_dir is not None:
            return self.cache_dir
        if self.account.change:
            return _SYSTEM_CACHE  # The home of root is closed to the server's user.
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "citytwin"

    def _bundle_home(self) -> Path:
        """Return the cache if it can be used, else the data directory itself."""
        try:
            make_folder(self._cache())
            self.account.require_access(self._cache())
        except UnavailableError:
            return self.data_dir
        return self._cache() if os.access(self._cache(), os.W_OK) else self.data_dir

    def _create(self, server: Server) -> None:
        """Make a new cluster beside its place and move it there whole."""
        self.progress(f"creating a PostgreSQL {server.major} cluster in {self.place.data}")
        fresh = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=self.place.root))
        self.account.give(fresh)
        initdb = [str(server.bin_dir / "initdb"), "-D", str(fresh)]
        words = ["-U", _ROLE, "-E", "UTF8", "--auth-local=trust", "--auth-host=reject", "--no-sync"]
        # Chinese letters are letters, and text sorts by code point: the same on every machine.
        locale = ["--locale=C.UTF-8", "--lc-collate=C", "--lc-messages=C"]
        made = self.account.run([*initdb, *words, *locale], server.environment)
        if made.returncode != 0:
            raise UnavailableError(f"initdb failed: {(made.stderr or made.stdout).strip()}")
        self._install_postgis(server, fresh)
        if self.fsync:
            self.account.run([*initdb, "--sync-only"], server.environment)
        fresh.rename(self.place.data)

    def _install_postgis(self, server: Server, fresh: Path) -> None:
        """Put PostGIS into the template, so that every new database has it at once."""
        statements = "CREATE EXTENSION postgis\nDROP DATABASE postgres\nCREATE DATABASE postgres\n"
        command = [str(server.bin_dir / "postgres"), "--single", "-D", str(fresh)]
        command += ["-c", "jit=off", "-c", "fsync=off", "template1"]
        done = self.account.run(command, server.environment, statements)
        # A single-user server ends well whatever its statements came to.
        wrong = [line for line in done.stderr.splitlines() if "ERROR:" in line or "FATAL:" in line]
        if done.returncode != 0 or wrong:
            raise UnavailableError(f"PostGIS cannot be installed: {wrong or done.stderr}")

    def _configure(self) -> None:
        """Write the settings of a small server; ALTER SYSTEM still has the last word."""
        settings = "".join(f"{key} = '{value}'\n" for key, value in _settings(self.fsync).items())
        own, main = self.place.data / "citytwin.conf", self.place.data / "postgresql.conf"
        own.write_text("# Written at every start.  To change a setting: ALTER SYSTEM.\n" + settings)
        self.account.give(own)
        if "citytwin.conf" not in main.read_text():
            with main.open("a") as file:
                file.write("\ninclude_if_exists = 'citytwin.conf'\n")

    def _make_socket_dir(self) -> None:
        """Make the socket's folder, and refuse one that somebody else prepared for us."""
        folder = self._socket_dir()
        try:
            folder.mkdir(mode=0o700)
            self.account.give(folder)
        except FileExistsError:
            status = folder.lstat()
            if folder.is_symlink() or status.st_uid != self.account.uid or status.st_mode & 0o077:
                raise UnavailableError(
                    f"{folder} is not a folder of user {self.account.name} alone: remove it"
                ) from None

    def _launch_keeper(self, server: Server) -> None:
        order = {
            "root": str(self.place.root),
            "socket_dir": str(self._socket_dir()),
            "command": self._command(server),
            "environment": clean_environment(server.environment),
            "account": self.account.popen(),
        }
        if self.place.log.exists() and self.place.log.stat().st_size > _LOG_LIMIT_BYTES:
            self.place.log.replace(self.place.log.with_suffix(".old.log"))
        with self.place.log.open("ab") as log:
            subprocess.run(
                [sys.executable, "-I", "-S", str(_keeper.__file__), json.dumps(order)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                check=False,
            )

    def _command(self, server: Server) -> list[str]:
        socket_dir = str(self._socket_dir()).replace('"', '""')
        # What must hold is said on the command line, where no file can overrule it.
        fixed = {
            "listen_addresses": "",
            "unix_socket_directories": f'"{socket_dir}"',
            "unix_socket_permissions": "0700",
            "cluster_name": self.place.cluster_name,
            "port": str(_PORT),
            "logging_collector": "off",
        }
        command = [str(server.bin_dir / "postgres"), "-D", str(self.place.data)]
        return command + [word for k, v in fixed.items() for word in ("-c", f"{k}={v}")]

    def _wait_ready(self) -> bool:
        """Return whether the server gets ready; False as soon as its keeper is dead."""
        until = time.monotonic() + _START_PATIENCE_S
        while time.monotonic() < until:
            lines = _lines(self.place.data / "postmaster.pid")
            if len(lines) > 7 and lines[7].startswith("ready") and _alive(int(lines[0])):
                return True
            if not _keeper.is_locked(self.place.keeper_lock):
                return False
            time.sleep(0.01)
        return False

    def _last_words(self) -> str:
        return "\n  ".join(_lines(self.place.log)[-6:])


def _settings(fsync: bool) -> dict[str, str]:
    memory_mb = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    settings = {
        "shared_buffers": f"{min(2048, max(64, memory_mb // 12))}MB",
        "effective_cache_size": f"{max(256, memory_mb // 2)}MB",
        "work_mem": "32MB",
        "maintenance_work_mem": f"{min(512, max(64, memory_mb // 32))}MB",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        "random_page_cost": "1.1",
        # No replica reads the log, so that a load into a new table need not be written twice.
        "wal_level": "minimal",
        "max_wal_senders": "0",
        # Compiling a trigger's join costs 100 ms a statement; running it costs 0.3 ms.
        "jit": "off",
        "timezone": "GMT",
        "log_timezone": "GMT",
    }
    if _shared_memory_mb() < 256:
        settings["dynamic_shared_memory_type"] = "mmap"
    if not fsync:
        settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    return settings


def _shared_memory_mb() -> int:
    try:
        return shutil.disk_usage("/dev/shm").free // 2**20
    except OSError:
        return 0


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []


def _alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
