"""Moments of the city: what had been committed at a time, or by a commit's number."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from twin.errors import InvalidInputError

AsOf = datetime | int
"""A time, or the number of a commit."""

_AT = text("""
    -- The last commit at a time.  Commits get growing times in the order of their numbers, so once
    -- one after that time is seen, none can come before it any more.
    SELECT coalesce(known.seq, 0) AS seq, known.committed_at AS at,
           greatest(clock_timestamp(), last.committed_at) AS now,
           last.committed_at > :at AS final
    FROM   (SELECT max(committed_at) AS committed_at FROM twin.change_set) AS last
    LEFT   JOIN LATERAL (
               SELECT   seq, committed_at FROM twin.change_set
               WHERE    committed_at <= :at
               ORDER BY committed_at DESC, seq DESC LIMIT 1
           ) AS known ON true
""")

_BY_NUMBER = text("""
    -- The last commit whose number is not above one, and the last of all.
    SELECT coalesce(known.seq, 0) AS seq, known.committed_at AS at, coalesce(last.seq, 0) AS last
    FROM   (SELECT max(seq) AS seq FROM twin.change_set) AS last
    LEFT   JOIN LATERAL (
               SELECT   seq, committed_at FROM twin.change_set
               WHERE    seq <= :number
               ORDER BY seq DESC LIMIT 1
           ) AS known ON true
""")


_LAST = text("SELECT coalesce(max(seq), 0) FROM twin.change_set")


class Moment(NamedTuple):
    """What was committed, and could be seen, at one moment.

    Attributes
    ----------
    seq : int
        Number of the last commit that belongs to it; 0 before the first.
    at : datetime or None
        The time that was asked for, or that of the commit asked for by its number.
    final : bool
        Whether nothing can be added to it any more, so that an answer about it may be kept.
    """

    seq: int
    at: datetime | None
    final: bool

    @property
    def known(self) -> bool:
        """Whether anything was known by then."""
        return self.seq > 0


def last_moment(session: Session) -> Moment:
    """Return the moment of the last commit."""
    return moment(session, int(session.scalar(_LAST) or 0))


def moment(session: Session, as_of: AsOf) -> Moment:
    """Return the moment that a time or a commit's number means.

    Parameters
    ----------
    session : Session
        A session on the city's database.
    as_of : datetime or int
        A time, or the number of a commit; 0 is before the first.

    Raises
    ------
    InvalidInputError
        If it lies in the future.
    """
    if isinstance(as_of, int):
        row = session.execute(_BY_NUMBER, {"number": as_of}).one()
        if as_of > row.last:
            raise InvalidInputError(
                f"seq:{as_of} is no commit yet; the last one has the number {row.last}"
            )
        return Moment(row.seq, row.at, True)
    row = session.execute(_AT, {"at": as_of}).one()
    if as_of > row.now:
        raise InvalidInputError(
            f"{_written(as_of)} lies in the future; now it is {_written(row.now)}"
        )
    return Moment(row.seq, as_of, bool(row.final))


def _written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
