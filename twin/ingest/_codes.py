"""Where loaded things are, as codes: what the database's triggers would write, for a whole chunk.

The rules are those of ``0003_codes.sql``; a test holds both against each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from twin.codes.beidou_many import codes_of
from twin.crs import move_points
from twin.ingest import _place_kernels as kernels
from twin.ingest._copy import Column
from twin.ingest._shapes import LINE, POINT, Shapes
from twin.ingest._target import Connection

CODES = (("bd_code", "text"), ("cell_id", "text"))
"""Columns that the rows of every load carry."""

_CGCS2000 = "EPSG:4490"
_POINTS_AT_A_BUCKET = 2.0

_CELLS = """
    SELECT code, ST_AsBinary(geom) FROM twin.grid_cell
    WHERE  code IS NOT NULL AND state <> 'removed'
    ORDER  BY code COLLATE "C"
"""


@dataclass(frozen=True)
class Cells:
    """The management grid cells of the city, to look points up in."""

    codes: pa.Array
    shapes: NDArray[np.object_]
    boxes: NDArray[np.float64]
    corner: NDArray[np.float64]
    size_m: float
    wide: int
    begins: NDArray[np.int64]
    """Where each bucket's list of cells begins in `held`."""
    held: NDArray[np.int64]

    @classmethod
    def of(cls, connection: Connection) -> Cells | None:
        """Return the cells of the city, or None if it has none; they stay as they are meanwhile."""
        connection.execute("SELECT pg_advisory_xact_lock_shared(hashtext('twin.cells'))")
        rows = connection.execute(_CELLS).fetchall()
        if not rows:
            return None
        shapes = shapely.from_wkb(np.array([bytes(row[1]) for row in rows], object))
        shapely.prepare(shapes)
        boxes = shapely.bounds(shapes)
        low, high = boxes[:, :2].min(0), boxes[:, 2:].max(0)
        size_m = float(np.sqrt(np.prod(high - low) / (_POINTS_AT_A_BUCKET * len(rows))))
        wide, tall = (np.floor((high - low) / size_m) + 1).astype(np.int64)
        begins, held = _buckets(boxes, low, size_m, int(wide), int(tall))
        codes = pa.array([row[0] for row in rows], pa.string())
        return cls(codes, shapes, boxes, low, size_m, int(wide), begins, held)

    def holding(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> pa.Array:
        """Return the code of the cell that holds each point, shape (n,); null where none does."""
        point, cell = kernels.pairs_near(
            x, y, self.boxes, self.corner, self.size_m, self.wide, self.begins, self.held
        )
        inside = shapely.intersects_xy(self.shapes[cell], x[point], y[point])
        # The first of a point's cells has the smallest code.
        point, first = np.unique(point[inside], return_index=True)
        found = np.full(len(x), -1, np.int64)
        found[point] = cell[inside][first]
        return self.codes.take(pa.array(found, mask=found < 0))


def _buckets(
    boxes: NDArray[np.float64], corner: NDArray[np.float64], size_m: float, wide: int, tall: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which boxes touch each bucket of a grid: where its list begins, and all lists."""
    first = np.floor((boxes[:, :2] - corner) / size_m).astype(np.int64)
    last = np.floor((boxes[:, 2:] - corner) / size_m).astype(np.int64)
    last = np.minimum(last, (wide - 1, tall - 1))
    across, up = (last - first + 1).T
    box = np.repeat(np.arange(len(boxes)), across * up)
    number = np.arange(len(box)) - np.repeat(np.cumsum(across * up) - across * up, across * up)
    column = first[box, 0] + number % across[box]
    row = first[box, 1] + number // across[box]
    bucket = row * wide + column
    order = np.argsort(bucket, kind="stable")
    begins = np.zeros(wide * tall + 1, np.int64)
    np.cumsum(np.bincount(bucket, minlength=wide * tall), out=begins[1:])
    return begins, box[order]


def representatives(
    shapes: Shapes,
    chosen: NDArray[np.int64],
    kind: int,
    part: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the point that stands for each chosen geometry, x and y of shape (k,).

    Parameters
    ----------
    shapes : Shapes
        Where they are.
    chosen : ndarray of int, shape (k,)
        Which.
    kind : int
        What they are: of points themselves, of lines the middle, of areas a point inside.
    part : ndarray of int, shape (k,), optional
        Which part of each; -1: all of them.
    """
    first, last = shapes.parts[chosen], shapes.parts[chosen + 1]
    if part is not None:
        first = first + np.maximum(part, 0)
        last = np.where(part >= 0, first + 1, last)
    if kind == POINT:
        at = shapes.points[shapes.rings[first]]
        return shapes.x[at], shapes.y[at]
    if kind == LINE:
        rings = shapes.rings
        x, y = kernels.middles(rings[first], rings[last], shapes.points, shapes.x, shapes.y)
    else:
        x, y = kernels.insides(first, last, shapes.rings, shapes.points, shapes.x, shapes.y)
    return x, y


@dataclass(frozen=True)
class CodeKeeper:
    """Gives the rows of one load their codes."""

    frame: str
    """The city's frame, EPSG:…."""
    cells: Cells | None

    def columns(
        self,
        x: NDArray[np.float64],
        y: NDArray[np.float64],
        *,
        said: pa.Array | None = None,
        own: pa.Array | None = None,
    ) -> list[Column]:
        """Return `CODES` of things at some points of the city, shape (n,).

        Parameters
        ----------
        x, y : ndarray of float, shape (n,)
            The points that stand for them, m.
        said : pyarrow.Array, optional
            The cell that the source names; it holds where the city has no cell.
        own : pyarrow.Array, optional
            Of cells: their own codes.
        """
        letters = codes_of(*move_points(x, y, self.frame, _CGCS2000))
        cell = own
        if cell is None and self.cells is not None:
            cell = self.cells.holding(x, y)
        if own is None and said is not None:
            cell = said if cell is None else pc.coalesce(cell, said)
        if cell is None:
            cell = pa.nulls(len(x), pa.string())
        return [Column("bd_code", "text", letters), Column("cell_id", "text", cell)]
