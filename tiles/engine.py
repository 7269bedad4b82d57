"""Tiles from columns: the counterpart of `tiles.encodings.mvt` without a database."""

from collections.abc import Iterable
from math import floor
from typing import NamedTuple

import numpy as np
from isal import igzip

from tiles._arrays import AT, BUFFER, EXTENT, FEATURES, MEMBERS, MERGED, SIZE, Scratch, Window
from tiles._mvt_kernel import CROWDED, finish, write_feature, write_layer
from tiles._repair import repair
from tiles._shape_kernel import write_rings
from tiles._store import frozen
from tiles._thin import write_thinned
from tiles._wkb_kernel import POLYGON
from tiles._world import WorldBox
from tiles.columns import Columns, Snapshot
from tiles.grid import Tile
from tiles.limits import Limits, limits_of

_COMPRESSION = 2
_RIM = (BUFFER + 1) / EXTENT
"""How far a feature beyond a tile can be and still be drawn in it, in the tile's side."""
_ANY = 2**62
_DRAWN_BYTES = 64
"""What a feature of a crowded tile takes at most, but for the odd one."""


class Account(NamedTuple):
    """What became of the features of one layer in one tile.

    Attributes
    ----------
    features : int
        Those that are in the tile by PostGIS's rules: as many as ``ST_AsMVT`` would write.
    drawn : int
        Those that the tile holds, merged ones included.
    merged : int
        How many of ``features`` were merged, into ``merged_into`` of ``drawn``.
    square : int
        The side of the squares they were merged in, in units; 0 where nothing was.
    """

    features: int
    drawn: int
    merged: int
    merged_into: int
    square: int


NOTHING = Account(0, 0, 0, 0, 0)


def encode(
    columns: Columns,
    tile: Tile,
    snapshot: Snapshot | None = None,
    *,
    limits: Limits | None = None,
) -> bytes:
    """Return a layer in one tile; no bytes where the tile is empty.

    What is returned is a whole tile of one layer, and tiles of several are their bytes one after
    another.

    Parameters
    ----------
    columns : Columns
        The layer.
    tile : Tile
        The address on the columns' grid.
    snapshot : Snapshot
        A state of the columns, if not the present one.
    limits : Limits
        How much the tile may carry before small features are merged; the catalogue says it if this
        does not.

    Notes
    -----
    Holds no lock and, but for the rare polygon that needs repair, not the interpreter's either:
    threads write tiles side by side.
    """
    return encoded(columns, tile, snapshot, limits)[0]


def encoded(
    columns: Columns,
    tile: Tile,
    snapshot: Snapshot | None = None,
    limits: Limits | None = None,
) -> tuple[bytes, Account]:
    """Return a layer in one tile, as `encode` does, and what became of its features."""
    state = columns.snapshot if snapshot is None else snapshot
    zoom = tile.z + columns.world.grid.zoom
    if zoom < columns.minzoom:
        return b"", NOTHING
    limits = limits_of(columns.layer) if limits is None else limits
    limit = limits.at(zoom)
    most = _ANY if limit is None else limit.features
    # After the snapshot: the keys may have grown since, and then the last is another.
    keys = columns.keys
    # A crowded tile that turns out to be longer than the room for it is thinned all over again.
    room = 0 if limit is None else _DRAWN_BYTES * limit.drawn
    window = columns.world.window(tile, state.edit)
    while True:
        scratch = columns.borrow(state, room)
        needed = write_layer(
            state.base, state.nodes, state.levels, state.tail, state.order, window, most, scratch
        )
        if needed == CROWDED and limit is not None:
            count = len(keys[0]) - 1
            needed = write_thinned(columns, state, window, scratch, limits, limit, count)
        if needed >= 0 and (needed == 0 or _write_doubtful(state, needed, window, scratch)):
            account = _account(scratch)
            if scratch.counters[FEATURES] == 0:
                columns.give(scratch)
                return b"", account
            name = frozen(np.frombuffer(columns.layer.encode(), np.uint8))
            begin = finish(state.values, *keys, name, scratch)
            if begin >= 0:
                written = scratch.out[begin : scratch.counters[AT]].tobytes()
                columns.give(scratch)
                return written, account
        room = max(-needed, 2 * len(scratch.out))


def _account(scratch: Scratch) -> Account:
    drawn, merged, members = (int(scratch.counters[n]) for n in (FEATURES, MERGED, MEMBERS))
    return Account(
        features=drawn - merged + members,
        drawn=drawn,
        merged=members,
        merged_into=merged,
        square=int(scratch.counters[SIZE]),
    )


def _write_doubtful(state: Snapshot, count: int, window: Window, scratch: Scratch) -> bool:
    """Write the polygons that had to be looked at closely; return whether there was room."""
    for number in scratch.doubtful[:count].tolist():
        features, i = (state.base, number) if number >= 0 else (state.tail, -1 - number)
        rings = repair(features, i, window, scratch)
        if rings == 0:
            continue
        length = write_rings(rings, scratch)
        if not write_feature(features, i, length, POLYGON, scratch):
            return False
    return True


def compressed(tile: bytes) -> bytes:
    """Return a tile as gzip, quickly: a twentieth of zlib's time for a few per cent of size.

    The same bytes in give the same bytes out: the header holds no time.
    """
    packed: bytes = igzip.compress(tile, _COMPRESSION, mtime=0)
    return packed


def dirty_tiles(
    before: WorldBox | None, after: WorldBox | None, zooms: Iterable[int], across: int = 1
) -> set[Tile]:
    """Return the tiles that a feature was in before an edit or is in after it.

    Parameters
    ----------
    before, after : WorldBox, optional
        The feature's box; None where it was not, or is not any more.
    zooms : iterable of int
        The levels to tell of.
    across : int
        How many squares the grid's level 0 has side by side.

    Examples
    --------
    A feature near the middle of the world lies in four tiles of level 1, being in their buffers:

    >>> near = WorldBox(0.500001, 0.500001, 0.500002, 0.500002)
    >>> len(dirty_tiles(None, near, [0, 1]))
    5
    """
    found = set()
    for zoom in zooms:
        side: int = 2**zoom
        for box in (before, after):
            if box is None:
                continue
            left, right = floor(box.left * side - _RIM), floor(box.right * side + _RIM)
            top, bottom = floor(box.top * side - _RIM), floor(box.bottom * side + _RIM)
            found |= {
                Tile(zoom, x, y)
                for x in range(max(left, 0), min(right, across * side - 1) + 1)
                for y in range(max(top, 0), min(bottom, side - 1) + 1)
            }
    return found
