"""The tables of former states: sealed part by part, brought over from before, never lost."""

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

import twin
from layers import layer_named, query
from layers.filter import Selection
from tests.conftest import SHANTOU
from twin import history
from twin._histories import seal_histories
from twin.database import City, connect

BUILDING = layer_named("building")
_ADD = text("""
    INSERT INTO twin.building (name, geom)
    SELECT :name, ST_Multi(ST_MakeEnvelope(460000, 2580000, 460010, 2580010, 4548))
    RETURNING id
""")
_RENAME = text("UPDATE twin.building SET name = :name WHERE id = :id")
_PARTS = text("""
    SELECT substr(relname, 18) FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE  inhparent = 'twin.building_history'\\:\\:regclass ORDER BY 1
""")


def _add(session: Session, name: str) -> int:
    number = int(session.execute(_ADD, {"name": name}).scalar_one())
    session.commit()
    return number


def _rename(session: Session, number: int, name: str) -> None:
    session.execute(_RENAME, {"name": name, "id": number})
    session.commit()


def _names(city: City, seq: int) -> list[object]:
    found = query.page(city, BUILDING, Selection(as_of=seq), names=("name",))
    return [row[2] for row in found.rows]


def test_sealed_parts_keep_every_state(empty_city: City, engine: Engine) -> None:
    session = empty_city.session
    house = _add(session, "0")
    for n in range(1, 7):
        _rename(session, house, str(n))
        if n % 2 == 0:
            assert seal_histories(engine, larger_than_bytes=0) == ["building"]
    assert seal_histories(engine, larger_than_bytes=0) == []
    assert len(session.scalars(_PARTS).all()) == 4  # three that are full, and the open one
    assert [_names(empty_city, seq) for seq in range(1, 8)] == [[str(n)] for n in range(7)]
    assert len(history.states(empty_city, "building", house)) == 7


def test_who_began_before_a_part_was_sealed_writes_into_it(
    empty_city: City, engine: Engine
) -> None:
    session = empty_city.session
    house = _add(session, "first")
    _rename(session, house, "second")
    with Session(engine) as slow:
        slow.execute(_ADD, {"name": "slow"})  # draws its number, and writes no history yet
        assert seal_histories(engine, larger_than_bytes=0) == ["building"]
        _rename(session, house, "third")
        slow.execute(_RENAME, {"name": "fourth", "id": house})
        slow.commit()
    expected = [["first"], ["second"], ["third"], ["fourth", "slow"]]
    assert [_names(empty_city, seq) for seq in range(1, 5)] == expected


def test_a_busy_history_is_left_for_the_next_time(empty_city: City, engine: Engine) -> None:
    session = empty_city.session
    house = _add(session, "first")
    _rename(session, house, "second")
    session.execute(_RENAME, {"name": "third", "id": house})
    assert seal_histories(engine, larger_than_bytes=0) == []
    session.commit()
    assert seal_histories(engine, larger_than_bytes=0) == ["building"]


def test_a_column_is_added_to_a_table_and_its_history(empty_city: City) -> None:
    session = empty_city.session
    house = _add(session, "first")
    _rename(session, house, "second")
    session.execute(
        text("CALL twin.add_column('building', 'roof', 'text', 'NOT NULL DEFAULT ''x''')")
    )
    session.commit()
    _rename(session, house, "third")
    rows = session.execute(
        text("SELECT name, roof FROM twin.building_history ORDER BY replaced_by")
    )
    assert [tuple(row) for row in rows] == [("first", None), ("second", "x")]


def test_who_wrote_a_state_is_not_for_callers_to_say(empty_city: City) -> None:
    with pytest.raises(DBAPIError, match="recorded_by of building is written by the database"):
        empty_city.session.execute(
            text("""
                INSERT INTO twin.building (recorded_by, geom)
                SELECT 7, ST_Multi(ST_MakeEnvelope(460000, 2580000, 460010, 2580010, 4548))
            """)
        )


def test_commit_times_grow_when_the_clock_is_set_back(empty_city: City) -> None:
    session = empty_city.session
    _add(session, "first")
    ahead = "extract(epoch FROM clock_timestamp() + interval '1 hour')"
    session.execute(text(f"SELECT setval('twin.change_set_moment', ({ahead} * 1e6)\\:\\:bigint)"))
    for name in ("second", "third"):
        _add(session, name)
    first, second, third = session.scalars(
        text("SELECT committed_at FROM twin.change_set ORDER BY seq")
    ).all()
    assert first < second < third
    assert (third - second).total_seconds() == 1e-6
    # What is known already is not in the future, whatever the clock says.
    assert history.moment(session, third).seq == 3


def test_a_load_keeps_what_it_replaces(empty_city: City) -> None:
    session = empty_city.session
    house = _add(session, "first")
    session.execute(text("SET LOCAL twin.load_id = '7'"))
    _rename(session, house, "loaded")
    session.execute(text("SET LOCAL twin.load_id = '8'"))
    session.execute(text("DELETE FROM twin.building"))
    session.commit()
    assert [_names(empty_city, seq) for seq in range(1, 4)] == [["first"], ["loaded"], []]
    found = history.states(empty_city, "building", house)
    assert [state.load_id for state in found] == [None, 7]


def test_a_city_from_before_is_brought_over_whole(database_url: str) -> None:
    engine = connect(database_url)
    _upgrade(engine, "0004")
    with Session(engine) as session, Session(engine) as slow:
        house = _add(session, "first")
        slow.execute(_ADD, {"name": "slow"})  # begins here, and is committed last
        _rename(session, house, "second")
        _rename(session, house, "third")
        session.execute(_RENAME, {"name": "never seen", "id": house})
        session.execute(_RENAME, {"name": "fifth", "id": house})
        session.commit()
        session.execute(text("DELETE FROM twin.building"))
        session.commit()
        slow.commit()
    _run(
        engine,
        "ALTER TABLE twin.building ADD COLUMN roof text NOT NULL DEFAULT 'flat'",
        "ALTER TABLE twin.building_history ADD COLUMN roof text",
    )
    _upgrade(engine, "head")
    with Session(engine) as session:
        city = City(session, SHANTOU, "x")
        expected = [[], ["first"], ["second"], ["third"], ["fifth"], [], ["slow"]]
        assert [_names(city, seq) for seq in range(7)] == expected
        names = [state.values["name"] for state in history.states(city, "building", house)]
        assert names == ["first", "second", "third", "fifth"]
        _add(session, "new")
        assert _names(city, 7) == ["slow", "new"]
    engine.dispose()


def _run(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def _upgrade(engine: Engine, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(twin.__file__).parent / "migrations"))
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS twin"))
        config.attributes |= {"connection": connection, "srid": SHANTOU.srid}
        command.upgrade(config, revision)
