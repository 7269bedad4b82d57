"""Dirt is mended or refused by name, and a file of nothing but dirt changes nothing."""

from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas
import pyogrio
import pytest
import shapely
from sqlalchemy import Engine

from tests.twin.ingest.conftest import Load, houses, one, rows
from twin.datum import gcj02_to_bd09, wgs84_to_gcj02
from twin.errors import InvalidInputError


def saved(frame: geopandas.GeoDataFrame, folder: Path, name: str = "houses.fgb") -> Path:
    pyogrio.write_dataframe(frame, folder / name)
    return folder / name


def test_swapped_axes_are_named(loads: Load, tmp_path: Path) -> None:
    degrees = houses().to_crs(4326)
    swapped = degrees.set_geometry(
        shapely.transform(degrees.geometry.to_numpy(), lambda c: c[:, ::-1]), crs=4326
    )
    with pytest.raises(InvalidInputError, match=r"outside the city \(x and y are swapped\): 3"):
        loads("building", saved(swapped, tmp_path))


def test_northing_before_easting_is_named(loads: Load, tmp_path: Path) -> None:
    frame = houses()
    swapped = shapely.transform(frame.geometry.to_numpy(), lambda c: c[:, ::-1])
    with pytest.raises(InvalidInputError, match="x and y are swapped"):
        loads("building", saved(frame.set_geometry(swapped, crs=4548), tmp_path))


def test_degrees_in_a_metre_frame_are_named(loads: Load, tmp_path: Path) -> None:
    wrong = houses().to_crs(4326).set_crs(4548, allow_override=True)
    file = saved(wrong, tmp_path)
    with pytest.raises(InvalidInputError, match="the numbers are degrees: give --crs EPSG:4326"):
        loads("building", file)
    assert loads("building", file, crs="EPSG:4326").loaded == 3


def test_metres_in_a_degree_frame_are_named(loads: Load, tmp_path: Path) -> None:
    file = saved(houses().set_crs(4326, allow_override=True), tmp_path)
    with pytest.raises(InvalidInputError, match=r"fit EPSG:4548, not .*give --crs EPSG:4548"):
        loads("building", file)


def test_another_zone_is_refused(loads: Load, tmp_path: Path) -> None:
    file = saved(houses().set_crs(4547, allow_override=True), tmp_path)
    with pytest.raises(InvalidInputError, match="these coordinates fit EPSG:4548, not EPSG:4547"):
        loads("building", file)


def test_an_easting_that_carries_the_zone_is_named(loads: Load, tmp_path: Path) -> None:
    frame = houses()
    prefixed = shapely.transform(frame.geometry.to_numpy(), lambda c: np.add(c, (39_000_000, 0)))
    file = saved(frame.set_geometry(prefixed, crs=4548), tmp_path)
    with pytest.raises(InvalidInputError, match="number 39: these coordinates fit EPSG:4527"):
        loads("building", file)
    assert loads("building", file, crs="EPSG:4527").loaded == 3


