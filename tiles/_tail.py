"""What edits added to a layer's columns since their file was made.

Arrays are appended to in place and replaced when they are full.  Whoever holds a view of them from
before sees the state of that time: rows are only added behind its end, and a row's end is the
number of the edit that ended it.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiles._arrays import Features, Sorted, Values
from tiles._clear_kernel import clearances
from tiles._index_kernel import boxes_of, hilbert_keys, tree_of
from tiles._rows import Rows, Tags
from tiles._store import frozen
from tiles._value_kernel import EMPTY, find

_NEVER = 2**31 - 1


class Growing:
    """An array that grows at its end."""

    def __init__(self, kind: Any, *columns: int) -> None:
        self._array = np.empty((64, *columns), kind)
        self.length = 0

    @property
    def view(self) -> NDArray[Any]:
        """The present content, not to be written to."""
        return frozen(self._array[: self.length])

    def add(self, more: NDArray[Any]) -> None:
        """Append rows."""
        end = self.length + len(more)
        if end > len(self._array):
            grown = np.empty((2 * end, *self._array.shape[1:]), self._array.dtype)
            grown[: self.length] = self._array[: self.length]
            self._array = grown
        self._array[self.length : end] = more
        self.length = end

    def put(self, at: int, value: int) -> None:
        """Change one row."""
        self._array[at] = value


class Tail:
    """The rows and values that edits brought; its owner lets one thread write at a time."""

    def __init__(
        self, starts: NDArray[np.int64], data: NDArray[np.uint8], table: NDArray[np.int32]
    ) -> None:
        self._starts, self._data, self._table = starts, data, table
        self._columns = {
            "ids": Growing(np.int64),
            "zooms": Growing(np.int32),
            "kinds": Growing(np.uint8),
            "gone": Growing(np.int32),
            "along": Growing(np.uint32),
            "clear": Growing(np.uint8),
            "ring_start": Growing(np.int32),
            "place_start": Growing(np.int32),
            "holes": Growing(np.uint8),
            "places": Growing(np.int32, 2),
            "boxes": Growing(np.int32, 4),
            "tag_start": Growing(np.int32),
            "tag_key": Growing(np.uint16),
            "tag_value": Growing(np.int32),
        }
        for name in ("ring_start", "place_start", "tag_start"):
            self._columns[name].add(np.zeros(1, np.int32))
        self._new_starts, self._new_data = Growing(np.int64), Growing(np.uint8)
        self._new_starts.add(np.zeros(1, np.int64))
        self._known: dict[bytes, int] = {}
        self._row_of: dict[int, int] = {}
        self._order, self._known_rows = np.empty(0, np.int32), 0

    @property
    def alive(self) -> int:
        """How many of the rows are still there."""
        return len(self._row_of)

    def features(self) -> Features:
        """Return the rows as they are now."""
        return Features(**{name: self._columns[name].view for name in Features._fields})

    def values(self) -> Values:
        """Return the values of the file and of the edits."""
        return Values(self._starts, self._data, self._new_starts.view, self._new_data.view)

    def sorted(self) -> Sorted:
        """Return the rows that are there, in the order of `Features.along`, and an index of them.

        The order is kept from call to call: few rows were added since the last one.
        """
        along, ids = self._columns["along"].view, self._columns["ids"].view
        gone, known = self._columns["gone"].view, self._known_rows
        kept = self._order[gone[self._order] == _NEVER]
        new = known + np.flatnonzero(gone[known:] == _NEVER)
        new = new[np.lexsort((ids[new], along[new]))]
        placed = along[kept]
        left = np.searchsorted(placed, along[new], "left")
        right = np.searchsorted(placed, along[new], "right")
        for n in np.flatnonzero(left < right):
            alike = ids[kept[left[n] : right[n]]]
            left[n] += np.searchsorted(alike, ids[new[n]])
        self._order = np.insert(kept, left, new)
        self._known_rows = len(ids)
        boxes = self._columns["boxes"].view[self._order]
        nodes, levels = tree_of(boxes)
        return Sorted(frozen(self._order), frozen(boxes), frozen(nodes), frozen(levels))

    @staticmethod
    def keys(names: list[str]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Return names one after another, and where each begins."""
        words = [name.encode() for name in names]
        starts = np.cumsum([0, *map(len, words)], dtype=np.int64)
        return frozen(starts), frozen(np.frombuffer(b"".join(words), np.uint8))

    def remove(self, id: int, edit: int) -> NDArray[np.int32] | None:
        """End a row; return its box, or None if there is none of this number."""
        row = self._row_of.pop(id, None)
        if row is None:
            return None
        self._columns["gone"].put(row, edit)
        box: NDArray[np.int32] = self._columns["boxes"].view[row]
        return box

    def append(self, rows: Rows, places: NDArray[np.int32], tags: Tags) -> NDArray[np.int32]:
        """Add rows; return their boxes."""
        columns = self._columns
        numbers = np.array([self._number(tags, each) for each in range(len(tags.starts) - 1)])
        boxes = boxes_of(rows.ring_start, rows.place_start, places)
        first = columns["ids"].length
        new: dict[str, NDArray[Any]] = {
            "ids": rows.ids,
            "zooms": rows.zooms,
            "kinds": rows.kinds,
            "gone": np.full(len(rows.ids), _NEVER, np.int32),
            "holes": rows.holes,
            "places": places,
            "boxes": boxes,
            "along": hilbert_keys(boxes),
            "clear": clearances(rows.ring_start, rows.place_start, rows.holes, places, boxes),
            "tag_key": tags.key,
            "tag_value": numbers[tags.value] if len(tags.value) else tags.value,
            "ring_start": rows.ring_start[1:] + columns["holes"].length,
            "place_start": rows.place_start[1:] + columns["places"].length,
            "tag_start": tags.start[1:] + columns["tag_key"].length,
        }
        for name, more in new.items():
            columns[name].add(more)
        self._row_of |= {int(id): first + i for i, id in enumerate(rows.ids)}
        return boxes

    def _number(self, tags: Tags, each: int) -> int:
        """Return the number of a value, new if neither the file nor an edit had it."""
        message = tags.data[tags.starts[each] : tags.starts[each + 1]]
        slot = find(self._table, self._starts, self._data, message, len(message))
        if self._table[slot] != EMPTY:
            return int(self._table[slot])
        word = message.tobytes()
        known = self._known.get(word)
        if known is None:
            known = self._known[word] = len(self._starts) - 1 + len(self._known)
            self._new_data.add(message)
            self._new_starts.add(np.array([self._new_data.length], np.int64))
        return known
