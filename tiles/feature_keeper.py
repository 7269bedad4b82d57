"""The texts of a city's layers, kept in step with the change feed.

They follow the same feed by the same thread as columns do (`tiles._following`), and are made in
the background when the columns are there: pages come from PostGIS until then.
"""

import fcntl
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from layers import Layer
from tiles._store import TornFileError
from tiles.feature_files import build, fetch, find
from tiles.features import Texts
from twin.changes import START, Change, Position, since
from twin.database import connect
from twin.errors import TwinError

_AGAIN_S = 0.2
END_S = 10.0
"""How long who stops waits for what is under way."""
_TURN_S = 0.05
_LOCK_S = 5.0
"""After waiting so long for who has a table to himself, the thread lets go and tries again."""
_FEW, _PART = 2_000, 20
"""The tail may have this many rows, or one for so many features, before texts are made anew."""
_MANY = 50_000
"""More changes than this are quicker read as a whole layer."""

_log = logging.getLogger("citytwin")


class Kept:
    """What a process knows of one layer: its texts, or why it has none."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.texts: Texts | None = None
        self.needed: Position = START
        """What texts must contain to be taken."""
        self.wished = False
        self.refused: str | None = None

    @property
    def tail_is_long(self) -> bool:
        """Whether so many edits came that new texts are worth making."""
        texts = self.texts
        return texts is not None and texts.tail_length > max(_FEW, len(texts) // _PART)

    def told(self) -> dict[str, Any]:
        """Return the state in words."""
        texts = self.texts
        if texts is None:
            return {"from": "database", "why": self.refused or "texts are being made"}
        return {
            "from": "texts",
            "features": len(texts),
            "tail": texts.tail_length,
            "position": list(texts.position),
        }


class TextKeeper:
    """Makes texts and brings them up to date for the thread that follows the feed.

    Parameters
    ----------
    layers : mapping
        Every layer that may be asked for, by id.
    url : str
        The city's database.
    folder : Path
        Where texts are; processes on one machine share them.
    may_begin : callable
        Whether more urgent work is done; asked before each layer.

    Notes
    -----
    All methods but `of`, `start` and `stop` belong to the thread that follows the feed.
    """

    def __init__(
        self, layers: Mapping[str, Layer], url: str, folder: Path, may_begin: Callable[[], bool]
    ) -> None:
        self.kept = {name: Kept(layer) for name, layer in layers.items()}
        self._folder, self._may_begin = folder, may_begin
        self._builder = connect(url, pool_size=1, lock_timeout_s=_LOCK_S)
        self._stopped = Event()
        self._has_room = False
        self._wishes: SimpleQueue[Kept | None] = SimpleQueue()
        self._made: deque[tuple[Kept, Texts]] = deque()
        self._thread = Thread(target=self._build, name="feature texts", daemon=True)

    def of(self, layer: str) -> Texts | None:
        """Return a layer's texts if there are any; they hold what the feed has told."""
        kept = self.kept.get(layer)
        return None if kept is None else kept.texts

    def start(self, *, has_room: bool) -> None:
        """Begin to make texts, if they can be kept."""
        self._has_room = has_room
        if not has_room:
            for kept in self.kept.values():
                kept.refused = "there is no room for them"
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for it."""
        self._stopped.set()
        self._wishes.put(None)
        self._thread.join(timeout=END_S)
        # A compiler cannot be stopped: what the thread has in it meanwhile need not be open.
        self._builder.pool.dispose()

    def begin(self) -> None:
        """Wish for all texts that are missing."""
        for kept in self.kept.values():
            if kept.texts is None:
                self._wish(kept)

    def reset(self) -> None:
        """Forget all texts: they may be of another city."""
        for kept in self.kept.values():
            kept.texts, kept.needed = None, START

    def take(self, name: str, changes: Sequence[Change], reader: Connection) -> None:
        """Bring one layer's texts up to the last of its changes."""
        kept = self.kept.get(name)
        if kept is None:
            return
        end = changes[-1].position
        if any(change.operation == "L" for change in changes):
            kept.texts, kept.needed = None, end
            self._wish(kept)
        if kept.texts is None:
            return
        if not _applied(kept, kept.texts, changes, reader):
            kept.texts, kept.needed = None, end
            return
        if kept.tail_is_long:
            self._wish(kept)

    def adopt(self, session: Session, reader: Connection, position: Position) -> None:
        """Take texts that were made into use, once they contain what the feed told up to now."""
        for _ in range(len(self._made)):
            kept, texts = self._made[0]
            if texts.position > position:
                return  # they know more than has been told: that is read first
            self._made.popleft()
            kept.wished = False
            missing = _missing(session, kept.layer.id, texts.position, position)
            if texts.position < kept.needed or missing is None:
                kept.needed = max(kept.needed, position) if missing is None else kept.needed
                self._wish(kept)
                continue
            if not missing or _applied(kept, texts, missing, reader):
                kept.texts, kept.refused = texts, None

    def _wish(self, kept: Kept) -> None:
        if self._has_room and not kept.wished:
            kept.wished = True
            self._wishes.put(kept)

    def _build(self) -> None:
        """Open or make texts, one layer after another, while the feed is followed."""
        while (kept := self._wishes.get()) is not None:
            while not self._may_begin() and not self._stopped.wait(_TURN_S):
                pass
            if self._stopped.is_set():
                break
            try:
                texts = self._made_in_turn(kept)
                if texts is None:
                    break
                self._made.append((kept, texts))
            except (OperationalError, psycopg.OperationalError):
                kept.wished = False
                if not self._stopped.wait(_AGAIN_S):
                    self._wish(kept)
            except Exception as error:
                # One layer that cannot be kept so must not take the others' texts from them.
                kept.refused, kept.wished = f"{type(error).__name__}: {error}", False
                _log.warning("no texts of %s: %s", kept.layer.id, error)
        self._builder.pool.dispose()

    def _made_in_turn(self, kept: Kept) -> Texts | None:
        """Make texts when no other process does: what the first has made, the others open."""
        # Beside the columns' folders, whose versions are theirs alone.
        folder = self._folder / f"{kept.layer.id}.texts"
        folder.mkdir(parents=True, exist_ok=True)
        old = kept.texts
        base = None if old is None else Position(*old.facts["position"])
        with (folder / ".turn").open("w") as turn:
            while not self._stopped.is_set():
                try:
                    fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    self._stopped.wait(_TURN_S)
                else:
                    return _texts(self._builder, kept, folder, base)
        return None


