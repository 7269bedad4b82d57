"""Files made from the database, a version at a time: the last whole one is the current one."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from twin.changes import Position

CURRENT = "current"

DATABASE = text("""
    -- Which database this is, whatever its name: a copy or a successor has another number.
    SELECT (SELECT system_identifier FROM pg_control_system())::text || '/' || oid
    FROM   pg_database WHERE datname = current_database()
""")


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """Yield a connection that sees one state of the database."""
    with engine.connect() as connection:
        connection = connection.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        yield connection
        connection.rollback()


@contextmanager
def new_version(folder: Path) -> Iterator[Path]:
    """Yield an empty folder for a new version; one process at a time gets one.

    `publish` makes it the current one; else it is removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        # The lock ends with the process.
        fcntl.flock(lock, fcntl.LOCK_EX)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=folder) as new:
            yield Path(new)


def publish(place: Path, position: Position) -> Path:
    """Let a new version be the current one, whatever happens meanwhile; return where it is now.

    Other versions are removed; who has one open keeps it until it closes it.
    """
    folder = place.parent
    flush(place)
    version = f"{position.seq}-{position.id}-{os.urandom(4).hex()}"
    place.rename(folder / version)
    place.mkdir()  # for the context manager to remove
    _point(folder, version)
    for other in folder.iterdir():
        if other.is_dir() and other.name != version and not other.name.startswith(".new-"):
            shutil.rmtree(other, ignore_errors=True)
    return folder / version


def current(folder: Path) -> Path | None:
    """Return where the current version is; None if there is none."""
    try:
        version = (folder / CURRENT).read_text().strip()
    except OSError:
        return None
    return folder / Path(version).name


def flush(folder: Path) -> None:
    """Wait until the disk knows what is in a folder."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _point(folder: Path, version: str) -> None:
    new = folder / f".{CURRENT}"
    with new.open("w") as file:
        file.write(version)
        file.flush()
        os.fsync(file.fileno())
    new.replace(folder / CURRENT)
    flush(folder)
