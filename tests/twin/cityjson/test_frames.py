"""Where a file lies: frames by every name, the order of axes, heights, and none at all."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine

from tests.conftest import SHANTOU
from tests.twin.cityjson._town import VERTICES, ZERO, Document, town
from tests.twin.cityjson.conftest import CityAt, rows
from twin.cityjson import RefusedCityError, Verdict, load_cityjson
from twin.crs import LONLAT, move_points


def _load(engine: Engine, folder: Path, document: Document, **more: Any) -> Verdict:
    path = folder / "town.city.json"
    path.write_text(json.dumps(document))
    return load_cityjson(engine, path, **more)


def _called(name: Any) -> Document:
    document = town()
    document["metadata"]["referenceSystem"] = name
    return document


@pytest.mark.parametrize(
    "name",
    [
        "https://www.opengis.net/def/crs/EPSG/0/4548",
        "http://www.opengis.net/def/crs/EPSG/0/4548",
        "urn:ogc:def:crs:EPSG::4548",
        "urn:ogc:def:crs,crs:EPSG::4548,crs:EPSG::5737",
        "https://www.opengis.net/def/crs-compound?1=http://www.opengis.net/def/crs/EPSG/0/4548"
        "&2=http://www.opengis.net/def/crs/EPSG/0/5737",
        "http://www.opengis.net/gml/srs/epsg.xml#4548",
        "EPSG:4548",
        "epsg:4548",
        4548,
    ],
)
def test_a_frame_is_known_by_all_its_names(engine: Engine, tmp_path: Path, name: Any) -> None:
    verdict = _load(engine, tmp_path, _called(name))
    assert verdict.crs["used"] == "EPSG:4548"
    assert verdict.crs["axes"] == "east, north"
    assert rows(engine, "SELECT ST_XMin(geom), ST_YMin(geom) FROM twin.building") == [
        (460_000.0, 2_580_000.0)
    ]


def test_the_oldest_form_of_a_frame_is_read(engine: Engine, tmp_path: Path) -> None:
    document = town() | {"version": "1.0", "metadata": {"crs": {"epsg": 4548}}}
    assert _load(engine, tmp_path, document).crs["used"] == "EPSG:4548"


def test_a_file_that_says_no_frame_is_asked_for_it(engine: Engine, tmp_path: Path) -> None:
    document = town()
    del document["metadata"]
    with pytest.raises(RefusedCityError) as caught:
        _load(engine, tmp_path, document)
    said = str(caught.value)
    assert "does not say in which frame" in said
    assert "(460000, 2580000)" in said
    assert "as EPSG:4548 they would lie in the city" in said
    assert "--crs" in said
    assert _load(engine, tmp_path, document, crs="EPSG:4548").accepted
    # What was said once need not be said again.
    again = _load(engine, tmp_path, document)
    assert again.notes == ["taken as was said at the last load of this source: --crs EPSG:4548"]


@pytest.mark.parametrize("name", ["EPSG:4326", "EPSG:4979", "EPSG:4490", "OGC:CRS84"])
@pytest.mark.parametrize("latitude_first", [False, True])
def test_degrees_come_in_either_order(
    engine: Engine, tmp_path: Path, name: str, latitude_first: bool
) -> None:
    """One order lies in the city; the other, which OGC:CRS84 does not have, in the Arctic."""
    xyz = np.array(VERTICES, float) + ZERO
    lon, lat = move_points(xyz[:, 0], xyz[:, 1], SHANTOU.name, LONLAT)
    pair = (lat, lon) if latitude_first else (lon, lat)
    document = _called(name) | {
        "vertices": np.rint(np.c_[pair[0] * 1e9, pair[1] * 1e9, xyz[:, 2] * 1e3])
        .astype(int)
        .tolist(),
        "transform": {"scale": [1e-9, 1e-9, 1e-3], "translate": [0, 0, 0]},
    }
    if name == "OGC:CRS84" and latitude_first:
        with pytest.raises(RefusedCityError, match=r"latitude first|swapped"):
            _load(engine, tmp_path, document)
        return
    verdict = _load(engine, tmp_path, document)
    assert verdict.crs["axes"] == ("north, east" if latitude_first else "east, north")
    assert verdict.crs["vertical_datum"] == ("ellipsoidal" if name == "EPSG:4979" else None)
    assert verdict.solids["closed"] == 1
    ((area, volume, west),) = rows(
        engine,
        "SELECT ST_Area(geom), volume_m3, ST_XMin(geom) FROM twin.city_geometry WHERE lod = '2.2'",
    )
    assert area == pytest.approx(100, abs=0.02)
    assert volume == pytest.approx(1000, abs=0.2)
    assert west == pytest.approx(460_000, abs=0.01)


def test_northing_first_as_the_zones_of_cgcs2000_have_it_is_told(
    engine: Engine, tmp_path: Path
) -> None:
    document = town()
    document["transform"]["translate"] = [ZERO[1], ZERO[0], 0]
    document["vertices"] = [[y, x, z] for x, y, z in document["vertices"]]
    verdict = _load(engine, tmp_path, document)
    assert verdict.crs["axes"] == "north, east"
    assert rows(engine, "SELECT ST_XMin(geom), ST_YMin(geom) FROM twin.building") == [
        (460_000.0, 2_580_000.0)
    ]


def test_a_compound_frame_says_what_heights_are_above(city_in: CityAt, tmp_path: Path) -> None:
    engine = city_in(4548, SHANTOU.extent, vertical_datum="EPSG:5737")
    name = "urn:ogc:def:crs,crs:EPSG::4548,crs:EPSG::5737"
    verdict = _load(engine, tmp_path, _called(name))
    assert verdict.crs["vertical_datum"] == "EPSG:5737"
    assert verdict.notes == []
    with pytest.raises(RefusedCityError, match=r"give its grid by --geoid"):
        _load(engine, tmp_path, town(), heights="ellipsoidal")
    with pytest.raises(RefusedCityError, match="no way from heights above EPSG:5709"):
        _load(engine, tmp_path, town(), heights="EPSG:5709")


def test_another_frame_may_be_said_and_the_verdict_tells(engine: Engine, tmp_path: Path) -> None:
    verdict = _load(engine, tmp_path, _called("EPSG:28992"), crs="EPSG:4548")
    assert verdict.notes == ["the file says EPSG:28992; taken as EPSG:4548, as was asked for"]


def test_a_template_in_a_file_of_degrees_counts_metres(engine: Engine, tmp_path: Path) -> None:
    lon, lat = move_points(np.array([460_040.0]), np.array([2_580_005.0]), SHANTOU.name, LONLAT)
    document = {
        "type": "CityJSON", "version": "2.0",
        "transform": {"scale": [1e-9, 1e-9, 1e-3], "translate": [0, 0, 0]},
        "metadata": {"referenceSystem": "EPSG:4326"},
        "geometry-templates": {
            "templates": [
                {"type": "MultiSurface", "lod": "1", "boundaries": [[[0, 1, 2]]]}
            ],
            "vertices-templates": [[0, 0, 0], [2, 0, 0], [0, 2, 0]],
        },
        "CityObjects": {
            "tree": {
                "type": "SolitaryVegetationObject",
                "geometry": [
                    {
                        "type": "GeometryInstance", "template": 0, "boundaries": [0],
                        "transformationMatrix": [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1],
                    }
                ],
            }
        },
        "vertices": [[round(lat[0] * 1e9), round(lon[0] * 1e9), 5000]],
    }  # fmt: skip
    _load(engine, tmp_path, document)
    ((area, west, low),) = rows(
        engine, "SELECT ST_Area(geom), ST_XMin(geom), z_min_m FROM twin.city_geometry"
    )
    assert area == pytest.approx(2.0, abs=1e-3)
    assert west == pytest.approx(460_040, abs=1e-3)
    assert low == 5.0
