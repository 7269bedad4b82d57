"""A town made by hand, in every version and form, loaded into Shantou."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.twin.cityjson._town import CUBE_FACES, Document, as_sequence, hollow, town
from tests.twin.cityjson.conftest import counts, rows
from twin.cityjson import Verdict, load_cityjson

Load = Callable[..., Verdict]


@pytest.fixture
def load(engine: Engine, tmp_path: Path) -> Load:
    """Return a function that writes a document into a file and loads it."""

    def loaded(document: Document, name: str = "town.city.json", **more: Any) -> Verdict:
        path = tmp_path / name
        path.write_text(json.dumps(document))
        return load_cityjson(engine, path, **more)

    return loaded


def test_a_cube_is_a_building_with_two_geometries(engine: Engine, load: Load) -> None:
    verdict = load(town())
    assert verdict.accepted
    assert verdict.objects["by_type"] == {"Building": 1, "CityFurniture": 1, "PlantCover": 1}
    assert verdict.lods == {"0": 2, "1": 1, "2.2": 1}
    assert verdict.solids == {"found": 1, "closed": 1, "inside_out": 0, "other_closed": 0}
    assert rows(
        engine,
        "SELECT name, height_m, ground_z_m, storeys, ST_Area(geom), attrs FROM twin.building",
    ) == [("老屋", 10.0, 0.0, 3, 100.0, {"city_object": "house"})]
    assert rows(
        engine,
        "SELECT lods, cim_level, height_m, volume_m3, volume_from, attrs->>'年代',"
        " building_id = (SELECT id FROM twin.building) FROM twin.city_object"
        " WHERE source_id = 'house'",
    ) == [("0, 2.2", 3, 10.0, 1000.0, "mesh", "清", True)]
    assert rows(
        engine,
        "SELECT lod, geometry_type, cim_level, is_closed, volume_m3, footprint_from, area_m2"
        " FROM twin.city_geometry WHERE object_type = 'Building' ORDER BY position",
    ) == [
        ("2.2", "Solid", 3, True, 1000.0, "ground_surfaces", 600.0),
        ("0", "MultiSurface", 1, False, None, "projection", 100.0),
    ]


def test_a_hole_stays_a_hole_and_a_point_a_point(engine: Engine, load: Load) -> None:
    load(town())
    assert rows(
        engine,
        "SELECT source_id, ST_GeometryType(geom), ST_Area(geom), height_m, building_id"
        " FROM twin.city_object WHERE source_id <> 'house' ORDER BY 1",
    ) == [
        ("lamp", "ST_MultiPoint", 0.0, 0.0, None),
        ("park", "ST_MultiPolygon", 96.0, 0.0, None),
    ]
    ((digest, triangles, faces),) = rows(
        engine,
        "SELECT m.rings IS NULL, m.triangle_count, m.face_count FROM twin.city_mesh AS m"
        " JOIN twin.city_geometry AS g ON g.mesh = m.digest WHERE g.object_type = 'PlantCover'",
    )
    assert (digest, triangles, faces) == (False, 8, 1)


def test_the_surfaces_of_a_mesh_keep_what_they_are(engine: Engine, load: Load) -> None:
    load(town())
    ((surface, surfaces, shells, per_face),) = rows(
        engine,
        "SELECT m.face_surface, m.surfaces, m.shells, m.face_triangles FROM twin.city_mesh AS m"
        " JOIN twin.city_geometry AS g ON g.mesh = m.digest WHERE g.lod = '2.2'",
    )
    assert bytes(surface) == bytes([0, 1, 2, 2, 2, 255])
    assert [one["type"] for one in surfaces] == ["GroundSurface", "RoofSurface", "WallSurface"]
    assert surfaces[1]["slope"] == 0.0
    assert shells == [6]
    assert bytes(per_face) == b"\2\0\0\0" * 6


def test_a_hollow_is_no_part_of_the_volume(engine: Engine, load: Load) -> None:
    load(hollow(town()))
    assert rows(engine, "SELECT volume_m3 FROM twin.city_geometry WHERE lod = '2.2'") == [(992.0,)]


def test_a_solid_without_its_roof_has_an_estimate_that_says_so(engine: Engine, load: Load) -> None:
    document = town()
    document["CityObjects"]["house"]["geometry"] = [
        {"type": "Solid", "lod": "1", "boundaries": [[CUBE_FACES[0], *CUBE_FACES[2:]]]}
    ]
    verdict = load(document)
    assert verdict.solids["closed"] == 0
    assert rows(engine, "SELECT volume_m3, volume_from FROM twin.city_object ORDER BY id") == [
        (None, None),
        (None, None),
        (1000.0, "footprint_height"),
    ]
    assert rows(engine, "SELECT volume_m3, is_closed FROM twin.city_geometry WHERE lod = '1' "
                        "AND geometry_type = 'Solid'") == [(None, False)]  # fmt: skip


def test_a_solid_that_looks_inward_is_told(load: Load) -> None:
    document = town()
    geometry = document["CityObjects"]["house"]["geometry"][0]
    geometry["boundaries"] = [[[ring[::-1] for ring in face] for face in CUBE_FACES]]
    verdict = load(document)
    assert verdict.solids["inside_out"] == 1
    assert verdict.solids["closed"] == 1


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.1.3", "2.0", "2.0.1"])
def test_every_version_is_read(engine: Engine, load: Load, version: str) -> None:
    document = town() | {"version": version}
    if version == "1.0":
        document["metadata"]["referenceSystem"] = "urn:ogc:def:crs:EPSG::4548"
        for one in document["CityObjects"].values():
            for geometry in one["geometry"]:
                geometry["lod"] = float(geometry["lod"])
        document["CityObjects"]["block"] = {"type": "CityObjectGroup", "members": ["house"]}
    verdict = load(document)
    assert verdict.version == version
    assert verdict.lods == {"0": 2, "1": 1, "2.2": 1}
    if version == "1.0":
        assert rows(
            engine, "SELECT children, no_geometry FROM twin.city_object WHERE source_id = 'block'"
        ) == [(["house"], "its parts carry the geometry")]


def test_a_sequence_gives_the_same_as_a_document_packed_or_not(
    engine: Engine, load: Load, tmp_path: Path
) -> None:
    load(town())
    before = rows(engine, "SELECT digest FROM twin.city_mesh ORDER BY 1")
    lines = "\n".join(json.dumps(line) for line in as_sequence(town()))
    path = tmp_path / "town.city.jsonl.gz"
    path.write_bytes(gzip.compress(lines.encode()))
    verdict = load_cityjson(engine, path)
    assert verdict.form == "CityJSONSeq"
    assert verdict.source == "town"
    assert verdict.changes["city_geometry"]["counts"]["unchanged"] == 4
    assert rows(engine, "SELECT digest FROM twin.city_mesh ORDER BY 1") == before


def test_a_sequence_is_known_by_its_content_too(load: Load, tmp_path: Path, engine: Engine) -> None:
    path = tmp_path / "lines.json"
    path.write_text("\n".join(json.dumps(line) for line in as_sequence(town())))
    assert load_cityjson(engine, path).form == "CityJSONSeq"


def test_a_large_document_is_parsed_incrementally_with_the_same_result(
    engine: Engine, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(town())
    monkeypatch.setattr("twin.cityjson._source.WHOLE_BYTES", 100)
    monkeypatch.setattr("twin.cityjson._source.BATCH_OBJECTS", 1)
    verdict = load(town())
    assert verdict.form == "CityJSON, read incrementally"
    assert {name: found["counts"]["unchanged"] for name, found in verdict.changes.items()} == {
        "building": 1, "city_object": 3, "city_geometry": 4,
    }  # fmt: skip


def test_a_template_becomes_a_geometry_where_it_stands(engine: Engine, load: Load) -> None:
    document = town()
    document["geometry-templates"] = {
        "templates": [{"type": "Solid", "lod": "3", "boundaries": [CUBE_FACES]}],
        "vertices-templates": [[v / 10 for v in vertex] for vertex in
                               [(0, 0, 0), (10, 0, 0), (10, 10, 0), (0, 10, 0),
                                (0, 0, 10), (10, 0, 10), (10, 10, 10), (0, 10, 10)]],
    }  # fmt: skip
    document["CityObjects"]["tree"] = {
        "type": "SolitaryVegetationObject",
        "geometry": [
            {
                "type": "GeometryInstance", "template": 0, "boundaries": [24],
                # Twice as large, a metre up.
                "transformationMatrix": [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 1, 0, 0, 0, 1],
            }
        ],
    }  # fmt: skip
    load(document)
    assert rows(
        engine,
        "SELECT template, lod, volume_m3, z_min_m, z_max_m, ST_XMin(geom), ST_YMax(geom)"
        " FROM twin.city_geometry WHERE object_type = 'SolitaryVegetationObject'",
    ) == [(0, "3", 8.0, 1.0, 3.0, 460_040.0, 2_580_007.0)]


def test_parts_make_the_building_and_belong_to_it(engine: Engine, load: Load) -> None:
    document = town()
    objects = document["CityObjects"]
    wing = objects["house"]["geometry"]
    objects["house"] = {"type": "Building", "children": ["wing"], "attributes": {"name": "大院"}}
    objects["wing"] = {"type": "BuildingPart", "parents": ["house"], "geometry": wing}
    verdict = load(document)
    assert verdict.without_geometry == [
        {"reason": "its parts carry the geometry", "count": 1, "examples": ["house"]}
    ]
    assert rows(engine, "SELECT name, height_m, ST_Area(geom) FROM twin.building") == [
        ("大院", 10.0, 100.0)
    ]
    assert rows(
        engine, "SELECT source_id FROM twin.city_object WHERE building_id IS NOT NULL ORDER BY 1"
    ) == [("house",), ("wing",)]


def test_extensions_and_what_is_told_beside_attributes_are_kept(engine: Engine, load: Load) -> None:
    document = town()
    document["CityObjects"]["mast"] = {
        "type": "+Mast", "attributes": {"+height": 30}, "geographicalExtent": [0] * 6,
        "address": [{"street": "外马路", "location": {"type": "MultiPoint", "boundaries": [0]}}],
    }  # fmt: skip
    load(document)
    assert rows(
        engine, "SELECT attrs, told->'address', no_geometry FROM twin.city_object"
        " WHERE object_type = '+Mast'"
    ) == [({"+height": 30}, [{"street": "外马路"}], "the file gives none")]  # fmt: skip


def test_a_reload_tells_what_was_added_removed_and_changed(engine: Engine, load: Load) -> None:
    load(town())
    document = town()
    objects = document["CityObjects"]
    del objects["lamp"]
    objects["bench"] = {"type": "CityFurniture"}
    objects["house"]["attributes"]["年代"] = "明"
    document["vertices"][4:8] = [[x, y, 12_000] for x, y, _ in document["vertices"][4:8]]
    verdict = load(document)
    found = verdict.changes["city_object"]
    assert found["counts"] == {"added": 1, "removed": 1, "changed": 1, "unchanged": 1}
    assert found["added"] == ["bench"]
    assert found["removed"] == ["lamp"]
    (changed,) = found["changed"]
    assert changed["id"] == "house"
    assert set(changed["fields"]) == {"z_max_m", "height_m", "volume_m3", "attrs.年代"}
    assert verdict.changes["building"]["changed"] == [{"id": "house", "fields": ["height_m"]}]
    assert rows(
        engine, "SELECT height_m FROM twin.building_history ORDER BY replaced_by"
    ) == [(10.0,)]  # fmt: skip
    # The former mesh stays for as long as the history names it.
    assert rows(
        engine,
        "SELECT count(*) FROM twin.city_geometry_history AS h JOIN twin.city_mesh AS m"
        " ON m.digest = h.mesh",
    ) == [(2,)]
    assert counts(engine)["load"] == 2


def test_a_dry_run_keeps_nothing(engine: Engine, load: Load) -> None:
    verdict = load(town(), dry_run=True)
    assert verdict.changes["city_object"]["counts"]["added"] == 3
    assert set(counts(engine).values()) == {0}


def test_buildings_of_another_origin_are_never_taken_over(engine: Engine, load: Load) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO twin.building (source, source_id, geom) VALUES ('town', 'osm/1',"
            " ST_Multi(ST_MakeEnvelope(460000, 2580000, 460010, 2580010, 4548)))"
        )
    with pytest.raises(Exception, match="give another name by --source"):
        load(town())
    assert load(town(), source="model").accepted
    assert counts(engine)["building"] == 2
