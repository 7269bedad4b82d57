"""Terrain and present flood as rasters of the city."""

import tempfile
from pathlib import Path

import numpy as np
import rasterio
import rasterio.shutil
from affine import Affine
from numpy.typing import NDArray

from sample_data._plan import Floats
from sample_data._terrain import Grid
from sample_data._write import Writer
from twin.crs import CityBox


def grid_over(box: CityBox) -> Grid:
    """Return a raster grid over a box of the city, 10 m a cell, coarser where that is too many."""
    cell_m = 10.0
    while (box.max_x_m - box.min_x_m) * (box.max_y_m - box.min_y_m) / cell_m**2 > 4e6:
        cell_m *= 2
    return Grid(
        box.min_x_m,
        box.max_y_m,
        cell_m,
        int(np.ceil((box.max_x_m - box.min_x_m) / cell_m)),
        int(np.ceil((box.max_y_m - box.min_y_m) / cell_m)),
    )


def flood_depths(
    terrain: NDArray[np.float32],
    grid: Grid,
    places: Floats,
    levels_m: Floats,
    reach_m: Floats,
) -> NDArray[np.float32]:
    """Return how deep the water stands now, shape (height, width), m.

    Parameters
    ----------
    terrain : ndarray of float, shape (height, width)
        Ground, m.
    grid : Grid
        Where its cells lie.
    places : ndarray of float, shape (n, 2)
        Points whose water level is known, in the city's frame, m.
    levels_m : ndarray of float, shape (n,)
        The levels, m above the city's datum.
    reach_m : ndarray of float, shape (n,)
        How far from each point its water may stand, m.

    Returns
    -------
    ndarray of float, shape (height, width)
        0 where it is dry, NaN in the sea and the river.
    """
    depth = np.where(terrain < 0, np.nan, 0.0).astype(np.float32)
    for (x, y), level, reach in zip(places, levels_m.tolist(), reach_m.tolist(), strict=True):
        column = int((x - grid.left_m) / grid.cell_m)
        row = int((grid.top_m - y) / grid.cell_m)
        span = int(reach / grid.cell_m) + 1
        rows = slice(max(row - span, 0), row + span + 1)
        columns = slice(max(column - span, 0), column + span + 1)
        below = (level - terrain[rows, columns]).astype(np.float32)
        wet = _connected(below > 0, (row - rows.start, column - columns.start))
        part = depth[rows, columns]
        part[wet] = np.fmax(part[wet], below[wet])
    return depth


def _connected(wet: NDArray[np.bool_], start: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the part of a mask that hangs together with one of its cells, by its sides."""
    found = np.zeros_like(wet)
    found[start] = True
    while True:
        grown = found.copy()
        grown[1:] |= found[:-1]
        grown[:-1] |= found[1:]
        grown[:, 1:] |= found[:, :-1]
        grown[:, :-1] |= found[:, 1:]
        grown &= wet
        grown[start] = True
        if (grown == found).all():
            return found
        found = grown


def write_raster(
    writer: Writer,
    data_dir: Path,
    cells: NDArray[np.float32],
    grid: Grid,
    *,
    kind: str,
    name: str,
) -> None:
    """Keep cells as a COG in the data directory, and register them as a raster of the city."""
    folder = data_dir / "rasters"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.tif"
    profile = {
        "driver": "GTiff",
        "dtype": "float32",
        "count": 1,
        "width": grid.width,
        "height": grid.height,
        "crs": writer.crs,
        "transform": Affine(grid.cell_m, 0, grid.left_m, 0, -grid.cell_m, grid.top_m),
        "nodata": np.nan,
    }
    with tempfile.TemporaryDirectory(dir=folder, prefix=".demo-") as workplace:
        plain, packed = Path(workplace) / "plain.tif", Path(workplace) / "cog.tif"
        with rasterio.open(plain, "w", **profile) as out:
            out.write(cells, 1)
        rasterio.shutil.copy(
            plain, packed, driver="COG", COMPRESS="DEFLATE", OVERVIEW_RESAMPLING="NEAREST"
        )
        packed.replace(path)
    writer.add(
        "raster",
        kind=[kind],
        name=name,
        source="demo-city",
        path=str(path.relative_to(data_dir)),
        crs=writer.crs,
        width=grid.width,
        height=grid.height,
        voids=int(np.isnan(cells).sum()),
    )
