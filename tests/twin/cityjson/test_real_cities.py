"""Cities that people modelled, held against what was counted in them by other means."""

import json
from pathlib import Path

import numpy as np
import pytest
import trimesh
from sqlalchemy import Engine

from tests.twin.cityjson.conftest import NETHERLANDS, CityAt, counts, rows
from twin.cityjson import RefusedCityError, Verdict, load_cityjson
from twin.crs import CityBox

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


@pytest.fixture(scope="module")
def dutch(city_in: CityAt) -> Engine:
    return city_in(28992, NETHERLANDS, vertical_datum="EPSG:5709")


@pytest.mark.parametrize(
    ("file", "closed", "of", "buildings"),
    [
        ("3dbag_multi_lod.city.json", 30, 30, 10),
        ("DH_01_subs.city.json", 9, 9, 4),
        ("rotterdam_subset.city.json", 0, 0, 16),
    ],
)
def test_files_without_a_frame_are_asked_for_it_and_then_loaded(
    dutch: Engine, real_data: Path, file: str, closed: int, of: int, buildings: int
) -> None:
    path = real_data / "cityjson" / file
    with pytest.raises(RefusedCityError, match="as EPSG:28992 they would lie in the city"):
        load_cityjson(dutch, path)
    verdict = load_cityjson(dutch, path, crs="EPSG:7415")
    assert (verdict.solids["closed"], verdict.solids["found"]) == (closed, of)
    assert verdict.changes["building"]["counts"]["added"] == buildings
    if file.startswith("rotterdam"):
        assert verdict.left_out == {"texture: rgbTexture": 16}
    again = load_cityjson(dutch, path)
    assert again.changes["city_object"]["counts"]["unchanged"] == verdict.objects["found"]


def test_three_levels_of_detail_have_the_volumes_that_trimesh_measures(
    dutch: Engine, real_data: Path
) -> None:
    """30 solids of 10 buildings; SFCGAL and trimesh gave 9 019 m³ for them all together."""
    load_cityjson(dutch, real_data / "cityjson" / "3dbag_multi_lod.city.json", crs="EPSG:7415")
    found = rows(
        dutch,
        "SELECT g.volume_m3, m.vertices, m.triangles FROM twin.city_geometry AS g"
        " JOIN twin.city_mesh AS m ON m.digest = g.mesh WHERE g.source = '3dbag_multi_lod'",
    )
    assert len(found) == 30
    for volume, vertices, triangles in found:
        mesh = trimesh.Trimesh(
            np.frombuffer(vertices, "<f4").reshape(-1, 3).astype(float),
            np.frombuffer(triangles, "<u2").reshape(-1, 3),
            process=False,
        )
        assert mesh.is_watertight
        # float32 about the middle of a house: a thousandth of a per cent.
        assert volume == pytest.approx(mesh.volume, rel=1e-5)
    assert sum(volume for volume, _, _ in found) == pytest.approx(9_019, abs=1)
    assert rows(
        dutch,
        "SELECT lod, count(*), min(cim_level), count(m.face_surface) FROM twin.city_geometry AS g"
        " JOIN twin.city_mesh AS m ON m.digest = g.mesh"
        " WHERE g.source = '3dbag_multi_lod' GROUP BY lod ORDER BY lod",
    ) == [("1.2", 10, 2, 0), ("1.3", 10, 3, 0), ("2.2", 10, 3, 10)]


def test_delft_lies_in_a_city_of_another_frame(city_in: CityAt, real_data: Path) -> None:
    """Amersfoort to UTM 31: lengths change by 0.4 per mille at most, so areas by 0.8."""
    engine = city_in(25831, CityBox(500_000, 5_600_000, 800_000, 6_000_000))
    verdict = load_cityjson(engine, real_data / "cityjson" / "delft.city.json")
    assert verdict.notes == [
        "heights are above EPSG:5709, by its frame; the city does not say what its own are above, "
        "so they are taken as they are"
    ]
    assert verdict.surfaces["degenerate_count"] == 4
    document = json.loads((real_data / "cityjson" / "delft.city.json").read_bytes())
    scale, zero = document["transform"]["scale"], document["transform"]["translate"]
    places = np.array(document["vertices"]) * scale + zero
    expected = 0.0
    for one in document["CityObjects"].values():
        if one["type"] != "Road":
            continue
        for ((a, b, c),) in one["geometry"][0]["boundaries"]:
            (x1, y1), (x2, y2) = (places[b] - places[a])[:2], (places[c] - places[a])[:2]
            expected += abs(x1 * y2 - x2 * y1) / 2
    ((area,),) = rows(
        engine, "SELECT sum(ST_Area(geom)) FROM twin.city_object WHERE object_type = 'Road'"
    )
    assert area == pytest.approx(expected, rel=2e-3)
