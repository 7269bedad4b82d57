"""Where features are: brought into the city's frame, mended, or refused by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from twin.crs import LONLAT, Frame, geocentric_to_lonlat, is_geocentric, move_points
from twin.datum import Datum, to_wgs84
from twin.ingest._frames import guess_why
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
from twin.ingest._tally import Tally

MOST_PARTS = {"building": 16, "region": 10**9, "grid_cell": 10**9}
"""How many parts one feature of a layer may have; with more, each becomes a feature.

Lines and points are single in the model.  A building has few parts; a hundred of them in one
feature are as many buildings.
"""


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
    most_parts: int = 1

    def place(self, wkb: pa.Array, ids: pa.Array) -> Placed:
        """Return the geometries of a chunk; refused ones are counted under their ids."""
        shapes = read_wkb(wkb)
        pick = np.arange(len(shapes))
        sound = np.ones(len(shapes), np.bool_)
        if not (shapes.kind == self.kind).all():
            shapes, pick = self._of_kind(wkb, shapes, sound, ids)
        raw, shapes = shapes, self._moved(shapes)
        self._inside(raw, shapes, pick, sound, ids)
        if self.kind == POLYGON:
            shapes, pick = self._valid(shapes, pick, sound, ids)
        elif self.kind == LINE:
            boxes = shapes.boxes()[pick]
            dot = sound & (boxes[:, 0] == boxes[:, 2]) & (boxes[:, 1] == boxes[:, 3])
            self.tally.refuse("a line without length", dot, sound, ids)
        return Placed(shapes, pick, sound)

    def _of_kind(
        self, wkb: pa.Array, shapes: Shapes, sound: NDArray[np.bool_], ids: pa.Array
    ) -> tuple[Shapes, NDArray[np.int64]]:
        """Take what can be taken from geometries of another kind, and refuse the others."""
        pick = np.arange(len(shapes))
        empty = (shapes.kind == 0) | ((shapes.kind != OTHER) & (np.diff(shapes.starts) == 0))
        self.tally.refuse("no geometry", empty, sound, ids)
        wrong = sound & (shapes.kind != self.kind)
        takable = wrong & np.isin(shapes.kind, (OTHER, POLYGON) if self.kind == POINT else (OTHER,))
        rows = np.flatnonzero(takable)
        if len(rows):
            cells = wkb.to_numpy(zero_copy_only=False)[rows]
            taken = [_part_of_kind(one, self.kind) for one in shapely.from_wkb(cells, "fix")]
            found = np.array([one is not None for one in taken], np.bool_)
            if found.any():
                word = "taken from a collection"
                if self.kind == POINT:
                    word = "area made a point on it"
                self.tally.repaired[word] += int(found.sum())
                more = from_geometries([one for one in taken if one is not None])
                pick[rows[found]] = len(shapes) + np.arange(len(more))
                shapes = joined(shapes, more)
                wrong[rows[found]] = False
        for kind in np.unique(shapes.kind[: len(sound)][wrong]):
            here = wrong & (shapes.kind[: len(sound)] == kind)
            self.tally.refuse(f"{NAMES[int(kind)]}, not {NAMES[self.kind]}", here, sound, ids)
        return shapes, pick

    def _moved(self, shapes: Shapes) -> Shapes:
        x, y, crs = shapes.x, shapes.y, self.crs
        if is_geocentric(crs):
            x, y, height_m = geocentric_to_lonlat(x, y, shapes.z, crs)
            shapes, crs = shapes.lifted(height_m), LONLAT
        if self.datum is not None:
            x, y = to_wgs84(self.datum, x, y)
            crs = LONLAT
        if crs == self.frame.name or not len(x):
            return shapes
        return shapes.moved(*move_points(x, y, crs, self.frame.name))

    def _inside(
        self,
        raw: Shapes,
        shapes: Shapes,
        pick: NDArray[np.int64],
        sound: NDArray[np.bool_],
        ids: pa.Array,
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
            first = shapes.starts[pick[outside & sound]]
            why = guess_why(self.frame, self.crs, raw.x[first], raw.y[first])
            self.tally.refuse(f"outside the city{why}", outside, sound, ids)

    def _valid(
        self,
        shapes: Shapes,
        pick: NDArray[np.int64],
        sound: NDArray[np.bool_],
        ids: pa.Array,
    ) -> tuple[Shapes, NDArray[np.int64]]:
        doubtful = np.flatnonzero(sound & ~shapes.surely_valid()[pick])
        if not len(doubtful):
            return shapes, pick
        geometries = to_geometries(shapes, pick[doubtful])
        apart = np.diff(shapes.parts)[pick[doubtful]] > self.most_parts
        invalid = np.array([not _is_valid(g, a) for g, a in zip(geometries, apart, strict=True)])
        if not invalid.any():
            return shapes, pick
        mended = [
            _mended(one, alone)
            for one, alone in zip(geometries[invalid], apart[invalid], strict=True)
        ]
        found = np.array([one is not None for one in mended], np.bool_)
        rows = doubtful[invalid]
        lost = np.zeros(len(sound), np.bool_)
        lost[rows[~found]] = True
        self.tally.refuse("an area without a surface", lost, sound, ids)
        if found.any():
            self.tally.repaired["invalid polygon"] += int(found.sum())
            pick = pick.copy()
            pick[rows[found]] = len(shapes) + np.arange(int(found.sum()))
            shapes = joined(shapes, from_geometries([one for one in mended if one is not None]))
        return shapes, pick


def split_parts(
    placed: Placed, most_parts: int
) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
    """Return the row of each feature to write, and which part of its geometry it is; -1: all."""
    rows = np.flatnonzero(placed.sound)
    parts = np.diff(placed.shapes.parts)[placed.pick[rows]]
    times = np.where(parts > most_parts, parts, 1)
    if (times == 1).all():
        return rows, None
    begins = np.repeat(np.cumsum(times) - times, times)
    number = np.arange(int(times.sum())) - begins
    return np.repeat(rows, times), np.where(np.repeat(times == 1, times), -1, number)


def _is_valid(geometry: Any, apart: bool) -> bool:
    """Return whether an area is valid; of one that will be split, whether its parts are."""
    if apart:
        return bool(shapely.is_valid(shapely.get_parts(geometry)).all())
    return bool(shapely.is_valid(geometry))


def _mended(geometry: Any, apart: bool) -> Any:
    """Return a valid area for an invalid one, or None if it has no surface."""
    wholes = shapely.get_parts(geometry) if apart else [geometry]
    mended = [
        polygon
        for whole in wholes
        for polygon in shapely.get_parts(shapely.get_parts(shapely.make_valid(whole)))
        if polygon.geom_type == "Polygon" and polygon.area > 0
    ]
    return shapely.multipolygons(mended) if mended else None


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
        return shapely.union_all(wanted) if len(wanted) > 1 else wanted[0]
    return wanted[0] if kind == POINT else shapely.multilinestrings(wanted)
