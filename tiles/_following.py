"""The thread that follows the change feed and keeps columns and tiles in step with it."""

import fcntl
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from threading import Event, Thread
from time import monotonic

import psycopg
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from layers import Layer
from tiles._layers import LayerState, States, Wishes, boxes_of
from tiles._store import TornFileError
from tiles.build import build, fetch, find, home
from tiles.cache import Box, TileCache
from tiles.columns import Columns
from tiles.engine import encode
from tiles.feature_keeper import END_S, TextKeeper
from tiles.grid import WEB_MERCATOR, Tile, TileGrid, grid_named
from twin.changes import START, Change, Position, latest, since, wait
from twin.crs import Frame
from twin.database import connect, open_city
from twin.errors import NotFoundError, TwinError

_RING_S = 0.25
"""The feed is read at least this often, whether the database rang or not."""
_AGAIN_S = 0.2
_TURN_S = 0.05
_LOCK_S = 5.0
"""After waiting so long for who has a table to himself, the engine lets go and tries again."""
_CONNECT_S = 10
_MANY = 50_000
"""More changes than this are quicker read as a whole layer."""

_log = logging.getLogger("citytwin")

Told = Callable[[Sequence[Change], Frame], None]


class _StoppedError(Exception):
    """The engine stops; nothing more is made."""


