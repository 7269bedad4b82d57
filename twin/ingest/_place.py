"""Where features are: brought into the city's frame, mended, or refused by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from twin.crs import LONLAT, Frame, is_geographic, move_points
from twin.datum import Datum, to_wgs84
from twin.ingest._report import Tally
from twin.ingest._shapes import (
    LINE,
    NAMES,
    OTHER,
    POINT,
    POLYGON,
    Shapes,
    from_geometries,
    joined,
    read_wkb,
    to_geometries,
)

_MOST_PARTS_OF_A_BUILDING = 16


@dataclass(frozen=True)
class Placed:
    """A chunk's geometries in the city's frame, and which of its rows have one."""

    shapes: Shapes
    pick: NDArray[np.int64]
    """Which of `shapes` belongs to each row of the chunk, shape (n,)."""
    sound: NDArray[np.bool_]
    """Which rows can be loaded, shape (n,)."""


@dataclass(frozen=True)
class Placer:
    """Brings chunks of one file into the city's frame."""

    frame: Frame
    crs: str
    datum: Datum | None
    kind: int
    """What the table holds: `POINT`, `LINE` or `POLYGON`."""
    tally: Tally

    def place(self, wkb: pa.Array, ids: NDArray[np.object_]) -> Placed:
        """Return the geometries of a chunk; refused ones are counted under their ids."""
        shapes = read_wkb(wkb)
        pick = np.arange(len(shapes))
        sound = np.ones(len(shapes), np.bool_)
        if not (shapes.kind == self.kind).all():
            shapes, pick = self._of_kind(wkb, shapes, sound, ids)
        shapes = self._moved(shapes)
        self._inside(shapes, pick, sound, ids)
        if self.kind == POLYGON:
            shapes, pick = self._valid(shapes, pick, sound, ids)
        elif self.kind == LINE:
            boxes = shapes.boxes()[pick]
            dot = sound & (boxes[:, 0] == boxes[:, 2]) & (boxes[:, 1] == boxes[:, 3])
            self._refuse("a line without length", dot, sound, ids)
        return Placed(shapes, pick, sound)

    def _refuse(
        self,
        reason: str,
        where: NDArray[np.bool_],
        sound: NDArray[np.bool_],
        ids: NDArray[np.object_],
    ) -> None:
        where = where & sound
        if where.any():
            sound &= ~where
            self.tally.reject(reason, list(ids[where][:5]), int(where.sum()))

    def _of_kind(
        self, wkb: pa.Array, shapes: Shapes, sound: NDArray[np.bool_], ids: NDArray[np.object_]
    ) -> tuple[Shapes, NDArray[np.int64]]:
        """Take what can be taken from geometries of another kind, and refuse the others."""
        pick = np.arange(len(shapes))
        empty = (shapes.kind == 0) | ((shapes.kind != OTHER) & (np.diff(shapes.starts) == 0))
        self._refuse("no geometry", empty, sound, ids)
        wrong = sound & (shapes.kind != self.kind)
        takable = wrong & np.isin(shapes.kind, (OTHER, POLYGON) if self.kind == POINT else (OTHER,))
        rows = np.flatnonzero(takable)
        if len(rows):
            cells = wkb.to_numpy(zero_copy_only=False)[rows]
            taken = [_part_of_kind(one, self.kind) for one in shapely.from_wkb(cells, "fix")]
            found = np.array([one is not None for one in taken], np.bool_)
            if found.any():
                word = "area made a point on it" if self.kind == POINT else "taken from a collection"
                self.tally.repaired[word] += int(found.sum())
                more = from_geometries([one for one in taken if one is not None])
                pick[rows[found]] = len(shapes) + np.arange(len(more))
                shapes = joined(shapes, more)
                wrong[rows[found]] = False
        for kind in np.unique(shapes.kind[: len(sound)][wrong]):
            here = wrong & (shapes.kind[: len(sound)] == kind)
            self._refuse(f"{NAMES[int(kind)]}, not {NAMES[self.kind]}", here, sound, ids)
        return shapes, pick

    def _moved(self, shapes: Shapes) -> Shapes:
        x, y, crs = shapes.x, shapes.y, self.crs
        if self.datum is not None:
            x, y = to_wgs84(self.datum, x, y)
            crs = LONLAT
        if crs == self.frame.name or not len(x):
            return shapes
        return shapes.moved(*move_points(x, y, crs, self.frame.name))

    def _inside(
        self,
        shapes: Shapes,
        pick: NDArray[np.int64],
        sound: NDArray[np.bool_],
        ids: NDArray[np.object_],
    ) -> None:
        """Refuse what does not reach the city, saying what its numbers look like."""
        boxes = shapes.boxes()[pick]
        extent = self.frame.extent
        outside = ~(
            (boxes[:, 0] <= extent.max_x_m)
            & (boxes[:, 2] >= extent.min_x_m)
            & (boxes[:, 1] <= extent.max_y_m)
            & (boxes[:, 3] >= extent.min_y_m)
        )
        if (outside & sound).any():
            reason = self._why_outside(shapes, pick[outside & sound])
            self._refuse(reason, outside, sound, ids)

    def _why_outside(self, shapes: Shapes, rows: NDArray[np.int64]) -> str:
        first = shapes.starts[rows]
        x, y = shapes.x[first], shapes.y[first]
        if not (np.isfinite(x).any() and np.isfinite(y).any()):
            return f"outside the city: not coordinates of {self.crs}"
        return "outside the city" + guess_why(self.frame, self.crs, x, y)

    def _valid(
        self,
        shapes: Shapes,
        pick: NDArray[np.int64],
        sound: NDArray[np.bool_],
        ids: NDArray[np.object_],
    ) -> tuple[Shapes, NDArray[np.int64]]:
        doubtful = np.flatnonzero(sound & ~shapes.surely_valid()[pick])
        if not len(doubtful):
            return shapes, pick
        geometries = to_geometries(shapes, pick[doubtful])
        invalid = ~shapely.is_valid(geometries)
        if not invalid.any():
            return shapes, pick
        mended = [_part_of_kind(one, POLYGON) for one in shapely.make_valid(geometries[invalid])]
        found = np.array([one is not None for one in mended], np.bool_)
        rows = doubtful[invalid]
        lost = np.zeros(len(sound), np.bool_)
        lost[rows[~found]] = True
        self._refuse("an area without a surface", lost, sound, ids)
        if found.any():
            self.tally.repaired["invalid polygon"] += int(found.sum())
            pick = pick.copy()
            pick[rows[found]] = len(shapes) + np.arange(int(found.sum()))
            shapes = joined(shapes, from_geometries([one for one in mended if one is not None]))
        return shapes, pick


