"""Tables of pipeline surveys become networks: points, lines, sizes, levels, and their dirt."""

from pathlib import Path
from typing import Any

import geopandas
import pyogrio
import pytest
from shapely import LineString, Point
from sqlalchemy import Engine

from tests.twin.ingest.conftest import Load, one, rows
from twin.errors import InvalidInputError

# X is north and Y is east, as Chinese surveys have it: near Shantou, in the city's frame.
JS_POINTS = """Exp_No,Map_No,X,Y,High,Feature,Subsid,Belong,MDate
JS1,1,2580000.000,470000.000,12.00,起点,阀门,水务集团,2008-05
JS2,2,2580000.000,470100.000,11.50,三通,,水务集团,2008-05
JS3,3,2580050.000,470100.000,11.00,辅助点,消火栓,水务集团,2008-05
"""
JS_LINES = """S_Point,E_Point,S_Deep,E_Deep,S_H,E_H,Material,D_S,Pressure,EmBed,MDate,Belong
JS1,JS2,1.20,1.30,10.80,10.20,PE,300,0.4MPa,直埋,2008-05,水务集团
JS2,JS3,1.30,1.10,,,球墨铸铁,DN200,低压,直埋,1999,水务集团
"""
YS_POINTS = """物探点号,X坐标,Y坐标,地面高程,特征,附属物,井深
YS1,2580000,470200,12.0,起点,检查井,2.50
YS2,2580000,470300,11.8,三通,雨水篦,2.60
"""
YS_LINES = """起点点号,终点点号,起点高程,终点高程,管高位置,材质,断面尺寸,流向
YS1,YS2,9.50,9.20,管内底,砼,1200×800,+
"""


@pytest.fixture
def survey(tmp_path: Path) -> Any:
    def write(**tables: str) -> list[Path]:
        for name, content in tables.items():
            (tmp_path / f"{name}.csv").write_text(content, encoding="gb18030")
        return [tmp_path / f"{name}.csv" for name in tables]

    return write


def test_a_pair_of_tables_becomes_a_network(engine: Engine, loads: Load, survey: Any) -> None:
    report = loads("pipe", *survey(JSPoint=JS_POINTS, JSLine=JS_LINES))
    assert (report.rows_read, report.loaded, report.rejected) == (5, 5, {})
    assert (report.format, report.source) == ("pipe-survey", "JSLine+JSPoint")
    assert rows(
        engine,
        "SELECT pipe.source_id, a.source_id, b.source_id, pipe.kind, width_m, shape, size_text,"
        " material, embed, pressure_pa, pressure_class, built_year, pipe.owner"
        " FROM twin.pipe_segment AS pipe JOIN twin.pipe_node a ON a.id = from_node_id"
        " JOIN twin.pipe_node b ON b.id = to_node_id ORDER BY 1",
    ) == [
        ("JS1-JS2", "JS1", "JS2", "water", 0.3, "circular", "300", "PE", "直埋", 400_000.0, None,
         2008, "水务集团"),
        ("JS2-JS3", "JS2", "JS3", "water", 0.2, "circular", "DN200", "球墨铸铁", "直埋", None,
         "低压", 1999, "水务集团"),
    ]  # fmt: skip
    # The second line has depths alone: 11.50 - 1.30 and 11.00 - 1.10.
    assert rows(
        engine,
        "SELECT ST_AsText(geom, 2), depth_from_m, depth_to_m, elevation_reference"
        " FROM twin.pipe_segment ORDER BY source_id",
    ) == [
        ("LINESTRING Z (470000 2580000 10.8,470100 2580000 10.2)", 1.2, 1.3, "top"),
        ("LINESTRING Z (470100 2580000 10.2,470100 2580050 9.9)", 1.3, 1.1, "top"),
    ]
    assert rows(
        engine,
        "SELECT source_id, feature, appurtenance, ground_z_m, round(ST_Z(geom)::numeric, 2)::float,"
        " round(depth_m::numeric, 2)::float, elevation_reference, attrs->>'Map_No'"
        " FROM twin.pipe_node ORDER BY 1",
    ) == [
        ("JS1", "起点", "valve", 12.0, 10.8, 1.2, "top", "1"),
        ("JS2", "三通", None, 11.5, 10.2, 1.3, "top", "2"),
        ("JS3", "辅助点", "hydrant", 11.0, 9.9, 1.1, "top", "3"),
    ]


