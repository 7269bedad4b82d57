"""The tiny town, open, for every analysis."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from sample_data import tiny_town
from twin.cluster import Cluster
from twin.crs import LONLAT, reproject
from twin.database import City, connect, open_city

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
"""When the tiny town's last reading was taken."""


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real data, or skip."""
    root = Path(__file__).parents[2]
    folder = (root / os.environ.get("TWIN_REAL_DATA", "../shared/data")).resolve()
    if not folder.is_dir():
        pytest.skip(f"no real data: TWIN_REAL_DATA names no folder ({folder})")
    return folder


@pytest.fixture(scope="session")
def town_template(cluster: Cluster) -> str:
    engine = connect(cluster.ensure_database("template_tiny_town"))
    tiny_town.build(engine, now=NOW)
    engine.dispose()
    return "template_tiny_town"


@pytest.fixture(scope="session")
def shared_town(clone: Callable[..., Any], town_template: str) -> Iterator[Engine]:
    with clone(town_template) as url:
        engine = connect(url)
        yield engine
        engine.dispose()


@pytest.fixture
def town(shared_town: Engine, tmp_path: Path) -> Iterator[City]:
    """Return the tiny town; runs are stored in it, nothing else may be changed."""
    with Session(shared_town) as session:
        yield open_city(session, data_dir=tmp_path)


@pytest.fixture
def own_town(clone: Callable[..., Any], town_template: str, tmp_path: Path) -> Iterator[City]:
    """Return a tiny town that a test may change."""
    with clone(town_template) as url:
        engine = connect(url)
        with Session(engine) as session:
            yield open_city(session, data_dir=tmp_path)
        engine.dispose()


def lonlat(geometry: shapely.Geometry, srid: int = 4548) -> dict[str, Any]:
    """Return a geometry given in metres as GeoJSON."""
    moved = reproject(np.array([geometry], dtype=object), f"EPSG:{srid}", LONLAT)[0]
    return dict(shapely.geometry.mapping(shapely.force_2d(moved)))
