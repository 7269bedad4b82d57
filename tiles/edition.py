"""The edition of some layers' tiles: a word that changes when every tile may be another.

An edit changes a few tiles, and each of them says so by its own tag.  A bulk load, another
definition of a layer or another encoder change all of them: then their addresses change too, so
that whatever a client or a proxy keeps by the old ones is left behind at once.
"""

from collections.abc import Sequence
from functools import cache, lru_cache
from hashlib import blake2b
from pathlib import Path
from threading import Lock

from sqlalchemy import text

import layers
from layers import Layer
from tiles._copy import definition
from twin.database import City

_LOADED = text("""
    -- The last bulk load of each layer after a place in the feed, by the number of its commit.
    SELECT   feed_layer.name, max(change_set.seq) AS seq
    FROM     twin.change_set
    JOIN     twin.change ON change.change_set_id = change_set.id
    JOIN     twin.feed_layer ON feed_layer.id = change.layer
    WHERE    change_set.seq > :after AND change_set.load_id IS NOT NULL AND change.op = 'L'
    GROUP BY feed_layer.name
""")
_END = text("SELECT coalesce(max(seq), 0) FROM twin.change_set")
_BYTES = 6


class Editions:
    """The editions of one city's layers; the feed is read on from where it was read to."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._loaded: dict[str, int] = {}
        self._seen = 0

    def of(self, city: City, shown: Sequence[Layer]) -> str:
        """Return the edition of some layers in one tile, the same in every process."""
        loaded = self._last_loads(city)
        frame = f"{city.frame.srid} {tuple(city.frame.extent)}"
        parts = [_encoder(), frame]
        parts += [f"{_defined(layer)} {loaded.get(layer.id, 0)}" for layer in shown]
        return blake2b("\n".join(parts).encode(), digest_size=_BYTES).hexdigest()

    def _last_loads(self, city: City) -> dict[str, int]:
        with self._lock:
            # Read before the loads: a commit in between is looked at twice, never missed.
            end: int = city.session.scalar(_END) or 0
            if end < self._seen:  # another city, or an older state of this one
                self._loaded, self._seen = {}, 0
            if end > self._seen:
                rows = city.session.execute(_LOADED, {"after": self._seen})
                self._loaded |= {row.name: row.seq for row in rows}
                self._seen = end
            return dict(self._loaded)


@cache
def _encoder() -> str:
    """Return a name for the program that writes tiles, the catalogue's rules for them included."""
    rooms = (Path(__file__).parent, Path(str(layers.__file__)).parent)
    files = sorted(file for room in rooms for file in room.rglob("*.py"))
    return blake2b(b"".join(file.read_bytes() for file in files)).hexdigest()


@lru_cache(maxsize=256)
def _defined(layer: Layer) -> str:
    """Return a name for all that decides what a layer's features show, and from which level."""
    return blake2b(f"{definition(layer)} {layer.minzoom}".encode()).hexdigest()