def split_parts(placed: Placed, layer: str) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
    """Return the row of each feature to write, and which part of its geometry it is.

    Lines and points are single in the model, so each part becomes a feature.  A building has few
    parts; a hundred of them in one feature are as many buildings.
    """
    rows = np.flatnonzero(placed.sound)
    shapes, pick = placed.shapes, placed.pick
    parts = np.diff(shapes.parts)[pick[rows]]
    limit = {"building": _MOST_PARTS_OF_A_BUILDING, "region": 10**9, "grid_cell": 10**9}
    times = np.where(parts > limit.get(layer, 1), parts, 1)
    if (times == 1).all():
        return rows, None
    repeated = np.repeat(rows, times)
    starts = np.repeat(np.cumsum(times) - times, times)
    number = np.arange(len(repeated)) - starts
    whole = np.repeat((times == 1) & (parts > 1), times)
    return repeated, np.where(whole, -1, number)


def guess_why(
    frame: Frame, crs: str, x: NDArray[np.float64], y: NDArray[np.float64]
) -> str:
    """Return in words why points that the file places at x, y of the city may lie outside it."""
    back_x, back_y = move_points(x, y, frame.name, crs)
    tries: list[tuple[str, Any]] = [
        ("x and y are swapped", lambda: move_points(back_y, back_x, crs, frame.name)),
        (f"the numbers are metres of {frame.name}, not of the file's frame: give --crs "
         f"{frame.name}", lambda: (back_x, back_y)),
        ("the numbers are degrees: give --crs EPSG:4326",
         lambda: move_points(back_x, back_y, LONLAT, frame.name)),
        ("the numbers are degrees, latitude first", 
         lambda: move_points(back_y, back_x, LONLAT, frame.name)),
        ("the easting carries the zone's number",
         lambda: (np.mod(back_x, 1_000_000), back_y)),
    ]  # fmt: skip
    for words, move in tries:
        if is_geographic(crs) and words.startswith("the numbers are degrees: "):
            continue
        moved_x, moved_y = move()
        hit = (
            (moved_x >= frame.extent.min_x_m)
            & (moved_x <= frame.extent.max_x_m)
            & (moved_y >= frame.extent.min_y_m)
            & (moved_y <= frame.extent.max_y_m)
        )
        if hit.mean() > 0.5:
            return f" ({words})"
    return ""


def _part_of_kind(geometry: Any, kind: int) -> Any:
    """Return the part of a geometry that is of a kind, or None if it has none."""
    if geometry is None:
        return None
    if kind == POINT and shapely.get_dimensions(geometry) == 2:
        return shapely.point_on_surface(geometry)
    parts = shapely.get_parts(shapely.get_parts(geometry))
    wanted = parts[shapely.get_dimensions(parts) == kind - 1]
    wanted = wanted[~shapely.is_empty(wanted)]
    if not len(wanted) or (kind == POINT and len(wanted) > 1):
        return None
    if kind == POLYGON:
        whole = shapely.union_all(wanted) if len(wanted) > 1 else wanted[0]
        return whole if whole.area > 0 else None
    return wanted[0] if kind == POINT else shapely.multilinestrings(wanted)
