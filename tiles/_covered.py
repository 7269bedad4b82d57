"""Which tiles may hold something: found from the columns' index, not by trying every address."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tiles._arrays import Features
from tiles._hilbert import numbers
from tiles._index_kernel import Boxes
from tiles._reach_kernel import Ranges, covered_by, ranges_of
from tiles._store import frozen
from tiles._world import World
from tiles.columns import Columns, Snapshot

_BLOCK_BITS = 11
"""Levels are looked at by squares of 2**11 tiles a side, so that memory is bounded."""

_NO_NODES = frozen(np.empty((0, 4), np.int32))

State = tuple[Columns, Snapshot]


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
        + [
            _ranges(world, features, nodes, level, zoom, state.edit, within)
            for world, state in shown
            for features, nodes in (
                (state.base, state.nodes[: state.levels[1]]),
                (state.tail, _NO_NODES),
            )
        ]
    )
    if len(found) == 0:
        none = np.empty(0, np.int64)
        return Addresses(none, none, none)
    left, top = found[:, :2].min(0).tolist()
    right, bottom = found[:, 2:].max(0).tolist()
    marks = covered_by(found, left, top, right - left + 1, bottom - top + 1)
    row, column = np.nonzero(marks)
    x, y = column + left, row + top
    ids = numbers(level, x, y)
    order = np.argsort(ids)
    return Addresses(ids[order], x[order], y[order])


def _ranges(
    world: World,
    features: Features,
    nodes: Boxes,
    level: int,
    zoom: int,
    edit: int,
    within: Window,
) -> Ranges:
    scale, window = 2.0 ** (level - world.bits), np.array(within, np.int64)
    return ranges_of(features, nodes, world.x, world.y, scale, window, zoom, edit)
