"""Lower Manhattan: buildings and their parts within a distance of one point, by shapely."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from analysis import execute
from analysis.impact_radius import ANALYSIS, ImpactOutputs
from twin import ingest
from twin.crs import CityBox, Frame
from twin.database import City, connect, create_city, open_city

PLACE = {"type": "Point", "coordinates": [-74.0060, 40.7128]}


@pytest.fixture(scope="module")
def manhattan(
    clone: Callable[..., Any], real_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[City]:
    file = real_data / "nyc" / "nyc_lower_manhattan.gpkg#buildings"
    with clone() as url:
        engine = connect(url)
        create_city(
            engine, "Manhattan", Frame(32618, CityBox(560_000, 4_490_000, 610_000, 4_530_000))
        )
        ingest.load(engine, "building", [file], data_dir=tmp_path_factory.mktemp("manhattan"))
        with Session(engine) as session:
            yield open_city(session)
        engine.dispose()


def test_buildings_within_each_radius_equal_the_oracle(manhattan: City, real_data: Path) -> None:
    oracles = json.loads((real_data / "oracles.json").read_text())
    expected = oracles[
        "dev:nyc buildings+parts within r m of (-74.0060,40.7128), UTM18N, distance to polygon"
    ]
    assert len(expected) == 5
    for radius_m, count in expected.items():
        found = execute(manhattan, ANALYSIS, {"geometry": PLACE, "radius_m": float(radius_m)})
        assert isinstance(found, ImpactOutputs)
        assert found.totals.buildings == count
        distances_m = [building.distance_m for building in found.buildings]
        assert distances_m == sorted(distances_m)
        assert max(distances_m) <= float(radius_m)
