"""Tiles that are ready to be sent, in a bounded memory, each made once however many ask for it."""

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future
from hashlib import sha256
from math import floor
from threading import Lock
from typing import Any, NamedTuple

from tiles.codings import GZIP, pack, unpack
from tiles.encodings.mvt import BUFFER, EXTENT
from tiles.grid import WEB_MERCATOR, Tile
from twin.caller import Caller

_RIM = (BUFFER + 1) / EXTENT
"""How far a feature beyond a tile can be and still be drawn in it, in the tile's side."""
_OVERHEAD_BYTES = 700
"""What a tile costs beside its own bytes: its names, its places in the index, its heads."""

_MOST_ACROSS = 2
"""A grid has at most so many squares of level 0 side by side."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in sides of level 0 from its upper left corner, y downwards."""


class Address(NamedTuple):
    """Some layers in one tile of a grid."""

    layers: tuple[str, ...]
    tile: Tile
    grid: str = WEB_MERCATOR.id

    @property
    def key(self) -> bytes:
        """The address as it stands in a URL.

        >>> Address(("building", "region"), Tile(14, 13503, 7107)).key
        b'building,region/14/13503/7107'
        >>> Address(("building",), Tile(14, 27005, 6057), "CGCS2000Quad").key
        b'building/CGCS2000Quad/14/27005/6057'
        """
        z, x, y = self.tile
        grid = "" if self.grid == WEB_MERCATOR.id else f"{self.grid}/"
        return f"{','.join(self.layers)}/{grid}{z}/{x}/{y}".encode()


class Made:
    """One tile as it is sent; it never changes.

    Attributes
    ----------
    forms : dict
        The tile in each coding that somebody asked for, and in gzip; nothing in them where the tile
        is empty.
    size : int
        Bytes of the tile itself.
    digest : str
        A name for the tile's content: the same bytes have the same name in every process.
    kept : dict
        Room for what a server wants to keep with the tile, such as a finished head.
    """

    __slots__ = ("digest", "forms", "kept", "size", "used", "weight")

    def __init__(self, tile: bytes) -> None:
        self.forms: dict[str, bytes] = {GZIP: pack(tile, GZIP) if tile else b""}
        self.size = len(tile)
        # The same tile is packed into the same bytes, and fewer; processors know this hash.
        self.digest = sha256(self.forms[GZIP]).hexdigest()[:32]
        self.kept: dict[Any, Any] = {}
        self.used = False
        self.weight = 0
        """What the cache counts it for."""

    @property
    def packed(self) -> bytes:
        """The tile as gzip."""
        return self.forms[GZIP]

    @property
    def plain(self) -> bytes:
        """The tile itself."""
        return unpack(self.packed) if self.packed else b""

    def form(self, coding: str) -> bytes:
        """Return the tile in a coding, made when it is first asked for."""
        found = self.forms.get(coding)
        if found is None:
            found = self.forms[coding] = pack(self.plain, coding) if self.size else b""
        return found


class Flight:
    """A tile that is being made, and who waits for it."""

    __slots__ = ("address", "caller", "future", "waiting")

    def __init__(self, address: Address) -> None:
        self.address = address
        self.future: Future[Made] = Future()
        self.caller = Caller()
        self.waiting = 1


