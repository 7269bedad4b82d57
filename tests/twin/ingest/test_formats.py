"""The same three houses in every format become the same three rows."""

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from affine import Affine
from sqlalchemy import Engine

from tests.twin.ingest.conftest import Load, houses, one, rows
from twin.errors import InvalidInputError, NotFoundError, UnavailableError
from twin.ingest import LAYERS, readers

Writer = Callable[[geopandas.GeoDataFrame, Path], Path]


def _ogr(name: str, **more: Any) -> Writer:
    def write(frame: geopandas.GeoDataFrame, folder: Path) -> Path:
        pyogrio.write_dataframe(frame, folder / name, **more)
        return folder / name

    return write


def _parquet(frame: geopandas.GeoDataFrame, folder: Path) -> Path:
    frame.to_parquet(folder / "houses.parquet")
    return folder / "houses.parquet"


def _csv_wkt(frame: geopandas.GeoDataFrame, folder: Path) -> Path:
    plain = frame.drop(columns="geometry").assign(wkt=frame.geometry.to_wkt())
    plain.to_csv(folder / "houses.csv", index=False)
    return folder / "houses.csv"


WRITERS: dict[str, Writer] = {
    "geopackage": _ogr("houses.gpkg"),
    "shapefile": _ogr("houses.shp", encoding="UTF-8"),
    "flatgeobuf": _ogr("houses.fgb"),
    "geojson": lambda frame, folder: _ogr("houses.geojson")(frame.to_crs(4326), folder),
    "geojsonseq": lambda frame, folder: _ogr("houses.geojsonl")(frame.to_crs(4326), folder),
    "geoparquet": _parquet,
    "csv": _csv_wkt,
}


@pytest.mark.parametrize("format_id", WRITERS)
def test_houses_arrive_alike(format_id: str, engine: Engine, loads: Load, tmp_path: Path) -> None:
    file = WRITERS[format_id](houses(), tmp_path)
    report = loads("building", file, crs="EPSG:4548" if format_id == "csv" else None)
    assert (report.format, report.rows_read, report.loaded) == (format_id, 3, 3)
    assert (report.rows_rejected, report.source) == (0, "houses")
    found = rows(
        engine,
        "SELECT source_id, name, storeys, round(ST_Area(geom)::numeric), ST_SRID(geom)"
        " FROM twin.building ORDER BY source_id",
    )
    assert [tuple(map(str, row)) for row in found] == [
        ("a", "一号楼", "6", "100", "4548"),
        ("b", "二号楼", "18", "100", "4548"),
        ("c", "三号楼", "33", "400", "4548"),
    ]


@pytest.mark.parametrize("format_id", WRITERS)
def test_the_same_file_again_changes_nothing(
    format_id: str, engine: Engine, loads: Load, tmp_path: Path
) -> None:
    file = WRITERS[format_id](houses(), tmp_path)
    crs = "EPSG:4548" if format_id == "csv" else None
    loads("building", file, crs=crs)
    before = rows(engine, "SELECT id, uid, recorded_at, load_id FROM twin.building ORDER BY id")
    again = loads("building", file, crs=crs)
    assert (again.loaded, again.updated, again.unchanged) == (0, 0, 3)
    after = rows(engine, "SELECT id, uid, recorded_at, load_id FROM twin.building ORDER BY id")
    assert before == after


def test_every_format_has_a_reader_with_titles() -> None:
    assert set(WRITERS) < set(readers())
    assert {"osm", "geotiff", "ascii-grid", "srtm"} < set(readers())
    for reader in readers().values():
        assert set(reader.title) == {"zh", "en"}
        assert sum(one is not None for one in (reader.features, reader.raster, reader.network)) == 1


def test_a_layer_of_a_geopackage_is_named_after_a_hash(loads: Load, tmp_path: Path) -> None:
    file = tmp_path / "town.gpkg"
    pyogrio.write_dataframe(houses(), file, layer="houses")
    pyogrio.write_dataframe(houses().iloc[:1], file, layer="sheds", append=True)
    with pytest.raises(InvalidInputError, match=r"town.gpkg#LAYER: houses, sheds"):
        loads("building", file)
    with pytest.raises(InvalidInputError, match="no layer 'barns'"):
        loads("building", Path(f"{file}#barns"))
    assert loads("building", Path(f"{file}#sheds")).files == ("town.gpkg#sheds",)


