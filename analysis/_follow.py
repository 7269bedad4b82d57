"""Read models: something derived from the city, kept in memory, that follows the change feed."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from sqlalchemy import text
from sqlalchemy.orm import Session

from twin import changes

M = TypeVar("M")

_DATABASE = text("""
    -- Which database this is, however it was reached.
    SELECT control.system_identifier, pg_database.oid::bigint AS oid
    FROM   pg_control_system() AS control, pg_database
    WHERE  pg_database.datname = current_database()
""")
_HELD_AT_MOST = 8


class ReadModel(Generic[M]):
    """Something read from some layers, once, and again after the feed has told of a change in them.

    Nothing else makes it anew.  One is held for each database and shared by all threads of the
    process, so what ``load`` returns must never be written to.

    Parameters
    ----------
    layers : iterable of str
        The layers it is read from.
    load : callable
        Reads it, in the session of whoever asks first.
    """

    def __init__(self, layers: Iterable[str], load: Callable[[Session], M]) -> None:
        self._layers = frozenset(layers)
        self._load = load
        self._held: OrderedDict[tuple[int, int], _Held[M]] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, session: Session) -> M:
        """Return it as the city is now, from memory unless one of its layers has changed."""
        row = session.execute(_DATABASE).one()
        key = (int(row.system_identifier), int(row.oid))
        with self._lock:
            held = self._held.setdefault(key, _Held())
            self._held.move_to_end(key)
            while len(self._held) > _HELD_AT_MOST:
                self._held.popitem(last=False)
        return held.up_to_date(session, self._layers, self._load)


class _Held(Generic[M]):
    """The model of one database, and how far into the feed it is true."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.model: M | None = None
        self.position = changes.START

    def up_to_date(
        self, session: Session, layers: frozenset[str], load: Callable[[Session], M]
    ) -> M:
        with self.lock:
            position, changed = self._news(session, layers)
            if self.model is None or changed:
                # First the place in the feed, then the city: what is committed between the two is
                # read, and told of once more.
                position = changes.latest(session)
                self.model = load(session)
            self.position = position
            return self.model

    def _news(self, session: Session, layers: frozenset[str]) -> tuple[changes.Position, bool]:
        position, changed = self.position, False
        if self.model is None:
            return position, changed
        while news := changes.since(session, position):
            position = news[-1].position
            changed = changed or any(change.layer in layers for change in news)
        return position, changed
