"""The change feed: complete, once, in the order of commits."""

import random
import threading
import time

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from twin import changes
from twin.changes import START, Position
from twin.crs import CityBox

_HOUSE = text("""
    INSERT INTO twin.building (name, geom)
    SELECT :name, ST_Multi(ST_MakeEnvelope(:x, :y, :x + 10, :y + 10, 4548)) RETURNING id
""")
_MOVE = text("UPDATE twin.building SET geom = ST_Translate(geom, :dx, 0) WHERE id = :id")
_RENAME = text("UPDATE twin.building SET name = :name WHERE id = :id")


def _house(session: Session, name: str = "a", x: float = 460_000.0, y: float = 2_580_000.0) -> int:
    return int(session.execute(_HOUSE, {"name": name, "x": x, "y": y}).scalar_one())


def _driver_url(engine: Engine) -> str:
    return engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


def test_one_row_a_feature_with_the_box_before_and_after(engine: Engine) -> None:
    with Session(engine) as session:
        house = _house(session)
        session.commit()
        session.execute(_MOVE, {"dx": 5, "id": house})
        session.commit()
        session.execute(text("DELETE FROM twin.building WHERE id = :id"), {"id": house})
        session.commit()
        log = changes.since(session)
    here = CityBox(460_000, 2_580_000, 460_010, 2_580_010)
    there = CityBox(460_005, 2_580_000, 460_015, 2_580_010)
    assert [(c.operation, c.before, c.after) for c in log] == [
        ("I", None, here),
        ("U", here, there),
        ("D", there, None),
    ]
    assert {(c.layer, c.feature_id) for c in log} == {("building", house)}
    assert [c.position.seq for c in log] == [1, 2, 3]


def test_the_changes_of_one_layer_alone(engine: Engine) -> None:
    with Session(engine) as session:
        house = _house(session)
        session.commit()
        session.execute(
            text("""
                INSERT INTO twin.facility (kind, geom)
                SELECT 'hospital', ST_SetSRID(ST_MakePoint(460000, 2580000), 4548)
            """)
        )
        session.commit()
        session.execute(_MOVE, {"dx": 5, "id": house})
        session.commit()
        log = changes.since(session)
        for layer in ("building", "facility", "region"):
            of_it = [change for change in log if change.layer == layer]
            assert changes.since(session, layer=layer) == of_it
            assert changes.since(session, log[0].position, layer=layer) == [
                change for change in of_it if change.position > log[0].position
            ]
    assert [change.layer for change in log] == ["building", "facility", "building"]


def test_former_states_stay_in_the_history(engine: Engine) -> None:
    with Session(engine) as session:
        house = _house(session, "first")
        session.commit()
        session.execute(_RENAME, {"name": "second", "id": house})
        session.commit()
        session.execute(text("DELETE FROM twin.building"))
        session.commit()
        rows = session.execute(
            text("SELECT name, op, recorded_at, replaced_at FROM twin.building_history ORDER BY 3")
        ).all()
    assert [(row.name, row.op) for row in rows] == [("first", "U"), ("second", "D")]
    assert rows[0].replaced_at == rows[1].recorded_at


def test_an_edit_that_changes_nothing_is_not_logged(engine: Engine) -> None:
    with Session(engine) as session:
        house = _house(session, "same")
        session.commit()
        session.execute(_RENAME, {"name": "same", "id": house})
        session.execute(text("DELETE FROM twin.building WHERE id = -1"))
        session.commit()
        assert len(changes.since(session)) == 1
        assert session.scalar(text("SELECT count(*) FROM twin.change_set")) == 1
        assert session.scalar(text("SELECT count(*) FROM twin.building_history")) == 0


def test_what_is_rolled_back_leaves_no_trace(engine: Engine) -> None:
    with Session(engine) as session:
        with session.begin_nested() as savepoint:
            _house(session, "undone")
            savepoint.rollback()
        _house(session, "kept")
        session.commit()
        _house(session, "undone too")
        session.rollback()
        log = changes.since(session)
        assert [c.operation for c in log] == ["I"]
        assert session.scalar(text("SELECT count(*) FROM twin.change_set")) == 1


def test_a_bulk_load_is_one_entry_with_its_extent(engine: Engine) -> None:
    with Session(engine) as session:
        session.execute(text("SET LOCAL twin.load_id = '7'"))
        session.execute(
            text("""
                INSERT INTO twin.building (geom)
                SELECT ST_Multi(ST_MakeEnvelope(x, 2580000, x + 1, 2580001, 4548))
                FROM   generate_series(460000, 460999) AS x
            """)
        )
        session.commit()
        (load,) = changes.since(session)
    assert (load.operation, load.feature_id, load.load_id) == ("L", None, 7)
    assert load.after == CityBox(460_000, 2_580_000, 461_000, 2_580_001)


