"""Who leaves takes the work that was done for him alone along, and nobody else's."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, event, text

from api.settings import Settings
from tiles.cache import Address
from tiles.grid import Tile
from twin.caller import Caller, GoneError

from ._wire import Live, Wire, get, running

TILE = "/tiles/building/13/6749/3550"
_WAITING = text("""
    SELECT count(*)
    FROM   pg_stat_activity
    WHERE  datname = current_database() AND wait_event_type = 'Lock'
       AND query LIKE '%twin.building%' AND query NOT LIKE '%pg_stat_activity%'
       AND application_name NOT LIKE '%columns%' AND query NOT LIKE '%COPY%'
""")


@pytest.fixture
def live(engine_url: str, tmp_path: Path) -> Iterator[Live]:
    settings = Settings(
        database_url=engine_url, pool_size=2, data_dir=tmp_path, statement_timeout_s=60
    )
    with running(settings) as found:
        yield found


@contextmanager
def _locked(engine: Engine) -> Iterator[None]:
    """Have the buildings to oneself: whoever asks for them waits."""
    with engine.begin() as connection:
        connection.execute(text("LOCK TABLE twin.building IN ACCESS EXCLUSIVE MODE"))
        yield


def _waits(engine: Engine, number: int, timeout_s: float = 15) -> None:
    """Wait until so many statements wait for the buildings."""
    end = time.monotonic() + timeout_s
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while (found := connection.scalar(_WAITING)) != number:
            assert time.monotonic() < end, f"{found} statements wait, not {number}"
            time.sleep(0.05)


@pytest.mark.parametrize("path", [f"{TILE}?use=residential", "/collections/building/items?limit=5"])
def test_a_statement_ends_when_its_client_leaves(live: Live, engine: Engine, path: str) -> None:
    assert live.engine.wait_for_columns(timeout_s=90)
    with Wire(live.port) as first:
        first.send(get(path))
        assert first.answer()[0] in (200, 204)
    with _locked(engine):
        with Wire(live.port) as wire:
            wire.send(get(path))
            _waits(engine, 1)
        # The lock is still held: only the cancellation ends it.
        _waits(engine, 0)
    with Wire(live.port) as after:
        after.send(get(path))
        assert after.answer()[0] in (200, 204)
    assert live.app.state.desk.metrics.left == 1


def test_a_tile_that_others_wait_for_is_made_all_the_same(engine: Engine, tmp_path: Path) -> None:
    url = engine.url.render_as_string(hide_password=False)
    settings = Settings(database_url=url, pool_size=2, data_dir=tmp_path, statement_timeout_s=60)
    # While somebody has the table, there are no columns: PostGIS is asked for the tile.
    with _locked(engine), running(settings) as live:
        while not live.engine.ready:
            time.sleep(0.02)
        with Wire(live.port) as stays:
            with Wire(live.port) as leaves:
                for wire in (leaves, stays):
                    wire.send(get(TILE))
                _waits(engine, 1)
            time.sleep(0.5)
            _waits(engine, 1)
        _waits(engine, 0)


def test_work_that_did_not_begin_is_never_done(live: Live) -> None:
    assert live.engine.wait_for_columns(timeout_s=90)
    cache = live.engine.cache
    address = Address(("building",), Tile(13, 6749, 3550))
    flight, own = cache.board(address)
    other, also = cache.board(address)
    assert (own, also, other) == (True, False, flight)
    assert not cache.leave(other)
    assert cache.leave(flight)
    with pytest.raises(GoneError):
        live.engine.make(address, flight.caller)
    # Who asks now does not wait for what nobody makes.
    assert cache.board(address)[1]


def test_a_cancelled_connection_is_not_used_again(engine: Engine) -> None:
    from sqlalchemy.orm import Session

    caller = Caller()
    with Session(engine) as session, caller.asking(session):
        first = session.scalar(text("SELECT pg_backend_pid()"))
        caller.gone = True
    with Session(engine) as session:
        assert session.scalar(text("SELECT pg_backend_pid()")) != first
    with Session(engine) as session, pytest.raises(GoneError), caller.asking(session):
        session.scalar(text("SELECT 1"))


def test_who_leaves_while_the_database_is_dialled_leaves_no_connection_behind(
    engine_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = {id(each) for each in _connections()}
    settings = Settings(database_url=engine_url, pool_size=8, data_dir=tmp_path)
    with running(settings) as live:
        readers = live.app.state.readers.kw["bind"]
        assert live.engine.wait_for_columns(timeout_s=90)
        event.listen(readers, "connect", lambda *_: time.sleep(0.4))
        for city in (live.app.state.city, None):
            live.app.state.city = city
            readers.dispose()
            wires = [Wire(live.port) for _ in range(8)]
            for wire in wires:
                wire.send(get("/collections"))
            time.sleep(0.2)
            for wire in wires:
                wire.socket.close()
            _ends(live)
        assert live.app.state.desk.metrics.left == 16
        with Wire(live.port) as after:
            after.send(get("/collections"))
            assert after.answer()[0] == 200
        assert readers.pool.checkedout() == 0
    gc.collect()
    assert [each for each in _connections() if id(each) not in before] == []
    assert [told.getMessage() for told in caplog.records if told.levelname == "ERROR"] == []


def test_others_are_answered_while_a_statement_of_one_who_left_ends(
    live: Live, engine: Engine
) -> None:
    """The city's own row is waited for in a thread; the loop must not wait for that thread."""
    assert live.engine.wait_for_columns(timeout_s=90)
    with engine.begin() as connection:
        connection.execute(text("LOCK TABLE twin.city IN ACCESS EXCLUSIVE MODE"))
        live.app.state.city = None
        with Wire(live.port) as leaves:
            leaves.send(get("/city"))
            time.sleep(0.5)
        with Wire(live.port, timeout_s=5) as stays:
            stays.send(get("/conformance"))
            assert stays.answer()[0] == 200
        _ends(live)
    with Wire(live.port) as after:
        after.send(get("/city"))
        assert after.answer()[0] == 200


def _ends(live: Live, timeout_s: float = 10) -> None:
    """Wait until nothing is done for anybody."""
    end = time.monotonic() + timeout_s
    while live.app.state.desk.in_work:
        assert time.monotonic() < end, "something is still done for one who left"
        time.sleep(0.02)


def _connections() -> list[psycopg.Connection]:
    """Return all connections of this process that are open."""
    found = [each for each in gc.get_objects() if isinstance(each, psycopg.Connection)]
    return [each for each in found if not each.closed]
