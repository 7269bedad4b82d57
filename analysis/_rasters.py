"""Depth rasters of the city: which one is meant, and its values in memory."""

import threading
from collections import OrderedDict
from datetime import datetime
from typing import NamedTuple

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioIOError
from sqlalchemy import text

from twin.crs import move_points
from twin.database import City
from twin.errors import NotFoundError, UnavailableError

LATEST = "latest"
_HELD_AT_MOST = 4

_NAMED = text("""
    SELECT id, name, path, crs, valid_from, valid_to, recorded_at
    FROM   twin.raster
    WHERE  kind = 'depth' AND name = :name
""")

_LATEST = text("""
    -- The newest water that was there, or is forecast, by the time asked for.
    SELECT   id, name, path, crs, valid_from, valid_to, recorded_at
    FROM     twin.raster
    WHERE    kind = 'depth'
    AND      (CAST(:at AS timestamptz) IS NULL OR valid_from IS NULL OR valid_from <= :at)
    ORDER BY coalesce(valid_from, recorded_at) DESC, id DESC
    LIMIT    1
""")

_NAMES = text("SELECT name FROM twin.raster WHERE kind = 'depth' ORDER BY name LIMIT 20")


class DepthRaster(NamedTuple):
    """Water depths in their own grid."""

    id: int
    name: str
    crs: str
    valid_from: datetime | None
    recorded_at: datetime
    depth_m: NDArray[np.float32]
    """Shape (rows, columns); NaN where the raster says nothing."""
    to_pixel: tuple[float, float, float, float, float, float]
    """Column = a·x + b·y + c and row = d·x + e·y + f, in the raster's frame."""

    def pixels(
        self, x: NDArray[np.float64], y: NDArray[np.float64], crs: str
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return columns and rows, in pixels from the upper left corner, of places in a frame."""
        x, y = move_points(x, y, crs, self.crs)
        a, b, c, d, e, f = self.to_pixel
        return a * x + b * y + c, d * x + e * y + f

    def at(self, columns: NDArray[np.float64], rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the depth of the pixel each place lies in; NaN outside and where it is void."""
        found = np.full(columns.shape, np.nan)
        height, width = self.depth_m.shape
        inside = (columns >= 0) & (rows >= 0) & (columns < width) & (rows < height)
        found[inside] = self.depth_m[
            rows[inside].astype(np.int64), columns[inside].astype(np.int64)
        ]
        return found


_held: OrderedDict[tuple[str, int, datetime], DepthRaster] = OrderedDict()
_held_lock = threading.Lock()


def depth_raster(city: City, name: str, *, at: datetime | None = None) -> DepthRaster:
    """Return a depth raster of the city; ``latest`` is the newest there is.

    Raises
    ------
    NotFoundError
        If there is none of that name.
    UnavailableError
        If its file cannot be read.
    """
    if name == LATEST:
        row = city.session.execute(_LATEST, {"at": at}).one_or_none()
    else:
        row = city.session.execute(_NAMED, {"name": name}).one_or_none()
    if row is None:
        names = ", ".join(city.session.scalars(_NAMES)) or "none"
        raise NotFoundError(f"there is no depth raster {name!r}; there are: {names}")
    if city.data_dir is None:
        raise UnavailableError("nobody said where the city's raster files are (data_dir)")
    path = str(city.data_dir / row.path)
    key = (path, int(row.id), row.recorded_at)
    with _held_lock:
        if key not in _held:
            depth_m, to_pixel = _read(path, name)
            _held[key] = DepthRaster(
                row.id, row.name, row.crs, row.valid_from, row.recorded_at, depth_m, to_pixel
            )
        _held.move_to_end(key)
        while len(_held) > _HELD_AT_MOST:
            _held.popitem(last=False)
        return _held[key]


def _read(
    path: str, name: str
) -> tuple[NDArray[np.float32], tuple[float, float, float, float, float, float]]:
    try:
        with rasterio.open(path) as file:
            band = file.read(1, masked=True, out_dtype=np.float32)
            inverse = ~file.transform
    except RasterioIOError as error:
        raise UnavailableError(
            f"the file of the raster {name!r} cannot be read: {error}"
        ) from error
    return np.ma.filled(band, np.float32(np.nan)), tuple(inverse)[:6]
