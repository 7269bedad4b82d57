"""Models to load, and where the real ones are."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from tests.twin.bim._house import House
from tests.twin.bim._house import text as step_text
from twin.bim import Verdict, load_model
from twin.crs import CityBox, Frame, LonLatBox

Load = Callable[..., Verdict]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real data, or skip."""
    root = Path(__file__).parents[3]
    folder = (root / os.environ.get("TWIN_REAL_DATA", "../shared/data")).resolve()
    if not folder.is_dir():
        pytest.skip(f"no real data: TWIN_REAL_DATA names no folder ({folder})")
    return folder


@pytest.fixture
def house_file(tmp_path: Path) -> Callable[[House], Path]:
    """Return a function that writes a house into a file, always the same one."""

    def write(house: House) -> Path:
        path = tmp_path / "house.ifc"
        path.write_bytes(step_text(house))
        return path

    return write


@pytest.fixture
def load_house(engine: Engine, house_file: Callable[[House], Path]) -> Load:
    """Return a function that loads a house into an empty city near Shantou."""

    def load(house: House, **more: Any) -> Verdict:
        return load_model(engine, house_file(house), **more)

    return load


@pytest.fixture(scope="module")
def city_at(new_city: Callable[..., Engine]) -> Callable[..., Engine]:
    """Return a function that makes an empty city in a frame, over a box in degrees."""

    def make(srid: int, *extent: float) -> Engine:
        whole = Frame(srid, CityBox(-1e9, -1e9, 1e9, 1e9))
        west, south, east, north = extent
        return new_city(Frame(srid, whole.box_to_city(LonLatBox(west, south, east, north))))

    return make


def rows(engine: Engine, query: str) -> list[tuple[Any, ...]]:
    """Return what a query finds."""
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def counts(engine: Engine) -> dict[str, int]:
    """Return how many rows each table of a building has."""
    tables = ("building", "storey", "space", "element", "opening", "bim_mesh", "load")
    return {table: rows(engine, f"SELECT count(*) FROM twin.{table}")[0][0] for table in tables}
