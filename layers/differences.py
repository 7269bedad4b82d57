"""What differs in a layer between two moments: added, removed, changed, and in which fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal, NamedTuple

from sqlalchemy import inspect

from layers import Layer
from layers.question import Prepared, places
from twin.crs import LonLatBox
from twin.database import City
from twin.errors import InvalidInputError
from twin.history import Moment, known_sql, low_sql, moment_sql, states_sql

_KEPT = ("id", "uid", "geom", "recorded_at", "recorded_by", "load_id")
"""Columns that are not told as fields: names, the place, and what tells of the writing."""

_DIFFERENT = """
    -- Things that were written or replaced after one moment and by another, with the state that
    -- each had at both.  What is the same at both, whatever it was in between, is left out.
    WITH {before_moment}, {after_moment},
    touched AS (
        SELECT id FROM twin.{table}
        WHERE  NOT {written_before} AND {written_after}
        UNION
        SELECT id FROM twin.{table}_history
        WHERE  replaced_by >= {low} AND NOT {replaced_before}
        AND    ({replaced_after} OR (NOT {written_before} AND {written_after}))
    )
    SELECT   coalesce(after.id, before.id) AS id,
             CASE WHEN before.id IS NULL THEN 'added' WHEN after.id IS NULL THEN 'removed'
                  ELSE 'changed' END AS change,
             before.geom IS DISTINCT FROM after.geom AS moved,
             {told}
    FROM     touched
    LEFT     JOIN LATERAL (
                 SELECT * FROM {before} AS state WHERE state.id = touched.id
             ) AS before ON true
    LEFT     JOIN LATERAL (
                 SELECT * FROM {after} AS state WHERE state.id = touched.id
             ) AS after ON true
    WHERE    ROW (before.id, before.geom, {before_columns})
             IS DISTINCT FROM ROW (after.id, after.geom, {after_columns})
"""

_TOLD = """
             coalesce(after.uid, before.uid)::text AS uid,
             {before_fields} AS before, {after_fields} AS after,
             ST_AsGeoJSON(ST_Transform(before.geom, 4326), 7)::json AS geometry_before,
             ST_AsGeoJSON(ST_Transform(after.geom, 4326), 7)::json AS geometry_after
"""

_ANYWHERE = """
    AND      touched.id > %(after)s::bigint
    ORDER BY touched.id
    LIMIT    %(limit)s::integer
"""

_IN_BOX = """
    AND      EXISTS (
                 SELECT FROM unnest(%(west)s::float8[], %(south)s::float8[], %(east)s::float8[],
                                    %(north)s::float8[]) AS piece (west, south, east, north),
                        ST_MakeEnvelope(west, south, east, north, 4326) AS box
                 WHERE  ST_Intersects(ST_Transform(before.geom, 4326), box)
                 OR     ST_Intersects(ST_Transform(after.geom, 4326), box)
             )
