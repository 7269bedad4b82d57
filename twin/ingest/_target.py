"""The database's side of a load: COPY into the table or a staging table, and the merge.

Where the table holds nothing of the source yet, rows go straight into it: the transaction already
makes that all or nothing, and a second copy of every row would only cost time.  Otherwise rows are
staged, and only those that differ are written.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from twin.errors import InvalidInputError, UnavailableError
from twin.ingest._copy import SIGNATURE, TRAILER
from twin.ingest._tally import Tally

Connection = psycopg.Connection[tuple[Any, ...]]

STAGE = sql.Identifier("load_stage")
_SLICE_BYTES = 1 << 20
_CHUNKS_AHEAD = 3
_WORTH_REBUILDING = 20_000
_NEVER_COMPARED = ("uid", "load_id")


_REBUILT = """
    -- The statements that drop and build each index of a table, or the key it belongs to.
    SELECT CASE WHEN key.oid IS NULL THEN format('DROP INDEX %%s', indexrelid::regclass)
                ELSE format('ALTER TABLE %%s DROP CONSTRAINT %%I', indrelid::regclass, conname) END,
           CASE WHEN key.oid IS NULL THEN pg_get_indexdef(indexrelid)
                ELSE format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', indrelid::regclass, conname,
                            pg_get_constraintdef(key.oid)) END
    FROM   pg_index
    LEFT   JOIN pg_constraint AS key ON key.conindid = indexrelid AND key.contype IN ('p', 'u', 'x')
    WHERE  indrelid = %(table)s::regclass
    AND    NOT EXISTS (
               SELECT FROM pg_constraint AS reference
               WHERE  reference.contype = 'f' AND reference.conindid = indexrelid
           )
    UNION ALL
    -- The trigger that gives codes, which these rows have: with a trigger for each row, rows could
    -- not be written a page at a time.
    SELECT format('DROP TRIGGER %%I ON %%s', tgname, tgrelid::regclass), pg_get_triggerdef(oid)
    FROM   pg_trigger
    WHERE  tgrelid = %(table)s::regclass AND tgname = 'codes_insert'
"""


@dataclass
class Target:
    """A table being loaded."""

    connection: Connection
    table: str
    columns: Sequence[tuple[str, str]]
    """Name and type of every column that comes in the rows, ``uid`` and ``load_id`` among them."""
    source: str
    load_id: int
    extra: Sequence[tuple[str, str]] = ()
    """Columns of the staging table alone, filled by the rows: references to other features."""
    derived: Sequence[tuple[str, str]] = ()
    """Columns of the table that are worked out in the staging table."""
    _dropped: list[str] = field(default_factory=list)

    @property
    def name(self) -> sql.Identifier:
        """The table's name, quoted."""
        return sql.Identifier("twin", self.table)

    def holds_source(self) -> bool:
        """Return whether rows of this source are there already."""
        question = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE source = %s)").format(self.name)
        return bool(self._scalar(question, [self.source]))

    def begin_direct(self, expected: int | None) -> None:
        """Prepare for rows straight into the table.

        Indexes of an empty table are built after a large load: that takes a third of the time of
        keeping them up row by row.  The lock this needs bars readers from nothing but an empty
        table.
        """
        if expected is None or expected < _WORTH_REBUILDING or not self._is_empty():
            return
        self.connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(self.name))
        if self._is_empty():
            self._drop_indexes()

    def begin_staged(self) -> None:
        """Make the staging table."""
        parts = [
            sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind))  # kinds are the model's
            for name, kind in (*self.columns, *self.extra, *self.derived)
        ]
        self.connection.execute(
            sql.SQL("CREATE TEMP TABLE {} ({}) ON COMMIT DROP").format(
                STAGE, sql.SQL(", ").join(parts)
            )
        )

    @contextmanager
    def copy(self, *, staged: bool) -> Iterator[Sink]:
        """Open a COPY; chunks put into the sink are sent by a thread of their own."""
        names = [name for name, _ in (*self.columns, *(self.extra if staged else ()))]
        statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
            STAGE if staged else self.name, sql.SQL(", ").join(map(sql.Identifier, names))
        )
        with Sink(self.connection, statement) as sink:
            yield sink

    def finish_direct(self) -> None:
        """Build the indexes that were dropped."""
        for definition in self._dropped:
            self.connection.execute(definition.encode())
        self._dropped.clear()

    def merge(self, tally: Tally) -> None:
        """Bring the table to what the staging table says: update what differs, insert what is new.

        Rows that are the same are not touched: nothing is logged and no history is written.
        """
        names = [name for name, _ in (*self.columns, *self.derived)]
        same = [name for name in names if name not in (*_NEVER_COMPARED, "source", "source_id")]
        words = {
            "table": self.name,
            "stage": STAGE,
            "set": sql.SQL(", ").join(
                sql.SQL("{0} = s.{0}").format(sql.Identifier(n)) for n in (*same, "load_id")
            ),
            "there": _row("t", same),
            "here": _row("s", same),
            "names": sql.SQL(", ").join(map(sql.Identifier, names)),
            "values": _row("s", names),
        }
        matched = self._scalar(
            sql.SQL(
                "SELECT count(*) FROM {stage} s JOIN {table} t USING (source, source_id)"
            ).format(**words)
        )
        updated = self.connection.execute(
            sql.SQL(
                "UPDATE {table} t SET {set} FROM {stage} s "
                "WHERE t.source = s.source AND t.source_id = s.source_id "
                "AND ROW({there}) IS DISTINCT FROM ROW({here})"
            ).format(**words)
        ).rowcount
        loaded = self.connection.execute(
            sql.SQL(
                "INSERT INTO {table} ({names}) SELECT {values} FROM {stage} s "
                "WHERE NOT EXISTS (SELECT FROM {table} t "
                "WHERE t.source = s.source AND t.source_id = s.source_id) ORDER BY s.uid"
            ).format(**words)
        ).rowcount
        tally.updated += updated
        tally.unchanged += matched - updated
        tally.loaded += loaded

    def run(self, statement: str, values: Any = None) -> int:
        """Run a statement on the staging table, and return how many rows it touched."""
        return int(self.connection.execute(statement, values).rowcount)

    def scalar(self, statement: str) -> Any:
        """Return the one value of a query."""
        return self._scalar(statement)

    def _is_empty(self) -> bool:
        question = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(self.name)
        return not self._scalar(question)

    def _drop_indexes(self) -> None:
        """Drop what is quicker to build afterwards; keep keys that other tables refer to."""
        if self._scalar("SELECT current_setting('wal_level')") == "minimal":
            # A file that begins in this transaction goes to disk at the commit, and not to the log.
            key = sql.Identifier(f"pk_{self.table}")
            self.connection.execute(sql.SQL("CLUSTER {} USING {}").format(self.name, key))
            off = sql.SQL("ALTER TABLE {} SET WITHOUT CLUSTER").format(self.name)
            self.connection.execute(off)
        for drop, build in self.connection.execute(
            _REBUILT, {"table": f'twin."{self.table}"'}
        ).fetchall():
            self.connection.execute(drop.encode())
            self._dropped.append(build)

    def _scalar(self, statement: sql.Composed | str, values: Any = None) -> Any:
        row = self.connection.execute(statement, values).fetchone()
        assert row is not None
        return row[0]


