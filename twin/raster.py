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
from affine import Affine
from numpy.typing import NDArray
from rasterio.windows import Window
from sqlalchemy import text
from sqlalchemy.orm import Session

from twin.crs import Frame, move_points
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
        column, row = transform_points(~raster.transform, np.asarray(x), np.asarray(y))
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


def transform_points(
    transform: Affine, first: NDArray[Any], second: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return points moved by an affine transform, shape (n,) each.

    A raster's transform leads from column and row, whose whole numbers are corners of cells, to
    its frame; the inverse leads back.
    """
    return (
        np.asarray(transform.a * first + transform.b * second + transform.c, float),
        np.asarray(transform.d * first + transform.e * second + transform.f, float),
    )
