"""The arrays that kernels hand each other."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

EXTENT = 4096
BUFFER = 64
LOW, HIGH = -BUFFER, EXTENT + BUFFER
HEAD_ROOM = 16
"""Bytes kept free before a layer for its length, which is known last."""

# What the counters count.
AT, VALUES, KEYS, STAMP, FEATURES, DOUBTFUL = range(6)
BASE_FOUND, TAIL_FOUND, MERGED, MEMBERS, SIZE = range(6, 11)
COUNTERS = 16
FILE, TAIL = np.int64(1), np.int64(-1)
"""Whose features are meant: the sign of their numbers where both are noted in one array."""
MOST_COUNTS = 1 << 12
"""Different counts in a tile; so many would stand for eight million features."""


class Features(NamedTuple):
    """Features as columns: n features, r rings, p places, t tags."""

    ids: NDArray[np.int64]
    zooms: NDArray[np.int32]
    """Bit z says whether the feature is drawn at zoom z."""
    kinds: NDArray[np.uint8]
    gone: NDArray[np.int32]
    """The edit that took the feature away, shape (n,)."""
    along: NDArray[np.uint32]
    """How far along the curve of `hilbert_keys` the feature lies; with the id, the order in which
    features are written."""
    clear: NDArray[np.uint8]
    """How coarse a tile may be and a polygon surely stays valid, from `clearances`."""
    ring_start: NDArray[np.int32]
    place_start: NDArray[np.int32]
    holes: NDArray[np.uint8]
    places: NDArray[np.int32]
    """Shape (p, 2), world units from the columns' middle."""
    boxes: NDArray[np.int32]
    tag_start: NDArray[np.int32]
    tag_key: NDArray[np.uint16]
    tag_value: NDArray[np.int32]


class Sorted(NamedTuple):
    """The rows of a tail that are there, in the order in which they are written."""

    rows: NDArray[np.int32]
    boxes: NDArray[np.int32]
    nodes: NDArray[np.int32]
    levels: NDArray[np.int64]


class Values(NamedTuple):
    """Attribute values as protobuf: those of the file, then those that edits brought."""

    starts: NDArray[np.int64]
    data: NDArray[np.uint8]
    new_starts: NDArray[np.int64]
    new_data: NDArray[np.uint8]


class Scratch(NamedTuple):
    """Room to work in, for one thread at a time."""

    out: NDArray[np.uint8]
    shape: NDArray[np.uint8]
    tags: NDArray[np.uint8]
    x: NDArray[np.int64]
    y: NDArray[np.int64]
    spare_x: NDArray[np.int64]
    spare_y: NDArray[np.int64]
    ring_at: NDArray[np.int64]
    ring_hole: NDArray[np.uint8]
    pieces: NDArray[np.int64]
    notes: NDArray[np.int64]
    value_stamp: NDArray[np.int32]
    value_local: NDArray[np.int32]
    value_order: NDArray[np.int32]
    """The tile's values; -1 - n where it is the number n itself."""
    key_stamp: NDArray[np.int32]
    key_local: NDArray[np.int32]
    key_order: NDArray[np.int32]
    found: NDArray[np.int32]
    doubtful: NDArray[np.int32]
    """Features whose rounded rings may not be valid; -1 - i for the one of number i in the tail."""
    counters: NDArray[np.int64]


class Window(NamedTuple):
    """Where a tile lies in the columns' world."""

    move_x: int
    move_y: int
    shift: int
    zoom: int
    edit: int
    """Edits up to this one are seen."""
    unit: float
    """One world unit in the units of the grid's frame."""
    middle_x: float
    middle_y: float
    """Where places are counted from, in the grid's frame."""