def test_the_report_says_which_order_was_taken_and_why(loads: Load, survey: Any) -> None:
    report = loads("pipe", *survey(JSPoint=JS_POINTS, JSLine=JS_LINES))
    assert (
        "X is north and Y is east: only so the points lie in the city (EPSG:4548, the city's "
        "frame, which is taken as none is named)"
    ) in report.notes
    assert report.crs_used == "EPSG:4548"
    assert "1 auxiliary points (辅助点) among the nodes" in report.notes
    assert any("管高位置 is not said" in note for note in report.notes)


def test_programs_order_of_x_and_y_is_read_too(engine: Engine, loads: Load, survey: Any) -> None:
    swapped = JS_POINTS.replace("X,Y", "Y,X")
    report = loads("pipe", *survey(JSPoint=swapped, JSLine=JS_LINES))
    assert any("X is east and Y is north" in note for note in report.notes)
    assert one(engine, "SELECT ST_X(geom) FROM twin.pipe_node WHERE source_id = 'JS1'") == 470_000


def test_a_wrong_zone_is_named_and_nothing_is_loaded(
    engine: Engine, loads: Load, survey: Any
) -> None:
    wrong = JS_POINTS.replace(",470", ",776")
    with pytest.raises(InvalidInputError, match=r"whichever of them is north") as error:
        loads("pipe", *survey(JSPoint=wrong, JSLine=JS_LINES))
    assert "give --crs EPSG:4547" in str(error.value)
    assert one(engine, "SELECT count(*) FROM twin.pipe_node") == 0


def test_a_zone_number_in_the_easting_is_named(loads: Load, survey: Any) -> None:
    numbered = JS_POINTS.replace(",470", ",39470")
    with pytest.raises(InvalidInputError, match=r"zone's number 39: .* give --crs EPSG:4527"):
        loads("pipe", *survey(JSPoint=numbered, JSLine=JS_LINES))
    report = loads("pipe", *survey(JSPoint=numbered, JSLine=JS_LINES), crs="EPSG:4527")
    assert report.loaded == 5
    assert any(note.endswith("lie in the city (EPSG:4527)") for note in report.notes)


def test_an_order_that_both_fits_is_asked_for(city_of: Any, survey: Any, tmp_path: Path) -> None:
    from twin.ingest import load

    wide = city_of(4548, (100.0, 3.0, 130.0, 40.0))
    files = survey(JSPoint="Exp_No,X,Y\n1,500000,510000\n2,500100,510000\n",
                   JSLine="S_Point,E_Point,D_S\n1,2,300\n")  # fmt: skip
    with pytest.raises(InvalidInputError, match="in both orders: say which is which by --map"):
        load(wide, "pipe", files, data_dir=tmp_path)
    report = load(wide, "pipe", files, data_dir=tmp_path, mapping={"easting": "Y", "northing": "X"})
    assert report.loaded == 3
    assert rows(wide, "SELECT source_id, ST_X(geom) FROM twin.pipe_node ORDER BY 1") == [
        ("JS.1", 510_000.0), ("JS.2", 510_000.0)
    ]  # fmt: skip


