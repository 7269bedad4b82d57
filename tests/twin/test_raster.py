"""Rasters: what a point reads, what a box cuts, and which raster a question gets."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from twin import raster
from twin.crs import CityBox, Frame
from twin.errors import NotFoundError, UnavailableError
from twin.ingest import load

CELLS = np.array([[1.0, 2.0, 3.0], [4.0, np.nan, 6.0]], np.float32)
"""Three columns and two rows of 10 m, the upper left corner at (470000, 2580020)."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "small.tif"
    with rasterio.open(
        path, "w", driver="GTiff", dtype="float32", count=1, width=3, height=2, crs="EPSG:4548",
        transform=Affine(10, 0, 470_000, 0, -10, 2_580_020), nodata=np.nan,
    ) as out:  # fmt: skip
        out.write(CELLS, 1)
    return path


def test_a_point_reads_the_cell_it_lies_in(file: Path) -> None:
    x = np.array([470_005.0, 470_010.0, 470_029.99, 470_000.0])
    y = np.array([2_580_015.0, 2_580_010.1, 2_580_009.9, 2_580_009.0])
    assert raster.sample(file, x, y).tolist() == [1.0, 2.0, 6.0, 4.0]


def test_outside_and_voids_are_nan(file: Path) -> None:
    x = np.array([469_999.0, 470_030.0, 470_015.0, np.nan])
    y = np.array([2_580_015.0, 2_580_015.0, 2_580_005.0, 2_580_015.0])
    assert np.isnan(raster.sample(file, x, y)).all()
    assert np.isnan(raster.sample(file, x[:1], y[:1])).all()


def test_the_newest_raster_of_a_kind_is_found_and_sampled(
    engine: Engine, file: Path, tmp_path: Path
) -> None:
    data_dir = tmp_path / "data"
    for day, name in (("2026-06-01", "first"), ("2026-06-03", "third"), ("2026-06-02", "second")):
        load(
            engine, "depth", [file], data_dir=data_dir, source=name,
            mapping={"valid_from": f"={day}T00:00Z"},
        )  # fmt: skip
    frame = Frame(4548, CityBox(440_000, 2_560_000, 500_000, 2_610_000))
    with Session(engine) as session:
        newest = raster.find(session, data_dir, "depth")
        assert newest.name == raster.find(session, data_dir, "depth", "latest").name == "third"
        assert raster.find(session, data_dir, "depth", "first").name == "first"
        assert (newest.width, newest.height, newest.voids) == (3, 2, 1)
        values = raster.sample_city(
            newest, frame, np.array([470_025.0, 470_015.0]), np.array([2_580_005.0, 2_580_005.0])
        )
        assert values[0] == 6.0
        assert np.isnan(values[1])
        with pytest.raises(NotFoundError, match="first, second, third"):
            raster.find(session, data_dir, "depth", "fourth")
        with pytest.raises(NotFoundError, match="load terrain"):
            raster.find(session, data_dir, "terrain")
        newest.path.unlink()
        with pytest.raises(UnavailableError, match="gone"):
            raster.find(session, data_dir, "depth", "third")


def test_a_raster_is_a_cloud_optimised_file_with_overviews(engine: Engine, tmp_path: Path) -> None:
    large = tmp_path / "large.tif"
    heights = np.arange(1200 * 1200, dtype=np.float32).reshape(1200, 1200)
    with rasterio.open(
        large, "w", driver="GTiff", dtype="float32", count=1, width=1200, height=1200,
        crs="EPSG:4548", transform=Affine(10, 0, 460_000, 0, -10, 2_600_000),
    ) as out:  # fmt: skip
        out.write(heights, 1)
    load(engine, "terrain", [large], data_dir=tmp_path / "data")
    with Session(engine) as session:
        found = raster.find(session, tmp_path / "data", "terrain", "large")
        indexed = session.execute(text("SELECT path FROM twin.raster")).scalar_one()
    assert not Path(indexed).is_absolute()
    with rasterio.open(found.path) as kept:
        assert kept.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert kept.overviews(1)
        assert (kept.read(1) == heights).all()
