"""Make a layer's columns from PostGIS, and find them again."""

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from layers import Layer
from tiles._copy import Source, copy, source
from tiles._store import TornFileError
from tiles._world import world_of
from tiles.columns import FORMAT, Columns, write_columns
from tiles.grid import WEB_MERCATOR, TileGrid
from tiles.versions import DATABASE, current, new_version, publish, snapshot
from twin.changes import latest
from twin.crs import Frame
from twin.database import open_city


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
    with new_version(folder) as place:
        with snapshot(engine) as connection, Session(connection) as session:
            city = open_city(session)
            position = latest(session)
            facts = _facts(connection, layer, city.frame, grid)
            told = _source(connection, layer)
            with (place / "rows").open("wb", buffering=1 << 20) as file:
                copy(_raw(connection), told, file.write)
        data = np.memmap(place / "rows", np.uint8, mode="r")
        world = world_of(city.frame, grid)
        write_columns(
            place, np.asarray(data), world,
            facts | {"position": list(position), "kinds": told.kinds, "names": told.names},
        )  # fmt: skip
        del data
        (place / "rows").unlink()
        return Columns.open(publish(place, position))


def find(engine: Engine, layer: Layer, folder: Path, *, grid: TileGrid = WEB_MERCATOR) -> Columns:
    """Return a folder's current columns.

    Raises
    ------
    TornFileError
        If there are none that are whole, of this database and city, and of this layer as it is
        defined now; `build` them then.
    """
    place = current(folder)
    if place is None:
        raise TornFileError(f"there are no columns of {layer.id} yet")
    columns = Columns.open(place)
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
    rows = bytearray()
    copy(_raw(connection), _source(connection, layer), rows.extend, ids)
    return bytes(rows)


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
        "database": connection.scalar(DATABASE),
        "definition": _source(connection, layer).signature,
    }


def _raw(connection: Connection) -> Any:
    return connection.connection.driver_connection