class Follower:
    """Follows the feed for a cache of tiles and the columns of some layers."""

    def __init__(
        self, cache: TileCache, layers: Mapping[str, LayerState], url: str, folder: Path
    ) -> None:
        self._cache, self._url = cache, url
        self.states = States(layers)
        self._folder = home(folder, url)
        self._stopped = Event()
        self.texts = TextKeeper(
            {name: state.layer for name, state in layers.items()},
            url,
            self._folder,
            lambda: not any(state.wished for state in self.states.all()),
        )
        self._columns = True
        self._builder = connect(url, pool_size=1, lock_timeout_s=_LOCK_S)
        self._wishes = Wishes()
        self._made: deque[tuple[LayerState, Columns]] = deque()
        self._threads = [
            Thread(target=self._run, name="tile follower", daemon=True),
            Thread(target=self._build, name="tile columns", daemon=True),
        ]
        self.position: Position | None = None
        self.frame: Frame | None = None
        self.following = False
        self.read_at = float("-inf")
        """When the end of the feed was last known to be in the tiles, by the monotonic clock."""
        self.listeners: list[Told] = []

    def start(self) -> None:
        """Begin."""
        self._columns = self._has_room()
        self.texts.start(has_room=self._columns)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End, and wait for it."""
        self._stopped.set()
        self._wishes.end()
        self.texts.stop()
        for thread in self._threads:
            thread.join(timeout=END_S)
        # A compiler cannot be stopped: what the thread has in it meanwhile need not be open.
        self._builder.pool.dispose()

    def _has_room(self) -> bool:
        """Return whether columns can be kept; if not, say so once, and let PostGIS write tiles."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=self._folder):
                return True
        except OSError as error:
            why = f"{self._folder.parent} cannot be written to: {error.strerror or error}"
        for state in self.states.all():
            state.refused = why
        _log.warning("tiles come from the database, which is slower: %s (TWIN_DATA_DIR)", why)
        return False

    def _run(self) -> None:
        # One connection rings, the other reads: a ring that comes while reading is not lost.
        engine = connect(self._url, pool_size=1, lock_timeout_s=_LOCK_S)
        engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        plain = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        while not self._stopped.is_set():
            try:
                with _bell(plain) as bell, engine.connect() as reader:
                    self._follow(bell, reader)
            except NotFoundError:
                self._stopped.wait(1.0)  # there is no city yet
            except (SQLAlchemyError, psycopg.Error) as error:
                if self.following:
                    _log.warning("the change feed cannot be read: %s", str(error).split("\n")[0])
                self._stopped.wait(_AGAIN_S)
            except Exception:
                _log.exception("the tile engine begins anew")
                self._reset()
                self._stopped.wait(1.0)
            finally:
                self.following = False
        engine.dispose()

    def _follow(self, bell: "psycopg.Connection[tuple[object, ...]]", reader: Connection) -> None:
        with Session(reader) as session:
            self._begin(session)
            wait(bell, timeout_s=0)
            while not self._stopped.is_set():
                began = monotonic()
                while changes := since(session, self.position or START):
                    self._take(changes, reader)
                self._adopt(session, reader)
                self.texts.adopt(session, reader, self.position or START)
                self._tend()
                self.following, self.read_at = True, began
                wait(bell, timeout_s=_RING_S)

    def _begin(self, session: Session) -> None:
        """Take up where the last connection ended; begin anew with another or an older city."""
        frame, end = open_city(session).frame, latest(session)
        if self.position is None or self.frame != frame or end < self.position:
            self._reset()
            self.frame, self.position = frame, end
        for state in self.states.all():
            if state.columns is None:
                self._wish(state)
        self.texts.begin()

    def _tend(self) -> None:
        """Wish for columns of the grids that somebody asked for; give up those nobody does."""
        for state in self.states.others():
            if state.unused and not state.wished:
                state.wanted, state.columns = False, None
            elif state.wanted and state.columns is None and not state.refused:
                self._wish(state)

    def _reset(self) -> None:
        self.read_at, self.position = float("-inf"), None
        for state in self.states.all():
            state.without_columns(START)
        self.texts.reset()
        self._cache.clear()

    def _take(self, changes: Sequence[Change], reader: Connection) -> None:
        """Bring columns and tiles up to the last of some changes."""
        by_layer: dict[str, list[Change]] = {}
        for change in changes:
            by_layer.setdefault(change.layer, []).append(change)
        for name, own in by_layer.items():
            self._take_layer(self.states.of_layer(name), own, reader)
            self.texts.take(name, own, reader)
        self.position = changes[-1].position
        assert self.frame is not None
        for tell in list(self.listeners):
            tell(changes, self.frame)

    def _take_layer(
        self, states: Sequence[LayerState], changes: Sequence[Change], reader: Connection
    ) -> None:
        """Bring one layer up to the last of its changes, on every grid that it is asked for on."""
        if any(change.operation == "L" for change in changes):
            for state in states:
                state.without_columns(changes[-1].position)
                self._wish(state)
        held = any(state.columns is not None for state in states)
        rows = _rows(reader, states[0].layer, changes) if held else b""
        for state in states:
            self._take_one(state, changes, rows)

    def _take_one(self, state: LayerState, changes: Sequence[Change], rows: bytes) -> None:
        name, grid = state.layer.id, self._grid(state)
        if state.columns is None:
            self._cache.drop(name, self._boxes(changes, grid), grid.id)
            return
        try:
            boxes = self._apply(state.columns, changes, rows, grid)
        except TwinError as error:
            state.refused = str(error)
            state.without_columns(changes[-1].position)
            self._cache.drop_layer(name, grid.id)
            _log.warning("tiles of %s come from the database: %s", name, error)
            return
        self._cache.drop(name, boxes, grid.id)
        if state.tail_is_long:
            self._wish(state)

    def _grid(self, state: LayerState) -> TileGrid:
        return grid_named(state.grid, self.frame)

    def _boxes(self, changes: Sequence[Change], grid: TileGrid) -> list[Box]:
        assert self.frame is not None
        return boxes_of(self.frame, changes, grid)

    def _apply(
        self, columns: Columns, changes: Sequence[Change], rows: bytes, grid: TileGrid
    ) -> list[Box]:
        """Put changes into columns; return where tiles show something else now.

        The rows are as they are now, perhaps newer than the changes: then the feed alone knows
        where a feature was in between, so both are asked.
        """
        touched = columns.apply(_ids(changes), rows, changes[-1].position)
        moved = [box for each in touched for box in (each.before, each.after) if box is not None]
        return [*moved, *self._boxes(changes, grid)]

    def _wish(self, state: LayerState) -> None:
        if self._columns and state.wanted and not state.wished:
            state.wished = True
            self._wishes.put(state)

    def _build(self) -> None:
        """Open or make columns, one layer after another, while the feed is followed."""
        while (state := self._wishes.get()) is not None:
            old = state.columns
            try:
                base = Position(*old.facts["position"]) if old is not None else None
                columns = self._made_in_turn(state, base)
                warm(columns)
                self._made.append((state, columns))
                state.refused = None
            except (SQLAlchemyError, psycopg.Error):
                state.wished = False
                self._stopped.wait(_AGAIN_S)
                if not self._stopped.is_set():
                    self._wish(state)
            except _StoppedError:
                break
            except (TwinError, OSError) as error:
                state.refused, state.wished = str(error), False
                _log.warning("no columns of %s: %s", state.layer.id, error)
            except Exception as error:
                # One layer that cannot be kept so must not take the others' columns from them.
                state.refused, state.wished = f"{type(error).__name__}: {error}", False
                _log.exception("no columns of %s", state.layer.id)
        self._builder.pool.dispose()

    def _made_in_turn(self, state: LayerState, base: Position | None) -> Columns:
        """Make columns when no other process does: what the first has made, the others open."""
        grid = self._grid(state)
        folder = self._folder / _folder_name(state)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".turn").open("w") as turn:
            while not self._stopped.is_set():
                try:
                    fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    self._stopped.wait(_TURN_S)
                else:
                    return _columns(self._builder, state, folder, base, grid)
        raise _StoppedError

    def _adopt(self, session: Session, reader: Connection) -> None:
        """Take columns that were made into use, once they contain all that the feed has told."""
        while self._made:
            state, columns = self._made[0]
            if columns.position > (self.position or START):
                # They know more than the tiles do: the feed has it, and is read first.
                changes = since(session, self.position or START)
                if changes:
                    self._take(changes, reader)
                    continue
            self._made.popleft()
            state.wished = False
            if columns.position < state.needed:
                self._wish(state)
                continue
            missing = self._missing(session, state, columns)
            if missing is None:
                state.needed = max(state.needed, self.position or START)
                self._wish(state)
                continue
            if missing:
                rows = _rows(reader, state.layer, missing)
                self._apply(columns, missing, rows, self._grid(state))
            fresh = state.columns is None
            state.columns = columns
            if fresh:
                # PostGIS may order features differently; from now on the columns' order holds.
                self._cache.drop_layer(state.layer.id, state.grid)

    def _missing(
        self, session: Session, state: LayerState, columns: Columns
    ) -> Sequence[Change] | None:
        """Return what columns lack of what was told; None if they are better made anew."""
        found: list[Change] = []
        position = columns.position
        while position < (self.position or START):
            changes = since(session, position, layer=state.layer.id)
            found += changes
            if len(found) > _MANY or any(change.operation == "L" for change in changes):
                return None
            position = changes[-1].position if changes else (self.position or START)
        return found


