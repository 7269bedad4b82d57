"""Cities that people modelled, held against what was counted in them by other means."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.twin.cityjson.conftest import NETHERLANDS, CityAt, counts, rows
from twin.cityjson import Verdict, load_cityjson

Loaded = tuple[Engine, Verdict]


@pytest.fixture(scope="module")
def delft(city_in: CityAt, real_data: Path) -> Loaded:
    engine = city_in(28992, NETHERLANDS, vertical_datum="EPSG:5709")
    return engine, load_cityjson(engine, real_data / "cityjson" / "delft.city.json")


def test_delft_is_counted_as_others_count(delft: Loaded) -> None:
    engine, verdict = delft
    assert verdict.version == "2.0"
    assert verdict.crs["used"] == "EPSG:28992"
    assert verdict.crs["vertical_datum"] == "EPSG:5709"
    assert verdict.objects == {
        "found": 570,
        "by_type": {
            "Bridge": 3, "Building": 160, "GenericCityObject": 54, "LandUse": 81,
            "PlantCover": 126, "Road": 143, "WaterBody": 3,
        },
    }  # fmt: skip
    assert verdict.lods == {"1": 570}
    assert verdict.surfaces["found"] == 36_271
    assert verdict.surfaces["degenerate_count"] == len(verdict.surfaces["degenerate"]) == 4
    assert verdict.solids == {"found": 160, "closed": 0, "inside_out": 0, "other_closed": 0}
    assert counts(engine) == {
        "building": 160, "city_object": 570, "city_geometry": 570, "city_mesh": 570, "load": 1,
    }  # fmt: skip
    assert rows(engine, "SELECT sum(face_count), sum(triangle_count) FROM twin.city_mesh") == [
        (36_271, 36_267)
    ]
