"""The private PostGIS: found, unpacked, created, started and shared without anybody's help.

`attach` makes this process one of the users of the cluster in a data directory, and starts the
server if nobody has yet.  A keeper process (`twin._keeper`) holds the server and stops it when the
last user has gone.  A PostGIS of the user's own is used as it is and never started or stopped.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import sql
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from twin._bundle import Progress
from twin._starter import Starter
from twin.errors import InvalidInputError, UnavailableError

_STOP_PATIENCE_S = 70.0
_RECOVERY_PATIENCE_S = 30.0
"""How long a server that starts, or recovers from a crash, is waited for."""


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
    _release: Callable[[bool], None] = field(default=lambda _: None, repr=False, compare=False)

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

    def close(self, *, wait: bool = False) -> None:
        """Stop being a user of the cluster; the server stops when the last user has gone.

        With ``wait`` return when it is down, or after 70 s if others still use it.
        """
        self._release(wait)

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
    starter = Starter(data_dir, pg_bin=pg_bin, cache_dir=cache_dir, progress=progress, fsync=fsync)
    held = [starter.join()]

    def release(wait: bool) -> None:
        # Closed, not unlocked: a forked child that inherited the lock goes on using the cluster.
        while held:
            os.close(held.pop())
        if wait:
            starter.wait_stopped(_STOP_PATIENCE_S)

    cluster = Cluster(starter.url(), owned=True, _release=release)
    if starter.started:
        try:
            with _connect(cluster.url) as connection:
                _require_postgis(connection, cluster.url)
        except BaseException:
            cluster.close()
            raise
    return cluster


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
    until = time.monotonic() + _RECOVERY_PATIENCE_S
    while True:
        try:
            return psycopg.connect(*words, **{"connect_timeout": 15, **options, "autocommit": True})
        except psycopg.OperationalError as error:
            # Starting, recovering or stopping; a line DETAIL may follow the one that says so.
            if "the database system is" in str(error) and time.monotonic() < until:
                time.sleep(0.1)
                continue
            raise UnavailableError(
                f"no answer from the database {_shown(url)}: {_reason(error)}"
            ) from error


def _reason(error: psycopg.OperationalError) -> str:
    lines = str(error).strip().splitlines()
    return next((line for line in reversed(lines) if "DETAIL:" not in line), lines[-1])


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
