"""A layer's features as ready text, from which pages are answered without asking PostGIS.

PostGIS writes each feature once (`layers.text`).  Its texts lie in a file that all processes map
into their memory, in the order of the features' numbers, with a box and the geometry in degrees
beside each.  Edits since then live in each process beside it, as with columns: a `State` is one
state of both and never changes.
"""

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple, Self

import numpy as np
import shapely
from numpy.typing import NDArray

from tiles._store import TornFileError, frozen, load
from tiles._tail import Growing
from tiles._text_kernel import BLOCK, join, mark, pick, settle
from tiles.feature_rows import BEFORE_GEOMETRY, FILE, FORMAT, LENGTH, NEVER, Part, parted
from twin.changes import Position
from twin.crs import LonLatBox

_TRIED = 4_000
"""So many features are looked at, in their order, before the index is asked."""


class State(NamedTuple):
    """One state of a layer's texts: the file, and the edits up to a position of the feed."""

    edit: int
    position: Position
    held: int
    """How many features there are."""
    base: Part
    tail: Part


class Found(NamedTuple):
    """A page of features.

    Attributes
    ----------
    returned : int
        How many there are.
    last : int or None
        The number to ask on from; None if nothing follows.
    matched : int or None
        How many match in all, where that is known.
    """

    returned: int
    last: int | None
    matched: int | None
    state: State
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]

    @property
    def held(self) -> int:
        """How many features the layer has."""
        return self.state.held

    @property
    def size(self) -> int:
        """How many bytes the texts take, with a comma behind each."""
        return int((self.ends - np.where(self.begins < 0, -1 - self.begins, self.begins)).sum())

    def written(self, before: bytes, after: bytes) -> memoryview:
        """Return the features one after another with commas between, and what stands around."""
        # The comma after the last one is written over.
        end = len(before) + max(self.size - 1, 0)
        out = np.empty(end + len(after), np.uint8)
        told = out.data
        told[: len(before)] = before
        data, added = self.state.base.data, self.state.tail.data
        join(data, added, self.begins, self.ends, out[:end], len(before))
        told[end:] = after
        return told


