"""Make a layer's texts from PostGIS, and find them again."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, Integer, cast, func, literal_column, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from layers import Layer
from layers.text import LONLAT_SRID, feature_text
from tiles._copy import Source, copy
from tiles._store import TornFileError
from tiles._value_kernel import TEXT
from tiles.feature_rows import FORMAT, write_texts
from tiles.features import Texts
from tiles.versions import DATABASE, current, new_version, publish, snapshot
from twin.changes import latest
from twin.crs import Frame
from twin.database import open_city


def build(engine: Engine, layer: Layer, folder: Path) -> Texts:
    """Read a layer out of PostGIS into new texts, and let them be the folder's current ones.

    Parameters
    ----------
    engine : Engine
        The city's database.
    layer : Layer
        What is read.
    folder : Path
        Where the layer's versions of texts are, and nothing else; made if need be.

    Notes
    -----
    The rows and the position in the change feed are read in one snapshot of the database.
    """
    with new_version(folder) as place:
        with snapshot(engine) as connection, Session(connection) as session:
            city, position = open_city(session), latest(session)
            facts = _facts(connection, layer, city.frame)
            with (place / "rows").open("wb") as file:
                copy(_raw(connection), _source(layer, in_order=True), file.write)
        data = np.memmap(place / "rows", np.uint8, mode="r")
        write_texts(place, np.asarray(data), facts | {"position": list(position)})
        del data
        (place / "rows").unlink()
        return Texts.open(publish(place, position))


def find(engine: Engine, layer: Layer, folder: Path) -> Texts:
    """Return a folder's current texts.

    Raises
    ------
    TornFileError
        If there are none that are whole, of this database and city, and of this layer as it is
        defined now; `build` them then.
    """
    place = current(folder)
    if place is None:
        raise TornFileError(f"there are no texts of {layer.id} yet")
    texts = Texts.open(place)
    with snapshot(engine) as connection, Session(connection) as session:
        expected = _facts(connection, layer, open_city(session).frame)
        newest = latest(session)
    found = {name: texts.facts.get(name) for name in expected}
    if found != expected:
        wrong = ", ".join(name for name in expected if found[name] != expected[name])
        raise TornFileError(f"the texts of {layer.id} are of another {wrong}")
    if texts.position > newest:
        raise TornFileError(f"the texts of {layer.id} are ahead of the database")
    return texts


def fetch(connection: Connection, layer: Layer, ids: Sequence[int]) -> bytes:
    """Return the present rows of some features for `Texts.apply`."""
    rows = bytearray()
    copy(_raw(connection), _source(layer), rows.extend, ids)
    return bytes(rows)


_WRITER = text("SELECT postgis_lib_version() || ' ' || postgis_proj_version()")
_sources: dict[tuple[str, bool], Source] = {}


def _source(layer: Layer, *, in_order: bool = False) -> Source:
    """Return how a layer's texts are read."""
    key = layer.id, in_order
    if key not in _sources:
        # In plan, as boxes are compared; moved to degrees before, as a question by box does it.
        place = func.ST_Force2D(func.ST_Transform(layer.place, LONLAT_SRID))
        rows = select(
            layer.key,
            cast(literal_column("0"), Integer).label("zooms"),
            place.label("geom"),
            feature_text(layer, layer.fields, end=",").label("text"),
        )
        # COPY takes no parameters, so the values are in the text.
        dialect = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
        values = {"literal_binds": True}
        sql = rows.select_from(layer.rows).compile(dialect=dialect, compile_kwargs=values)
        order = " ORDER BY id" if in_order else ""
        told = f"SELECT id, zooms, geom, text FROM ({sql}) AS features{order}"  # noqa: S608 - of our own statement
        _sources[key] = Source(told, ("text",), (TEXT,))
    return _sources[key]


def _facts(connection: Connection, layer: Layer, frame: Frame) -> dict[str, Any]:
    source = _source(layer)
    return {
        "text_format": FORMAT,
        "layer": layer.id,
        "srid": frame.srid,
        "database": connection.scalar(DATABASE),
        # PostGIS itself may write another text after it was renewed.
        "writer": connection.scalar(_WRITER),
        "definition": sha256(source.sql.encode()).hexdigest()[:32],
    }


def _raw(connection: Connection) -> Any:
    return connection.connection.driver_connection
