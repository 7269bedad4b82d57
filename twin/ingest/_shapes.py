"""The geometries of a chunk as flat arrays: read from WKB, checked, moved, written as EWKB.

A chunk's geometries are three arrays of offsets over three arrays of coordinates: a geometry has
parts, a part has rings, a ring has points.  A line's part has one ring, a point's ring one point.
So a change of frame is one call for the whole chunk, and no Python object is made for a feature.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from twin.ingest import _kernels as kernels
from twin.ingest._bytes import Ragged, offsets_of

POINT, LINE, POLYGON, OTHER = 1, 2, 3, 7
NAMES = {0: "nothing", POINT: "a point", LINE: "a line", POLYGON: "an area", OTHER: "a collection"}

_MOST_POINTS_TO_PROVE = 48


@dataclass(frozen=True)
class Shapes:
    """The geometries of a chunk, shape (n,), as flat arrays."""

    kind: NDArray[np.int8]
    """What each is, shape (n,): 0 nothing, `POINT`, `LINE`, `POLYGON`, `OTHER`."""
    parts: NDArray[np.int64]
    """Where each geometry's parts begin, shape (n + 1,)."""
    rings: NDArray[np.int64]
    """Where each part's rings begin."""
    points: NDArray[np.int64]
    """Where each ring's points begin."""
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    z: NDArray[np.float64]
    """Heights; 0 where the geometry has none."""
    has_z: NDArray[np.bool_]
    """Whether each geometry came with heights, shape (n,)."""

    def __len__(self) -> int:
        """Return how many geometries there are."""
        return len(self.kind)

    def moved(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> Shapes:
        """Return the same geometries at other plan coordinates."""
        return replace(self, x=x, y=y)

    def lifted(self, z: NDArray[np.float64]) -> Shapes:
        """Return the same geometries at other heights."""
        return replace(self, z=z)

    @property
    def starts(self) -> NDArray[np.int64]:
        """Where each geometry's points begin, shape (n + 1,)."""
        return self.points[self.rings[self.parts]]

    def boxes(self) -> NDArray[np.float64]:
        """Return min x, min y, max x, max y of each, shape (n, 4); NaN where there is no place."""
        found: NDArray[np.float64] = kernels.boxes(self.starts, self.x, self.y)
        return found

    def surely_valid(self) -> NDArray[np.bool_]:
        """Return which polygons are valid beyond doubt; the others need GEOS to judge.

        Only single rings of few points are looked at, and edges that come near each other count
        as doubt.
        """
        proven: NDArray[np.bool_] = kernels.surely_valid(
            self.kind,
            self.parts,
            self.rings,
            self.points,
            self.x,
            self.y,
            _MOST_POINTS_TO_PROVE,
        )
        return proven


def read_wkb(column: pa.Array) -> Shapes:
    """Return the geometries of an arrow column of WKB, ISO or extended, of either byte order."""
    data, offsets = Ragged.of(column).data, Ragged.of(column).offsets
    there = column.is_valid().to_numpy(zero_copy_only=False)
    kind, parts, rings, points, has_z = kernels.count(data, offsets, there)
    foreign = kind == -1
    if foreign.any():  # big-endian or with m: GEOS writes them anew
        cells = column.to_numpy(zero_copy_only=False)[foreign]
        plain = shapely.from_wkb(cells, on_invalid="ignore")
        plain = np.where(shapely.has_z(plain), plain, shapely.force_2d(plain))
        little = shapely.to_wkb(plain, byte_order=1, output_dimension=3)
        return read_wkb(replaced(column, foreign, little))
    begin = offsets_of(parts)
    filled = kernels.fill(data, offsets, kind, has_z, begin, int(rings.sum()), int(points.sum()))
    ring, point, x, y, z = filled
    return Shapes(kind, begin, ring, point, x, y, z, has_z)


def write_ewkb(
    shapes: Shapes,
    chosen: NDArray[np.int64],
    *,
    srid: int,
    multi: bool,
    with_z: bool,
    part: NDArray[np.int64] | None = None,
) -> Ragged:
    """Return the EWKB of chosen geometries of one kind, shape (k,).

    Parameters
    ----------
    shapes : Shapes
        Where they are.
    chosen : ndarray of int, shape (k,)
        Which to write.
    srid : int
        Stamped on each.
    multi : bool
        Write the multi kind; else one part only, the first or the one in `part`.
    with_z : bool
        Write heights.
    part : ndarray of int, shape (k,), optional
        Which part of each to write; -1: all of them.
    """
    first = shapes.parts[chosen]
    last = shapes.parts[chosen + 1] if multi else first + 1
    if part is not None:
        first = first + np.maximum(part, 0)
        last = np.where(part >= 0, first + 1, last)
    rows = (shapes.kind[chosen], first, last, shapes.rings, shapes.points)
    offsets = offsets_of(kernels.sizes(*rows, multi, with_z))
    out = np.empty(int(offsets[-1]), np.uint8)
    kernels.write(*rows, shapes.x, shapes.y, shapes.z, srid, multi, with_z, offsets, out)
    return Ragged(out, offsets)


def to_geometries(
    shapes: Shapes, chosen: NDArray[np.int64], *, with_z: bool = False
) -> NDArray[np.object_]:
    """Return chosen geometries as shapely objects of the multi kinds, shape (k,)."""
    out = np.empty(len(chosen), dtype=object)
    for kind in (POINT, LINE, POLYGON):
        here = np.flatnonzero(shapes.kind[chosen] == kind)
        if len(here):
            written = write_ewkb(shapes, chosen[here], srid=0, multi=True, with_z=with_z)
            out[here] = shapely.from_wkb(written.to_list(), on_invalid="fix")
    return out


def from_geometries(geometries: Sequence[Any] | NDArray[np.object_]) -> Shapes:
    """Return shapely geometries as flat arrays."""
    return read_wkb(pa.array(list(shapely.to_wkb(np.asarray(geometries, object))), pa.binary()))


def replaced(column: pa.Array, where: NDArray[np.bool_], values: Any) -> pa.Array:
    """Return a column of WKB with other values in some rows."""
    cells = column.to_numpy(zero_copy_only=False).copy()
    cells[where] = values
    return pa.array(cells, pa.binary())


def joined(first: Shapes, second: Shapes) -> Shapes:
    """Return the geometries of both, the second after the first."""

    def after(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.concatenate([a, b[1:] + a[-1]])

    return Shapes(
        np.concatenate([first.kind, second.kind]),
        after(first.parts, second.parts),
        after(first.rings, second.rings),
        after(first.points, second.points),
        np.concatenate([first.x, second.x]),
        np.concatenate([first.y, second.y]),
        np.concatenate([first.z, second.z]),
        np.concatenate([first.has_z, second.has_z]),
    )