class Sink:
    """A COPY fed by a thread: the next chunk is made while the server takes this one."""

    def __init__(self, connection: Connection, statement: sql.Composed) -> None:
        self._connection, self._statement = connection, statement
        self._chunks: queue.Queue[NDArray[np.uint8] | BaseException | None] = queue.Queue(
            _CHUNKS_AHEAD
        )
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._feed, name="load-copy", daemon=True)

    def __enter__(self) -> Sink:
        """Begin the COPY."""
        self._thread.start()
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        """End the COPY; after an error of the caller, break it off."""
        self._hand_over(error)
        self._thread.join()
        if error is None and self._failure is not None:
            raise self._failure

    def put(self, chunk: NDArray[np.uint8]) -> None:
        """Hand over a chunk of rows, waiting if the server is far behind."""
        self._hand_over(chunk)
        if self._failure is not None:
            raise self._failure

    def _hand_over(self, chunk: NDArray[np.uint8] | BaseException | None) -> None:
        while self._thread.is_alive():
            try:
                self._chunks.put(chunk, timeout=0.1)
            except queue.Full:
                continue
            return

    def _feed(self) -> None:
        try:
            with (
                self._connection.cursor() as cursor,
                cursor.copy(self._statement) as copy,
            ):
                copy.write(SIGNATURE)
                while (chunk := self._chunks.get()) is not None:
                    if isinstance(chunk, BaseException):
                        raise _BrokenOffError
                    view = memoryview(chunk.data)
                    for at in range(0, len(view), _SLICE_BYTES):
                        copy.write(view[at : at + _SLICE_BYTES])
                copy.write(TRAILER)
        except _BrokenOffError:
            pass
        except BaseException as error:
            self._failure = error


class _BrokenOffError(Exception):
    """The caller gave up."""


def in_words(error: psycopg.Error) -> Exception:
    """Return what went wrong in the database in the words of the house."""
    said = str(error).strip().splitlines() or [type(error).__name__]
    unchanged = "the city is as it was before"
    if isinstance(error, (psycopg.errors.DiskFull, psycopg.errors.InsufficientResources)):
        return UnavailableError(f"the database has no room for this load: {said[0]}; {unchanged}")
    if isinstance(error, (psycopg.IntegrityError, psycopg.DataError)):
        return InvalidInputError(f"the database refuses a row: {'; '.join(said[:2])}; {unchanged}")
    return UnavailableError(f"the database broke off the load: {said[0]}; {unchanged}")


def _row(alias: str, names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(alias, name) for name in names)