class Texts:
    """One layer's texts, in one process.

    Reading is safe from any thread at any time; calls of `apply` wait for each other.
    """

    def __init__(self, arrays: dict[str, NDArray[Any]], facts: dict[str, Any]) -> None:
        self.facts = facts
        self._order, self._blocks = arrays["order"], arrays["blocks"]
        self._gone = np.full(len(arrays["ids"]), NEVER, np.int32)
        base = Part(
            **{name: arrays[name] for name in Part._fields if name != "gone"},
            gone=frozen(self._gone),
        )
        self._tail, self._lock = _Tail(), Lock()
        self.state = State(0, Position(*facts["position"]), len(base.ids), base, self._tail.part())

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Return the texts in a folder.

        Raises
        ------
        TornFileError
            If they are not whole, or of another format; make them anew then.
        """
        arrays, facts = load(folder / FILE)
        if facts.get("text_format") != FORMAT:
            raise TornFileError(f"{folder.name} holds texts of format {facts.get('text_format')}")
        return cls(arrays, facts)

    def __len__(self) -> int:
        """Return how many features there are now."""
        return self.state.held

    @property
    def mean_bytes(self) -> float:
        """How long the file's features are, with their geometry."""
        base = self.state.base
        return len(base.data) / max(len(base.ids), 1)

    @property
    def position(self) -> Position:
        """How far of the change feed is in the texts."""
        return self.state.position

    @property
    def tail_length(self) -> int:
        """How many rows were added since the file was made."""
        return len(self.state.tail.ids)

    def apply(self, ids: Sequence[int], rows: bytes, position: Position) -> None:
        """Put edited features in the place of what they were.

        Parameters
        ----------
        ids : sequence of int
            The features that may have changed.
        rows : bytes
            Their rows as they are now; a feature without one is gone.
        position : Position
            How far of the feed these rows contain.
        """
        new = parted(np.frombuffer(rows, np.uint8))
        with self._lock:
            edit, count = self.state.edit + 1, self.state.held + len(new.ids)
            # A row that was read again replaces the one from before, whatever the feed says.
            for each in {*ids, *new.ids.tolist()}:
                count -= self._remove(each, edit)
            self._tail.append(new)
            self.state = State(edit, position, count, self.state.base, self._tail.part())

    def page(
        self, pieces: Sequence[LonLatBox] | None, *, after: int | None = None, limit: int = 100
    ) -> Found:
        """Return the next features after a number, in the order of their numbers.

        Parameters
        ----------
        pieces : sequence of LonLatBox or None
            A feature is found if its geometry in degrees touches one of them; None for anywhere.
        after : int, optional
            The number of the last feature of the page before.
        limit : int
            How many at most.
        """
        state = self.state
        ids, begins, ends = self._chosen(state, pieces, after, limit + 1)
        more = len(ids) > limit
        matched = len(ids) if not more and after is None else None
        last = int(ids[limit - 1]) if more else None
        return Found(len(ids[:limit]), last, matched, state, begins[:limit], ends[:limit])

    def count(self, pieces: Sequence[LonLatBox] | None) -> int:
        """Return how many features touch one of some boxes."""
        state = self.state
        return len(self._chosen(state, pieces, None, state.held + 1)[0])

    def one(self, id: int) -> bytes | None:
        """Return the text of a feature, or None if there is none of this number."""
        state = self.state
        for part in (state.tail, state.base):
            for row in np.flatnonzero(part.ids == id) if part is state.tail else _at(part.ids, id):
                if part.gone[row] > state.edit:
                    end = part.rows_at[row + 1] - 1
                    return part.data[part.texts_at[row] : end].tobytes()
        return None

    def near(self, asked: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Return which of the file's features lie about some boxes, shape (p, 4), by the index."""
        total = len(self._order)
        marks = np.zeros(total + total // BLOCK + 1, np.uint8)
        mark(self._order, self._blocks, asked, marks)
        return marks

    def _chosen(
        self, state: State, pieces: Sequence[LonLatBox] | None, after: int | None, most: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return numbers of features, and where their texts begin and end."""
        base, tail = state.base, state.tail
        if pieces is not None and not pieces:
            nothing = np.empty(0, np.int64)
            return nothing, nothing, nothing
        asked = np.array(pieces or (), np.float64).reshape(-1, 4)
        first = 0 if after is None else int(np.searchsorted(base.ids, after, side="right"))
        rows = self._in_base(state, asked, first, most)
        ids, begins, ends = base.ids[rows], base.texts_at[rows], base.rows_at[rows + 1]
        added, _ = _in_part(tail, state.edit, asked, _NO_MARKS, (0, len(tail.ids)), len(tail.ids))
        if after is not None:
            added = added[tail.ids[added] > after]
        if len(added):
            ids = np.concatenate([ids, tail.ids[added]])
            order = np.argsort(ids)[:most]
            begins = np.concatenate([begins, -1 - tail.texts_at[added]])[order]
            ends = np.concatenate([ends, tail.rows_at[added + 1]])[order]
            ids = ids[order]
        return ids, begins, ends

    def _in_base(
        self, state: State, asked: NDArray[np.float64], first: int, most: int
    ) -> NDArray[np.int32]:
        """Return the first rows of the file that are asked for.

        Where much is asked for, the first features that one looks at will do; else the index says
        where to look.
        """
        part, total, found, missing = state.base, len(state.base.ids), [], most
        marks, end = _NO_MARKS, min(total, first + _TRIED)
        while True:
            rows, first = _in_part(part, state.edit, asked, marks, (first, end), missing)
            found.append(rows)
            missing -= len(rows)
            if missing == 0 or first == total:
                return np.concatenate(found)
            if first == end:
                end = total
                if len(asked):
                    marks = self.near(asked)

    def _remove(self, id: int, edit: int) -> int:
        """Mark a feature as gone since an edit; return how many rows went, one or none."""
        for row in _at(self.state.base.ids, id):
            if self._gone[row] == NEVER:
                self._gone[row] = edit
                return 1
        return self._tail.remove(id, edit)


class _Tail:
    """The rows that edits brought; its owner lets one thread write at a time."""

    def __init__(self) -> None:
        self._ids, self._boxes = Growing(np.int64), Growing(np.float32, 4)
        self._gone, self._data = Growing(np.int32), Growing(np.uint8)
        self._rows_at, self._texts_at = Growing(np.int64), Growing(np.int64)
        self._rows_at.add(np.zeros(1, np.int64))
        self._row_of: dict[int, int] = {}

    def part(self) -> Part:
        """Return the rows as they are now."""
        return Part(
            self._ids.view,
            self._boxes.view,
            self._gone.view,
            self._rows_at.view,
            self._texts_at.view,
            self._data.view,
        )

    def remove(self, id: int, edit: int) -> int:
        """End a row; return how many there were of this number, one or none."""
        row = self._row_of.pop(id, None)
        if row is None:
            return 0
        self._gone.put(row, edit)
        return 1

    def append(self, new: Part) -> None:
        """Add rows."""
        first, at = self._ids.length, self._data.length
        begin, end = int(new.rows_at[0]), int(new.rows_at[-1])
        self._ids.add(new.ids)
        self._boxes.add(new.boxes)
        self._gone.add(new.gone)
        self._rows_at.add(new.rows_at[1:] - begin + at)
        self._texts_at.add(new.texts_at - begin + at)
        self._data.add(new.data[begin:end])
        self._row_of |= {id: first + i for i, id in enumerate(new.ids.tolist())}


def _in_part(
    part: Part,
    edit: int,
    asked: NDArray[np.float64],
    marks: NDArray[np.uint8],
    span: tuple[int, int],
    most: int,
) -> tuple[NDArray[np.int32], int]:
    """Return the first rows of a span that are asked for, and where to go on."""
    room = min(most, span[1] - span[0])
    rows, sure = np.empty(room, np.int32), np.empty(room, np.uint8)
    count, following = pick(part.boxes, part.gone, edit, asked, marks, *span, rows, sure)
    rows, sure = rows[:count], sure[:count]
    doubtful = np.flatnonzero(sure == 0)
    if len(doubtful):
        sure[doubtful] = _touching(part, rows[doubtful], asked)
        rows = rows[sure != 0]
    return rows, following


def _touching(part: Part, rows: NDArray[np.int32], asked: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return which features touch one of some boxes, by their geometry."""
    begins, ends = part.rows_at[rows] + BEFORE_GEOMETRY, part.texts_at[rows] - LENGTH
    found = np.zeros(len(rows), np.uint8)
    settle(part.data, begins, ends, asked, found)
    rest = np.flatnonzero(found == 0)
    if len(rest):
        whole = part.data.data
        spans = zip(begins[rest].tolist(), ends[rest].tolist(), strict=True)
        shapes = shapely.from_wkb([bytes(whole[begin:end]) for begin, end in spans])
        for box in asked:
            around = shapely.box(*box)
            shapely.prepare(around)
            found[rest] |= shapely.intersects(around, shapes)
    return found


def _at(ids: NDArray[np.int64], id: int) -> list[int]:
    """Return the rows of a number among numbers in order."""
    at = int(np.searchsorted(ids, id))
    return [at] if at < len(ids) and ids[at] == id else []


_NO_MARKS = np.empty(0, np.uint8)
