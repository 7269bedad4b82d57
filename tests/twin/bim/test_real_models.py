"""Models that people made, held against what was counted in them by other means."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine

from tests.twin.bim.conftest import counts, rows
from twin.bim import RefusedModelError, Verdict, load_model
from twin.crs import LONLAT, move_points

KARLSRUHE = (25832, 8.0, 48.8, 9.0, 49.5)
CHICAGO = (32616, -88.0, 41.5, -87.0, 42.5)
PLACE = "8.4,49.0,0,100"

CityAt = Callable[..., Engine]


@pytest.fixture(scope="module")
def fzk(city_at: CityAt, real_data: Path) -> tuple[Engine, Verdict]:
    engine = city_at(*KARLSRUHE)
    return engine, load_model(engine, real_data / "ifc" / "AC20-FZK-Haus.ifc")


@pytest.fixture(scope="module")
def duplex(city_at: CityAt, real_data: Path) -> tuple[Engine, Verdict]:
    engine = city_at(*CHICAGO)
    return engine, load_model(engine, real_data / "ifc" / "duplex.ifc")


def oracle(real_data: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((real_data / "oracles.json").read_text())[name]
    return found


def test_the_fzk_house_is_counted_as_the_oracle_counts(
    fzk: tuple[Engine, Verdict], real_data: Path
) -> None:
    _counted(*fzk, oracle(real_data, "ifc FZK"))


def test_the_duplex_is_counted_as_the_oracle_counts(
    duplex: tuple[Engine, Verdict], real_data: Path
) -> None:
    engine, verdict = duplex
    _counted(engine, verdict, oracle(real_data, "ifc duplex"))
    assert counts(engine) | {"load": 1} == {
        "building": 1, "storey": 4, "space": 21, "element": 268, "opening": 50,
        "bim_mesh": counts(engine)["bim_mesh"], "load": 1,
    }  # fmt: skip


def _counted(engine: Engine, verdict: Verdict, expected: dict[str, Any]) -> None:
    assert verdict.schema == expected.pop("schema")
    assert {name: verdict.counts[name] for name in expected} == expected
    assert counts(engine)["element"] == expected["IfcElement"]
    assert counts(engine)["storey"] == expected["IfcBuildingStorey"]
    assert counts(engine)["space"] == expected["IfcSpace"]
    by_class = dict(rows(engine, "SELECT ifc_class, count(*) FROM twin.element GROUP BY 1"))
    for name in ("IfcDoor", "IfcWindow", "IfcOpeningElement", "IfcSlab"):
        assert by_class[name] == expected[name]


def test_the_fzk_house_stands_turned_by_its_true_north(fzk: tuple[Engine, Verdict]) -> None:
    """Its long walls run along its axes; in degrees on the ground they lie 50° from north."""
    engine, verdict = fzk
    assert verdict.georeference is not None
    assert verdict.georeference["used"]["id"] == "20"
    assert verdict.georeference["levels"] == (20, 40)
    ((ring,),) = rows(
        engine, "SELECT ST_AsText(ST_OrientedEnvelope(geom)) FROM twin.building"
    )  # fmt: skip
    corners = np.array([list(map(float, p.split())) for p in re.findall(r"[\d.]+ [\d.]+", ring)])
    lon, lat = move_points(corners[:, 0], corners[:, 1], "EPSG:25832", LONLAT)
    east = np.diff(lon) * math.cos(math.radians(49.1)) * 111_320
    north = np.diff(lat) * 111_220
    # The model's y axis points 50° to the left of north; sides repeat every quarter turn.
    bearings = np.degrees(np.arctan2(east, north)) % 90
    assert bearings == pytest.approx(np.full(4, (-50) % 90), abs=0.5)
    assert verdict.georeference["used"]["stand"]["turn_deg"] == pytest.approx(49.574, abs=0.01)


def test_the_fzk_house_stands_where_its_site_says(fzk: tuple[Engine, Verdict]) -> None:
    engine, _ = fzk
    (found,) = rows(
        engine,
        "SELECT ST_X(p), ST_Y(p), ground_z_m, use, built_year, storeys, name FROM "
        "(SELECT *, ST_Transform(ST_Centroid(geom), 4326) AS p FROM twin.building) AS b",
    )
    assert found[:2] == pytest.approx((8.436539, 49.100435), abs=2e-4)
    assert found[2:] == (110.0, "residential", 2008, 2, "FZK-Haus")


def test_storeys_of_the_fzk_house(fzk: tuple[Engine, Verdict]) -> None:
    engine, _ = fzk
    found = rows(
        engine,
        "SELECT name, floor_z_m, height_m, height_from FROM twin.storey ORDER BY number",
    )
    assert found == [
        ("Erdgeschoss", 110.0, 2.7, "next_storey"),
        ("Dachgeschoss", 112.7, 2.0, "quantity"),
    ]


def test_spaces_have_the_areas_that_the_file_gives_them(
    duplex: tuple[Engine, Verdict], real_data: Path
) -> None:
    """The quantities are read from the text by a pattern, without the parser."""
    engine, _ = duplex
    text = (real_data / "ifc" / "duplex.ifc").read_text()
    areas = dict(re.findall(r"#(\d+)=IFCQUANTITYAREA\('GSA BIM Area',\$,\$,([\d.E+-]+)\)", text))
    sets = dict(re.findall(r"#(\d+)=IFCELEMENTQUANTITY\([^;]*?\(#(\d+)\)\);", text))
    spaces = dict(re.findall(r"#(\d+)=IFCSPACE\('([^']+)'", text))
    expected = {
        spaces[space]: float(areas[sets[held]])
        for space, held in re.findall(
            r"IFCRELDEFINESBYPROPERTIES\('[^']*',#\d+,\$,\$,\(#(\d+)\),#(\d+)\)", text
        )
        if space in spaces and held in sets
    }
    assert len(expected) == 21
    found = dict(rows(engine, "SELECT source_id, area_m2 FROM twin.space"))
    assert found == pytest.approx(expected, abs=1e-6)


def test_net_areas_of_the_fzk_house_are_its_own(fzk: tuple[Engine, Verdict]) -> None:
    engine, _ = fzk
    found = dict(rows(engine, "SELECT use, round(area_m2::numeric, 4)::float FROM twin.space"))
    assert found["Schlafzimmer"] == 21.4103
    assert {row[0] for row in rows(engine, "SELECT DISTINCT area_from FROM twin.space")} == {
        "BaseQuantities.NetFloorArea"
    }


def test_volumes_are_null_where_a_solid_is_open(duplex: tuple[Engine, Verdict]) -> None:
    engine, verdict = duplex
    assert rows(
        engine,
        "SELECT count(*) FROM twin.element WHERE (volume_m3 IS NULL) <> (is_closed IS NOT TRUE)",
    ) == [(0,)]
    ((closed, open_),) = rows(
        engine,
        "SELECT count(*) FILTER (WHERE is_closed), count(*) FILTER (WHERE NOT is_closed) "
        "FROM twin.element",
    )
    assert closed == verdict.elements["closed"]
    assert closed > 200
    assert open_ > 0
    assert verdict.elements["with_geometry"] == closed + open_ == 265


def test_volumes_of_simple_walls_are_those_of_the_file(fzk: tuple[Engine, Verdict]) -> None:
    """BaseQuantities.NetVolume against the mesh, for slabs that are plain plates."""
    engine, _ = fzk
    found = rows(
        engine,
        "SELECT volume_m3, (psets->'BaseQuantities'->>'NetVolume')::float FROM twin.element "
        "WHERE ifc_class = 'IfcWallStandardCase' AND is_closed "
        "AND psets->'BaseQuantities' ? 'NetVolume'",
    )
    assert len(found) >= 5
    for mesh, said in found:
        assert mesh == pytest.approx(said, rel=0.05)


@pytest.mark.parametrize(
    "name",
    ["IfcOpenHouse_IFC4.ifc", "Sample_entities.ifc", "example.ifc", "tested_sample_project.ifc"],
)
def test_every_model_loads_with_the_counts_of_its_text(
    city_at: CityAt, real_data: Path, name: str
) -> None:
    """A plain count of lines, by patterns; the parser and the verdict must agree with it."""
    file = real_data / "ifc" / name
    engine = city_at(*KARLSRUHE)
    verdict = load_model(engine, file, place=PLACE)
    text = file.read_text(encoding="latin-1")
    for shown, pattern in (
        ("IfcBuildingStorey", "IFCBUILDINGSTOREY"),
        ("IfcSpace", "IFCSPACE"),
        ("IfcDoor", "IFCDOOR"),
        ("IfcWindow", "IFCWINDOW"),
        ("IfcOpeningElement", "IFCOPENINGELEMENT"),
        ("IfcPropertySet", "IFCPROPERTYSET"),
        ("IfcWall", "IFCWALL(?:STANDARDCASE)?"),
    ):
        assert verdict.counts[shown] == len(re.findall(rf"=\s*{pattern}\s*\(", text)), shown
    held = counts(engine)
    assert held["building"] == verdict.counts["IfcBuilding"]
    assert held["storey"] == verdict.counts["IfcBuildingStorey"]
    assert held["space"] == verdict.counts["IfcSpace"]
    assert held["element"] == verdict.counts["IfcElement"] == verdict.elements["found"]
    missing = sum(each["count"] for each in verdict.elements["without_geometry"])
    assert verdict.elements["with_geometry"] + missing == verdict.elements["found"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("truncated_FZK-Haus.ifc", "truncated"),
        ("fail_double_semi.ifc", r"an empty statement \(line 27\)"),
        ("fail_duplicate_id.ifc", r"#19 is given twice \(line 27\)"),
        ("fail_no_header.ifc", "no HEADER"),
        ("fail_utf_encoding.ifc", "the parser refuses it"),
        ("invalid-index.ifc", r"no building in it; 1 elements, 0 of them with geometry"),
        ("unterminated-string.ifc", "not a STEP file"),
    ],
)
def test_every_hostile_model_gets_a_clear_verdict_and_leaves_nothing(
    engine: Engine, real_data: Path, name: str, reason: str
) -> None:
    with pytest.raises(RefusedModelError, match=reason) as refused:
        load_model(engine, real_data / "hostile" / name, place="116.69,23.35,0,0")
    assert refused.value.verdict.as_dict()["accepted"] is False
    assert set(counts(engine).values()) == {0}


def test_all_hostile_models_are_tried(real_data: Path) -> None:
    tried = set(re.findall(r'"([\w.-]+\.ifc)", r?"', Path(__file__).read_text()))
    assert {path.name for path in (real_data / "hostile").glob("*.ifc")} <= tried
