"""Depth rasters of the city, their values kept in memory."""

import threading
from collections import OrderedDict
from datetime import datetime
from typing import NamedTuple

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioIOError

from twin import raster
from twin.crs import move_points
from twin.database import City
from twin.errors import UnavailableError

LATEST = "latest"
_HELD_AT_MOST = 4

Affine6 = tuple[float, float, float, float, float, float]


class DepthRaster(NamedTuple):
    """Water depths in their own grid."""

    name: str
    crs: str
    since: datetime
    version: tuple[str, int, int]
    """The file, when it was written and how long it is: another version, another raster."""
    depth_m: NDArray[np.float32]
    """Shape (rows, columns); NaN where the raster says nothing."""
    to_pixel: Affine6
    """Column = a·x + b·y + c and row = d·x + e·y + f, in the raster's frame."""

    def pixels(
        self, x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return columns and rows, in pixels from the upper left corner, of places in its frame."""
        a, b, c, d, e, f = self.to_pixel
        return a * x + b * y + c, d * x + e * y + f

    def pixels_of_city(
        self, city: City, x_m: NDArray[np.float64], y_m: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return columns and rows of places in the city's frame."""
        return self.pixels(*move_points(x_m, y_m, city.frame.name, self.crs))

    def at(self, columns: NDArray[np.float64], rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the depth of the pixel each place lies in; NaN outside and where it is void."""
        found = np.full(columns.shape, np.nan)
        height, width = self.depth_m.shape
        inside = (columns >= 0) & (rows >= 0) & (columns < width) & (rows < height)
        found[inside] = self.depth_m[
            rows[inside].astype(np.int64), columns[inside].astype(np.int64)
        ]
        return found


_held: OrderedDict[tuple[str, int, int], tuple[NDArray[np.float32], Affine6]] = OrderedDict()
_held_lock = threading.Lock()


def depth_raster(city: City, name: str, *, at: datetime | None = None) -> DepthRaster:
    """Return a depth raster of the city; ``latest`` is the newest there is by a time.

    Raises
    ------
    NotFoundError
        If there is none of that name.
    UnavailableError
        If its file is gone or cannot be read.
    """
    if city.data_dir is None:
        raise UnavailableError("nobody said where the city's raster files are (data_dir)")
    found = raster.find(city.session, city.data_dir, "depth", name, at=at)
    written = found.path.stat()
    version = (str(found.path), written.st_mtime_ns, written.st_size)
    with _held_lock:
        if version not in _held:
            _held[version] = _read(version[0], found.name)
        _held.move_to_end(version)
        while len(_held) > _HELD_AT_MOST:
            _held.popitem(last=False)
        depth_m, to_pixel = _held[version]
    return DepthRaster(found.name, found.crs, found.since, version, depth_m, to_pixel)


def _read(path: str, name: str) -> tuple[NDArray[np.float32], Affine6]:
    try:
        with rasterio.open(path) as file:
            band = file.read(1, masked=True, out_dtype=np.float32)
            inverse = ~file.transform
    except RasterioIOError as error:
        raise UnavailableError(
            f"the file of the raster {name!r} cannot be read: {error}"
        ) from error
    return np.ma.filled(band, np.float32(np.nan)), tuple(inverse)[:6]
