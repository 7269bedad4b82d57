"""The private PostGIS: found, unpacked, created, started and shared without anybody's help.

`attach` makes this process one of the users of the cluster in a data directory, and starts the
server if nobody has yet.  A keeper process (`twin._keeper`) holds the server and stops it when the
last user has gone.  A PostGIS of the user's own is used as it is and never started or stopped.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import sql
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from twin import _bundle, _keeper
from twin._bundle import Progress, Server
from twin._keeper import Place
from twin.errors import ConflictError, InvalidInputError, UnavailableError

_ROLE = "twin"
_MAINTENANCE = "postgres"
_PORT = 5432  # Only names the socket: the server listens on no network.
_SOCKET_PATH_LIMIT_BYTES = 107
_START_PATIENCE_S = 120.0  # Crash recovery replays at most max_wal_size.
_SYSTEM_CACHE = Path("/var/cache/citytwin")


def _quiet(message: str) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Cluster:
    """A PostGIS this process may use until it closes it or ends.

    Examples
    --------
    >>> cluster = attach(Path("/var/lib/citytwin"))  # doctest: +SKIP
    >>> cluster.ensure_database("city")  # doctest: +SKIP
    'postgresql+psycopg://twin@/city?host=%2Fvar%2Flib%2Fcitytwin%2Fcluster%2Fsocket&port=5432'
    """

    url: str
    """SQLAlchemy URL of the maintenance database, or of the user's own database."""
    owned: bool
    """Whether the cluster is our private one."""
    _release: Callable[[], None] = field(default=lambda: None, repr=False, compare=False)

    def database_url(self, name: str) -> str:
        """Return the SQLAlchemy URL of one database; the user's own database has one URL only."""
        if not self.owned:
            return self.url
        if not name or "\0" in name or len(name.encode()) > 63:
            raise InvalidInputError(f"a database's name has 1 to 63 bytes, not {name!r}")
        return make_url(self.url).set(database=name).render_as_string(hide_password=False)

    def ensure_database(self, name: str) -> str:
        """Create the database with PostGIS if it is missing, and return its SQLAlchemy URL.

        Raises
        ------
        UnavailableError
            If the database cannot be reached, or PostGIS cannot be had in it.
        """
        url = self.database_url(name)
        if self.owned:
            with _connect(self.url) as connection:
                # One at a time: CREATE DATABASE refuses a template that another session is copying.
                connection.execute("SELECT pg_advisory_lock(hashtext('citytwin ensure_database'))")
                query = "SELECT 1 FROM pg_database WHERE datname = %s"
                if connection.execute(query, [name]).fetchone() is None:
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        with _connect(url) as connection:
            _require_postgis(connection, url)
        return url

    def close(self) -> None:
        """Stop being a user of the cluster; the server stops when the last user has gone."""
        self._release()

    def __enter__(self) -> Self:
        """Return the cluster itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the cluster."""
        self.close()


def attach(
    data_dir: Path,
    *,
    database_url: str | None = None,
    pg_bin: Path | None = None,
    progress: Progress = _quiet,
    cache_dir: Path | None = None,
    fsync: bool = True,
) -> Cluster:
    """Return the cluster of a data directory, running; create and start it if need be.

    Parameters
    ----------
    data_dir : Path
        Where the cluster lies, in the folder ``cluster``; made if missing.
    database_url : str, optional
        A PostGIS database of the user's own: nothing is started, only checked.
    pg_bin : Path, optional
        Where to look first for PostgreSQL's programs.
    progress : callable
        Told in a few words what is being done when it takes a while.
    cache_dir : Path, optional
        Where PostGIS is unpacked if the system has none, shared between data directories.
        Default: ``/var/cache/citytwin`` for root, else the user's cache.
    fsync : bool
        Whether a commit waits for the disk.  False only in tests: a power cut may then lose all.

    Raises
    ------
    UnavailableError
        If no PostGIS is found, or it does not start, or the directory is closed to the server.
    ConflictError
        If the directory holds the cluster of another user or of another PostgreSQL version.
    InvalidInputError
        If ``database_url`` is not a URL of a PostgreSQL database.
    """
    if database_url is not None:
        return _foreign(database_url)
    starter = _Starter(data_dir, pg_bin, cache_dir, progress, fsync)
    users = starter.join()
    held = [users]

    def release() -> None:
        # Closed, not unlocked: a forked child that inherited the lock goes on using the cluster.
        while held:
            os.close(held.pop())

    return Cluster(starter.url(), owned=True, _release=release)


