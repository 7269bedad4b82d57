"""Components and events from files: their codes, what they are about, what is refused and why."""

from collections.abc import Callable
from pathlib import Path

import geopandas
import pyogrio
import pytest
import shapely
from sqlalchemy import Engine

from tests.twin.ingest.conftest import Load, one, rows
from twin.errors import InvalidInputError
from twin.ingest import load

_CODES = ["4405070104000001", "4405070118000002", "4405070402000003"]


def saved(columns: dict[str, list[object]], file: Path) -> Path:
    count = len(next(iter(columns.values())))
    points = [shapely.Point(470_000 + 10 * k, 2_580_000) for k in range(count)]
    pyogrio.write_dataframe(geopandas.GeoDataFrame(columns, geometry=points, crs=4548), file)
    return file


def test_components_come_with_the_names_of_the_standard(
    loads: Load, engine: Engine, tmp_path: Path
) -> None:
    file = saved(
        {
            "ObjID": [*_CODES],
            "ObjName": ["雨水箅子", "路灯", "行道树"],
            "DeptName1": ["城管局", "城管局", "园林局"],
            "DeptName2": ["水务集团", "供电局", "园林局"],
            "ObjState": ["完好", "破损", "完好"],
        },
        tmp_path / "components.gpkg",
    )
    report = loads("component", file)
    assert (report.loaded, report.rejected) == (3, {})
    assert rows(engine, "SELECT source_id, code, class_code, manager, owner, state "
                        "FROM twin.component ORDER BY code") == [
        (_CODES[0], _CODES[0], "4405070104", "城管局", "水务集团", "in_service"),
        (_CODES[1], _CODES[1], "4405070118", "城管局", "供电局", "out_of_service"),
        (_CODES[2], _CODES[2], "4405070402", "园林局", "园林局", "in_service"),
    ]  # fmt: skip
    assert one(engine, "SELECT count(*) FROM twin.component WHERE bd_code LIKE 'N50F%'") == 3
    again = loads("component", file)
    assert (again.loaded, again.updated, again.unchanged) == (0, 0, 3)


def test_a_refused_component_says_why(loads: Load, tmp_path: Path) -> None:
    said = {
        "id": [*"abcdefgh"],
        "code": ["4405070104000001", "4405079904000001", "4405070104", "4.40507010400E+15",
                 "4405070104000000", "990507010400001", None, "4405070104000002"],
        "class_code": ["4405070118", None, None, None, None, None, "4405070104000001",
                       "4405070104"],
    }  # fmt: skip
    report = loads("component", saved(said, tmp_path / "bad.gpkg"))  # type: ignore[arg-type]
    assert report.loaded == 1
    assert report.rejected == {
        "code and class code are of different classes": 1,
        "code refused: no major class has the number 99; there are 01, 02, 03, 04, 05, 06, 21": 1,
        "code refused: it is the code of a class, without a running number": 1,
        "code refused: it was a floating-point number on the way and its digits are lost; "
        "a code is text": 1,
        "code refused: the running number begins at 1": 1,
        "code refused: it has 15 digits, not 10 or 16": 1,
        "class code refused: it is the code of one thing's own, and not that of its class": 1,
    }


def test_elsewhere_codes_are_the_citys_own(city_of: Callable[..., Engine], tmp_path: Path) -> None:
    engine = city_of(32748, (106.6, -6.4, 107.0, -6.0))
    frame = geopandas.GeoDataFrame(
        {"id": ["1"], "code": ["LAMP-1"], "class_code": ["lamp"]},
        geometry=[shapely.Point(106.8, -6.2)],
        crs=4326,
    )
    pyogrio.write_dataframe(frame, tmp_path / "lamps.gpkg")
    report = load(engine, "component", [tmp_path / "lamps.gpkg"], data_dir=tmp_path)
    assert report.loaded == 1
    assert one(engine, "SELECT code || class_code FROM twin.component") == "LAMP-1lamp"


def _events(tmp_path: Path, **more: list[object]) -> Path:
    columns: dict[str, list[object]] = {
        "任务号": ["A1", "A2", "A3"],
        "事件代码": ["4405070506", "4405070110", "4405070201"],
        "问题来源": ["传感器", "巡查", "12345"],
        "当前阶段": ["已派遣", "上报", "结案"],
        "上报时间": ["2026-06-01T08:00:00+08:00"] * 3,
        "派遣时间": ["2026-06-01T08:30:00+08:00", None, None],
        "部件标识码": [_CODES[0], _CODES[2], None],
        **more,
    }
    return saved(columns, tmp_path / "events.gpkg")


def test_events_find_their_components(loads: Load, engine: Engine, tmp_path: Path) -> None:
    loads("component", saved({"ObjID": _CODES[:2]}, tmp_path / "c.gpkg"))  # type: ignore[dict-item]
    report = loads("event", _events(tmp_path))
    assert report.loaded == 3
    assert report.notes == ("events about a component: 1 found, 1 not found",)
    assert rows(engine, "SELECT event.source_id, event.code, channel, status, component.code, "
                        "extract(epoch FROM dispatched_at - reported_at)::int "
                        "FROM twin.event LEFT JOIN twin.component ON component.id = component_id "
                        "ORDER BY 1") == [
        ("A1", "A1", "sensor", "dispatched", _CODES[0], 1800),
        ("A2", "A2", "patrol", "reported", None, None),
        ("A3", "A3", "hotline", "closed", None, None),
    ]  # fmt: skip
    assert one(engine, "SELECT reported_at = '2026-06-01T00:00Z' FROM twin.event LIMIT 1")


def test_a_later_state_of_events_is_a_change_and_a_former_one_is_refused(
    loads: Load, engine: Engine, tmp_path: Path
) -> None:
    loads("event", _events(tmp_path))
    later = loads("event", _events(tmp_path, 当前阶段=["结案", "立案", "结案"]))
    assert (later.updated, later.unchanged) == (2, 1)
    assert one(engine, "SELECT count(*) FROM twin.event_history") == 2
    with pytest.raises(InvalidInputError, match="cannot go from closed to dispatched"):
        loads("event", _events(tmp_path))
    assert one(engine, "SELECT string_agg(status, ' ' ORDER BY source_id) FROM twin.event") == (
        "closed accepted closed"
    )


def test_an_event_without_a_time_or_with_an_impossible_one_is_refused(
    loads: Load, tmp_path: Path
) -> None:
    report = loads(
        "event",
        _events(
            tmp_path,
            上报时间=["2026-06-01T08:00:00Z", None, "2026-06-01T08:00:00Z"],
            派遣时间=["2026-06-01T07:59:59Z", None, None],
        ),
    )
    assert report.loaded == 1
    assert report.rejected == {
        "reported_at is empty": 1,
        "dispatched_at before reported_at": 1,
    }
