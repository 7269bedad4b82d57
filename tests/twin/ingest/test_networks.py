"""Pipes hang between their nodes, cells lie in their regions, readings belong to their points."""

from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pyogrio
import pytest
import shapely
from shapely import LineString, Point
from sqlalchemy import Engine

from tests.twin.ingest.conftest import Load, one, rows
from twin.errors import InvalidInputError

X, Y = 470_000.0, 2_580_000.0


def points(folder: Path, **columns: Any) -> Path:
    where = [Point(X, Y), Point(X + 100, Y), Point(X + 100, Y + 50)]
    frame = geopandas.GeoDataFrame(columns, geometry=where, crs="EPSG:4548")
    pyogrio.write_dataframe(frame, folder / "pipes.gpkg", layer="nodes")
    return Path(f"{folder / 'pipes.gpkg'}#nodes")


def segments(folder: Path, lines: list[LineString] | None = None, **columns: Any) -> Path:
    usual = [LineString([(X, Y), (X + 50, Y), (X + 100, Y)]),
             LineString([(X + 100, Y), (X + 100, Y + 50)])]  # fmt: skip
    frame = geopandas.GeoDataFrame(columns, geometry=lines or usual, crs="EPSG:4548")
    pyogrio.write_dataframe(frame, folder / "pipes.gpkg", layer="lines", append=True)
    return Path(f"{folder / 'pipes.gpkg'}#lines")


def ends(engine: Engine) -> list[Any]:
    return rows(
        engine,
        "SELECT pipe.source_id, a.source_id, b.source_id FROM twin.pipe_segment AS pipe"
        " LEFT JOIN twin.pipe_node a ON a.id = from_node_id"
        " LEFT JOIN twin.pipe_node b ON b.id = to_node_id ORDER BY 1",
    )