def _foreign(database_url: str) -> Cluster:
    try:
        given = make_url(database_url)
    except ArgumentError:
        raise InvalidInputError(f"not a database URL: {database_url!r}") from None
    if given.get_backend_name() not in {"postgresql", "postgres"}:
        raise InvalidInputError(
            f"the database URL begins with {given.drivername!r}; it has to be postgresql://…"
        )
    url = given.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    with _connect(url) as connection:
        query = "SELECT 1 FROM pg_available_extensions WHERE name = 'postgis'"
        if connection.execute(query).fetchone() is None:
            raise UnavailableError(
                f"the PostgreSQL server of {_shown(url)} has no PostGIS: install it there, "
                "then run CREATE EXTENSION postgis in the database"
            )
    return Cluster(url, owned=False)


def _shown(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True)


def _connect(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    parsed = make_url(url)
    words, options = parsed.get_dialect()().create_connect_args(parsed)
    try:
        return psycopg.connect(*words, **{"connect_timeout": 15, **options, "autocommit": True})
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[-1]
        raise UnavailableError(f"no answer from the database {_shown(url)}: {reason}") from error


def _require_postgis(connection: psycopg.Connection[tuple[Any, ...]], url: str) -> None:
    try:
        connection.execute("SET client_min_messages = error")
        connection.execute("CREATE EXTENSION IF NOT EXISTS postgis")
        row = connection.execute("SELECT postgis_full_version()").fetchone()
    except psycopg.Error as error:
        raise UnavailableError(f"PostGIS cannot be used in {_shown(url)}: {error}") from error
    version = str(row[0]) if row else ""
    # Without its data PROJ still seems to work and answers wrongly: better not to start at all.
    if "not found" in version.lower() or "protobuf" not in version.lower():
        raise UnavailableError(f"PostGIS in {_shown(url)} lacks a part of itself: {version}")


@dataclass(frozen=True)
class _Account:
    """The system user that the server runs as."""

    name: str
    uid: int
    gid: int
    change: bool

    def popen(self) -> dict[str, Any]:
        if not self.change:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def _account(data: Path) -> _Account:
    """Return who runs the server: ourselves, or for root the data's owner, postgres or nobody."""
    mine = os.geteuid()
    owner = data.stat().st_uid if data.exists() else None
    if mine != 0:
        if owner is not None and owner != mine:
            raise ConflictError(
                f"the cluster in {data} belongs to user {owner}, not to user {mine}"
            )
        return _entry(mine, change=False)
    if owner:
        return _entry(owner, change=True)
    for name in ("postgres", "nobody"):
        try:
            uid = pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
        return _entry(uid, change=True)
    raise UnavailableError(
        "PostgreSQL refuses to run as root, and the system has neither a user postgres nor nobody"
    )


def _entry(uid: int, *, change: bool) -> _Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise UnavailableError(
            f"user {uid} has no entry in /etc/passwd, without which PostgreSQL does not run"
        ) from None
    return _Account(entry.pw_name, uid, entry.pw_gid, change)


class _Starter:
    """What one process does to become a user of the cluster in a data directory."""

    def __init__(
        self,
        data_dir: Path,
        pg_bin: Path | None,
        cache_dir: Path | None,
        progress: Progress,
        fsync: bool,
    ) -> None:
        self.data_dir = Path(os.path.realpath(data_dir.expanduser()))
        self.place = Place(self.data_dir / "cluster")
        self.pg_bin, self.cache_dir = pg_bin, cache_dir
        self.progress, self.fsync = progress, fsync
        digest = hashlib.sha256(os.fsencode(self.place.data)).hexdigest()
        self.name = f"citytwin-{digest[:12]}"

    def join(self) -> int:
        """Return the descriptor of our lock on the users file, the server being ready."""
        _make_folder(self.place.root)
        self.account = _account(self.place.data)
        self.require_access(self.place.root)
        with self.starting():
            users = _keeper.lock(self.place.users_lock, fcntl.LOCK_SH)
            assert users is not None
            try:
                if not (_keeper.is_locked(self.place.keeper_lock) and self.wait_ready(None)):
                    self.start()
            except BaseException:
                os.close(users)
                raise
        return users

    @contextmanager
    def starting(self) -> Iterator[None]:
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

    def url(self) -> str:
        query = {"host": str(self.socket_dir()), "port": str(_PORT)}
        made = URL.create("postgresql+psycopg", _ROLE, database=_MAINTENANCE, query=query)
        return made.render_as_string(hide_password=False)

    def socket_dir(self) -> Path:
        """Return the folder of the socket: beside the data, or a short one if that is too long."""
        beside = self.place.root / "socket"
        length = len(os.fsencode(beside / f".s.PGSQL.{_PORT}"))
        # libpq splits a host at commas.
        if length <= _SOCKET_PATH_LIMIT_BYTES and "," not in str(beside):
            return beside
        return Path(tempfile.gettempdir()) / f"{self.name}-{self.account.uid}"

    def require_access(self, folder: Path) -> None:
        """Raise unless the server's user can reach the folder, tried as that user."""
        path = [str(part) for part in (*reversed(folder.parents), folder)]
        script = 'for d in "$@"; do cd "$d" 2>/dev/null || { printf %s "$d"; exit 1; }; done'
        tried = self.run(["/bin/sh", "-c", script, "sh", *path])
        if tried.returncode != 0:
            raise UnavailableError(
                f"PostgreSQL runs as user {self.account.name}, since it refuses root, and "
                f"{tried.stdout} is closed to that user: put the data somewhere else with "
                "TWIN_DATA_DIR, for example /var/lib/citytwin, or open the folder with: "
                f"chmod o+x {tried.stdout}"
            )

    def run(
        self, command: Sequence[str], environment: Mapping[str, str] | None = None, given: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a short program as the server's user, in an environment without surprises."""
        return subprocess.run(
            command,
            input=given,
            capture_output=True,
            text=True,
            cwd="/",
            umask=0o077,
            env=_environment(environment),
            **self.account.popen(),
        )

    def start(self) -> None:
        server = self.find()
        if not self.place.data.exists():
            self.create(server)
        has = (self.place.data / "PG_VERSION").read_text().strip()
        if has != str(server.major):
            raise ConflictError(
                f"the cluster in {self.place.data} is of PostgreSQL {has}, and only PostgreSQL "
                f"{server.major} with PostGIS was found ({server.bin_dir}); name the other "
                "with TWIN_PG_BIN"
            )
        self.configure()
        self.make_socket_dir()
        keeper = self.launch_keeper(server)
        if not self.wait_ready(keeper):
            raise UnavailableError(f"PostgreSQL did not start: {self.last_words()}")
        with _connect(self.url()) as connection:
            _require_postgis(connection, self.url())

    def find(self) -> Server:
        """Return a PostgreSQL with PostGIS: the machine's, one unpacked before, or a new one."""
        version = self.place.data / "PG_VERSION"
        wanted = version.read_text().strip() if version.exists() else None
        found: Server | None = None
        for server in self.known_servers():
            if not self.can_run(server):
                self.progress(
                    f"{server.bin_dir} has PostGIS but does not run as {self.account.name}"
                )
            elif wanted in (None, str(server.major)):
                return server
            else:
                found = found or server
        if found is not None:
            return found
        if not _bundle.can_unpack():
            raise UnavailableError(
                f"no PostgreSQL with PostGIS was found. {_bundle.how_to_install()}"
            )
        return _bundle.unpack(self.bundle_home() / _bundle.bundle_name(), self.progress)

    def known_servers(self) -> Iterator[Server]:
        if self.pg_bin is not None and not (self.pg_bin / "postgres").exists():
            self.progress(f"{self.pg_bin} holds no postgres; looking elsewhere")
        yield from _bundle.system_servers(self.pg_bin)
        for home in dict.fromkeys([self.data_dir, self.cache(), _SYSTEM_CACHE]):
            server = _bundle.unpacked_server(home / _bundle.bundle_name())
            if server is not None:
                yield server

    def can_run(self, server: Server) -> bool:
        return (
            self.run([str(server.bin_dir / "postgres"), "-V"], server.environment).returncode == 0
        )

    def cache(self) -> Path:
        if self.cache_dir is not None:
            return self.cache_dir
        if self.account.change:
            return _SYSTEM_CACHE
        base = (
            os.environ.get("XDG_CACHE_HOME") or Path(pwd.getpwuid(os.geteuid()).pw_dir) / ".cache"
        )
        return Path(base) / "citytwin"

    def bundle_home(self) -> Path:
        """Return the cache if it can be used, else the data directory itself."""
        try:
            _make_folder(self.cache())
            self.require_access(self.cache())
            if os.access(self.cache(), os.W_OK):
                return self.cache()
        except (OSError, UnavailableError):
            pass
        return self.data_dir

    def create(self, server: Server) -> None:
        """Make a new cluster beside its place and move it there whole."""
        self.progress(f"creating a PostgreSQL {server.major} cluster in {self.place.data}")
        fresh = self.place.root / "data.init"
        if fresh.exists():
            _keeper.clear_stale(fresh, self.name)
            shutil.rmtree(fresh)
        fresh.mkdir(mode=0o700)
        if self.account.change:
            os.chown(fresh, self.account.uid, self.account.gid)
        initdb = [str(server.bin_dir / "initdb"), "-D", str(fresh)]
        words = ["-U", _ROLE, "-E", "UTF8", "--auth-local=trust", "--auth-host=reject", "--no-sync"]
        # Chinese letters are letters, and text sorts by code point: the same on every machine.
        locale = ["--locale=C.UTF-8", "--lc-collate=C", "--lc-messages=C"]
        made = self.run([*initdb, *words, *locale], server.environment)
        if made.returncode != 0:
            raise UnavailableError(f"initdb failed: {(made.stderr or made.stdout).strip()}")
        self.install_postgis(server, fresh)
        if self.fsync:
            self.run([*initdb, "--sync-only"], server.environment)
        fresh.rename(self.place.data)

    def install_postgis(self, server: Server, fresh: Path) -> None:
        """Put PostGIS into the template, so that every new database has it at once."""
        statements = "CREATE EXTENSION postgis\nDROP DATABASE postgres\nCREATE DATABASE postgres\n"
        single = [str(server.bin_dir / "postgres"), "--single", "-D", str(fresh), "-c", "jit=off"]
        done = self.run([*single, "-c", "fsync=off", "template1"], server.environment, statements)
        if done.returncode != 0 or "ERROR:" in done.stderr or "FATAL:" in done.stderr:
            raise UnavailableError(f"PostGIS cannot be installed: {done.stderr.strip()}")

    def configure(self) -> None:
        """Write the settings of a small server; ALTER SYSTEM still has the last word."""
        settings = "".join(f"{key} = '{value}'\n" for key, value in _settings(self.fsync).items())
        own, main = self.place.data / "citytwin.conf", self.place.data / "postgresql.conf"
        own.write_text("# Written at every start.  To change a setting: ALTER SYSTEM.\n" + settings)
        own.chmod(0o644)
        if "citytwin.conf" not in main.read_text():
            with main.open("a") as file:
                file.write("\ninclude_if_exists = 'citytwin.conf'\n")

    def make_socket_dir(self) -> None:
        """Make the socket's folder, and refuse one that somebody else prepared for us."""
        folder = self.socket_dir()
        try:
            folder.mkdir(mode=0o700)
            if self.account.change:
                os.chown(folder, self.account.uid, self.account.gid)
        except FileExistsError:
            status = folder.lstat()
            if folder.is_symlink() or status.st_uid != self.account.uid or status.st_mode & 0o077:
                raise UnavailableError(
                    f"{folder} is not a folder of user {self.account.name} alone: remove it"
                ) from None

    def launch_keeper(self, server: Server) -> subprocess.Popen[bytes]:
        socket = str(self.socket_dir()).replace('"', '""')
        # What must hold is said on the command line, where no file can overrule it.
        fixed = {
            "listen_addresses": "",
            "unix_socket_directories": f'"{socket}"',
            "unix_socket_permissions": "0700",
            "cluster_name": self.name,
            "port": str(_PORT),
            "logging_collector": "off",
        }
        command = [str(server.bin_dir / "postgres"), "-D", str(self.place.data)]
        order = {
            "root": str(self.place.root),
            "cluster_name": self.name,
            "command": command + [word for k, v in fixed.items() for word in ("-c", f"{k}={v}")],
            "environment": _environment(server.environment),
            "account": self.account.popen(),
        }
        if self.place.log.exists() and self.place.log.stat().st_size > 10_000_000:
            self.place.log.replace(self.place.log.with_suffix(".old.log"))
        with self.place.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-I", "-S", str(_keeper.__file__), json.dumps(order)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
            )

    def wait_ready(self, keeper: subprocess.Popen[bytes] | None) -> bool:
        """Return whether the server gets ready; False as soon as its keeper is dead."""
        until = time.monotonic() + _START_PATIENCE_S
        while time.monotonic() < until:
            lines = _lines(self.place.data / "postmaster.pid")
            if len(lines) > 7 and lines[7].startswith("ready") and _alive(int(lines[0])):
                return True
            if keeper is not None and keeper.poll() is not None:
                return False
            if keeper is None and not _keeper.is_locked(self.place.keeper_lock):
                return False
            time.sleep(0.01)
        return False

    def last_words(self) -> str:
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


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    # Nothing of the caller's: PGPORT, PGDATA or PROJ_LIB of a shell would lead the server astray.
    return {"PATH": os.defpath, "LC_ALL": "C", **(extra or {})}


def _make_folder(folder: Path) -> None:
    """Make a folder and its parents; those that root makes stay open to the server's user."""
    missing = [part for part in (folder, *folder.parents) if not part.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnavailableError(f"cannot make the folder {folder}: {error.strerror}") from error
    if os.geteuid() == 0:
        for part in missing:
            part.chmod(0o755)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []


def _alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
