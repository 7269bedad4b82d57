"""Bring a thing back to a state that it had."""

from __future__ import annotations

import re
from functools import cache
from typing import Literal, NamedTuple

import psycopg
from sqlalchemy import TextClause, inspect, text
from sqlalchemy.exc import IntegrityError

from twin.database import City
from twin.errors import ConflictError, NotFoundError
from twin.history._find import identify
from twin.history._known import moment_sql, states_sql
from twin.history._moments import AsOf, Moment, moment
from twin.model import located_tables

_NOT_OF_THE_STATE = ("id", "uid", "recorded_at", "recorded_by", "load_id")
"""What names a thing never changes; what tells of a writing tells of this one."""

_THERE = """
    -- Whether a thing was known at a moment, and whether it is there now.
    WITH {moment}
    SELECT EXISTS (SELECT FROM {states} AS past WHERE id = :id) AS was,
           EXISTS (SELECT FROM twin.{table} WHERE id = :id) AS is_
"""

_SET_BACK = """
    -- Give a thing the state it had, unless it has it.
    WITH {moment}
    UPDATE twin.{table} AS present
    SET    load_id = NULL, ({columns}) = ROW ({past_columns})
    FROM   {states} AS past
    WHERE  present.id = :id AND past.id = :id
    AND    ROW ({present_columns}) IS DISTINCT FROM ROW ({past_columns})
"""

_BRING_BACK = """
    -- Make a thing anew as it was, under its number and its name.
    WITH {moment}
    INSERT INTO twin.{table} (id, uid, {columns})
    SELECT id, uid, {columns} FROM {states} AS past WHERE id = :id
"""


class Restored(NamedTuple):
    """What a restoring did.

    ``done`` is ``brought back`` for a thing that had been deleted, ``set back`` for one that was
    another, ``unchanged`` for one that has that state now.
    """

    id: int
    moment: Moment
    done: Literal["brought back", "set back", "unchanged"]


def restore(city: City, layer: str, key: str | int, as_of: AsOf) -> Restored:
    """Bring a thing back to the state that was known at a moment, within the caller's transaction.

    A deleted thing comes back under its ``id`` and its ``uid``.  What is done is a change like any
    other: it is in the feed, the state before it in the history.  The thing alone is restored, not
    what was deleted with it.

    Parameters
    ----------
    city : City
        The open city; the caller commits.
    layer : str
        The layer's id, which is its table's name.
    key : str or int
        The thing's ``id`` or ``uid``.
    as_of : datetime or int
        A time, or the number of a commit.

    Raises
    ------
    NotFoundError
        If there is no such layer, or it had no such thing at that moment.
    ConflictError
        If the city as it is has no place for that state: what it refers to is gone, or its name
        in its source belongs to another thing by now.
    InvalidInputError
        If the moment lies in the future.
    """
    number = identify(city.session, layer, key)
    then = moment(city.session, as_of)
    given = {"id": number, "seq": then.seq}
    there = city.session.execute(_statement(_THERE, layer), given).one()
    if not there.was:
        raise NotFoundError(f"the layer {layer!r} had no feature {str(key)!r} at that moment")
    wanted = _SET_BACK if there.is_ else _BRING_BACK
    try:
        with city.session.begin_nested():
            found = city.session.execute(_statement(wanted, layer), given)
    except IntegrityError as error:
        raise _in_words(error, layer, number) from error
    if not there.is_:
        return Restored(number, then, "brought back")
    touched: int = found.rowcount  # type: ignore[attr-defined]
    return Restored(number, then, "set back" if touched else "unchanged")


@cache
def _statement(sql: str, table: str) -> TextClause:
    columns = [
        f'"{column.name}"'
        for column in inspect(located_tables()[table]).local_table.columns
        if column.name not in _NOT_OF_THE_STATE
    ]
    return text(
        sql.format(
            table=table,
            moment=moment_sql("past_moment", "CAST(:seq AS bigint)"),
            states=states_sql(table, "past_moment"),
            columns=", ".join(columns),
            present_columns=", ".join(f"present.{name}" for name in columns),
            past_columns=", ".join(f"past.{name}" for name in columns),
        ).replace("::", "\\:\\:")
    )


def _in_words(error: IntegrityError, layer: str, number: int) -> ConflictError:
    cause = error.orig
    assert isinstance(cause, psycopg.Error)
    told = cause.diag.message_detail or str(cause)
    start = f"{layer} {number} cannot be restored to that state: "
    found = re.match(r'Key \((\w+)\)=\((.*)\) is not present in table "(\w+)"', told)
    if found is not None:
        column, value, table = found.groups()
        return ConflictError(
            f"{start}its {column} was {value}, and there is no {table} {value} any more; "
            f"restore that first"
        )
    return ConflictError(f"{start}{told}")