def test_chinese_names_of_columns_and_gravity_pipes(
    engine: Engine, loads: Load, survey: Any
) -> None:
    report = loads("pipe", *survey(雨水管线点=YS_POINTS, 雨水管线=YS_LINES))
    assert report.loaded == 3
    assert rows(
        engine,
        "SELECT kind, shape, width_m, height_m, flow_dir, elevation_reference,"
        " round(depth_from_m::numeric, 2)::float FROM twin.pipe_segment",
    ) == [("storm", "rectangular", 1.2, 0.8, 1, "invert", 2.5)]
    assert rows(
        engine, "SELECT invert_z_m, appurtenance FROM twin.pipe_node ORDER BY source_id"
    ) == [(9.5, "manhole"), (9.2, "gully")]


def test_several_kinds_in_one_load_keep_their_numbers_apart(
    engine: Engine, loads: Load, survey: Any
) -> None:
    points = "Exp_No,X,Y,High\n1,2580000,4700{0}0,12\n2,2580000,4700{0}9,12\n"
    lines = "S_Point,E_Point,S_Deep,E_Deep,D_S\n1,2,1,1,{0}00\n"
    report = loads("pipe", *survey(
        JSPoint=points.format(1), WSPoint=points.format(2), JSLine=lines.format(1),
        WSLine=lines.format(3)))  # fmt: skip
    assert report.loaded == 6
    assert rows(
        engine,
        "SELECT pipe.source_id, pipe.kind, a.source_id, width_m,"
        " pipe.elevation_reference FROM twin.pipe_segment AS pipe"
        " JOIN twin.pipe_node AS a ON a.id = from_node_id ORDER BY 1",
    ) == [
        ("JS.1-JS.2", "water", "JS.1", 0.1, "top"),
        ("WS.1-WS.2", "sewer", "WS.1", 0.3, "invert"),
    ]


def test_lines_without_an_end_and_points_named_twice_are_told_by_name(
    engine: Engine, loads: Load, survey: Any
) -> None:
    points = JS_POINTS + "JS3,4,2580070,470100,11,,,,\nJS5,5,,,11,,,,\n"
    lines = JS_LINES + "JS3,JS9,1,1,,,PE,300,,,,\nJS3,JS5,1,1,,,PE,300,,,,\n"
    report = loads("pipe", *survey(JSPoint=points, JSLine=lines))
    assert report.rejected == {
        "no geometry": 1,
        "the source id comes twice": 1,
        "an end point is in no table of points": 1,
        "an end node has no coordinates": 1,
    }
    assert report.examples == {
        "no geometry": ["JS5"],
        "the source id comes twice": ["JS3"],
        "an end point is in no table of points": ["JS3-JS9: JS9"],
        "an end node has no coordinates": ["JS3-JS5"],
    }
    assert (report.rows_read, report.loaded) == (9, 5)


def test_parallel_pipes_and_depths_that_contradict_levels(
    engine: Engine, loads: Load, survey: Any
) -> None:
    lines = JS_LINES + "JS1,JS2,2.20,1.30,10.80,10.20,PE,300,,,,\n"
    report = loads("pipe", *survey(JSPoint=JS_POINTS, JSLine=lines))
    names = rows(engine, "SELECT source_id FROM twin.pipe_segment ORDER BY 1")
    assert names == [("JS1-JS2",), ("JS1-JS2#2",), ("JS2-JS3",)]
    assert (
        "1 lines whose level, depth and ground disagree by more than 5 cm; the level is kept: "
        "JS1-JS2#2"
    ) in report.notes


