"""Tiles that follow the city: made from columns, kept ready, dropped when what they show changes.

One `TileEngine` lives in each process.  A thread follows the change feed (`tiles._following`), puts
edits into the columns, and drops exactly the tiles that show a changed feature, before or after.
While a layer has no columns (at the start, after a bulk load, where something in it cannot be kept
in columns) PostGIS writes its tiles; nothing is ever answered from columns that lack a change the
engine knows of.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any, NamedTuple

from sqlalchemy import Engine
from sqlalchemy.orm import sessionmaker

from layers import Layer
from layers.question import places
from tiles._following import Follower
from tiles._layers import LayerState
from tiles.cache import Address, Made, TileCache
from tiles.encodings.mvt import vector_tile
from tiles.engine import encode
from tiles.features import Found, Texts
from tiles.grid import WEB_MERCATOR, Tile, TileGrid, grid_named, grids, parse_tile
from twin.caller import Caller
from twin.changes import START, Position
from twin.crs import LonLatBox
from twin.database import City
from twin.errors import TwinError, UnavailableError

PATIENCE_S = 5.0
"""How long tiles are still given when the feed cannot be read: a restart of the database passes
unnoticed, but a process that is cut off from it stops to call old tiles new."""

_DIGITS = 18
"""Longer numbers may be none that PostgreSQL knows."""


class Looked(NamedTuple):
    """Where the features in a box are looked for."""

    texts: Texts
    pieces: Sequence[LonLatBox] | None

    def page(self, *, after: int | None, limit: int) -> Found:
        """Return the next features after a number, in the order of their numbers."""
        return self.texts.page(self.pieces, after=after, limit=limit)

    def matching(self) -> int:
        """Return how many features there are."""
        return self.texts.count(self.pieces)


class TileEngine:
    """The tiles of one city, in one process.

    Parameters
    ----------
    readers : Engine
        Connections for tiles that PostGIS writes; each statement stands alone.
    url : str
        The city's database, for the thread that follows it.
    folder : Path
        Where the columns are; processes on one machine share them.
    layers : mapping
        Every layer that may be asked for, by id.
    cache_bytes : int
        The most that tiles in memory may take.

    Examples
    --------
    Used as a context manager, it follows the city until the block ends.
    """

    def __init__(
        self,
        readers: Engine,
        url: str,
        folder: Path,
        layers: Mapping[str, Layer],
        *,
        cache_bytes: int = 256 * 2**20,
    ) -> None:
        self.cache = TileCache(cache_bytes)
        self.layers = {name: LayerState(layer) for name, layer in layers.items()}
        self._sessions = sessionmaker(readers)
        self._follower = Follower(self.cache, self.layers, url, folder)

    def __enter__(self) -> "TileEngine":
        """Begin to follow the city."""
        self._follower.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._follower.stop()

    @property
    def ready(self) -> bool:
        """Whether the engine knows what changed: only then may it answer."""
        return monotonic() < self.ready_until

    @property
    def ready_until(self) -> float:
        """When the engine stops to be ready if it hears no more, by the monotonic clock."""
        return self._follower.read_at + PATIENCE_S

    @property
    def position(self) -> Position:
        """How far of the change feed is in the tiles."""
        return self._follower.position or START

    @property
    def follower(self) -> Follower:
        """The thread that follows the feed, and whom it tells."""
        return self._follower

    def cached(self, key: bytes) -> Made | None:
        """Return a tile that is ready, by `Address.key`; takes no lock."""
        return self.cache.get(key) if self.ready else None

    @property
    def grids(self) -> dict[str, TileGrid]:
        """Every grid that there are tiles on, by id."""
        return grids(self._follower.frame)

    def address(self, key: bytes) -> Address | None:
        """Return the address that the part of a path behind ``/tiles/`` names.

        None if it is not quite plain, or there is no such tile; the application tells why.  A
        grid's alias leads to the grid's own address, whose key is another.
        """
        names, *place = key.decode("latin-1").split("/")
        found = tuple(names.split(","))
        name = place.pop(0) if len(place) == 4 else WEB_MERCATOR.id
        if len(place) != 3 or len(set(found)) != len(found) or not self.layers.keys() >= {*found}:
            return None
        z, x, y = place
        try:
            grid = grid_named(name, self._follower.frame)
            return Address(found, parse_tile(z, x, y, grid, name=name), grid.id)
        except TwinError:
            return None

    def tile(self, layers: Sequence[Layer], tile: Tile, grid: TileGrid = WEB_MERCATOR) -> Made:
        """Return some layers in one tile of a grid, made now if need be.

        Raises
        ------
        UnavailableError
            If the engine does not follow the city now; ask PostGIS then.
        """
        if not self.ready:
            raise UnavailableError("the tile engine does not follow the city now")
        address = Address(tuple(each.id for each in layers), tile, grid.id)
        return self.cache.obtain(address, self.make)

    def make(self, address: Address, caller: Caller | None = None) -> Made:
        """Make a tile from the city's present state.

        Raises
        ------
        GoneError
            If the caller left before it was made.
        """
        caller = caller or Caller()
        return Made(b"".join(self._part(name, address, caller) for name in address.layers))

    def quick(self, address: Address) -> bool:
        """Return whether making a tile is so cheap that no thread is needed for it."""
        states = [self._follower.states.of(name, address.grid) for name in address.layers]
        return all(state.columns is not None and state.quick(address.tile.z) for state in states)

    def columnar(self, address: Address) -> bool:
        """Return whether a tile is made without asking the database."""
        of = self._follower.states.of
        return all(of(name, address.grid).columns is not None for name in address.layers)

    def features(self, layer: Layer, box: LonLatBox | None) -> Looked | None:
        """Return a layer's features as ready text, and where to look for those in a box.

        None if PostGIS is to be asked: it is not known what changed, or there are no texts.
        """
        texts, frame = self._follower.texts.of(layer.id), self._follower.frame
        if texts is None or frame is None or not self.ready:
            return None
        return Looked(texts, places(frame, box))

    def feature(self, layer: Layer, key: str) -> bytes | None:
        """Return one feature's ready text; None if PostGIS is to be asked."""
        looked = self.features(layer, None)
        if looked is None or not (key.isascii() and key.isdigit()) or len(key) > _DIGITS:
            return None
        return looked.texts.one(int(key))

    def status(self) -> dict[str, Any]:
        """Return how far the engine is, for people and monitors."""
        return {
            "process": os.getpid(),
            "following": self._follower.following,
            "position": list(self.position),
            "tiles": len(self.cache),
            "tile_bytes": self.cache.bytes,
            "dropped": self.cache.dropped,
            "layers": {name: state.told() for name, state in self.layers.items()},
            "features": {name: kept.told() for name, kept in self._follower.texts.kept.items()},
            "grids": [
                {"grid": state.grid, "layer": state.layer.id, **state.told()}
                for state in self._follower.states.others()
            ],
        }

    def wait_for_columns(self, *, timeout_s: float) -> bool:
        """Wait until no layer's columns are missing; return whether that was so in time."""
        end, pause = monotonic() + timeout_s, Event()
        while any(state.columns is None and not state.refused for state in self.layers.values()):
            if monotonic() > end:
                return False
            pause.wait(0.02)
        return self.ready

    def wait_for_texts(self, *, timeout_s: float) -> bool:
        """Wait until no layer's texts are missing; return whether that was so in time."""
        end, pause = monotonic() + timeout_s, Event()
        kept = self._follower.texts.kept.values()
        while any(each.texts is None and not each.refused for each in kept):
            if monotonic() > end:
                return False
            pause.wait(0.02)
        return self.ready

    def _part(self, name: str, address: Address, caller: Caller) -> bytes:
        caller.check()
        state = self._follower.states.of(name, address.grid)
        state.use()
        columns = state.columns
        if columns is None:
            return self._by_sql(state.layer, address, caller)
        began = monotonic()
        written = encode(columns, address.tile)
        state.took(address.tile.z, monotonic() - began)
        return written

    def _by_sql(self, layer: Layer, address: Address, caller: Caller) -> bytes:
        frame = self._follower.frame
        if frame is None:
            raise UnavailableError("the tile engine does not know the city yet")
        with self._sessions() as session, caller.asking(session):
            grid = grid_named(address.grid, frame)
            return vector_tile(City(session, frame, ""), [layer], address.tile, grid=grid)