def warm(columns: Columns) -> None:
    """Write one tile with something in it: machine code is made or loaded now, not for a client."""
    boxes = columns.snapshot.base.boxes
    zoom = max(columns.minzoom, 12)
    shares = columns.world.shares(boxes[0]) if len(boxes) else None
    left, top = (shares.left, shares.top) if shares is not None else (0.0, 0.0)
    encode(columns, Tile(zoom, int(left * 2**zoom), int(top * 2**zoom)))


def _bell(url: str) -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(url, autocommit=True, connect_timeout=_CONNECT_S)


def _ids(changes: Sequence[Change]) -> list[int]:
    return list({change.feature_id for change in changes if change.feature_id is not None})


def _rows(reader: Connection, layer: Layer, changes: Sequence[Change]) -> bytes:
    """Return the present rows of what changed."""
    return fetch(reader, layer, _ids(changes))


def _folder_name(state: LayerState) -> str:
    """Return where columns are; those of WebMercatorQuad were there before other grids came."""
    name = state.layer.id
    return name if state.grid == WEB_MERCATOR.id else f"{name}@{state.grid}"


def _columns(
    engine: Engine, state: LayerState, folder: Path, base: Position | None, grid: TileGrid
) -> Columns:
    """Return columns that contain what is needed, and are newer than those of a position."""
    try:
        columns = find(engine, state.layer, folder, grid=grid)
    except TornFileError:
        return build(engine, state.layer, folder, grid=grid)
    if columns.position < state.needed or (base is not None and columns.position <= base):
        return build(engine, state.layer, folder, grid=grid)
    return columns
