"""Files to load, cities to load them into, and where the real ones are."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from twin.crs import CityBox, Frame

CityAt = Callable[..., Engine]

NETHERLANDS = CityBox(0, 300_000, 290_000, 630_000)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real data, or skip."""
    root = Path(__file__).parents[3]
    folder = (root / os.environ.get("TWIN_REAL_DATA", "../shared/data")).resolve()
    if not folder.is_dir():
        pytest.skip(f"no real data: TWIN_REAL_DATA names no folder ({folder})")
    return folder


@pytest.fixture(scope="module")
def city_in(new_city: Callable[..., Engine]) -> CityAt:
    """Return a function that makes an empty city in a frame."""

    def make(srid: int, extent: CityBox, **more: Any) -> Engine:
        return new_city(Frame(srid, extent), **more)

    return make


def rows(engine: Engine, query: str, **values: Any) -> list[tuple[Any, ...]]:
    """Return what a query finds; JSON comes as text and is parsed."""
    with engine.connect() as connection:
        found = connection.execute(text(query), values).all()
    return [tuple(map(_parsed, row)) for row in found]


def _parsed(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) and value[:1] in ("{", "[") else value


def counts(engine: Engine) -> dict[str, int]:
    """Return how many rows each table has."""
    tables = ("building", "city_object", "city_geometry", "city_mesh", "load")
    return {table: rows(engine, f"SELECT count(*) FROM twin.{table}")[0][0] for table in tables}
