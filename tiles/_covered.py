"""Which tiles may hold something: found from the columns' index, not by trying every address."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tiles._arrays import BUFFER, EXTENT, Features
from tiles._hilbert import numbers
from tiles._index_kernel import NODE
from tiles._world import World
from tiles.columns import Columns, Snapshot

_RIM = (BUFFER + 2) / EXTENT
"""A feature is drawn in a tile from its buffer on, and rounding can bring it one unit further."""
_BLOCK_BITS = 11
"""Levels are looked at by squares of 2**11 tiles a side, so that memory is bounded."""

State = tuple[Columns, Snapshot]
Ranges = NDArray[np.int64]
"""First column, first row, last column, last row; shape (n, 4)."""


class Window(NamedTuple):
    """Columns and rows of a level, the last ones included."""

    left: int
    top: int
    right: int
    bottom: int


class Addresses(NamedTuple):
    """Tiles of one level in the order of their numbers, shape (n,) each."""

    ids: NDArray[np.int64]
    x: NDArray[np.int64]
    y: NDArray[np.int64]


def covered(states: Sequence[State], zoom: int, within: Window) -> Iterator[Addresses]:
    """Yield the tiles of a level that the boxes of features reach, block by block.

    None that holds something is missing; a few may turn out to be empty.

    Parameters
    ----------
    states : sequence of (Columns, Snapshot)
        The layers, all on the same grid.
    zoom : int
        The level.
    within : Window
        Only these.

    Notes
    -----
    Blocks are squares of the grid's own quadtree, so the numbers grow from block to block.
    """
    up = max(zoom - _BLOCK_BITS, 0)
    shift = zoom - up
    blocks = _marked(states, up, zoom, Window(*(value >> shift for value in within)))
    for x, y in zip(blocks.x.tolist(), blocks.y.tolist(), strict=True):
        block = Window(x << shift, y << shift, ((x + 1) << shift) - 1, ((y + 1) << shift) - 1)
        part = Window(
            max(block.left, within.left),
            max(block.top, within.top),
            min(block.right, within.right),
            min(block.bottom, within.bottom),
        )
        found = _marked(states, zoom, zoom, part)
        if len(found.ids):
            yield found


def _marked(states: Sequence[State], level: int, zoom: int, within: Window) -> Addresses:
    """Return the tiles of ``level`` that features drawn at ``zoom`` reach."""
    shown = [(columns.world, state) for columns, state in states if zoom >= columns.minzoom]
    found = np.concatenate(
        [np.empty((0, 4), np.int64)]
        + [_ranges(world, state, level, zoom, within) for world, state in shown]
    )
    if len(found) == 0:
        none = np.empty(0, np.int64)
        return Addresses(none, none, none)
    # Each range adds one in its rectangle: sums along both axes of marks at the four corners.
    left, top = int(found[:, 0].min()), int(found[:, 1].min())
    wide, high = int(found[:, 2].max()) - left + 1, int(found[:, 3].max()) - top + 1
    x0, y0 = found[:, 0] - left, found[:, 1] - top
    x1, y1 = found[:, 2] - left + 1, found[:, 3] - top + 1
    size = (high + 1) * (wide + 1)
    marks = np.zeros(size, np.int64)
    for x, y, sign in ((x0, y0, 1), (x1, y1, 1), (x0, y1, -1), (x1, y0, -1)):
        marks += sign * np.bincount(y * (wide + 1) + x, minlength=size)
    marks = marks.reshape(high + 1, wide + 1).cumsum(0).cumsum(1)
    row, column = np.nonzero(marks)
    x, y = column + left, row + top
    ids = numbers(level, x, y)
    order = np.argsort(ids)
    return Addresses(ids[order], x[order], y[order])


def _ranges(world: World, state: Snapshot, level: int, zoom: int, within: Window) -> Ranges:
    """Return what one layer's features reach, many of them together where they share a tile."""
    base = state.base
    nodes = state.nodes[: state.levels[1]] if len(base.ids) else np.empty((0, 4), np.int32)
    over, kept = _reached(world, nodes, level, within)
    alone = (over[:, 0] == over[:, 2]) & (over[:, 1] == over[:, 3])
    members = (kept[~alone, None] * NODE + np.arange(NODE)).ravel()
    members = members[members < len(base.ids)]
    found = [over[alone]]
    for features, which in ((base, members), (state.tail, np.arange(len(state.tail.ids)))):
        drawn = which[_drawn(features, which, zoom, state.edit)]
        found.append(_reached(world, features.boxes[drawn], level, within)[0])
    return np.concatenate(found)


def _drawn(features: Features, which: NDArray[np.int64], zoom: int, edit: int) -> NDArray[np.bool_]:
    at_zoom = (features.zooms[which] >> zoom) & 1 != 0
    drawn: NDArray[np.bool_] = at_zoom & (features.gone[which] > edit)
    return drawn


def _reached(
    world: World, boxes: NDArray[np.int32], level: int, within: Window
) -> tuple[Ranges, NDArray[np.int64]]:
    """Return the tiles that boxes reach inside a window, and which of the boxes reach any."""
    scale = 2.0 ** (level - world.bits)
    corner = np.array([world.x, world.y], np.float64)
    low = (boxes[:, :2] + corner) * scale - _RIM
    high = (boxes[:, 2:] + corner) * scale + _RIM
    found = np.empty((len(boxes), 4), np.int64)
    found[:, :2] = np.maximum(np.floor(low), (within.left, within.top))
    found[:, 2:] = np.minimum(np.floor(high), (within.right, within.bottom))
    # An empty feature's box is turned around.
    kept = (boxes[:, 0] <= boxes[:, 2]) & (found[:, :2] <= found[:, 2:]).all(1)
    return found[kept], np.flatnonzero(kept)