def _texts(engine: Engine, kept: Kept, folder: Path, base: Position | None) -> Texts:
    """Return texts that contain what is needed, and are newer than those of a position."""
    try:
        texts = find(engine, kept.layer, folder)
    except TornFileError:
        return build(engine, kept.layer, folder)
    if texts.position < kept.needed or (base is not None and texts.position <= base):
        return build(engine, kept.layer, folder)
    return texts


def _applied(kept: Kept, texts: Texts, changes: Sequence[Change], reader: Connection) -> bool:
    """Put changes into texts; where they cannot hold one, say why and return False."""
    ids = list({change.feature_id for change in changes if change.feature_id is not None})
    try:
        texts.apply(ids, fetch(reader, kept.layer, ids), changes[-1].position)
    except psycopg.OperationalError:
        raise  # the database is away: the feed is read again from where it was
    except (TwinError, psycopg.Error) as error:
        kept.refused = str(error)
        _log.warning("features of %s come from the database: %s", kept.layer.id, error)
        return False
    return True


def _missing(
    session: Session, layer: str, position: Position, end: Position
) -> Sequence[Change] | None:
    """Return a layer's changes between two positions; None if texts are better made anew."""
    found: list[Change] = []
    seen = 0
    while position < end:
        changes = since(session, position)
        found += [change for change in changes if change.layer == layer]
        seen += len(changes)
        if seen > _MANY or any(change.operation == "L" for change in found):
            return None
        position = changes[-1].position if changes else end
    return found