def test_some_rows_outside_do_not_stop_the_others(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    frame = houses()
    geometries = frame.geometry.to_numpy().copy()
    geometries[2] = shapely.box(900_000, 2_580_000, 900_010, 2_580_010)
    report = loads("building", saved(frame.set_geometry(geometries, crs=4548), tmp_path))
    assert (report.rows_read, report.loaded, report.rows_rejected) == (3, 2, 1)
    assert report.rejected == {"outside the city": 1}
    assert report.examples == {"outside the city": ["c"]}


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_a_declared_datum_is_undone(
    datum: Any, engine: Engine, loads: Load, tmp_path: Path
) -> None:
    lon, lat = wgs84_to_gcj02(np.array([116.68]), np.array([23.36]))
    if datum == "bd09":
        lon, lat = gcj02_to_bd09(lon, lat)
    (tmp_path / "map.csv").write_text(f"id,kind,lon,lat\n1,school,{lon[0]:.9f},{lat[0]:.9f}\n")
    report = loads("facility", tmp_path / "map.csv", datum=datum)
    assert report.datum == datum
    found = rows(
        engine,
        "SELECT ST_Distance(geom, ST_Transform(ST_SetSRID(ST_MakePoint(116.68, 23.36), 4326),"
        " 4548)) FROM twin.facility",
    )
    assert found[0][0] < 1.0


def test_a_datum_and_a_frame_exclude_each_other(loads: Load, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="not both"):
        loads("building", saved(houses(), tmp_path), crs="EPSG:4326", datum="gcj02")


def test_an_unknown_frame_is_refused(loads: Load, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="EPSG:99999"):
        loads("building", saved(houses(), tmp_path), crs="EPSG:99999")


BOWTIE = shapely.Polygon([(0, 0), (20, 20), (20, 0), (0, 20)])
SPIKE = shapely.Polygon([(0, 0), (10, 0), (10, 10), (30, 10), (10, 10), (0, 10)])
FLAT = shapely.Polygon([(0, 0), (10, 0), (5, 0)])


def test_invalid_polygons_are_mended_and_empty_ones_refused(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    here = [
        shapely.transform(shape, lambda c: np.add(c, (470_000, 2_580_000)))
        for shape in (BOWTIE, SPIKE, FLAT)
    ]
    report = loads("building", saved(houses().set_geometry(here, crs=4548), tmp_path))
    assert report.repaired == {"invalid polygon": 2}
    assert report.rejected == {"an area without a surface": 1}
    assert rows(
        engine, "SELECT source_id, ST_Area(geom)::int, ST_IsValid(geom) FROM twin.building"
    ) == [("a", 200, True), ("b", 100, True)]


def test_other_kinds_of_geometry_are_named(engine: Engine, loads: Load, tmp_path: Path) -> None:
    square = houses().geometry.iloc[0]
    shapes = [
        square.exterior,
        square.centroid,
        shapely.GeometryCollection([square, square.centroid]),
        None,
    ]
    frame = geopandas.GeoDataFrame({"id": list("abcd")}, geometry=shapes, crs=4548)
    report = loads("building", saved(frame, tmp_path, "mixed.gpkg"))
    assert report.rejected == {
        "a line, not an area": 1, "a point, not an area": 1, "no geometry": 1
    }  # fmt: skip
    assert report.repaired == {"taken from a collection": 1}
    assert one(engine, "SELECT ST_Area(geom)::int FROM twin.building") == 100


def test_an_area_becomes_a_point_where_points_are_held(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    report = loads("facility", saved(houses(kind="school"), tmp_path))
    assert report.repaired == {"area made a point on it": 3}
    assert one(engine, "SELECT ST_AsText(geom) FROM twin.facility WHERE source_id = 'a'") == (
        "POINT(470005 2580005)"
    )


def test_ids_that_come_twice_or_not_at_all_are_refused(loads: Load, tmp_path: Path) -> None:
    frame = houses()
    frame["id"] = ["a", "a", ""]
    report = loads("building", saved(frame, tmp_path))
    assert report.rejected == {"the source id comes twice": 1, "no source id": 1}
    assert report.loaded == 1


def test_numbers_in_words_are_read_and_nonsense_is_counted(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    frame = houses(高度=["18.5米", "40 ft", "tall"])
    report = loads("building", saved(frame, tmp_path))
    assert report.repaired == {"height_m: not a number": 1}
    found = rows(engine, "SELECT height_m FROM twin.building ORDER BY source_id")
    assert [None if h is None else round(h, 3) for (h,) in found] == [18.5, 12.192, None]


def test_values_that_break_the_models_rules_are_refused_by_name(
    loads: Load, tmp_path: Path
) -> None:
    frame = houses(height=[-3.0, 1200.0, 12.0], 层数=[6, 6, 400])
    with pytest.raises(InvalidInputError) as failure:
        loads("building", saved(frame, tmp_path))
    for reason in ("height_m below 0: 1", "height_m above 1000: 1", "storeys above 250: 1"):
        assert reason in str(failure.value)


def test_a_required_field_that_no_column_says_is_asked_for(loads: Load, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"needs kind.*--map kind=COLUMN.*kind==VALUE"):
        loads("facility", saved(houses(), tmp_path))


def test_mapping_names_constants_scales_and_looks_up(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    file = tmp_path / "houses.gpkg"
    pyogrio.write_dataframe(houses(cm=[900, 5400, 9900], type="T1"), file, layer="houses")
    pyogrio.write_dataframe(
        pandas.DataFrame({"code": ["T1"], "use": ["office"]}),
        file, layer="types", append=True,
    )  # fmt: skip
    report = loads(
        "building",
        Path(f"{file}#houses"),
        mapping={"height_m": "cm*0.01", "use": "type>types.use", "owner": "=市政府", "name": "id"},
    )
    assert report.rows_rejected == 0
    assert rows(
        engine, "SELECT name, height_m, use, owner, attrs->>'名称' FROM twin.building ORDER BY name"
    ) == [
        ("a", 9.0, "office", "市政府", "一号楼"),
        ("b", 54.0, "office", "市政府", "二号楼"),
        ("c", 99.0, "office", "市政府", "三号楼"),
    ]


@pytest.mark.parametrize(
    ("mapping", "answer"),
    [
        ({"colour": "id"}, "no field 'colour'; it has source_id, name"),
        ({"name": "titel"}, "no column 'titel'; it has id, 名称, 层数"),
        ({"name": "id>types.use"}, "no table|no other table"),
    ],
)
def test_a_mapping_that_cannot_be_is_answered(
    mapping: dict[str, str], answer: str, loads: Load, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInputError, match=answer):
        loads("building", saved(houses(), tmp_path), mapping=mapping)


def test_flood_prone_in_five_spellings(engine: Engine, loads: Load, tmp_path: Path) -> None:
    words = ["YES", "YES", "Yes", "NO", "NO", "0", None, "?"]
    squares = shapely.box(np.arange(8) * 20 + 470_000, 2_580_000,
                          np.arange(8) * 20 + 470_010, 2_580_010)  # fmt: skip
    frame = geopandas.GeoDataFrame({"FLOODPRONE": words}, geometry=squares, crs=4548)
    report = loads("grid_cell", saved(frame, tmp_path, "cells.gpkg"))
    assert report.repaired == {
        "flood_prone: 'Yes' is yes": 1,
        "flood_prone: '0' is no": 1,
        "flood_prone: nothing said, unknown": 1,
        "flood_prone: neither yes nor no": 1,
    }
    found = rows(engine, "SELECT flood_prone FROM twin.grid_cell ORDER BY id")
    assert [flag for (flag,) in found] == [True, True, True, False, False, False, None, None]


def test_what_the_model_does_not_know_stays_in_attrs(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    frame = houses(
        备注=['含"引号"', "反\\斜", None], score=[1.5, np.nan, 3.0], flag=[True, False, True]
    )
    loads("building", saved(frame, tmp_path))
    assert rows(
        engine,
        "SELECT attrs->>'备注', attrs->'score', attrs->'flag' FROM twin.building"
        " ORDER BY source_id",
    ) == [('含"引号"', 1.5, True), ("反\\斜", None, False), (None, 3.0, True)]


def test_a_hundred_houses_in_one_feature_are_split(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    at = np.arange(100) * 20 + 450_000
    many = shapely.multipolygons(shapely.box(at, 2_580_000, at + 10, 2_580_010))
    few = shapely.multipolygons(shapely.box(at[:3], 2_590_000, at[:3] + 10, 2_590_010))
    frame = geopandas.GeoDataFrame({"id": ["m", "f"]}, geometry=[many, few], crs=4548)
    report = loads("building", saved(frame, tmp_path))
    assert (report.rows_read, report.loaded) == (2, 101)
    assert report.repaired == {"several parts in one feature, split": 1}
    assert one(engine, "SELECT count(*) FROM twin.building WHERE source_id ~ '^m#[0-9]+$'") == 100
    assert one(engine, "SELECT ST_NumGeometries(geom) FROM twin.building WHERE source_id='f'") == 3