"""

Change = Literal["added", "removed", "changed"]


class Difference(NamedTuple):
    """One thing that is not the same at two moments.

    Attributes
    ----------
    id, uid
        The thing's number and name.
    change : str
        ``added``, ``removed`` or ``changed``.
    fields : mapping
        The fields that differ, each with its value before and after, as JSON knows them; of a
        thing that was added or removed all that have a value, None on the side where it was not.
    moved : bool
        Whether its geometry changed.
    before, after : mapping or None
        Its geometry at both moments, GeoJSON in degrees; None where it was not.
    """

    id: int
    uid: str
    change: Change
    fields: Mapping[str, tuple[Any, Any]]
    moved: bool
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


class Differences(NamedTuple):
    """A page of differences in the order of ids; ``last`` is the id to ask on from, if any."""

    found: Sequence[Difference]
    last: int | None


def differences(
    city: City,
    layer: Layer,
    since: Moment,
    until: Moment,
    *,
    box: LonLatBox | None = None,
    after: int | None = None,
    limit: int = 100,
) -> Differences:
    """Return what differs in a layer between two moments.

    Parameters
    ----------
    city : City
        The open city.
    layer : Layer
        What is asked.
    since, until : Moment
        Before and after.
    box : LonLatBox, optional
        Degrees; things that were in it before or after.
    after : int, optional
        The id of the last difference of the page before.
    limit : int
        How many at most.

    Raises
    ------
    InvalidInputError
        If the first moment lies after the second.
    """
    require_order(since, until)
    pieces = places(city.frame, box)
    sides = zip(LonLatBox._fields, zip(*pieces, strict=True) if pieces else ((),) * 4, strict=True)
    values = {
        "from_seq": since.seq,
        "to_seq": until.seq,
        "after": -1 if after is None else after,
        "limit": limit + 1,
        **{name: list(side) for name, side in sides},
    }
    rows = _statement(layer, pieces is not None).rows(city.session, values)
    last = rows[limit - 1][0] if len(rows) > limit else None
    return Differences([_difference(row) for row in rows[:limit]], last)


def require_order(since: Moment, until: Moment) -> None:
    """Refuse two moments of which the first is the later one."""
    if since.seq > until.seq:
        raise InvalidInputError(
            f"from lies after to: commit {since.seq} after commit {until.seq}; swap them"
        )


def _difference(row: tuple[Any, ...]) -> Difference:
    number, change, moved, uid, before, after, geometry_before, geometry_after = row
    values = [
        (
            name,
            None if change == "added" else before[name],
            None if change == "removed" else after[name],
        )
        for name in before
    ]
    fields = {name: (then, now) for name, then, now in values if then != now}
    return Difference(number, uid, change, fields, moved, geometry_before, geometry_after)


@cache
def _statement(layer: Layer, in_box: bool) -> Prepared:
    columns = _columns(layer)
    told = _TOLD.format(
        before_fields=_object("before", columns), after_fields=_object("after", columns)
    )
    box = _IN_BOX if in_box else ""
    return Prepared(different_sql(layer, told) + box + _ANYWHERE, {})


def different_sql(layer: Layer, told: str) -> str:
    """Return the statement that finds what differs, up to where further conditions follow.

    Parameters
    ----------
    layer : Layer
        Whose things they are.
    told : str
        The SQL of what is told beside ``id``, ``change`` and ``moved``, of the rows ``before`` and
        ``after``; one of them is null where the thing was not.

    Notes
    -----
    It binds ``from_seq`` and ``to_seq``, the numbers of two commits.
    """
    columns = _columns(layer)
    return _DIFFERENT.format(
        table=layer.id,
        told=told,
        before_moment=moment_sql("before_moment", "%(from_seq)s::bigint"),
        after_moment=moment_sql("after_moment", "%(to_seq)s::bigint"),
        low=low_sql("before_moment"),
        written_before=known_sql("recorded_by", "before_moment"),
        written_after=known_sql("recorded_by", "after_moment"),
        replaced_before=known_sql("replaced_by", "before_moment"),
        replaced_after=known_sql("replaced_by", "after_moment"),
        before=states_sql(layer.id, "before_moment"),
        after=states_sql(layer.id, "after_moment"),
        before_columns=", ".join(f'before."{name}"' for name in columns),
        after_columns=", ".join(f'after."{name}"' for name in columns),
    )


def _columns(layer: Layer) -> tuple[str, ...]:
    """Return the columns of a layer's table whose values are compared."""
    columns = inspect(layer.table).local_table.columns
    return tuple(column.name for column in columns if column.name not in _KEPT)


def _object(whose: str, columns: Sequence[str]) -> str:
    listed = ", ".join(f'{whose}."{name}"' for name in columns)
    # The words are those of the model, and never a caller's.
    return f"row_to_json((SELECT held FROM (SELECT {listed}) AS held))"  # noqa: S608
