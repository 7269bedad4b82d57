"""A layer's features as flat arrays, from which its tiles are written without asking PostGIS.

The arrays lie in a file that all processes map into their memory; nobody writes to it once it is
made.  Edits since then live in each process beside it (`tiles._tail`).  A `Snapshot` is one state
of both and never changes, so any number of threads may write tiles while one applies edits.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from layers import COUNT
from tiles._arrays import COUNTERS, MOST_COUNTS, Features, Scratch, Sorted, Values
from tiles._clear_kernel import clearances
from tiles._index_kernel import boxes_of, gather, hilbert_keys, tree_of
from tiles._rows import Rows, Tags, number, read
from tiles._store import TornFileError, frozen, load, save
from tiles._tail import Tail
from tiles._value_kernel import table_of
from tiles._world import World, WorldBox
from tiles.grid import TileGrid
from twin.changes import Position

FILE = "columns.bin"
FORMAT = 5
NEVER = 2**31 - 1


class Snapshot(NamedTuple):
    """One state of a layer: the file, and the edits up to a position of the change feed."""

    edit: int
    position: Position
    base: Features
    nodes: NDArray[np.int32]
    levels: NDArray[np.int64]
    tail: Features
    order: Sorted
    values: Values


class Touched(NamedTuple):
    """What an edit did to a feature's box; None where it was not, or is not any more."""

    id: int
    before: WorldBox | None
    after: WorldBox | None


