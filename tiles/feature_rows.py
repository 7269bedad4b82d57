"""A layer's features as text: rows of a binary COPY as they came, and where things are in them.

A row is: number, nothing, geometry in degrees, the feature as GeoJSON with a comma behind it.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from tiles._index_kernel import hilbert_keys
from tiles._rows import read
from tiles._store import save
from tiles._text_kernel import BLOCK
from tiles._wkb_kernel import COLLECTED, HEAD

FILE = "texts.bin"
FORMAT = 1
NEVER = 2**31 - 1
BEFORE_GEOMETRY = 2 + (4 + 8) + (4 + 4) + 4
"""Bytes of a row before its geometry: the number of fields, two numbers, a length."""
LENGTH = 4
_LEVELS = 2.0**30


class Part(NamedTuple):
    """Features as texts: those of the file, or those that edits brought."""

    ids: NDArray[np.int64]
    boxes: NDArray[np.float32]
    """Degrees, rounded outwards, shape (n, 4)."""
    gone: NDArray[np.int32]
    rows_at: NDArray[np.int64]
    """Where each row of the COPY begins, shape (n + 1,)."""
    texts_at: NDArray[np.int64]
    data: NDArray[np.uint8]


def parted(data: NDArray[np.uint8]) -> Part:
    """Return the rows of a binary COPY of features as texts."""
    rows = read(data, 1)
    count = len(rows.ids)
    begin = len(HEAD) + 8
    begin += int.from_bytes(data[begin - 4 : begin].tobytes(), "big")
    lengths = data[rows.values_at[:, None] + np.arange(LENGTH)]
    texts_at = rows.values_at + LENGTH
    rows_at = np.empty(count + 1, np.int64)
    rows_at[0] = begin
    rows_at[1:] = texts_at + np.ascontiguousarray(lengths).view(">i4").reshape(-1)
    boxes = np.full((count, 4), np.nan)
    first = rows.place_start[rows.ring_start[:-1]]
    full = np.flatnonzero(rows.place_start[rows.ring_start[1:]] > first)
    if len(full):
        starts = first[full]
        for i, (least, values) in enumerate(
            ((np.minimum, rows.x), (np.minimum, rows.y), (np.maximum, rows.x), (np.maximum, rows.y))
        ):
            boxes[full, i] = least.reduceat(values, starts)
    # Of a collection the rows hold only what a tile shows.
    for i in np.flatnonzero(rows.zooms & COLLECTED).tolist():
        begin, end = int(rows_at[i]) + BEFORE_GEOMETRY, int(rows.values_at[i])
        boxes[i] = shapely.bounds(shapely.from_wkb(data[begin:end].tobytes()))
    gone = np.full(count, NEVER, np.int32)
    return Part(rows.ids, _outward(boxes), gone, rows_at, texts_at, data)


def write_texts(folder: Path, data: NDArray[np.uint8], facts: dict[str, Any]) -> None:
    """Make the texts' file from a binary COPY whose rows are in the order of their numbers."""
    part = parted(data)
    order, blocks = _index(part.boxes)
    arrays: dict[str, NDArray[Any]] = {
        "ids": part.ids,
        "boxes": part.boxes,
        "rows_at": part.rows_at,
        "texts_at": part.texts_at,
        "data": data,
        "order": order,
        "blocks": blocks,
    }
    save(folder / FILE, arrays, facts | {"text_format": FORMAT})


def _index(boxes: NDArray[np.float32]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return features in the order of where they lie, and a box around each block of them."""
    if len(boxes) == 0:
        return np.empty(0, np.int32), np.empty((0, 4), np.float32)
    empty = np.isnan(boxes[:, 0])
    whole = np.clip(np.nan_to_num(boxes.astype(np.float64)), -180.0, 180.0)
    levels = np.rint(whole * (_LEVELS / 180)).astype(np.int32)
    levels[empty] = (1, 1, -1, -1)
    order = np.argsort(hilbert_keys(levels), kind="stable").astype(np.int32)
    starts, sorted_boxes = np.arange(0, len(boxes), BLOCK), boxes[order]
    low = np.fmin.reduceat(sorted_boxes[:, :2], starts)
    high = np.fmax.reduceat(sorted_boxes[:, 2:], starts)
    return order, np.ascontiguousarray(np.hstack([low, high]))


def _outward(boxes: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return boxes as 32-bit numbers that hold them."""
    found = boxes.astype(np.float32)
    low, high = found[:, :2], found[:, 2:]
    infinity = np.float32(np.inf)
    low[low > boxes[:, :2]] = np.nextafter(low, -infinity)[low > boxes[:, :2]]
    high[high < boxes[:, 2:]] = np.nextafter(high, infinity)[high < boxes[:, 2:]]
    return found
