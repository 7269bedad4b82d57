"""Write a made-up city: columns in, binary COPY out, all in one transaction."""

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import psycopg
from geoalchemy2 import Geometry
from psycopg.types.json import Jsonb
from shapely import set_srid, to_wkb
from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    Engine,
    Float,
    Integer,
    Table,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from twin.errors import HouseRuleError
from twin.model import Base, located_tables

Progress = Callable[[str, int, int], None]
"""Called with what is being made, how much of it is done, and of how much."""

Columns = Mapping[str, Any]
"""Values by column: an array or list of one length, or one value that holds for every row."""

_NAMES = uuid.UUID("7a1f8f0e-2b52-5c53-9d0c-6f2b0a4a4548")

_MOVE_SEQUENCE = """
    -- Ids were given by us; the next one comes after them.
    SELECT setval(pg_get_serial_sequence(%(table)s, 'id'), %(last)s)
"""


@dataclass
class Summary:
    """What was made."""

    name: str
    srid: int
    counts: dict[str, int] = field(default_factory=dict)
    elapsed_s: float = 0.0


def quiet(text: str, done: int, total: int) -> None:
    """Say nothing."""


def uid_of(source: str, table: str, source_id: str) -> uuid.UUID:
    """Return the name a made-up feature always gets, whatever machine makes it.

    >>> uid_of("tiny-town", "building", "1") == uid_of("tiny-town", "building", "1")
    True
    """
    return uuid.uuid5(_NAMES, f"{source}/{table}/{source_id}")


class Writer:
    """Rows on their way into one city, inside one transaction."""

    def __init__(
        self,
        connection: psycopg.Connection[tuple[Any, ...]],
        *,
        srid: int,
        source: str,
        load_id: int,
    ) -> None:
        self._connection = connection
        self._srid = srid
        self._source = source
        self._load_id = load_id
        self.crs = f"EPSG:{srid}"
        self.counts: dict[str, int] = {}

    def add(self, table: str, **columns: Any) -> None:
        """Add rows to a table, given by column."""
        self.stream(table, [columns])

    def stream(self, table: str, chunks: Iterable[Columns]) -> None:
        """Add rows chunk by chunk through one COPY, so that memory holds one chunk at a time.

        Located rows get their number, ``uid``, ``source`` and ``load_id`` here; every chunk names
        the same columns.
        """
        model: Table = Base.metadata.tables[f"twin.{table}"]
        located = table in located_tables()
        chunks = iter(chunks)
        first = next(chunks, None)
        if first is None:
            return
        names = list(self._completed(table, first, 0, located=located))
        types = [_wire_type(model.columns[name].type) for name in names]
        written = self.counts.get(table, 0)
        listed = ", ".join(names)
        with self._connection.cursor() as cursor:
            statement = f"COPY twin.{table} ({listed}) FROM STDIN (FORMAT binary)"
            with cursor.copy(statement.encode()) as copy:
                copy.set_types(types)
                for chunk in _chain(first, chunks):
                    full = self._completed(table, chunk, written, located=located)
                    if list(full) != names:
                        raise HouseRuleError(f"{table}: chunks differ in columns: {list(full)}")
                    for row in zip(*full.values(), strict=True):
                        copy.write_row(row)
                    written += _length(chunk)
        self.counts[table] = written
        if "id" in names:
            self._connection.execute(
                _MOVE_SEQUENCE, {"table": f"twin.{table}", "last": max(written, 1)}
            )

    def readings(self, columns: Columns) -> None:
        """Add readings, after the partitions of their months."""
        months = {(at.year, at.month): at for at in columns["at"]}
        for at in months.values():
            self._connection.execute("SELECT twin.reading_month(%s)", [at])
        self.stream("reading", [columns])

    def _completed(
        self, table: str, columns: Columns, written: int, *, located: bool
    ) -> dict[str, Sequence[Any]]:
        length = _length(columns)
        full: dict[str, Any] = {}
        if located:
            full["id"] = range(written + 1, written + 1 + length)
            full["uid"] = [uid_of(self._source, table, each) for each in columns["source_id"]]
            full["source"] = self._source
            full["load_id"] = self._load_id
        full |= columns
        return {name: self._wire(name, values, length) for name, values in full.items()}

    def _wire(self, name: str, values: Any, length: int) -> Sequence[Any]:
        if name == "geom":
            stamped = set_srid(np.asarray(values, dtype=object), self._srid)
            return list(to_wkb(stamped, include_srid=True))
        if isinstance(values, np.ndarray):
            values = values.tolist()
        if isinstance(values, list | range):
            first = values[0] if length else None
            return [Jsonb(each) for each in values] if isinstance(first, dict) else values
        return [Jsonb(values) if isinstance(values, dict) else values] * length


@contextmanager
def loading(engine: Engine, summary: Summary, source: str) -> Iterator[Writer]:
    """Open the one transaction in which a city is filled; the change feed sees a bulk load."""
    began = time.perf_counter()
    with engine.begin() as sqlalchemy_connection:
        connection = sqlalchemy_connection.connection.driver_connection
        assert connection is not None
        load_id = connection.execute(
            "INSERT INTO twin.load (layer, source, files) VALUES ('*', %s, '[]') RETURNING id",
            [source],
        ).fetchone()[0]
        connection.execute("SELECT set_config('twin.load_id', %s, true)", [str(load_id)])
        writer = Writer(connection, srid=summary.srid, source=source, load_id=load_id)
        yield writer
        summary.counts |= writer.counts
        connection.execute(
            "UPDATE twin.load SET report = %s WHERE id = %s",
            [Jsonb({"loaded": summary.counts}), load_id],
        )
        for table in writer.counts:
            connection.execute(f"ANALYZE twin.{table}".encode())
    summary.elapsed_s = time.perf_counter() - began


def rounded_now(now: datetime | None) -> datetime:
    """Return a time, or the present one, cut down to five whole minutes."""
    at = now if now is not None else datetime.now().astimezone()
    return at.replace(minute=at.minute - at.minute % 5, second=0, microsecond=0)


def _length(columns: Columns) -> int:
    return next(
        len(values) for values in columns.values() if isinstance(values, np.ndarray | list | range)
    )


def _chain(first: Columns, rest: Iterator[Columns]) -> Iterator[Columns]:
    yield first
    yield from rest


def _wire_type(column: Any) -> str:
    # A geometry's binary form is its EWKB as it stands, so it travels as bytes.
    for kind, name in (
        (Geometry, "bytea"),
        (Boolean, "bool"),
        (BigInteger, "int8"),
        (Integer, "int4"),
        (Float, "float8"),
        (DateTime, "timestamptz"),
        (JSONB, "jsonb"),
        (Uuid, "uuid"),
        (ARRAY, "text[]"),
    ):
        if isinstance(column, kind):
            return name
    return "text"