def test_the_actor_is_named(engine: Engine) -> None:
    with Session(engine) as session:
        changes.act_as(session, "值班员 王")
        _house(session)
        session.commit()
        assert changes.since(session)[0].actor == "值班员 王"


def test_a_reading_tells_of_its_point(engine: Engine) -> None:
    with Session(engine) as session:
        point = session.scalar(
            text("""
                INSERT INTO twin.waterlogging_point (geom)
                VALUES (ST_SetSRID(ST_MakePoint(460000, 2580000), 4548)) RETURNING id
            """)
        )
        session.commit()
        session.execute(
            text("INSERT INTO twin.reading (point_id, at, depth_m) VALUES (:id, now(), 0.3)"),
            {"id": point},
        )
        session.commit()
        last = changes.since(session)[-1]
    assert (last.layer, last.operation, last.feature_id) == ("waterlogging_point", "U", point)


def test_truncate_is_refused_because_it_would_leave_no_history(engine: Engine) -> None:
    with Session(engine) as session, pytest.raises(DBAPIError, match="use DELETE"):
        session.execute(text("TRUNCATE twin.building CASCADE"))


def test_the_name_of_a_feature_never_changes(engine: Engine) -> None:
    with Session(engine) as session:
        _house(session)
        session.commit()
        with pytest.raises(DBAPIError, match="never change"):
            session.execute(text("UPDATE twin.building SET uid = gen_random_uuid()"))


def test_numbers_follow_commits_not_beginnings(engine: Engine) -> None:
    """A slow writer that began first is numbered last, and holds nobody up."""
    with Session(engine) as slow, Session(engine) as quick, Session(engine) as reader:
        _house(slow, "began first")
        _house(quick, "committed first")
        quick.commit()
        early = changes.since(reader)
        reader.rollback()
        slow.commit()
        late = changes.since(reader, early[-1].position)
    assert len(early) == len(late) == 1
    assert late[0].position > early[0].position
    assert late[0].feature_id < early[0].feature_id  # type: ignore[operator]


def test_a_follower_gets_each_change_once_while_many_write(engine: Engine) -> None:
    writers, commits = 4, 60
    done = threading.Event()

    def write(number: int) -> None:
        dice = random.Random(number)
        with Session(engine) as session:
            for step in range(commits):
                for _ in range(dice.randint(1, 3)):
                    _house(session, f"{number}-{step}")
                time.sleep(dice.random() / 500)
                if dice.random() < 0.2:
                    session.rollback()
                else:
                    session.commit()

    threads = [threading.Thread(target=write, args=(n,)) for n in range(writers)]
    for thread in threads:
        thread.start()

    seen: list[changes.Change] = []

    def read() -> None:
        while True:
            last_round = done.is_set()
            with Session(engine) as session:
                some = changes.follow(session, "test", most=7)
                seen.extend(some)
                session.commit()
            if last_round and not some:
                return

    reader = threading.Thread(target=read)
    reader.start()
    for thread in threads:
        thread.join()
    done.set()
    reader.join()
    with Session(engine) as session:
        kept = set(session.scalars(text("SELECT id FROM twin.building")))
        commits_of = session.scalar(text("SELECT count(*) FROM twin.change_set"))
    ids = [c.feature_id for c in seen]
    assert len(ids) == len(set(ids))
    assert set(ids) == kept
    assert [c.position for c in seen] == sorted(c.position for c in seen)
    assert len({c.position.seq for c in seen}) == commits_of


def test_a_follower_that_fails_gets_the_same_changes_again(engine: Engine) -> None:
    with Session(engine) as session:
        _house(session)
        session.commit()
        first = changes.follow(session, "clumsy")
        session.rollback()
        again = changes.follow(session, "clumsy")
        session.commit()
        assert first == again
        assert changes.follow(session, "clumsy") == []


def test_a_commit_wakes_a_sleeper_and_an_empty_one_does_not(engine: Engine) -> None:
    with psycopg.connect(_driver_url(engine), autocommit=True) as ear, Session(engine) as session:
        assert not changes.wait(ear, timeout_s=0.01)
        session.execute(text("SELECT 1"))
        session.commit()
        assert not changes.wait(ear, timeout_s=0.1)
        _house(session)
        session.commit()
        assert changes.wait(ear, timeout_s=5)


def test_latest_is_where_a_reader_of_the_whole_city_goes_on(engine: Engine) -> None:
    with Session(engine) as session:
        assert changes.latest(session) == START
        _house(session)
        _house(session)
        session.commit()
        end = changes.latest(session)
        assert end == changes.since(session)[-1].position
        assert changes.since(session, end) == []
        assert changes.since(session, Position(end.seq, end.id - 1)) != []
