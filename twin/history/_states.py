"""All states that one thing of the city ever had, with who wrote each and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import TextClause, text

from twin.database import City
from twin.history._find import identify, never_held

GEOMETRY = "geometry"
_OF_THE_LOG = ("id", "uid", "recorded_at", "recorded_by", "load_id")
"""Columns that tell of the writing of a state, not of the thing."""

_STATES = """
    -- Every state of one thing, oldest first.
    WITH state AS (
        SELECT id, recorded_by, NULL::bigint AS replaced_by, NULL::"char" AS op,
               to_jsonb(present) - 'geom' AS values, geom
        FROM   twin.{table} AS present
        WHERE  id = :id
        UNION  ALL
        (
            SELECT   id, recorded_by, replaced_by, op,
                     to_jsonb(past) - '{{replaced_at,replaced_by,op,geom}}'::text[], geom
            FROM     twin.{table}_history AS past
            WHERE    id = :id
            ORDER BY replaced_by DESC
            LIMIT    :most
        )
    )
    SELECT   state.id, state.values,
             ST_AsGeoJSON(ST_Transform(state.geom, 4326), 7)::json AS geometry,
             began.seq, began.committed_at, began.actor, began.load_id,
             ended.seq AS until_seq, ended.committed_at AS until, ended.actor AS ended_by, state.op
    FROM     state
    LEFT     JOIN twin.change_set AS began ON began.id = state.recorded_by
    LEFT     JOIN twin.change_set AS ended ON ended.id = state.replaced_by
    ORDER    BY began.seq NULLS FIRST, ended.seq NULLS LAST
"""


@dataclass(frozen=True)
class State:
    """What was known of one thing from one commit to another.

    Attributes
    ----------
    id : int
        The thing's number, the same in all states.
    seq : int or None
        Number of the commit that wrote the state; None where it was not kept.
    since : datetime or None
        When it was committed.
    actor : str or None
        Who wrote it.
    load_id : int or None
        The bulk load that wrote it, if one did.
    until_seq, until, ended_by
        The same of the commit that ended it; None for the state that holds now.
    deleted : bool
        Whether it was ended by a deletion.
    values : mapping of str
        The columns of the thing's table but its geometry, as JSON knows them.
    geometry : mapping or None
        GeoJSON, degrees with seven decimals; heights in metres, the city's vertical datum.
    changed : tuple of str
        What differs from the state before: names of columns, or ``geometry``.  Nothing for the
        first state.
    """

    id: int
    seq: int | None
    since: datetime | None
    actor: str | None
    load_id: int | None
    until_seq: int | None
    until: datetime | None
    ended_by: str | None
    deleted: bool
    values: Mapping[str, Any]
    geometry: Mapping[str, Any] | None
    changed: tuple[str, ...]


def states(city: City, layer: str, key: str | int, *, most: int | None = None) -> Sequence[State]:
    """Return every state of a thing that anybody could see, oldest first.

    Parameters
    ----------
    city : City
        The open city.
    layer : str
        The layer's id, which is its table's name.
    key : str or int
        The thing's ``id`` or ``uid``; it may have been deleted since.
    most : int, optional
        Only so many former states, the last ones; all of them if not given.

    Raises
    ------
    NotFoundError
        If there is no such layer, or it never held such a thing.
    """
    number = identify(city.session, layer, key)
    rows = city.session.execute(_statement(layer), {"id": number, "most": most}).all()
    if not rows:
        raise never_held(layer, key)
    found: list[State] = []
    for row in rows:
        found.append(
            State(
                row.id,
                row.seq,
                row.committed_at,
                row.actor,
                row.load_id,
                row.until_seq,
                row.until,
                row.ended_by,
                row.op == "D",
                row.values,
                row.geometry,
                _changed(found[-1], row.values, row.geometry) if found else (),
            )
        )
    return found


@cache
def _statement(table: str) -> TextClause:
    return text(_STATES.format(table=table))


def _changed(
    before: State, values: Mapping[str, Any], geometry: Mapping[str, Any] | None
) -> tuple[str, ...]:
    names = [
        name
        for name, value in values.items()
        if name not in _OF_THE_LOG and before.values.get(name) != value
    ]
    return (*names, GEOMETRY) if geometry != before.geometry else tuple(names)