def test_rows_without_an_id_are_named_by_their_number_and_layer(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    frame = houses().drop(columns="id")
    pyogrio.write_dataframe(frame, tmp_path / "one.gpkg", layer="x")
    pyogrio.write_dataframe(frame, tmp_path / "two.gpkg", layer="x")
    pyogrio.write_dataframe(frame, tmp_path / "two.gpkg", layer="y", append=True)
    loads("building", tmp_path / "one.gpkg")
    loads("building", Path(f"{tmp_path / 'two.gpkg'}#y"))
    assert rows(engine, "SELECT source, source_id FROM twin.building ORDER BY 1, 2") == [
        ("one", "1"), ("one", "2"), ("one", "3"), ("two", "y.1"), ("two", "y.2"), ("two", "y.3")
    ]  # fmt: skip


def test_several_files_of_one_source_do_not_collide(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    frame = houses().drop(columns="id")
    for name in ("north", "south"):
        pyogrio.write_dataframe(frame, tmp_path / f"{name}.fgb")
    report = loads("building", tmp_path / "north.fgb", tmp_path / "south.fgb", source="两区")
    assert (report.loaded, report.source) == (6, "两区")
    assert one(engine, "SELECT count(DISTINCT source_id) FROM twin.building") == 6
    again = loads("building", tmp_path / "north.fgb", tmp_path / "south.fgb", source="两区")
    assert again.unchanged == 6


def test_a_shapefile_in_gb18030_keeps_its_chinese(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    file = tmp_path / "houses.shp"
    pyogrio.write_dataframe(houses(), file, encoding="GB18030")
    (tmp_path / "houses.cpg").unlink()
    report = loads("building", file)
    assert any("GB18030" in note for note in report.notes)
    assert one(engine, "SELECT min(name) FROM twin.building") == "一号楼"


def test_a_shapefile_without_dbf_or_prj_needs_only_a_frame(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    file = tmp_path / "houses.shp"
    pyogrio.write_dataframe(houses(), file)
    file.with_suffix(".dbf").unlink()
    file.with_suffix(".prj").unlink()
    with pytest.raises(InvalidInputError, match="--crs EPSG:4548"):
        loads("building", file)
    report = loads("building", file, crs="EPSG:4548")
    assert report.loaded == 3
    assert any("houses.dbf is missing" in note for note in report.notes)
    assert one(engine, "SELECT count(name) FROM twin.building") == 0


def test_points_come_from_columns_of_degrees_or_metres(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    degrees = tmp_path / "degrees.csv"
    degrees.write_text(
        "编号,名称,经度,纬度,类型\n01,市医院,116.70,23.35,医院\n02,消防站,116.71,23.36,消防站\n"
    )
    loads("facility", degrees)
    metres = tmp_path / "metres.csv"
    metres.write_text("id;name;x;y;kind\n7;School;470000.5;2580000.25;school\n")
    loads("facility", metres, crs="4548")
    assert rows(engine, "SELECT source_id, name, kind FROM twin.facility ORDER BY source_id") == [
        ("01", "市医院", "hospital"), ("02", "消防站", "fire_station"), ("7", "School", "school")
    ]  # fmt: skip
    placed = rows(engine, "SELECT ST_X(geom), ST_Y(geom) FROM twin.facility WHERE name = 'School'")
    assert placed == [(470000.5, 2580000.25)]


def test_a_table_without_coordinates_is_refused(loads: Load, tmp_path: Path) -> None:
    (tmp_path / "plain.csv").write_text("id,kind\n1,school\n")
    with pytest.raises(InvalidInputError, match="has no coordinates"):
        loads("facility", tmp_path / "plain.csv")


OSM = """<?xml version="1.0"?><osm version="0.6" generator="test">
<node id="1" version="1" lat="23.3500" lon="116.7000"/>
<node id="2" version="1" lat="23.3500" lon="116.7010"/>
<node id="3" version="1" lat="23.3510" lon="116.7010"/>
<node id="4" version="1" lat="23.3510" lon="116.7000"/>
<node id="5" version="1" lat="23.3520" lon="116.7010"/>
<node id="9" version="1" lat="23.3515" lon="116.7005">
 <tag k="amenity" v="hospital"/><tag k="name" v="市医院"/><tag k="beds" v="300"/></node>
<way id="10" version="1"><nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="4"/><nd ref="1"/>
 <tag k="building" v="apartments"/><tag k="height" v="18 m"/><tag k="building:levels" v="6"/>
 <tag k="roof:shape" v="flat"/></way>
<way id="11" version="1"><nd ref="1"/><nd ref="2"/><nd ref="77"/><nd ref="1"/>
 <tag k="building" v="yes"/></way>
<way id="20" version="1"><nd ref="1"/><nd ref="2"/><nd ref="3"/><tag k="highway" v="primary"/>
 <tag k="name" v="海滨路"/><tag k="oneway" v="-1"/><tag k="maxspeed" v="60"/></way>
<way id="21" version="1"><nd ref="2"/><nd ref="5"/><tag k="highway" v="residential"/>
 <tag k="bridge" v="yes"/></way>
<way id="22" version="1"><nd ref="3"/><nd ref="4"/><tag k="highway" v="footway"/></way>
</osm>"""


@pytest.mark.parametrize("packed", [False, True])
def test_openstreetmap_gives_buildings_roads_and_facilities(
    packed: bool, engine: Engine, loads: Load, tmp_path: Path
) -> None:
    file = tmp_path / ("town.osm.gz" if packed else "town.osm")
    file.write_bytes(gzip.compress(OSM.encode()) if packed else OSM.encode())
    buildings = loads("building", file)
    assert (buildings.loaded, buildings.rows_read) == (1, 2)
    assert buildings.examples == {"some of its nodes are not in the file": ["way/11"]}
    assert rows(
        engine, "SELECT source_id, use, height_m, storeys, attrs->>'roof:shape' FROM twin.building"
    ) == [("way/10", "residential", 18.0, 6, "flat")]
    roads = loads("road", file)
    assert roads.skipped == {"not for vehicles: footway": 1}
    assert rows(
        engine,
        "SELECT edge.source_id, edge.direction, a.source_id, b.source_id, deck_level,"
        " round(speed_m_per_s::numeric, 3)::float FROM twin.road_edge AS edge"
        " JOIN twin.road_node a ON a.id = from_node_id JOIN twin.road_node b ON b.id = to_node_id"
        " ORDER BY 1",
    ) == [
        ("way/20#1", -1, "node/1", "node/2", 0, 16.667),
        ("way/20#2", -1, "node/2", "node/3", 0, 16.667),
        ("way/21", 0, "node/2", "node/5", 1, 8.333),
    ]
    assert loads("facility", file).loaded == 1
    assert rows(engine, "SELECT kind, name, capacity FROM twin.facility") == [
        ("hospital", "市医院", 300)
    ]
    with pytest.raises(InvalidInputError, match="building, road and facility"):
        loads("region", file, mapping={"level": "=county"})


def _grid(folder: Path, **more: Any) -> Path:
    path = folder / "heights.tif"
    profile: dict[str, Any] = {
        "driver": "GTiff", "dtype": "float32", "count": 1, "width": 3, "height": 2,
        "crs": "EPSG:4548", "transform": Affine(10, 0, 470_000, 0, -10, 2_580_020),
    }  # fmt: skip
    with rasterio.open(path, "w", **{**profile, **more}) as out:
        out.write(np.array([[1, 2, -32768], [4, 5, 6]], np.float32), 1)
    return path


def test_terrain_from_a_geotiff_has_its_voids_counted(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    report = loads("terrain", _grid(tmp_path))
    assert (report.loaded, report.repaired) == (1, {"void (-32768)": 1})
    assert rows(engine, "SELECT name, kind, voids, width, height, crs FROM twin.raster") == [
        ("heights", "terrain", 1, 3, 2, "EPSG:4548")
    ]
    assert loads("terrain", _grid(tmp_path)).unchanged == 1


def test_depths_in_centimetres_become_metres_and_negative_ones_void(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    grid = tmp_path / "depth.asc"
    grid.write_text(
        "ncols 2\nnrows 2\nxllcorner 470000\nyllcorner 2580000\ncellsize 10\n"
        "NODATA_value -9999\n15 -3\n-9999 100\n"
    )
    with pytest.raises(InvalidInputError, match="give --crs"):
        loads("depth", grid)
    report = loads("depth", grid, crs="EPSG:4548", mapping={"unit": "=cm"})
    assert report.repaired == {"void (-9999)": 1, "negative depth made void": 1}
    path = tmp_path / "data" / one(engine, "SELECT path FROM twin.raster")
    with rasterio.open(path) as kept:
        cells = kept.read(1)
    assert cells[0, 0] == pytest.approx(0.15)
    assert cells[1, 1] == 1.0
    assert np.isnan(cells).sum() == 2


def test_a_replaced_raster_leaves_no_file_behind(loads: Load, tmp_path: Path) -> None:
    loads("terrain", _grid(tmp_path))
    assert loads("terrain", _grid(tmp_path, height=2, nodata=5)).updated == 1
    assert len(list((tmp_path / "data" / "rasters").iterdir())) == 1


def test_a_data_directory_that_cannot_be_written_is_named(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(UnavailableError, match=r"data.*the city is as it was before"):
        loads("terrain", _grid(tmp_path))
    assert one(engine, "SELECT count(*) FROM twin.raster") == 0


def test_a_raster_beside_the_city_is_refused_and_leaves_no_file(
    loads: Load, tmp_path: Path
) -> None:
    far = _grid(tmp_path, transform=Affine(10, 0, 870_000, 0, -10, 2_580_020))
    with pytest.raises(InvalidInputError, match="outside the city"):
        loads("terrain", far)
    assert not (tmp_path / "data" / "rasters").exists()


def test_unknown_layers_and_files_are_named(loads: Load, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"there is no layer 'bus_stop'.*building"):
        loads("bus_stop", tmp_path / "x.gpkg")
    with pytest.raises(NotFoundError, match=r"no file .*x\.gpkg"):
        loads("building", tmp_path / "x.gpkg")
    (tmp_path / "x.docx").write_text("x")
    with pytest.raises(InvalidInputError, match=r"of no format .*\.gpkg"):
        loads("building", tmp_path / "x.docx")
    with pytest.raises(InvalidInputError, match="is not a file"):
        loads("building", tmp_path)
    assert {"road", "terrain", "depth", "reading"} < set(LAYERS)


def _truncated(file: Path, share: float) -> Path:
    cut = file.with_name("cut_" + file.name)
    for beside in file.parent.glob(file.stem + ".*"):
        shutil.copy(beside, beside.with_name("cut_" + beside.name))
    cut.write_bytes(file.read_bytes()[: int(file.stat().st_size * share)])
    return cut


@pytest.mark.parametrize("share", [0.4, 0.9])
@pytest.mark.parametrize("format_id", [name for name in WRITERS if name != "csv"])
def test_a_truncated_file_is_refused_and_nothing_is_loaded(
    format_id: str, share: float, engine: Engine, loads: Load, tmp_path: Path
) -> None:
    many = geopandas.GeoDataFrame(
        {"id": [str(n) for n in range(5000)]},
        geometry=shapely.box(np.arange(5000) * 5 + 450_000, 2_580_000,
                             np.arange(5000) * 5 + 450_003, 2_580_004),
        crs="EPSG:4548",
    )  # fmt: skip
    file = _truncated(WRITERS[format_id](many, tmp_path), share)
    with pytest.raises(InvalidInputError):
        loads("building", file)
    assert one(engine, "SELECT count(*) FROM twin.building") == 0


def test_truncated_osm_and_grids_are_refused(loads: Load, tmp_path: Path) -> None:
    whole = gzip.compress(OSM.encode())
    (tmp_path / "cut.osm.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "cut.osm").write_text(OSM[: len(OSM) // 2])
    for name in ("cut.osm.gz", "cut.osm"):
        with pytest.raises(InvalidInputError, match="cannot be read"):
            loads("building", tmp_path / name)
    grid = tmp_path / "cut.asc"
    grid.write_text("ncols 2\nnrows 2\nxllcorner 470000\nyllcorner 2580000\ncellsize 10\n15 3 1\n")
    with pytest.raises(InvalidInputError, match="3 of the 4 values"):
        loads("terrain", grid, crs="EPSG:4548")
    (tmp_path / "N23E116.hgt").write_bytes(bytes(1000))
    with pytest.raises(InvalidInputError, match="truncated or no SRTM"):
        loads("terrain", tmp_path / "N23E116.hgt")


@pytest.mark.parametrize(
    "name",
    ["x.gpkg", "x.shp", "x.geojson", "x.geojsonl", "x.fgb", "x.parquet", "x.osm.pbf", "x.osm.gz",
     "x.tif", "x.hgt.zip", "x.asc"],
)  # fmt: skip
def test_a_picture_by_another_name_is_refused(name: str, loads: Load, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8)
    raster = name.endswith((".tif", ".zip", ".asc"))
    with pytest.raises(InvalidInputError):
        loads("terrain" if raster else "building", tmp_path / name)


def test_geojson_of_another_frame_is_moved(engine: Engine, loads: Load, tmp_path: Path) -> None:
    square = json.loads(houses().geometry.iloc[:1].to_json())
    square["crs"] = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4548"}}
    (tmp_path / "metres.geojson").write_text(json.dumps(square))
    loads("building", tmp_path / "metres.geojson")
    assert one(engine, "SELECT ST_XMin(geom) FROM twin.building") == 470_000
