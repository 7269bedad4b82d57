"""The change feed: what changed in the city, in the order it was committed, each thing once.

The database writes the log itself, by triggers (``migrations/versions/0001_feed.sql``).  Whoever
keeps a read model of the city remembers one position, asks for what came after it, and sleeps until
the database rings.  Nothing else tells a read model what to do.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import psycopg
from sqlalchemy import bindparam, text
from sqlalchemy.orm import Session

from twin.crs import CityBox

CHANNEL = "twin_change"

_SINCE = """
    -- What came after a position.  seq is the order of commits, id the order inside one.
    SELECT   change_set.seq, change.id, change_set.at, change_set.actor, change_set.load_id,
             feed_layer.name AS layer, change.op, change.feature_id,
             change.box_before::text, change.box_after::text
    FROM     twin.change_set
    JOIN     twin.change ON change.change_set_id = change_set.id
    JOIN     twin.feed_layer ON feed_layer.id = change.layer
    WHERE    change_set.seq >= :seq AND (change_set.seq > :seq OR change.id > :id) {of_layer}
    ORDER BY change_set.seq, change.id
    LIMIT    :most
"""
_SINCE_OF_ALL = text(_SINCE.format(of_layer=""))
_SINCE_OF_LAYER = text(_SINCE.format(of_layer="AND feed_layer.name = :layer"))

_LATEST = text("""
    -- The end of the log as this transaction sees it.
    SELECT change_set.seq, (
               SELECT max(change.id) FROM twin.change
               WHERE  change.change_set_id = change_set.id
           ) AS id
    FROM   twin.change_set
    WHERE  change_set.seq IS NOT NULL
    ORDER  BY change_set.seq DESC
    LIMIT  1
""")

_REMEMBERED = text("SELECT seq, change_id FROM twin.follower WHERE name = :name FOR UPDATE")

_REMEMBER = text("""
    INSERT INTO twin.follower (name, seq, change_id) VALUES (:name, :seq, :id)
    ON CONFLICT (name) DO UPDATE
        SET seq = excluded.seq, change_id = excluded.change_id, moved_at = now()
""")


class Position(NamedTuple):
    """A place in the log: a commit, and how far into it."""

    seq: int
    id: int


START = Position(0, 0)


class Change(NamedTuple):
    """One changed feature, or one bulk load of a layer.

    ``operation`` is ``I`` (insert), ``U`` (update), ``D`` (delete) or ``L``: many features of the
    layer came or changed at once inside the boxes, and ``feature_id`` is None.
    """

    position: Position
    at: datetime
    actor: str
    load_id: int | None
    layer: str
    operation: str
    feature_id: int | None
    before: CityBox | None
    after: CityBox | None


def since(
    session: Session, position: Position = START, *, layer: str | None = None, most: int = 10_000
) -> Sequence[Change]:
    """Return the changes after a position, oldest commit first; of one layer if it is named.

    Every change is returned once to a reader that hands in the position of the last one it got,
    whatever order the writers began in: a commit's number is given inside the commit.
    """
    asked = {"seq": position.seq, "id": position.id, "most": most}
    if layer is None:
        rows = session.execute(_SINCE_OF_ALL, asked)
    else:
        rows = session.execute(_SINCE_OF_LAYER, {**asked, "layer": layer})
    return [
        Change(
            Position(row.seq, row.id),
            row.at,
            row.actor,
            row.load_id,
            row.layer,
            row.op,
            row.feature_id,
            _box(row.box_before),
            _box(row.box_after),
        )
        for row in rows
    ]


def latest(session: Session) -> Position:
    """Return the end of the log, for a reader that has just read the whole city."""
    row = session.execute(_LATEST).one_or_none()
    return START if row is None else Position(row.seq, row.id or 0)


def follow(session: Session, name: str, *, most: int = 10_000) -> Sequence[Change]:
    """Return what a named follower has not had yet, and remember that it has had it.

    The memory is part of the caller's transaction: what the follower does with the changes and
    the fact that it did so are committed together, or neither is.
    """
    row = session.execute(_REMEMBERED, {"name": name}).one_or_none()
    changes = since(session, START if row is None else Position(*row), most=most)
    if changes:
        session.execute(_REMEMBER, {"name": name, **changes[-1].position._asdict()})
    return changes


def wait(connection: psycopg.Connection[tuple[object, ...]], *, timeout_s: float) -> bool:
    """Sleep until a commit changes the city; return whether one did before the time was up.

    ``connection`` must be in autocommit.  The first call begins to listen, so read the log once
    after it: a ring only wakes, the log tells.
    """
    connection.execute(f"LISTEN {CHANNEL}")
    return any(True for _ in connection.notifies(timeout=timeout_s, stop_after=1))


def act_as(session: Session, actor: str) -> None:
    """Name who makes the changes of the session's present transaction."""
    session.execute(
        text("SELECT set_config('twin.actor', :actor, true)").bindparams(bindparam("actor", actor))
    )


def _box(written: str | None) -> CityBox | None:
    if written is None:
        return None
    # PostgreSQL writes a box as its upper right, then its lower left corner: (x2,y2),(x1,y1)
    max_x, max_y, min_x, min_y = (
        float(v) for v in written.replace("(", "").replace(")", "").split(",")
    )
    return CityBox(min_x, min_y, max_x, max_y)
