"""Make a layer's columns from PostGIS, and find them again."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session

from layers import Layer
from tiles._copy import Source, copy, source
from tiles._store import TornFileError
from tiles._world import world_of
from tiles.columns import FORMAT, Columns, write_columns
from tiles.grid import WEB_MERCATOR, TileGrid
from twin.changes import Position, latest
from twin.crs import Frame
from twin.database import open_city

CURRENT = "current"

_DATABASE = text("""
    -- Which database this is, whatever its name: a copy or a successor has another number.
    SELECT (SELECT system_identifier FROM pg_control_system())::text || '/' || oid
    FROM   pg_database WHERE datname = current_database()
""")


def home(folder: Path, url: str) -> Path:
    """Return where the columns of a database are; several may share a folder."""
    return folder / blake2b(url.encode(), digest_size=6).hexdigest()


def build(engine: Engine, layer: Layer, folder: Path, *, grid: TileGrid = WEB_MERCATOR) -> Columns:
    """Read a layer out of PostGIS into new columns, and let them be the folder's current ones.

    Parameters
    ----------
    engine : Engine
        The city's database.
    layer : Layer
        What is read.
    folder : Path
        Where the layer's versions are; made if need be.  What was current stays so until the new
        columns are on the disk, and processes that have it open keep it.
    grid : TileGrid
        The tiles that the columns are for.

    Notes
    -----
    The rows and the position in the change feed are read in one snapshot of the database, so that
    following the feed from there misses nothing and repeats nothing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder), tempfile.TemporaryDirectory(prefix=".new-", dir=folder) as new:
        place = Path(new)
        with snapshot(engine) as connection, Session(connection) as session:
            city = open_city(session)
            position = latest(session)
            facts = _facts(connection, layer, city.frame, grid)
            told = _source(connection, layer)
            with (place / "rows").open("wb") as file:
                copy(_raw(connection), told, file.write)
        data = np.memmap(place / "rows", np.uint8, mode="r")
        world = world_of(city.frame, grid)
        write_columns(
            place, np.asarray(data), world,
            facts | {"position": list(position), "kinds": told.kinds, "names": told.names},
        )  # fmt: skip
        del data
        (place / "rows").unlink()
        _flush(place)
        version = f"{position.seq}-{position.id}-{os.urandom(4).hex()}"
        place.rename(folder / version)
        place.mkdir()  # for the context manager to remove
        _point(folder, version)
        _tidy(folder, version)
        return Columns.open(folder / version)


def find(engine: Engine, layer: Layer, folder: Path, *, grid: TileGrid = WEB_MERCATOR) -> Columns:
    """Return a folder's current columns.

    Raises
    ------
    TornFileError
        If there are none that are whole, of this database and city, and of this layer as it is
        defined now; `build` them then.
    """
    try:
        version = (folder / CURRENT).read_text().strip()
    except OSError as error:
        raise TornFileError(f"there are no columns of {layer.id} yet") from error
    columns = Columns.open(folder / Path(version).name)
    with snapshot(engine) as connection, Session(connection) as session:
        expected = _facts(connection, layer, open_city(session).frame, grid)
        newest = latest(session)
    found = {name: columns.facts.get(name) for name in expected}
    if found != expected:
        wrong = ", ".join(name for name in expected if found[name] != expected[name])
        raise TornFileError(f"the columns of {layer.id} are of another {wrong}")
    if columns.position > newest:
        raise TornFileError(f"the columns of {layer.id} are ahead of the database")
    return columns


def open_or_build(
    engine: Engine, layer: Layer, folder: Path, *, grid: TileGrid = WEB_MERCATOR
) -> Columns:
    """Return a folder's current columns, made anew if there are none to be trusted."""
    try:
        return find(engine, layer, folder, grid=grid)
    except TornFileError:
        return build(engine, layer, folder, grid=grid)


def fetch(connection: Connection, layer: Layer, ids: Sequence[int]) -> bytes:
    """Return the present rows of some features for `Columns.apply`."""
    chunks: list[bytes] = []
    copy(_raw(connection), _source(connection, layer), chunks.append, ids)
    return b"".join(chunks)


_sources: dict[tuple[str, str], Source] = {}


def _source(connection: Connection, layer: Layer) -> Source:
    key = (str(connection.engine.url), layer.id)
    if key not in _sources:
        _sources[key] = source(_raw(connection), layer)
    return _sources[key]


def _facts(connection: Connection, layer: Layer, frame: Frame, grid: TileGrid) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "layer": layer.id,
        "grid": list(grid),
        "minzoom": layer.minzoom,
        "srid": frame.srid,
        "extent": list(frame.extent),
        "database": connection.scalar(_DATABASE),
        "definition": _source(connection, layer).signature,
    }


def _raw(connection: Connection) -> Any:
    return connection.connection.driver_connection


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """Give a connection that sees one state of the database, and only reads."""
    with engine.connect() as connection:
        connection = connection.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        yield connection
        connection.rollback()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time make columns here; the lock ends with the process."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _point(folder: Path, version: str) -> None:
    """Let a version be the current one, whatever happens meanwhile."""
    new = folder / f".{CURRENT}"
    with new.open("w") as file:
        file.write(version)
        file.flush()
        os.fsync(file.fileno())
    new.replace(folder / CURRENT)
    _flush(folder)


def _flush(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _tidy(folder: Path, version: str) -> None:
    """Remove other versions; who has one open keeps it until it closes it."""
    for other in folder.iterdir():
        if other.is_dir() and other.name != version and not other.name.startswith(".new-"):
            shutil.rmtree(other, ignore_errors=True)


__all__ = ["Position", "build", "fetch", "find", "home", "open_or_build", "snapshot"]