class TileCache:
    """Tiles by address, the least used given up first, and an index of where they lie.

    Reading (`get`) takes no lock, so that the busiest path never waits.

    Parameters
    ----------
    limit_bytes : int
        The most that all tiles together may take.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._lock = Lock()
        self._made: OrderedDict[bytes, tuple[Address, Made]] = OrderedDict()
        self._cells: dict[tuple[str, str], dict[int, dict[tuple[int, int], set[bytes]]]] = {}
        self._flights: dict[bytes, Flight] = {}
        self.bytes = 0
        self.given_up = 0
        self.made = 0
        self.dropped = 0

    def __len__(self) -> int:
        """Return how many tiles are kept."""
        return len(self._made)

    @property
    def kept(self) -> dict[bytes, tuple[Address, Made]]:
        """What is kept, to be looked at without a lock; set ``used`` of a tile that is used."""
        return self._made

    def get(self, key: bytes) -> Made | None:
        """Return a tile if it is kept."""
        found = self._made.get(key)
        if found is None:
            return None
        made = found[1]
        made.used = True
        return made

    def board(self, address: Address) -> tuple[Flight, bool]:
        """Return the making of a tile, and whether the caller is the one who has to make it.

        Whoever makes it calls `land`, also when it fails; who does not wait until then, `leave`.
        """
        key = address.key
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None:
                flight.waiting += 1
                return flight, False
            flight = self._flights[key] = Flight(address)
            found = self._made.get(key)
        if found is None:
            return flight, True
        self._off(flight)
        flight.future.set_result(found[1])
        return flight, False

    def leave(self, flight: Flight) -> bool:
        """Wait no longer; return whether nobody waits now, so that it need not be made."""
        with self._lock:
            flight.waiting -= 1
            if flight.waiting or flight.future.done():
                return False
            flight.caller.gone = True
            # Who asks now has it made anew.
            if self._flights.get(flight.address.key) is flight:
                del self._flights[flight.address.key]
        return True

    def land(self, flight: Flight, made: Made | BaseException) -> None:
        """End the making of a tile.

        The tile is kept unless something in it changed meanwhile: who asked before the change was
        known gets it, and who asks now does not.
        """
        with self._lock:
            if self._flights.get(flight.address.key) is flight:
                del self._flights[flight.address.key]
                if isinstance(made, Made):
                    self.made += 1
                    self._keep(flight.address, made)
        if isinstance(made, Made):
            flight.future.set_result(made)
        else:
            flight.future.set_exception(made)

    def obtain(self, address: Address, make: Callable[[Address], Made]) -> Made:
        """Return a tile, kept or made now; many threads that want the same make it once."""
        made = self.get(address.key)
        if made is not None:
            return made
        flight, own = self.board(address)
        if own:
            try:
                made = make(address)
            except BaseException as error:
                self.land(flight, error)
                raise
            self.land(flight, made)
            return made
        return flight.future.result()

    def weigh(self, key: bytes, made: Made) -> None:
        """Count what a tile takes anew: it is kept in one more form now."""
        with self._lock:
            found = self._made.get(key)
            if found is not None and found[1] is made:
                self.bytes -= made.weight
                self._count(made)

    def drop(self, layer: str, boxes: Collection[Box], grid: str = WEB_MERCATOR.id) -> int:
        """Forget the tiles of a layer, and those being made, that show something in some boxes.

        The boxes are on the grid whose tiles are meant; those of other grids stay.
        """
        with self._lock:
            for key, flight in list(self._flights.items()):
                names, tile, own = flight.address
                if layer in names and own == grid and any(_shows(tile, box) for box in boxes):
                    del self._flights[key]
            found = {
                key
                for zoom, cells in self._cells.get((layer, grid), {}).items()
                for key in _keys_in(cells, zoom, boxes)
            }
            for key in found:
                self._forget(key)
            self.dropped += len(found)
        return len(found)

    def drop_layer(self, layer: str, grid: str = WEB_MERCATOR.id) -> int:
        """Forget all tiles of a grid that a layer is in."""
        return self.drop(layer, [(0.0, 0.0, _MOST_ACROSS, 1.0)], grid)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._flights.clear()
            self._made.clear()
            self._cells.clear()
            self.bytes = 0

    def _off(self, flight: Flight) -> None:
        with self._lock:
            if self._flights.get(flight.address.key) is flight:
                del self._flights[flight.address.key]

    def _keep(self, address: Address, made: Made) -> None:
        key = address.key
        self._forget(key)
        self._made[key] = (address, made)
        for layer in address.layers:
            levels = self._cells.setdefault((layer, address.grid), {})
            cells = levels.setdefault(address.tile.z, {})
            cells.setdefault((address.tile.x, address.tile.y), set()).add(key)
        self._count(made)

    def _count(self, made: Made) -> None:
        made.weight = sum(len(form) for form in made.forms.values()) + _OVERHEAD_BYTES
        self.bytes += made.weight
        while self.bytes > self._limit:
            oldest, (_, other) = next(iter(self._made.items()))
            if other.used:
                # A second chance: reading marks a tile, and only here marked ones move up.
                other.used = False
                self._made.move_to_end(oldest)
                continue
            self._forget(oldest)
            self.given_up += 1

    def _forget(self, key: bytes) -> None:
        found = self._made.pop(key, None)
        if found is None:
            return
        address, made = found
        self.bytes -= made.weight
        z, x, y = address.tile
        for layer in address.layers:
            cells = self._cells[layer, address.grid][z]
            cells[x, y].discard(key)
            if not cells[x, y]:
                del cells[x, y]


def reach(box: Box, zoom: int) -> tuple[int, int, int, int]:
    """Return the first and last column and row whose tiles show something in a box.

    Near the middle of the world, a feature is in the buffers of all four tiles of level 1:

    >>> reach((0.500001, 0.500001, 0.500002, 0.500002), 1)
    (0, 1, 0, 1)
    """
    side: int = 2**zoom
    left, top, right, bottom = box
    return (
        max(floor(left * side - _RIM), 0),
        min(floor(right * side + _RIM), _MOST_ACROSS * side - 1),
        max(floor(top * side - _RIM), 0),
        min(floor(bottom * side + _RIM), side - 1),
    )


def _shows(tile: Tile, box: Box) -> bool:
    first, last, high, low = reach(box, tile.z)
    return first <= tile.x <= last and high <= tile.y <= low


def _keys_in(
    cells: dict[tuple[int, int], set[bytes]], zoom: int, boxes: Iterable[Box]
) -> Iterator[bytes]:
    """Yield what is kept of one level in some boxes, the cheaper way round."""
    for box in boxes:
        first, last, high, low = reach(box, zoom)
        if (last - first + 1) * (low - high + 1) <= len(cells):
            places = [(x, y) for x in range(first, last + 1) for y in range(high, low + 1)]
        else:
            places = [(x, y) for x, y in cells if first <= x <= last and high <= y <= low]
        for place in places:
            yield from cells.get(place, ())