class Columns:
    """One layer on one grid of tiles, in one process.

    Reading (`snapshot`, and `encode` with it) is safe from any thread at any time.  `apply` may be
    called from any thread too; calls wait for each other.
    """

    def __init__(self, arrays: dict[str, NDArray[Any]], facts: dict[str, Any]) -> None:
        self.facts = facts
        self.layer: str = facts["layer"]
        self.minzoom: int = facts["minzoom"]
        self.srid: int = facts["srid"]
        self.world = World(TileGrid(*facts["grid"]), *facts["world"])
        self.kinds: tuple[int, ...] = tuple(facts["kinds"])
        self.names: list[str] = list(facts["names"])
        self._table, self._id_order = arrays["table"], arrays["id_order"]
        self._gone = np.full(len(arrays["ids"]), NEVER, np.int32)
        self._lock, self._spare = Lock(), deque[Scratch](maxlen=16)
        base = Features(
            **{name: arrays[name] for name in Features._fields if name != "gone"},
            gone=frozen(self._gone),
        )
        self._tail = Tail(arrays["starts"], arrays["data"], self._table)
        self.keys = self._tail.keys([*self.names, COUNT])
        self.most_places = int(facts["most_places"])
        self.snapshot = Snapshot(
            0,
            Position(*facts["position"]),
            base,
            arrays["nodes"],
            arrays["levels"],
            self._tail.features(),
            self._tail.sorted(),
            self._tail.values(),
        )

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Return the columns in a folder.

        Raises
        ------
        TornFileError
            If they are not whole, or of another format; make them anew then.
        """
        arrays, facts = load(folder / FILE)
        if facts.get("format") != FORMAT:
            raise TornFileError(f"{folder.name} holds columns of format {facts.get('format')}")
        return cls(arrays, facts)

    def __len__(self) -> int:
        """Return how many features there are now."""
        return len(self._gone) - int((self._gone != NEVER).sum()) + self._tail.alive

    @property
    def position(self) -> Position:
        """How far of the change feed is in the columns."""
        return self.snapshot.position

    @property
    def tail_length(self) -> int:
        """How many rows were added since the file was made; build it anew when they are many."""
        return len(self.snapshot.tail.ids)

    def apply(self, ids: Sequence[int], rows: bytes, position: Position) -> list[Touched]:
        """Put edited features in the place of what they were.

        Parameters
        ----------
        ids : sequence of int
            The features that may have changed: those of the feed.
        rows : bytes
            Their rows as they are now, from `tiles.build.fetch`; a feature without one is gone.
        position : Position
            How far of the feed these rows contain.

        Raises
        ------
        InvalidInputError
            If a feature lies too far from the city; nothing is changed then.
        """
        data = np.frombuffer(rows, np.uint8)
        found = read(data, len(self.kinds))
        places = self.world.places(found.x, found.y, f"EPSG:{self.srid}")
        with self._lock:
            tags = number(data, found.values_at, self.kinds, tuple(self.names))
            if len(tags.names) > len(self.names):
                self.names = list(tags.names)
                self.keys = self._tail.keys([*self.names, COUNT])
            edit = self.snapshot.edit + 1
            before = {each: self._remove(each, edit) for each in ids}
            boxes = self._tail.append(found, places, tags)
            if len(places):
                self.most_places = max(self.most_places, _most_places(found))
            after = {
                int(each): self.world.shares(box)
                for each, box in zip(found.ids, boxes, strict=True)
            }
            self.snapshot = self.snapshot._replace(
                edit=edit,
                position=position,
                tail=self._tail.features(),
                order=self._tail.sorted(),
                values=self._tail.values(),
            )
        return [Touched(each, before.get(each), after.get(each)) for each in {*ids, *after}]

    def _remove(self, id: int, edit: int) -> WorldBox | None:
        """Mark a feature as gone since an edit; return where it was."""
        base = self.snapshot.base
        # NumPy would turn the whole order into numbers of another width first.
        at = bisect_left(self._id_order, id, key=base.ids.__getitem__)
        if at < len(base.ids):
            i = int(self._id_order[at])
            if base.ids[i] == id and self._gone[i] == NEVER:
                self._gone[i] = edit
                return self.world.shares(base.boxes[i])
        box = self._tail.remove(id, edit)
        return None if box is None else self.world.shares(box)

    def borrow(self, snapshot: Snapshot, room: int = 0) -> Scratch:
        """Return room to work in that is large enough for a state; give it back with `give`."""
        values = len(snapshot.values.starts) + len(snapshot.values.new_starts)
        features = len(snapshot.base.ids) + len(snapshot.tail.ids)
        while self._spare:
            try:
                scratch = self._spare.pop()
            except IndexError:  # pragma: no cover - another thread was faster
                break
            if (
                len(scratch.out) >= room
                and len(scratch.value_stamp) >= values
                and len(scratch.found) >= features
                and len(scratch.key_stamp) > len(self.names)
                and len(scratch.x) >= 6 * self.most_places
            ):
                return scratch
        return _scratch(
            max(room, 1 << 16),
            values + values // 8 + 1024,
            features + 8192,
            len(self.names) + 64,
            6 * self.most_places + 4096,
        )

    def give(self, scratch: Scratch) -> None:
        """Take borrowed room back."""
        self._spare.append(scratch)


def write_columns(
    folder: Path,
    data: NDArray[np.uint8],
    world: World,
    facts: dict[str, Any],
) -> None:
    """Make the columns' file from a binary COPY.

    Parameters
    ----------
    folder : Path
        Where; it exists.
    data : ndarray of uint8
        The COPY.
    world : World
        The whole numbers to keep places in.
    facts : dict
        ``layer``, ``srid``, ``kinds``, ``names`` and whatever the maker wants to find again.
    """
    kinds = facts["kinds"]
    rows = read(data, len(kinds))
    places = world.places(rows.x, rows.y, f"EPSG:{facts['srid']}")
    boxes = boxes_of(rows.ring_start, rows.place_start, places)
    # Features that lie together on the ground lie together in memory, and so do their values.
    along = hilbert_keys(boxes)
    order = np.lexsort((rows.ids, along))
    with ThreadPoolExecutor(1) as aside:
        numbered = aside.submit(number, data, rows.values_at[order], kinds, tuple(facts["names"]))
        ring_start, place_start, holes, places = gather(
            order, rows.ring_start, rows.place_start, rows.holes, places
        )
        boxes = boxes[order]
        nodes, levels = tree_of(boxes)
        clear = clearances(ring_start, place_start, holes, places, boxes)
        tags = numbered.result()
    ids = rows.ids[order]
    arrays: dict[str, NDArray[Any]] = {
        "ids": ids,
        "zooms": rows.zooms[order],
        "kinds": rows.kinds[order],
        "ring_start": ring_start,
        "place_start": place_start,
        "holes": holes,
        "places": places,
        "boxes": boxes,
        "along": along[order],
        "clear": clear,
        "nodes": nodes,
        "levels": levels,
        **_tag_arrays(tags),
        "id_order": np.argsort(ids, kind="stable").astype(np.int32),
    }
    told = facts | {
        "format": FORMAT,
        "names": list(tags.names),
        "grid": list(world.grid),
        "world": [world.bits, world.x, world.y],
        "most_places": _most_places(rows),
    }
    save(folder / FILE, arrays, told)


def _tag_arrays(tags: Tags) -> dict[str, NDArray[Any]]:
    """Return the features' tags, and the values they point to with a table to find them by."""
    count, size = len(tags.starts) - 1, 16
    while size < 2 * count + 16:
        size *= 2
    return {
        "tag_start": tags.start,
        "tag_key": tags.key,
        "tag_value": tags.value,
        "starts": tags.starts,
        "data": tags.data,
        "table": table_of(tags.starts, tags.data, count, size),
    }


def _most_places(rows: Rows) -> int:
    """Return how many places the largest feature has."""
    if len(rows.ids) == 0:
        return 0
    return int(np.diff(rows.place_start[rows.ring_start]).max())


def _scratch(room: int, values: int, features: int, keys: int, places: int) -> Scratch:
    return Scratch(
        out=np.empty(room, np.uint8),
        shape=np.empty(32 * places, np.uint8),
        tags=np.empty(10 * (keys + 64), np.uint8),
        x=np.empty(places, np.int64),
        y=np.empty(places, np.int64),
        spare_x=np.empty(places, np.int64),
        spare_y=np.empty(places, np.int64),
        ring_at=np.empty(places + 2, np.int64),
        ring_hole=np.empty(places + 2, np.uint8),
        pieces=np.empty(2 * places + 64, np.int64),
        notes=np.empty(2 * places + 64, np.int64),
        value_stamp=np.zeros(values, np.int32),
        value_local=np.empty(values, np.int32),
        value_order=np.empty(values + MOST_COUNTS, np.int32),
        key_stamp=np.zeros(keys, np.int32),
        key_local=np.empty(keys, np.int32),
        key_order=np.empty(keys, np.int32),
        found=np.empty(features, np.int32),
        doubtful=np.empty(features, np.int32),
        counters=np.zeros(COUNTERS, np.int64),
    )
