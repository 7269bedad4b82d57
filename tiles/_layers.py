"""What a process knows of one layer on one grid: its columns, or why it has none."""

from collections.abc import Iterable, Mapping
from threading import Condition
from time import monotonic
from typing import Any

import numpy as np

from layers import Layer
from tiles.cache import Box
from tiles.columns import Columns
from tiles.grid import MAXZOOM, WEB_MERCATOR, TileGrid
from twin.changes import START, Change, Position
from twin.crs import CityBox, Frame, move_points

_QUICK_S = 0.002
_SHARE = 0.2
_FEW, _PART = 2_000, 20
"""The tail may have this many rows, or one for so many features, before columns are made anew."""


GIVEN_UP_S = 900.0
"""Columns of a grid that nobody asked for during that time are given up; not WebMercatorQuad's."""


class LayerState:
    """One layer on one grid, in one process.  Only the thread that follows the feed changes it."""

    def __init__(self, layer: Layer, grid: str = WEB_MERCATOR.id) -> None:
        self.layer, self.grid = layer, grid
        self.wanted = grid == WEB_MERCATOR.id
        """Whether there shall be columns: those of the other grids wait until somebody asks."""
        self.used_at = monotonic()
        self.asked_at = float("-inf")
        """When somebody asked for a tile last; never at the start."""
        self.columns: Columns | None = None
        self.needed: Position = START
        """What columns must contain to be taken."""
        self.wished = False
        self.refused: str | None = None
        self._seconds = [0.0] * (MAXZOOM + 1)

    def without_columns(self, needed: Position) -> None:
        """Let PostGIS write the tiles until there are columns that contain a position."""
        self.columns = None
        self.needed = needed

    def use(self) -> None:
        """Note that a tile is asked for; may be called from any thread."""
        self.used_at = self.asked_at = monotonic()
        self.wanted = True

    @property
    def unused(self) -> bool:
        """Whether nobody asked for long, and the columns are better given up."""
        return self.grid != WEB_MERCATOR.id and monotonic() - self.used_at > GIVEN_UP_S

    @property
    def tail_is_long(self) -> bool:
        """Whether so many edits came that new columns are worth making."""
        columns = self.columns
        return columns is not None and columns.tail_length > max(_FEW, len(columns) // _PART)

    def took(self, zoom: int, seconds: float) -> None:
        """Remember what a tile of a level cost; the dear ones weigh more."""
        before = self._seconds[zoom]
        self._seconds[zoom] = max(before + _SHARE * (seconds - before), seconds / 4)

    def quick(self, zoom: int) -> bool:
        """Return whether tiles of a level took no time worth a thread lately."""
        return self._seconds[zoom] < _QUICK_S

    def told(self) -> dict[str, Any]:
        """Return the state in words."""
        columns = self.columns
        if columns is None:
            why = "columns are being made" if self.wanted else "nobody asked for long"
            return {"from": "database", "why": self.refused or why}
        return {
            "from": "columns",
            "features": len(columns),
            "tail": columns.tail_length,
            "position": list(columns.position),
        }


class Wishes:
    """Layers whose columns are wished for; what somebody asked for last comes first.

    A process that takes another's place is asked at once for the layers that people look at, and
    the database writes their tiles as long as their columns wait for those of all the others.
    """

    def __init__(self) -> None:
        self._waiting: list[LayerState] = []
        self._changed = Condition()
        self._ended = False

    def put(self, state: LayerState) -> None:
        """Wish for a layer's columns."""
        with self._changed:
            self._waiting.append(state)
            self._changed.notify()

    def get(self) -> LayerState | None:
        """Wait for a wish and take it; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended)
            if self._ended:
                return None
            # Of equals the first: then a city is made in the order of its catalogue.
            state = max(self._waiting, key=lambda each: each.asked_at)
            self._waiting.remove(state)
            return state

    def end(self) -> None:
        """Grant no more wishes."""
        with self._changed:
            self._ended = True
            self._changed.notify()


class States:
    """What a process knows of its layers, on each grid that somebody asked for."""

    def __init__(self, layers: Mapping[str, LayerState]) -> None:
        self._first = layers
        self._others: dict[tuple[str, str], LayerState] = {}

    def of(self, name: str, grid: str) -> LayerState:
        """Return one layer on one grid; may be called from any thread."""
        if grid == WEB_MERCATOR.id:
            return self._first[name]
        found = self._others.get((name, grid))
        if found is None:
            fresh = LayerState(self._first[name].layer, grid)
            found = self._others.setdefault((name, grid), fresh)
        return found

    def others(self) -> list[LayerState]:
        """Return what is known on other grids than WebMercatorQuad."""
        return list(self._others.values())

    def all(self) -> list[LayerState]:
        """Return everything."""
        return [*self._first.values(), *self.others()]

    def of_layer(self, name: str) -> list[LayerState]:
        """Return one layer on all grids; nothing if it is none of ours."""
        return [state for state in self.all() if state.layer.id == name]


def boxes_of(frame: Frame, changes: Iterable[Change], grid: TileGrid = WEB_MERCATOR) -> list[Box]:
    """Return where changes were, on the grid of tiles; each box holds all that was there."""
    found = {box for change in changes for box in (change.before, change.after) if box is not None}
    return [_on_grid(frame, box, grid) for box in found]


def _on_grid(frame: Frame, box: CityBox, grid: TileGrid) -> Box:
    """Return the upright box on the grid around an upright box of the city.

    The sides bend; what lies between the points that are looked at bends by less than the rim that
    is added: a thousandth of a side, of which there are eight.
    """
    along = np.linspace(0.0, 1.0, 9)
    x = box.min_x_m + along * (box.max_x_m - box.min_x_m)
    y = box.min_y_m + along * (box.max_y_m - box.min_y_m)
    rim_x = np.concatenate([x, x, np.full(9, box.min_x_m), np.full(9, box.max_x_m)])
    rim_y = np.concatenate([np.full(9, box.min_y_m), np.full(9, box.max_y_m), y, y])
    moved_x, moved_y = move_points(rim_x, rim_y, frame.name, grid.crs)
    across, down = (moved_x - grid.left) / grid.side, (grid.top - moved_y) / grid.side
    left, right = float(across.min()), float(across.max())
    top, bottom = float(down.min()), float(down.max())
    more = (right - left + bottom - top) / 1000 + 1e-10
    return left - more, top - more, right + more, bottom + more
