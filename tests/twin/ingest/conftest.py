"""Cities to load into, files to load, and what is in the tables afterwards."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas
import pytest
import shapely
from sqlalchemy import Engine, text

from twin.crs import CityBox, Frame, LonLatBox
from twin.ingest import LoadReport, load

Load = Callable[..., LoadReport]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real data, or skip."""
    root = Path(__file__).parents[3]
    folder = (root / os.environ.get("TWIN_REAL_DATA", "../shared/data")).resolve()
    if not folder.is_dir():
        pytest.skip(f"no real data: TWIN_REAL_DATA names no folder ({folder})")
    return folder


@pytest.fixture(scope="module")
def city_of(new_city: Callable[..., Engine]) -> Callable[..., Engine]:
    """Return a function that makes an empty city in a frame, reaching over a box in degrees."""

    def make(srid: int, extent: tuple[float, float, float, float]) -> Engine:
        whole = Frame(srid, CityBox(-1e9, -1e9, 1e9, 1e9))
        return new_city(Frame(srid, whole.box_to_city(LonLatBox(*extent))))

    return make


@pytest.fixture
def loads(engine: Engine, tmp_path: Path) -> Load:
    """Return `load` into a fresh, empty city near Shantou."""

    def into(layer: str, *files: Path, **more: Any) -> LoadReport:
        return load(engine, layer, files, data_dir=tmp_path / "data", **more)

    return into


def rows(engine: Engine, query: str) -> list[Any]:
    """Return what a query finds."""
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def one(engine: Engine, query: str) -> Any:
    """Return the one value that a query finds."""
    return rows(engine, query)[0][0]


def houses(**columns: Any) -> geopandas.GeoDataFrame:
    """Return three squares of 10 m in a row near Shantou, 100, 100 and 400 m² in all."""
    squares = [shapely.box(x, 2_580_000, x + side, 2_580_000 + side) for x, side in _PLACES]
    data = {"id": ["a", "b", "c"], "名称": ["一号楼", "二号楼", "三号楼"], "层数": [6, 18, 33]}
    return geopandas.GeoDataFrame({**data, **columns}, geometry=squares, crs="EPSG:4548")


_PLACES = ((470_000, 10), (470_100, 10), (470_200, 20))