def test_a_chinese_survey_table_becomes_a_network(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    nodes = points(
        tmp_path, 物探点号=["W1", "W2", "W3"], 管线类型=["污水", "污水", "污水"],
        附属物=["检查井", "阀门", None], 特征=["起点", "三通", "三通"],
        地面高程=[12.0, 11.5, 11.0], 井深=[2.0, 2.2, None], 权属单位=["水务集团"] * 3,
    )  # fmt: skip
    lines = segments(
        tmp_path, 管线编号=["G1", "G2"], 起点点号=["W1", "W2"], 终点点号=["W2", "W3"],
        管线类型=["WS污水", "污水"], 管径=["300", "DN400"], 管材=["HDPE", "混凝土"],
        起点高程=[10.0, 9.3], 终点高程=[9.3, 9.0], 建设年代=["2008-05", "1999"],
    )  # fmt: skip
    loads("pipe_node", nodes)
    report = loads("pipe_segment", lines)
    assert report.notes == ("ends joined to nodes: 4 by id, 0 by place, 0 loose",)
    assert ends(engine) == [("G1", "W1", "W2"), ("G2", "W2", "W3")]
    assert rows(
        engine,
        "SELECT kind, width_m, material, built_year, ST_AsText(geom) FROM twin.pipe_segment"
        " ORDER BY source_id LIMIT 1",
    ) == [
        ("sewer", 0.3, "HDPE", 2008,
         "LINESTRING Z (470000 2580000 10,470050 2580000 9.65,470100 2580000 9.3)")
    ]  # fmt: skip
    assert rows(
        engine,
        "SELECT appurtenance, invert_z_m, elevation_reference, ST_Z(geom) FROM twin.pipe_node"
        " ORDER BY source_id",
    ) == [
        ("manhole", 10.0, "invert", 10.0),
        ("valve", 9.3, "invert", 9.3),
        (None, None, "unknown", 0.0),
    ]


def test_segments_without_ids_of_nodes_find_them_by_place(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    loads("pipe_node", points(tmp_path, id=["1", "2", "3"]), mapping={"kind": "=water"})
    near = [LineString([(X + 0.03, Y), (X + 100, Y)]), LineString([(X + 1, Y), (X + 100, Y + 50)])]
    report = loads(
        "pipe_segment", segments(tmp_path, near, id=["p", "q"]), mapping={"kind": "=water"}
    )
    assert report.notes == ("ends joined to nodes: 0 by id, 3 by place, 1 loose",)
    assert ends(engine) == [("p", "1", "2"), ("q", None, "3")]


def test_a_pipe_does_not_hang_on_the_nodes_of_another_network(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    loads("pipe_node", points(tmp_path, id=["1", "2", "3"]), mapping={"kind": "=gas"})
    loads("pipe_segment", segments(tmp_path, id=["p", "q"]), mapping={"kind": "=water"})
    assert ends(engine) == [("p", None, None), ("q", None, None)]


def test_the_same_network_again_changes_nothing(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    nodes = points(tmp_path, id=["1", "2", "3"])
    lines = segments(tmp_path, id=["p", "q"], node_1=["1", "2"], node_2=["2", "3"])
    for _ in range(2):
        last = [loads(layer, file, mapping={"kind": "=water"})
                for layer, file in (("pipe_node", nodes), ("pipe_segment", lines))]  # fmt: skip
    assert [(one.updated, one.unchanged) for one in last] == [(0, 3), (0, 2)]


def test_a_pipe_without_width_keeps_none_and_is_counted(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    lines = segments(tmp_path, id=["p", "q"], dn=[0, 300])
    report = loads("pipe_segment", lines, mapping={"kind": "=water"})
    assert report.repaired == {"width_m of 0: unknown": 1}
    assert rows(engine, "SELECT width_m FROM twin.pipe_segment ORDER BY source_id") == [
        (None,), (0.3,)
    ]  # fmt: skip


def test_an_unknown_kind_of_pipe_is_refused_by_name(loads: Load, tmp_path: Path) -> None:
    lines = segments(tmp_path, id=["p", "q"], kind=["steam pipe", "water"])
    report = loads("pipe_segment", lines)
    assert report.rejected == {"kind is empty": 1}
    assert report.repaired == {"kind: word not known": 1}


def test_cells_lie_in_the_smallest_region_and_regions_in_the_next_larger(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    def areas(name: str, **boxes: tuple[float, float, float, float]) -> Path:
        frame = geopandas.GeoDataFrame(
            {"code": [name.lstrip("c") for name in boxes]},
            geometry=[shapely.box(X + w, Y + s, X + e, Y + n) for w, s, e, n in boxes.values()],
            crs="EPSG:4548",
        )
        pyogrio.write_dataframe(frame, tmp_path / f"{name}.gpkg")
        return tmp_path / f"{name}.gpkg"

    loads("region", areas("county", c440507=(0, 0, 100, 100)), mapping={"level": "=区县"})
    loads("region", areas("street", c440507001=(0, 0, 50, 100)), mapping={"level": "=街道"})
    report = loads("grid_cell", areas("cells", c440507001001001=(10, 10, 20, 20),
                                      c440507002001001=(60, 10, 70, 20),
                                      c440508001001001=(200, 0, 210, 10)))  # fmt: skip
    assert report.loaded == 3
    assert rows(
        engine,
        "SELECT cell.code, region.code FROM twin.grid_cell AS cell"
        " LEFT JOIN twin.region ON region.id = region_id ORDER BY 1",
    ) == [
        ("440507001001001", "440507001"),
        ("440507002001001", "440507"),
        ("440508001001001", None),
    ]
    assert rows(
        engine,
        "SELECT child.code, parent.code FROM twin.region AS child"
        " JOIN twin.region AS parent ON parent.id = child.parent_id",
    ) == [("440507001", "440507")]


def test_readings_find_their_points_and_come_once(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    (tmp_path / "points.csv").write_text(
        f"编号,名称,x,y\nJ1,金砂路下穿,{X},{Y}\nJ2,长平路,{X + 50},{Y}\n"
    )
    loads("waterlogging_point", tmp_path / "points.csv", crs="EPSG:4548")
    readings = tmp_path / "day.csv"
    readings.write_text(
        "监测点,监测时间,积水深度cm\n"
        "J1,2026-06-01T08:00:00+08:00,15\nJ1,2026-06-01T08:10:00+08:00,32.5\n"
        "长平路,2026-05-31T23:00:00Z,0\nJ9,2026-06-01T08:00:00Z,5\nJ2,bad,5\nJ2,2026-06-01,-4\n"
        "J2,2026-06-01T09:00:00Z,\n"
    )
    report = loads("reading", readings)
    assert (report.rows_read, report.loaded, report.rows_rejected) == (7, 4, 3)
    assert report.rejected == {
        "at is empty": 1, "depth_m below 0": 1, "no waterlogging point is called so": 1
    }  # fmt: skip
    assert rows(
        engine,
        "SELECT point.source_id, to_char(at, 'MM-DD HH24:MI'), depth_m, quality"
        " FROM twin.reading JOIN twin.waterlogging_point AS point ON point.id = point_id"
        " ORDER BY 1, 2",
    ) == [
        ("J1", "06-01 00:00", 0.15, "good"),
        ("J1", "06-01 00:10", 0.325, "good"),
        ("J2", "05-31 23:00", 0.0, "good"),
        ("J2", "06-01 09:00", None, "missing"),
    ]
    assert one(engine, "SELECT count(*) FROM twin.reading_202605") == 1
    again = loads("reading", readings)
    assert (again.loaded, again.updated, again.unchanged) == (0, 0, 4)
    readings.write_text("point,at,depth_m\nJ1,2026-06-01T00:00:00Z,0.5\n")
    assert loads("reading", readings).updated == 1


def test_readings_of_no_known_point_are_refused(loads: Load, tmp_path: Path) -> None:
    (tmp_path / "day.csv").write_text("point,at,depth_m\nX,2026-06-01T00:00:00Z,0.5\n")
    with pytest.raises(InvalidInputError, match="no waterlogging point is called so: 1"):
        loads("reading", tmp_path / "day.csv")


def test_teams_are_loaded_with_what_they_can_wade(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    (tmp_path / "teams.csv").write_text(
        f"编号,名称,类型,状态,人数,排水能力,x,y\n1,一号车,消防车,,6,,{X},{Y}\n2,龙吸水,排涝车,,4,3000,{X},{Y}\n"
    )
    loads("resource", tmp_path / "teams.csv", crs="EPSG:4548")
    found = rows(
        engine,
        "SELECT kind, vehicle_class, status, crew, round(pump_m3_per_s::numeric, 4)::float"
        " FROM twin.resource ORDER BY source_id",
    )
    assert found == [
        ("fire_engine", "fire_engine", "free", 6, None),
        ("pump_truck", "pump_truck", "free", 4, 0.8333),
    ]


def test_lines_with_heights_keep_them(engine: Engine, loads: Load, tmp_path: Path) -> None:
    lines = [LineString([(X, Y, 3.0), (X + 9, Y, 2.5)]), LineString([(X, Y, 1.0), (X, Y + 9, 1.5)])]
    loads("pipe_segment", segments(tmp_path, lines, id=["p", "q"]),
          mapping={"kind": "=gas", "elevation_reference": "=top"})  # fmt: skip
    found = rows(
        engine,
        "SELECT elevation_reference, ST_ZMax(geom) FROM twin.pipe_segment ORDER BY source_id",
    )
    assert found == [("top", 3.0), ("top", 1.5)]
    assert np.isfinite([z for _, z in found]).all()
