"""A layer's features out of PostGIS as one binary COPY: number, zoom levels, geometry, values."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import NamedTuple

import psycopg
from sqlalchemy import ColumnElement, Integer, Select, cast, func, literal_column, select
from sqlalchemy.dialects import postgresql

from layers import Layer
from tiles._value_kernel import BOOLEAN, DOUBLE, FLOAT, INTEGER, JSON, TEXT
from tiles.encodings.mvt import properties
from tiles.grid import MAXZOOM

_KINDS = {16: BOOLEAN, 20: INTEGER, 21: INTEGER, 23: INTEGER, 700: FLOAT, 701: DOUBLE, 3802: JSON}
"""PostgreSQL's type numbers, and what becomes of their values; all others are text."""
_TEXTS = (25, 1042, 1043)

Connection = psycopg.Connection[tuple[object, ...]]


class Source(NamedTuple):
    """How a layer is read: its statement, and the names and kinds of the values in it."""

    sql: str
    names: tuple[str, ...]
    kinds: tuple[int, ...]

    @property
    def signature(self) -> str:
        """A name for all that decides what the rows mean."""
        return sha256(repr(tuple(self)).encode()).hexdigest()[:32]


def source(connection: Connection, layer: Layer) -> Source:
    """Return how a layer's features are read; types come from the database."""
    sql = definition(layer)
    described = connection.execute(f"SELECT * FROM ({sql}) AS described LIMIT 0".encode())  # noqa: S608 - of our own statement
    columns = list(described.description or ())[3:]
    words = [
        f'"{column.name}"' if column.type_code in (*_KINDS, *_TEXTS) else f'"{column.name}"::text'
        for column in columns
    ]
    return Source(
        # The names are those of the layer's fields.
        f"SELECT {', '.join(['id', 'zooms', 'geom', *words])} FROM ({sql}) AS features",  # noqa: S608
        tuple(column.name for column in columns),
        tuple(_KINDS.get(column.type_code, TEXT) for column in columns),
    )


def definition(layer: Layer) -> str:
    """Return the statement that gives a layer's features, with what each of them shows where."""
    values = properties(layer)
    rows = select(layer.key, _zooms(layer).label("zooms"), layer.place.label("geom"), *values)
    return _written(rows.select_from(layer.rows))


def copy(
    connection: Connection,
    source: Source,
    write: Callable[[bytes | bytearray | memoryview], object],
    ids: Sequence[int] | None = None,
) -> None:
    """Write the rows of a layer, or some of them, as PostgreSQL's binary COPY.

    What ``write`` is handed is valid during the call.
    """
    where = ""
    if ids is not None:
        where = f" WHERE id = ANY ('{{{','.join(str(int(each)) for each in ids)}}}'::bigint[])"
    statement = f"COPY ({source.sql}{where}) TO STDOUT (FORMAT binary)"
    with connection.cursor().copy(statement.encode()) as rows:
        for chunk in rows:
            write(chunk)


def _zooms(layer: Layer) -> ColumnElement[int]:
    """Return a number whose bit z says whether a row is drawn at zoom z."""
    always, bits = 0, []
    for zoom in range(MAXZOOM + 1):
        condition = layer.thinned(zoom)
        if condition is None:
            always |= 1 << zoom
        else:
            bits.append(
                cast(func.coalesce(condition, False), Integer) * literal_column(str(1 << zoom))
            )
    total: ColumnElement[int] = literal_column(str(always))
    for bit in bits:
        total = total + bit
    return cast(total, Integer)


def _written(rows: Select[tuple[object, ...]]) -> str:
    """Return a statement as text, its values in it: COPY takes no parameters."""
    dialect = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
    return str(rows.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
