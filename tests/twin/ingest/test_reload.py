"""A second load writes what differs and nothing else; the feed and the history tell the same."""

import threading
from pathlib import Path

import pyogrio
import pytest
import shapely
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from tests.twin.ingest.conftest import Load, houses, one, rows
from twin import changes
from twin.errors import InvalidInputError
from twin.ingest import load


@pytest.fixture
def file(tmp_path: Path) -> Path:
    pyogrio.write_dataframe(houses(), tmp_path / "houses.gpkg")
    return tmp_path / "houses.gpkg"


def feed(engine: Engine) -> list[changes.Change]:
    """Return what happened to buildings; what is found wrong with them is a layer of its own."""
    with Session(engine) as session:
        return [one for one in changes.since(session) if one.layer == "building"]


def test_a_load_is_one_entry_of_the_feed(engine: Engine, loads: Load, file: Path) -> None:
    loads("building", file)
    (change,) = feed(engine)
    assert (change.operation, change.feature_id) == ("L", None)
    assert change.after == (470_000, 2_580_000, 470_220, 2_580_020)
    assert change.load_id == one(engine, "SELECT DISTINCT load_id FROM twin.building")


def test_the_same_again_leaves_feed_and_history_silent(
    engine: Engine, loads: Load, file: Path
) -> None:
    loads("building", file)
    loads("building", file)
    assert [one.operation for one in feed(engine)] == ["L"]
    assert one(engine, "SELECT count(*) FROM twin.building_history") == 0


def test_only_what_differs_is_written(engine: Engine, loads: Load, file: Path) -> None:
    loads("building", file)
    before = rows(engine, "SELECT source_id, id, uid FROM twin.building ORDER BY source_id")
    changed = houses(层数=[6, 19, 33])
    moved = changed.geometry.to_numpy().copy()
    moved[2] = shapely.transform(moved[2], lambda c: c + 0.5)
    pyogrio.write_dataframe(changed.set_geometry(moved, crs=4548), file)
    report = loads("building", file)
    assert (report.loaded, report.updated, report.unchanged) == (0, 2, 1)
    assert before == rows(engine, "SELECT source_id, id, uid FROM twin.building ORDER BY source_id")
    assert rows(engine, "SELECT source_id, storeys, op FROM twin.building_history ORDER BY 1") == [
        ("b", 18, "U"), ("c", 33, "U")
    ]  # fmt: skip
    assert [one.operation for one in feed(engine)] == ["L", "L"]
    assert rows(engine, "SELECT source_id, load_id > 1 FROM twin.building ORDER BY 1") == [
        ("a", False), ("b", True), ("c", True)
    ]  # fmt: skip


def test_new_rows_of_a_known_source_join_the_old(engine: Engine, loads: Load, file: Path) -> None:
    pyogrio.write_dataframe(houses().iloc[:1], file)
    loads("building", file)
    pyogrio.write_dataframe(houses(), file)
    report = loads("building", file)
    assert (report.loaded, report.updated, report.unchanged) == (2, 0, 1)


def test_what_a_file_does_not_say_is_left_alone(engine: Engine, loads: Load, file: Path) -> None:
    loads("building", file)
    with engine.begin() as connection:
        connection.execute(text("UPDATE twin.building SET residents_night = 7, owner = '甲'"))
    assert loads("building", file).unchanged == 3
    assert rows(engine, "SELECT DISTINCT residents_night, owner FROM twin.building") == [(7, "甲")]


def test_another_source_with_the_same_ids_is_another_thing(
    engine: Engine, loads: Load, file: Path
) -> None:
    loads("building", file)
    assert loads("building", file, source="second survey").loaded == 3
    assert one(engine, "SELECT count(*) FROM twin.building") == 6


def test_a_dry_run_says_the_same_and_keeps_nothing(engine: Engine, loads: Load, file: Path) -> None:
    dry = loads("building", file, dry_run=True)
    assert (dry.loaded, dry.dry_run) == (3, True)
    assert one(engine, "SELECT count(*) FROM twin.building") == 0
    assert one(engine, "SELECT count(*) FROM twin.load") == 0
    loads("building", file)
    pyogrio.write_dataframe(houses(层数=[6, 19, 33]), file)
    dry = loads("building", file, dry_run=True)
    assert (dry.updated, dry.unchanged) == (1, 2)
    assert one(engine, "SELECT max(storeys) FROM twin.building WHERE source_id = 'b'") == 18


def test_the_report_is_kept_beside_the_rows(engine: Engine, loads: Load, file: Path) -> None:
    report = loads("building", file)
    kept = one(engine, "SELECT report FROM twin.load")
    assert kept["loaded"] == report.loaded == 3
    assert kept["crs_used"] == "EPSG:4548"
    assert rows(engine, "SELECT layer, source, files FROM twin.load") == [
        ("building", "houses", ["houses.gpkg"])
    ]


def test_uids_rise_with_the_rows(engine: Engine, loads: Load, file: Path) -> None:
    loads("building", file)
    uids = [uid for (uid,) in rows(engine, "SELECT uid FROM twin.building ORDER BY id")]
    assert uids == sorted(uids)
    assert {uid.version for uid in uids} == {7}


def test_progress_goes_from_nothing_to_all(loads: Load, file: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    loads("building", file, progress=lambda *step: told.append(step))
    assert told[0] == ("reading", 0, 3)
    assert ("reading", 3, 3) in told


def test_two_loads_of_one_source_at_once_do_not_double(
    engine: Engine, file: Path, tmp_path: Path
) -> None:
    reports = []

    def run() -> None:
        reports.append(load(engine, "building", [file], data_dir=tmp_path / "data"))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(report.loaded for report in reports) == [0, 0, 0, 3]
    assert one(engine, "SELECT count(*) FROM twin.building") == 3


def test_an_empty_file_is_refused(loads: Load, tmp_path: Path) -> None:
    pyogrio.write_dataframe(houses().iloc[:0], tmp_path / "none.gpkg")
    with pytest.raises(InvalidInputError, match="nothing in it for building"):
        loads("building", tmp_path / "none.gpkg")
    (tmp_path / "zero.gpkg").touch()
    with pytest.raises(InvalidInputError, match="is empty"):
        loads("building", tmp_path / "zero.gpkg")
