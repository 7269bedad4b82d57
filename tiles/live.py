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
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import sessionmaker

from layers import Layer
from tiles._following import Follower
from tiles._layers import LayerState
from tiles.cache import Address, Made, TileCache
from tiles.encodings.mvt import vector_tile
from tiles.engine import encode
from twin.changes import START, Position
from twin.database import City
from twin.errors import UnavailableError

PATIENCE_S = 5.0
"""How long tiles are still given when the feed cannot be read: a restart of the database passes
unnoticed, but a process that is cut off from it stops to call old tiles new."""


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
        return monotonic() - self._follower.read_at < PATIENCE_S

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

    def tile(self, layers: Sequence[Layer], tile: Any) -> Made:
        """Return some layers in one tile, made now if need be.

        Raises
        ------
        UnavailableError
            If the engine does not follow the city now; ask PostGIS then.
        """
        if not self.ready:
            raise UnavailableError("the tile engine does not follow the city now")
        return self.cache.obtain(Address(tuple(each.id for each in layers), tile), self.make)

    def make(self, address: Address) -> Made:
        """Make a tile from the city's present state."""
        return Made(b"".join(self._part(name, address) for name in address.layers))

    def quick(self, address: Address) -> bool:
        """Return whether making a tile is so cheap that no thread is needed for it."""
        return all(
            (state := self.layers[name]).columns is not None and state.quick(address.tile.z)
            for name in address.layers
        )

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
        }

    def wait_for_columns(self, *, timeout_s: float) -> bool:
        """Wait until no layer's columns are missing; return whether that was so in time."""
        end, pause = monotonic() + timeout_s, Event()
        while any(state.columns is None and not state.refused for state in self.layers.values()):
            if monotonic() > end:
                return False
            pause.wait(0.02)
        return self.ready

    def _part(self, name: str, address: Address) -> bytes:
        state = self.layers[name]
        columns = state.columns
        if columns is None:
            return self._by_sql(state.layer, address)
        began = monotonic()
        written = encode(columns, address.tile)
        state.took(address.tile.z, monotonic() - began)
        return written

    def _by_sql(self, layer: Layer, address: Address) -> bytes:
        frame = self._follower.frame
        if frame is None:
            raise UnavailableError("the tile engine does not know the city yet")
        with self._sessions() as session:
            return vector_tile(City(session, frame, ""), [layer], address.tile)
