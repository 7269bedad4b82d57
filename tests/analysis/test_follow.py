"""A read model is read again when the feed tells of its layers, and only then."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from analysis._follow import ReadModel
from twin.database import City, connect


def count_edges(session: Session) -> int:
    return int(session.scalar(text("SELECT count(*) FROM twin.road_edge")) or 0)


class Reads:
    """Counts how often the city was read."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, session: Session) -> int:
        self.times += 1
        return count_edges(session)


def test_reads_once_and_again_after_a_change_of_its_layer(own_town: City) -> None:
    reads, session = Reads(), own_town.session
    model = ReadModel(("road_edge",), reads)
    assert [model(session), model(session)] == [12, 12]
    assert reads.times == 1
    session.execute(text("UPDATE twin.building SET name = 'x' WHERE id = 1"))
    session.commit()
    assert (model(session), reads.times) == (12, 1)
    session.execute(text("DELETE FROM twin.road_edge WHERE id = 1"))
    session.commit()
    assert (model(session), reads.times) == (11, 2)
    assert (model(session), reads.times) == (11, 2)


def test_a_change_is_not_forgotten_when_reading_fails(own_town: City) -> None:
    session = own_town.session
    broken = False

    def read(session: Session) -> int:
        if broken:
            raise OSError("no")
        return count_edges(session)

    model = ReadModel(("road_edge",), read)
    assert model(session) == 12
    session.execute(text("DELETE FROM twin.road_edge WHERE id = 1"))
    session.commit()
    broken = True
    with pytest.raises(OSError, match="no"):
        model(session)
    broken = False
    assert model(session) == 11


def test_what_is_rolled_back_is_not_a_change(own_town: City) -> None:
    reads, session = Reads(), own_town.session
    model = ReadModel(("road_edge",), reads)
    model(session)
    session.execute(text("DELETE FROM twin.road_edge WHERE id = 1"))
    session.rollback()
    assert (model(session), reads.times) == (12, 1)


def test_every_database_has_its_own(
    own_town: City, clone: Callable[..., Any], town_template: str
) -> None:
    model = ReadModel(("road_edge",), count_edges)
    assert model(own_town.session) == 12
    with clone(town_template) as url:
        other = connect(url)
        with Session(other) as session:
            session.execute(text("DELETE FROM twin.road_edge WHERE id <= 2"))
            session.commit()
            assert model(session) == 10
        other.dispose()
    assert model(own_town.session) == 12


def test_threads_share_one_reading(own_town: City) -> None:
    reads = Reads()
    model = ReadModel(("road_edge",), reads)
    engine = own_town.session.get_bind().engine
    found: list[int] = []

    def ask() -> None:
        with Session(engine) as session:
            found.append(model(session))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (found, reads.times) == ([12] * 6, 1)
