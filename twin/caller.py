"""Whoever waits for an answer; when he leaves, the database stops to work for him."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Condition
from typing import Any

import psycopg
from sqlalchemy import Connection, event
from sqlalchemy.orm import Session

from twin.errors import TwinError

_AGAIN_S = 0.25
_CALLER = "caller"


class GoneError(TwinError):
    """Nobody waits for the answer any more."""


class Caller:
    """Whoever waits for an answer, alone or with others.

    Attributes
    ----------
    gone : bool
        Whether nobody waits any more.  Setting it is enough where no statement runs yet.

    Examples
    --------
    >>> caller = Caller()
    >>> caller.leave()
    >>> caller.gone
    True
    """

    def __init__(self) -> None:
        self.gone = False
        self._running: dict[Session, Any] = {}
        self._ended = Condition()

    def check(self) -> None:
        """Raise `GoneError` if nobody waits any more."""
        if self.gone:
            raise GoneError("nobody waits for this any more")

    @contextmanager
    def asking(self, session: Session) -> Iterator[None]:
        """While the block lasts, what the session asks is cancelled when the caller leaves.

        A connection whose statement was cancelled is given up: the cancellation may reach the
        server late, and must not hit who uses the connection next.
        """
        session.info[_CALLER] = self
        try:
            yield
        finally:
            del session.info[_CALLER]
            with self._ended:
                self._running.pop(session, None)
                self._ended.notify_all()
            if self.gone:
                session.invalidate()

    def leave(self) -> None:
        """End what is done for the caller, and wait until it has ended."""
        self.gone = True
        # Again and again: there may be a moment between two statements.
        while running := list(self._running.values()):
            for connection in running:
                with suppress(psycopg.Error):
                    connection.cancel_safe(timeout=1.0)
            with self._ended:
                self._ended.wait_for(lambda: not self._running, _AGAIN_S)

    def _begins(self, session: Session, connection: Connection) -> None:
        self.check()
        with self._ended:
            self._running[session] = connection.connection.dbapi_connection


@event.listens_for(Session, "after_begin")
def _begun(session: Session, _: object, connection: Connection) -> None:
    caller = session.info.get(_CALLER)
    if caller is not None:
        caller._begins(session, connection)