def test_cables_have_ducts_voltages_and_words_that_stay(
    engine: Engine, loads: Load, survey: Any
) -> None:
    points = "Exp_No,X,Y,High\n" + "".join(
        f"DL{n},2580000,{470_000 + 10 * n},5\n" for n in range(1, 5)
    )
    lines = (
        "S_Point,E_Point,S_Deep,E_Deep,D_S,Voltage,CabNum,TotalHole,UsedHole,FlowDir\n"
        "DL1,DL2,0.8,0.8,12x100,10KV,3,,4,\n"
        "DL2,DL3,0.8,0.8,400X300,380V,2,6,2,0\n"
        "DL3,DL4,0.8,0.8,一捆,220,1,,,\n"
    )
    report = loads("pipe", *survey(DLPoint=points, DLLine=lines))
    assert rows(
        engine,
        "SELECT shape, width_m, height_m, n_ducts, used_ducts, cables, voltage_v, size_text,"
        " flow_dir FROM twin.pipe_segment ORDER BY source_id",
    ) == [
        ("duct", 0.1, None, 12, 4, 3, 10_000.0, "12x100", None),
        ("rectangular", 0.4, 0.3, 6, 2, 2, 380.0, "400X300", None),
        (None, None, None, None, None, 1, None, "一捆", None),
    ]
    assert rows(
        engine,
        "SELECT attrs->>'Voltage', attrs->>'FlowDir' FROM twin.pipe_segment ORDER BY source_id",
    ) == [("10KV", None), ("380V", "0"), ("220", None)]
    assert "size not understood in 1 lines, kept as it is written: 一捆" in report.notes
    assert "voltage not understood in 1 lines, kept as it is written: 220" in report.notes
    assert "flow not understood in 1 lines, kept as it is written: 0" in report.notes


@pytest.mark.parametrize("suffix", [".xlsx", ".gpkg", ".dbf", ".shp"])
def test_other_wrappings_of_the_tables(
    engine: Engine, loads: Load, tmp_path: Path, suffix: str
) -> None:
    where = [Point(470_000, 2_580_000), Point(470_100, 2_580_000)]
    points: Any = {"Exp_No": ["001", "002"], "X": [2_580_000.0] * 2, "Y": [470_000.0, 470_100.0],
                   "High": [12.0, 11.5], "Subsid": ["检查井", None]}  # fmt: skip
    lines: Any = {"S_Point": ["001"], "E_Point": ["002"], "S_Deep": [1.2], "E_Deep": [1.4],
                  "D_S": ["φ300"], "材质": ["砼"]}  # fmt: skip
    p, q = geopandas.GeoDataFrame(points), geopandas.GeoDataFrame(lines)
    if suffix in (".gpkg", ".shp"):
        p = geopandas.GeoDataFrame(points, geometry=where, crs="EPSG:4548")
        q = geopandas.GeoDataFrame(lines, geometry=[LineString(where)], crs="EPSG:4548")
    files = _written(p, q, tmp_path, suffix)
    report = loads("pipe", *files, source="s")
    assert (report.loaded, report.rejected) == (3, {})
    assert rows(
        engine,
        "SELECT pipe.kind, a.source_id, b.source_id, width_m, material, ST_Length(pipe.geom) > 99"
        " FROM twin.pipe_segment AS pipe JOIN twin.pipe_node a ON a.id = from_node_id"
        " JOIN twin.pipe_node b ON b.id = to_node_id",
    ) == [("sewer", "WS.001", "WS.002", 0.3, "砼", True)]
    assert one(engine, "SELECT appurtenance FROM twin.pipe_node ORDER BY source_id") == "manhole"


def _written(points: Any, lines: Any, folder: Path, suffix: str) -> list[Path]:
    if suffix in (".xlsx", ".gpkg"):
        file = folder / f"survey{suffix}"
        driver = {".xlsx": "XLSX", ".gpkg": "GPKG"}[suffix]
        plain = suffix == ".xlsx"
        for table, name, append in ((points, "WSPoint", False), (lines, "WSLine", True)):
            frame = table if not plain else table.astype(object)
            pyogrio.write_dataframe(frame, file, layer=name, driver=driver, append=append)
        return [file]
    for table, name in ((points, "WSPoint"), (lines, "WSLine")):
        pyogrio.write_dataframe(
            table, folder / f"{name}{suffix}", driver="ESRI Shapefile", encoding="GB18030"
        )
        (folder / f"{name}.cpg").unlink(missing_ok=True)
    return [folder / f"WSPoint{suffix}", folder / f"WSLine{suffix}"]


