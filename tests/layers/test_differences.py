"""What differs between two moments, by layer."""

import pytest
from sqlalchemy import text

from layers import layer_named, layers
from layers.differences import Differences, differences
from twin.crs import LonLatBox
from twin.database import City
from twin.errors import InvalidInputError
from twin.history import moment

BUILDING = layer_named("building")


@pytest.fixture
def changed_city(empty_city: City) -> City:
    """Return a city of five commits: three houses, then each meets another fate."""
    for statement in (
        """
        INSERT INTO twin.building (name, geom)
        SELECT name, ST_Multi(ST_MakeEnvelope(460000 + x, 2580000, 460010 + x, 2580010, 4548))
        FROM   (VALUES ('a', 0), ('b', 100), ('c', 200)) AS house (name, x)
        """,
        "UPDATE twin.building SET name = 'a2', height_m = 9 WHERE name = 'a'",
        "UPDATE twin.building SET geom = ST_Translate(geom, 9000, 0) WHERE name = 'b'",
        "DELETE FROM twin.building WHERE name = 'c'",
        "UPDATE twin.building SET name = 'a', height_m = NULL WHERE name = 'a2'",
    ):
        empty_city.session.execute(text(statement))
        empty_city.session.commit()
    return empty_city


def _between(city: City, since: int, until: int, **asked: object) -> Differences:
    moments = (moment(city.session, seq) for seq in (since, until))
    return differences(city, BUILDING, *moments, **asked)  # type: ignore[arg-type]


def _told(city: City, since: int, until: int, **asked: object) -> list[tuple[object, ...]]:
    found = _between(city, since, until, **asked).found
    return [(d.change, sorted(set(d.fields) - {"bd_code", "cell_id"}), d.moved) for d in found]


def test_each_fate_is_told(changed_city: City) -> None:
    assert _told(changed_city, 1, 4) == [
        ("changed", ["height_m", "name"], False),
        ("changed", [], True),
        ("removed", ["attrs", "name", "source", "state", "visibility"], True),
    ]
    first = _between(changed_city, 1, 2).found[0]
    assert first.fields == {"name": ("a", "a2"), "height_m": (None, 9)}


def test_what_came_to_be_is_added(changed_city: City) -> None:
    assert [entry[0] for entry in _told(changed_city, 0, 1)] == ["added"] * 3
    assert [entry[0] for entry in _told(changed_city, 0, 5)] == ["added"] * 2


def test_there_and_back_is_no_difference(changed_city: City) -> None:
    assert [entry[0] for entry in _told(changed_city, 1, 5)] == ["changed", "removed"]
    assert _told(changed_city, 4, 4) == []


def test_a_box_holds_what_was_in_it_before_or_after(changed_city: City) -> None:
    there = LonLatBox(116.69, 23.30, 116.71, 23.34)
    here = LonLatBox(116.60, 23.30, 116.62, 23.34)
    assert _told(changed_city, 1, 4, box=there) == [("changed", [], True)]
    assert len(_told(changed_city, 1, 4, box=here)) == 3
    assert _told(changed_city, 1, 4, box=LonLatBox(0, 0, 1, 1)) == []


def test_pages_follow_one_another(changed_city: City) -> None:
    found, last = _between(changed_city, 0, 1, limit=2)
    rest = _between(changed_city, 0, 1, limit=2, after=last)
    assert (len(found), len(rest.found), rest.last) == (2, 1, None)


def test_moments_in_the_wrong_order_are_refused(changed_city: City) -> None:
    with pytest.raises(InvalidInputError, match="from lies after to: commit 3 after commit 1"):
        _between(changed_city, 3, 1)


@pytest.mark.parametrize("layer", layers().values(), ids=lambda layer: layer.id)
def test_every_layer_tells_its_differences(city: City, layer: object) -> None:
    start = moment(city.session, 0)
    last = moment(city.session, city.session.scalar(text("SELECT max(seq) FROM twin.change_set")))
    found = differences(city, layer, start, last, limit=10_000).found  # type: ignore[arg-type]
    there = city.session.scalar(text(f"SELECT count(*) FROM twin.{layer.id}"))  # type: ignore[attr-defined]
    assert len(found) == there
    assert {each.change for each in found} <= {"added"}
