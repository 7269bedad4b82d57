"""Layers as of a moment: the same questions, the states that were known then."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import mapbox_vector_tile
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from layers import Layer, layer_named, layers, query
from layers.filter import EVERYTHING, Selection, parse_as_of, parse_period
from tiles.encodings.mvt import vector_tile
from tiles.grid import Tile
from twin.crs import LonLatBox
from twin.database import City
from twin.errors import InvalidInputError, NotFoundError
from twin.history import moment

BUILDING = layer_named("building")


@pytest.mark.parametrize("layer", layers().values(), ids=lambda layer: layer.id)
def test_as_of_the_last_commit_every_layer_is_as_it_is_now(city: City, layer: Layer) -> None:
    last = city.session.scalar(text("SELECT max(seq) FROM twin.change_set"))
    then = Selection(as_of=last)
    assert query.written(city, layer, then).texts == query.written(city, layer).texts
    assert query.count(city, layer, then) == query.count(city, layer)


@pytest.mark.parametrize("layer", layers().values(), ids=lambda layer: layer.id)
def test_as_of_the_last_commit_tiles_hold_the_same(city: City, layer: Layer) -> None:
    last = city.session.scalar(text("SELECT max(seq) FROM twin.change_set"))
    west, south, east, north = city.frame.lonlat_extent()
    for zoom in (14, 17):
        tile = _tile((west + east) / 2, (south + north) / 2, zoom)
        found = _features(vector_tile(city, [layer], tile, Selection(as_of=last)))
        assert found == _features(vector_tile(city, [layer], tile))
        assert found or layer.id != "building"


def _tile(lon: float, lat: float, zoom: int) -> Tile:
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
    return Tile(zoom, int((lon + 180) / 360 * 2**zoom), int(y * 2**zoom))


def _features(drawn: bytes) -> list[str]:
    layers = mapbox_vector_tile.decode(drawn).values() if drawn else ()
    return sorted(str(feature) for layer in layers for feature in layer["features"])


@pytest.mark.parametrize("layer", layers().values(), ids=lambda layer: layer.id)
def test_before_the_first_commit_nothing_was_known(city: City, layer: Layer) -> None:
    before = Selection(as_of=0)
    assert query.written(city, layer, before).texts == []
    assert query.count(city, layer, before) == 0


class Story:
    """A house that is built, renamed, moved and torn down, one commit each."""

    def __init__(self, city: City) -> None:
        self.city = city
        self.id = int(
            self._run("""
                INSERT INTO twin.building (name, geom, valid_from)
                SELECT 'first', ST_Multi(ST_MakeEnvelope(460000, 2580000, 460010, 2580010, 4548)),
                       '2020-01-01Z'
                RETURNING id
            """)
        )
        self._run("UPDATE twin.building SET name = 'second' RETURNING id")
        self._run("UPDATE twin.building SET geom = ST_Translate(geom, 5000, 0) RETURNING id")
        self.uid = str(self._run("DELETE FROM twin.building RETURNING uid"))

    def _run(self, statement: str) -> object:
        found = self.city.session.scalar(text(statement))
        self.city.session.commit()
        return found

    def names(self, as_of: int | datetime, **asked: object) -> list[object]:
        """Return the names that a question finds as of a moment."""
        selection = replace(EVERYTHING, as_of=as_of, **asked)  # type: ignore[arg-type]
        found = query.page(self.city, BUILDING, selection, names=("name",))
        assert query.count(self.city, BUILDING, selection) == len(found.rows)
        return [row[2] for row in found.rows]


@pytest.fixture
def story(empty_city: City) -> Story:
    return Story(empty_city)


def test_each_commit_has_its_state(story: Story) -> None:
    found = [story.names(seq) for seq in range(5)]
    assert found == [[], ["first"], ["second"], ["second"], []]


def test_a_time_means_the_last_commit_by_then(story: Story) -> None:
    times = story.city.session.scalars(
        text("SELECT committed_at FROM twin.change_set ORDER BY seq")
    ).all()
    instant = timedelta(microseconds=1)
    assert [story.names(at) for at in times] == [["first"], ["second"], ["second"], []]
    assert [story.names(at - instant) for at in times] == [[], ["first"], ["second"], ["second"]]
    final = [moment(story.city.session, at).final for at in times]
    assert final == [True, True, True, False]  # a commit at the same time as the last could come


def test_both_times_can_be_asked_at_once(story: Story) -> None:
    assert story.names(2, period=parse_period("2021-01-01")) == ["second"]
    assert story.names(2, period=parse_period("2019-01-01")) == []


def test_a_box_holds_what_was_in_it(story: Story) -> None:
    here = LonLatBox(116.60, 23.30, 116.62, 23.34)
    there = LonLatBox(116.65, 23.30, 116.67, 23.34)
    assert [len(story.names(seq, box=here)) for seq in range(5)] == [0, 1, 1, 0, 0]
    assert [len(story.names(seq, box=there)) for seq in range(5)] == [0, 0, 0, 1, 0]


def test_filters_see_former_values(story: Story) -> None:
    assert story.names(1, values={"name": ("first",)}) == ["first"]
    assert story.names(2, values={"name": ("first",)}) == []


def test_a_feature_that_is_gone_is_found_in_the_past(story: Story) -> None:
    for key in (str(story.id), story.uid):
        page = query.one(story.city, BUILDING, key, 2)
        assert page.rows[0][0] == story.id
        assert '"second"' in query.one_written(story.city, BUILDING, key, 3)
        for seq in (0, 4):
            with pytest.raises(NotFoundError, match="had no feature"):
                query.one(story.city, BUILDING, key, seq)


def test_pages_of_the_past_follow_one_another(empty_city: City) -> None:
    session = empty_city.session
    for name in ("a", "b"):
        session.execute(
            text("""
                INSERT INTO twin.building (name, geom)
                SELECT :name, ST_Multi(ST_MakeEnvelope(460000, 2580000, 460010, 2580010, 4548))
                FROM   generate_series(1, 5)
            """),
            {"name": name},
        )
        session.commit()
    session.execute(text("UPDATE twin.building SET name = 'c'"))
    session.execute(text("DELETE FROM twin.building WHERE id % 2 = 0"))
    session.commit()
    found, after = [], None
    while True:
        page = query.page(
            empty_city, BUILDING, Selection(as_of=2), after=after, limit=3, names=("name",)
        )
        found += [row[2] for row in page.rows]
        after = page.last
        if after is None:
            break
    assert found == ["a"] * 5 + ["b"] * 5


def test_the_future_is_not_known(empty_city: City) -> None:
    session = empty_city.session
    with pytest.raises(InvalidInputError, match="lies in the future; now it is"):
        moment(session, datetime.now(UTC) + timedelta(hours=1))
    with pytest.raises(InvalidInputError, match="seq:1 is no commit yet; the last one has the"):
        moment(session, 1)


@pytest.mark.parametrize("word", ["yesterday", "2026-06-01", "seq:", "seq:x", "seq:-1", "12", ""])
def test_what_is_no_moment_is_refused(word: str) -> None:
    with pytest.raises(InvalidInputError, match="asOf is a time such as"):
        parse_as_of(word)


def test_commits_of_one_moment_are_told_apart_by_who_was_first(empty_city: City) -> None:
    """A transaction that began first and commits last is not known in between."""
    engine = empty_city.session.get_bind()
    house = text("""
        INSERT INTO twin.building (name, geom)
        SELECT :name, ST_Multi(ST_MakeEnvelope(460000, 2580000, 460010, 2580010, 4548))
    """)
    with Session(engine) as slow, Session(engine) as quick:
        slow.execute(house, {"name": "slow"})  # its number is drawn first
        for name in ("one", "two"):
            quick.execute(house, {"name": name})
            quick.commit()
        between = moment(empty_city.session, 1)
        empty_city.session.commit()
        slow.commit()
        quick.execute(house, {"name": "three"})
        quick.commit()

    def names(seq: int) -> set[object]:
        page = query.page(empty_city, BUILDING, Selection(as_of=seq), names=("name",))
        return {row[2] for row in page.rows}

    assert between.seq == 1
    expected = [set(), {"one"}, {"one", "two"}, {"one", "two", "slow"}]
    assert [names(seq) for seq in range(4)] == expected
    assert names(4) == {"one", "two", "slow", "three"}


def test_a_thing_replaced_by_a_transaction_with_a_lower_number(empty_city: City) -> None:
    """Numbers are drawn before locks are waited for; commits decide."""
    session = empty_city.session
    engine = session.get_bind()
    add = text("""
        INSERT INTO twin.building (name, geom)
        SELECT :name, ST_Multi(ST_MakeEnvelope(460000, 2580000, 460010, 2580010, 4548))
    """)
    rename = text("UPDATE twin.building SET name = :name WHERE name = :former")
    session.execute(add, {"name": "a"})
    session.commit()
    with Session(engine) as early, Session(engine) as late:
        early.execute(add, {"name": "other"})  # draws its number
        late.execute(rename, {"name": "b", "former": "a"})
        late.commit()
        early.execute(rename, {"name": "c", "former": "b"})
        early.commit()
    names = [
        sorted(
            row[2]
            for row in query.page(empty_city, BUILDING, Selection(as_of=seq), names=("name",)).rows
        )
        for seq in range(4)
    ]
    assert names == [[], ["a"], ["b"], ["c", "other"]]
