"""The same questions asked of the past: statements about now, rewritten to read former states.

A statement that was composed for the city as it is names the tables as they are.  In the past each
of them is the states that had been committed by a moment, from the table and from its history.
See ``docs/decisions/history.md``.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from layers.filter import Selection
from twin.database import City
from twin.history import Moment, moment, moment_sql, states_sql
from twin.model import located_tables

_MOMENT = "past_moment"

_SERIES = {"reading": "at"}
"""Tables whose rows are their own history, and when each is from."""


def at_moment(city: City, selection: Selection) -> Selection:
    """Return a selection whose ``as_of`` is a moment of the city, if it has one.

    Raises
    ------
    InvalidInputError
        If it lies in the future.
    """
    if selection.as_of is None or isinstance(selection.as_of, Moment):
        return selection
    return replace(selection, as_of=moment(city.session, selection.as_of))


def values(known: Moment) -> dict[str, Any]:
    """Return what a rewritten statement binds beside its own values."""
    return {"past_seq": known.seq, "past_at": known.at}


def rewritten(sql: str) -> str:
    """Return a statement about the city as it is as one about the city as it was.

    Parameters
    ----------
    sql : str
        A statement that begins with SELECT or WITH and names tables with their schema, as
        SQLAlchemy writes them, or by another name: ``twin.building AS house``.

    Examples
    --------
    >>> sql = rewritten("SELECT twin.building.id FROM twin.building")
    >>> "SELECT building.id FROM (" in sql, "FROM twin.building_history" in sql
    (True, True)
    """
    past = _NAMED.sub(lambda found: _as_it_was(found[1], found[2], found[3] or found[1]), sql)
    known = moment_sql(_MOMENT, "%(past_seq)s::bigint")
    begun = _WITH.match(past)
    if begun is None:
        return f"WITH {known} {past}"
    return f"WITH {begun[1] or ''} {known}, {past[begun.end() :]}"


_NAMED = re.compile(
    rf"\btwin\.({'|'.join((*located_tables(), *_SERIES))})\b(?:(\.)|\s+AS\s+(\w+))?"
)
_WITH = re.compile(r"(?:\s|--[^\n]*\n)*WITH\s+(RECURSIVE\b)?")


def _as_it_was(table: str, dot: str | None, called: str) -> str:
    if dot:
        return f"{table}."
    if table in _SERIES:
        at = _SERIES[table]
        return f"""(
            SELECT * FROM twin.{table} WHERE "{at}" <= %(past_at)s::timestamptz
        ) AS {called}"""  # noqa: S608 - the words are the house's own
    return f"{states_sql(table, _MOMENT)} AS {called}"
