"""The whole numbers that columns keep their places in, so that a tile's units are a shift away."""

import os
from concurrent.futures import ThreadPoolExecutor
from math import floor, log2
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tiles._arrays import EXTENT, Window
from tiles.grid import WEB_MERCATOR, Tile, TileGrid
from twin.crs import Frame, move_points
from twin.errors import InvalidInputError

_UNIT_BITS = EXTENT.bit_length() - 1
_MOST_BITS = 40
"""2**40 units around the Earth: 0.04 mm at the equator."""
_AT_ONCE = 1 << 17
"""Places that one thread moves before it takes the next ones."""
_ROOM = 2.0**29
"""Half the city's width in units, a quarter of what 32 bits hold: features may stick out."""


class World(NamedTuple):
    """Whole numbers on a grid of tiles: level 0's side has 2**bits of them.

    ``x`` and ``y`` are the units of the middle that places are counted from.
    """

    grid: TileGrid
    bits: int
    x: int
    y: int

    def places(self, x: NDArray[np.float64], y: NDArray[np.float64], crs: str) -> NDArray[np.int32]:
        """Return places of a frame as whole numbers, shape (n, 2).

        Raises
        ------
        InvalidInputError
            If one lies so far from the city that 32 bits do not hold it.
        """
        found = np.empty((len(x), 2), np.int32)
        parts = [slice(at, at + _AT_ONCE) for at in range(0, len(x), _AT_ONCE)]

        def move(part: slice) -> None:
            found[part] = self._places(x[part], y[part], crs)

        if len(parts) < 2:
            found[:] = self._places(x, y, crs)
        else:
            with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
                list(pool.map(move, parts))
        return found

    def _places(
        self, x: NDArray[np.float64], y: NDArray[np.float64], crs: str
    ) -> NDArray[np.float64]:
        moved_x, moved_y = move_points(x, y, crs, self.grid.crs)
        scale = 2.0**self.bits / self.grid.side
        found = np.empty((len(x), 2))
        found[:, 0] = np.rint((moved_x - self.grid.left) * scale) - self.x
        found[:, 1] = np.rint((self.grid.top - moved_y) * scale) - self.y
        if not (np.abs(found) < 2.0**31 - 1).all():
            raise InvalidInputError(
                f"a feature lies too far from the city to be drawn on {self.grid.id}"
            )
        return found

    def window(self, tile: Tile, edit: int) -> Window:
        """Return where a tile lies in this world."""
        left, top = tile.x << self.bits - tile.z, tile.y << self.bits - tile.z
        unit = self.grid.side / 2.0**self.bits
        return Window(
            self.x - left,
            self.y - top,
            self.bits - _UNIT_BITS - tile.z,
            tile.z + self.grid.zoom,
            edit,
            unit,
            self.grid.left + self.x * unit,
            self.grid.top - self.y * unit,
        )

    def shares(self, box: NDArray[np.int32]) -> "WorldBox | None":
        """Return a box of places as shares of level 0's side; None for an empty one."""
        if box[0] > box[2]:
            return None
        side = 2.0**self.bits
        return WorldBox(
            (self.x + int(box[0])) / side,
            (self.y + int(box[1])) / side,
            (self.x + int(box[2])) / side,
            (self.y + int(box[3])) / side,
        )


class WorldBox(NamedTuple):
    """A box on a grid of tiles, in sides of level 0 from its upper left corner, y downwards."""

    left: float
    top: float
    right: float
    bottom: float


def world_of(frame: Frame, grid: TileGrid = WEB_MERCATOR) -> World:
    """Return the finest whole numbers that hold a city; they depend on its extent alone."""
    low_x, low_y, high_x, high_y = frame.extent
    x, y = move_points(
        np.array([low_x, low_x, high_x, high_x]),
        np.array([low_y, high_y, low_y, high_y]),
        frame.name,
        grid.crs,
    )
    across, down = (x - grid.left) / grid.side, (grid.top - y) / grid.side
    half = max(float(np.ptp(across)), float(np.ptp(down))) / 2
    bits = min(_MOST_BITS, floor(log2(_ROOM / max(half, 2.0**-20))))
    middle_x = (float(across.min()) + float(across.max())) / 2
    middle_y = (float(down.min()) + float(down.max())) / 2
    return World(grid, bits, round(middle_x * 2**bits), round(middle_y * 2**bits))