def test_a_line_with_geometry_of_its_own_keeps_a_loose_end(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    where = [Point(470_000, 2_580_000), Point(470_100, 2_580_000)]
    points = geopandas.GeoDataFrame({"Exp_No": ["RQ1", "RQ2"]}, geometry=where, crs="EPSG:4548")
    path = [LineString([(470_000, 2_580_000), (470_000, 2_580_040)])]
    lines = geopandas.GeoDataFrame(
        {"S_Point": ["RQ1"], "E_Point": ["RQ7"], "D_S": ["110"]}, geometry=path, crs="EPSG:4548"
    )
    report = loads("pipe", *_written(points, lines, tmp_path, ".gpkg"))
    assert report.loaded == 3
    assert "1 lines with geometry of their own keep a loose end" in report.notes
    assert rows(
        engine, "SELECT from_node_id IS NULL, to_node_id IS NULL FROM twin.pipe_segment"
    ) == [(False, True)]


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"JSPoint": JS_POINTS}, "no table of lines among the files; there is JSPoint"),
        ({"JSLine": JS_LINES}, "no table of points among the files; there is JSLine"),
        ({"点": JS_POINTS.replace("JS", ""), "线": JS_LINES.replace("JS", "")},
         "what kind of pipes 点 holds is said by neither"),
        ({"JSPoint": JS_POINTS, "JSLine": JS_LINES, "说明": "a,b\n1,2\n"}, None),
        ({"JSPoint": JS_POINTS.replace("X,Y", "P,Q"), "JSLine": JS_LINES},
         "Not recognised: JSPoint has Exp_No"),
    ],
)  # fmt: skip
def test_what_is_missing_is_asked_for(
    engine: Engine, loads: Load, survey: Any, tables: dict[str, str], said: str | None
) -> None:
    if said is None:
        report = loads("pipe", *survey(**tables))
        assert "passed over: 说明 has a, b" in report.notes
        return
    with pytest.raises(InvalidInputError, match=said):
        loads("pipe", *survey(**tables))
    assert one(engine, "SELECT count(*) FROM twin.pipe_node") == 0


def test_a_second_load_updates_what_changed_and_leaves_what_is_gone(
    engine: Engine, loads: Load, survey: Any
) -> None:
    loads("pipe", *survey(JSPoint=JS_POINTS, JSLine=JS_LINES), source="普查")
    assert loads("pipe", *survey(JSPoint=JS_POINTS, JSLine=JS_LINES), source="普查").unchanged == 5
    fewer = JS_LINES.splitlines()[:2]
    changed = "\n".join(fewer).replace(",300,", ",400,") + "\n"
    report = loads("pipe", *survey(JSPoint=JS_POINTS, JSLine=changed), source="普查")
    assert (report.loaded, report.updated) == (0, 1 + _moved(engine))
    assert one(engine, "SELECT count(*) FROM twin.pipe_segment") == 2


def _moved(engine: Engine) -> int:
    """Return how many nodes lost the level that only the dropped line gave them."""
    return int(one(engine, "SELECT count(*) FROM twin.pipe_node_history"))


def test_a_dry_run_keeps_nothing(engine: Engine, loads: Load, survey: Any) -> None:
    report = loads("pipe", *survey(JSPoint=JS_POINTS, JSLine=JS_LINES), dry_run=True)
    assert (report.loaded, report.dry_run) == (5, True)
    assert one(engine, "SELECT count(*) FROM twin.pipe_node") == 0


def test_access_databases_are_to_be_exported(loads: Load, tmp_path: Path) -> None:
    (tmp_path / "普查.mdb").write_bytes(b"\0\1\0\0Standard Jet DB")
    with pytest.raises(InvalidInputError, match=r"export its tables .* as CSV or Excel"):
        loads("pipe", tmp_path / "普查.mdb")
