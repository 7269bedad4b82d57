"""Rasters of the city: terrain and water depth, looked up, sampled and cut.

A raster keeps its own grid and frame; geometry goes to the raster, never the raster to the
geometry, because every resampling would change depths.  A cell's value holds for the whole cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.windows import Window
from sqlalchemy import text
from sqlalchemy.orm import Session

from twin.crs import CityBox, Frame, move_points, reproject
from twin.errors import NotFoundError, UnavailableError

KINDS = ("terrain", "depth")

_FIND = text("""
    -- A raster by name, or the newest of its kind that was there by a time.
    SELECT name, kind, path, crs, width, height, voids, coalesce(valid_from, recorded_at) AS since
    FROM   twin.raster
    WHERE  kind = :kind
    AND    CASE WHEN CAST(:name AS text) IS NULL
                THEN valid_from IS NULL OR CAST(:at AS timestamptz) IS NULL OR valid_from <= :at
                ELSE name = :name END
    ORDER  BY coalesce(valid_from, recorded_at) DESC, id DESC
    LIMIT  1
""")

_NAMES = text("SELECT name FROM twin.raster WHERE kind = :kind ORDER BY name")


@dataclass(frozen=True)
class RasterFile:
    """A raster of the city, by its file."""

    name: str
    kind: str
    """``terrain`` (m above the city's datum) or ``depth`` (m of water)."""
    path: Path
    crs: str
    """The file's own frame: authority code or WKT."""
    width: int
    height: int
    voids: int
    """Cells without a value."""
    since: datetime
    """When it was so; when it was loaded, where nobody said."""


def find(
    session: Session,
    data_dir: Path,
    kind: str,
    name: str | None = None,
    *,
    at: datetime | None = None,
) -> RasterFile:
    """Return a raster by name, or the newest of its kind where the name is None or ``latest``.

    With ``at``, rasters of later times are not the newest.

    Raises
    ------
    NotFoundError
        If the city has no such raster.
    UnavailableError
        If its file has gone.
    """
    wanted = None if name == "latest" else name
    row = session.execute(_FIND, {"kind": kind, "name": wanted, "at": at}).mappings().one_or_none()
    if row is None:
        names = list(session.scalars(_NAMES, {"kind": kind}))
        raise NotFoundError(
            f"the city has no {kind} raster" + (f" {name!r}" if wanted else "")
            + (f"; it has {', '.join(names)}" if names else f"; load one with `load {kind} FILE`")
        )  # fmt: skip
    found = RasterFile(**{**row, "path": data_dir / row["path"]})
    if not found.path.exists():
        raise UnavailableError(f"the file of raster {found.name!r} is gone: {found.path}")
    return found


def sample(path: Path, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the value of the cell that each point lies in.

    Parameters
    ----------
    path : Path
        The raster.
    x, y : ndarray of float, shape (n,)
        Points in the raster's own frame, east and north.

    Returns
    -------
    ndarray of float, shape (n,)
        NaN outside the raster and where it has no value.
    """
    with rasterio.open(path) as raster:
        column, row = ~raster.transform * (np.asarray(x, float), np.asarray(y, float))
        with np.errstate(invalid="ignore"):
            inside = (column >= 0) & (row >= 0) & (column < raster.width) & (row < raster.height)
        values = np.full(len(column), np.nan)
        if not inside.any():
            return values
        columns, rows = column[inside].astype(np.int64), row[inside].astype(np.int64)
        window = Window.from_slices(
            (int(rows.min()), int(rows.max()) + 1), (int(columns.min()), int(columns.max()) + 1)
        )
        cells = raster.read(1, window=window, masked=True).astype(float).filled(np.nan)
        values[inside] = cells[rows - rows.min(), columns - columns.min()]
        return values


def sample_city(
    raster: RasterFile, frame: Frame, x_m: NDArray[np.float64], y_m: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the raster's values at points of the city, shape (n,); NaN where it has none."""
    return sample(raster.path, *move_points(x_m, y_m, frame.name, raster.crs))


def sample_areas(
    raster: RasterFile, frame: Frame, areas: NDArray[np.object_]
) -> NDArray[np.float64]:
    """Return the raster's value at a representative point of each area, shape (n,).

    The point is chosen in the raster's frame: it is the one that anybody finds who lays the areas
    over the raster, whatever frame the city is stored in.

    Parameters
    ----------
    raster : RasterFile
        What to sample.
    frame : Frame
        The city's frame.
    areas : ndarray of shapely geometries, shape (n,)
        Areas in the city's frame, metres.
    """
    points = shapely.point_on_surface(reproject(areas, frame.name, raster.crs))
    return sample(raster.path, shapely.get_x(points), shapely.get_y(points))


def maximum_within(
    raster: RasterFile, frame: Frame, areas: NDArray[np.object_]
) -> NDArray[np.float64]:
    """Return the highest value among the cells whose centre lies in each area, shape (n,).

    NaN where an area holds no centre of a cell with a value.
    """
    there = reproject(areas, frame.name, raster.crs)
    highest = np.full(len(there), -np.inf)
    bounds = shapely.total_bounds(there)
    if not np.isfinite(bounds).all():
        return np.full(len(there), np.nan)
    cells, transform = window(raster.path, CityBox(*bounds))
    rows, columns = np.nonzero(np.isfinite(cells))
    centres = shapely.points(*transform_points(transform, columns + 0.5, rows + 0.5))
    shapely.prepare(there)
    which_cell, which_area = shapely.STRtree(there).query(centres, predicate="intersects")
    np.maximum.at(highest, which_area, cells[rows, columns][which_cell])
    return np.where(np.isfinite(highest), highest, np.nan)


def transform_points(
    transform: Affine, column: NDArray[Any], row: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where places of a grid lie in its frame; whole numbers are corners of cells."""
    return (
        np.asarray(transform.a * column + transform.b * row + transform.c, float),
        np.asarray(transform.d * column + transform.e * row + transform.f, float),
    )


def window(path: Path, box: CityBox) -> tuple[NDArray[np.float64], Affine]:
    """Return the cells that a box touches, shape (rows, columns), and where they lie.

    Parameters
    ----------
    path : Path
        The raster.
    box : CityBox
        In the raster's own frame.

    Returns
    -------
    cells : ndarray of float, shape (rows, columns)
        NaN where there is no value; empty if the box misses the raster.
    transform : Affine
        From (column, row) of `cells` to the raster's frame.
    """
    with rasterio.open(path) as raster:
        corners_x = np.array([box[0], box[2], box[0], box[2]])
        corners_y = np.array([box[1], box[1], box[3], box[3]])
        column, row = ~raster.transform * (corners_x, corners_y)
        first = [max(0, int(np.floor(np.min(at)))) for at in (row, column)]
        last = [
            min(size, int(np.floor(np.max(at))) + 1)
            for at, size in ((row, raster.height), (column, raster.width))
        ]
        if first[0] >= last[0] or first[1] >= last[1]:
            return np.empty((0, 0)), raster.transform
        part = Window.from_slices((first[0], last[0]), (first[1], last[1]))
        cells = raster.read(1, window=part, masked=True).astype(float).filled(np.nan)
        return cells, raster.window_transform(part)
