"""One element, one file, as of a moment: what could have been written then."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from layers import Layer, layer_named, layers
from layers.file import Content, ElementFile, Section, file_of
from layers.filter import parse_period
from layers.query import require_held
from twin.database import City
from twin.errors import NotFoundError
from twin.history import last_moment, moment

BUILDING = layer_named("building")
HOUSE = """
    INSERT INTO twin.building (name, geom, valid_from)
    SELECT %r, ST_Multi(ST_MakeEnvelope({x}, 2580000, {x} + 10, 2580010, 4548)), '2020-01-01Z'
    RETURNING id
"""


def the(found: ElementFile, name: str) -> Content:
    return next(content for section, content in found.chapters if section.id == name)


def facts(found: ElementFile, name: str) -> dict[str, Any]:
    return {each.field.name: each.value for each in the(found, name).facts}


def written(chapter: tuple[Section, Content]) -> str:
    """Return a chapter in words, without what has no order: a plan's paths, what is as near."""
    section, content = chapter
    drawings = [replace(each, shapes=sorted(each.shapes)) for each in content.drawings]
    if section.id == "around":
        away = [(each.name, [row.values[-1] for row in each.rows]) for each in content.tables]
        return f"{section.id}: {away}"
    return f"{section.id}: {replace(content, drawings=tuple(drawings))}"


@pytest.mark.parametrize("layer", layers().values(), ids=lambda layer: layer.id)
def test_as_of_the_last_commit_files_say_the_same(city: City, layer: Layer) -> None:
    ids = city.session.scalars(text(f"SELECT id FROM twin.{layer.id} ORDER BY id LIMIT 3")).all()
    for id in ids:
        now = file_of(city, layer, str(id))
        then = file_of(city, layer, str(id), known=last_moment(city.session))
        assert then.subject.values == now.subject.values
        assert list(map(written, then.chapters)) == list(map(written, now.chapters))
        assert then.subject.home == now.subject.home


def commit(city: City, statement: str) -> Any:
    found = city.session.scalar(text(statement))
    city.session.commit()
    return found


def test_a_file_tells_what_was_known(empty_city: City) -> None:
    city, number = empty_city, 0
    number = commit(city, (HOUSE % "first").format(x=460000))
    commit(city, f"UPDATE twin.building SET name = 'second' WHERE id = {number} RETURNING id")
    commit(city, (HOUSE % "neighbour").format(x=460020))
    commit(city, f"DELETE FROM twin.building WHERE id = {number} RETURNING id")

    def known(seq: int) -> ElementFile:
        return file_of(city, BUILDING, str(number), known=moment(city.session, seq))

    assert [known(seq).subject.name for seq in (1, 2, 3)] == ["first", "second", "second"]
    for seq in (0, 4):
        with pytest.raises(NotFoundError, match="had no feature"):
            known(seq)
    for seq in (1, 2):
        assert "around" not in [section.id for section, _ in known(seq).chapters]
    (around,) = the(known(3), "around").tables
    assert [row.values[0] for row in around.rows] == ["neighbour"]
    drawn = [the(known(seq), "place").drawings[0].shapes for seq in (2, 3)]
    assert [sum(shape.what == "building" for shape in shapes) for shapes in drawn] == [1, 2]
    assert facts(known(1), "history")["states"] == 1
    (change,) = the(known(2), "history").tables[0].rows
    assert change.values[3:] == ("first", "second")


def test_readings_that_came_later_are_not_in_it(city: City) -> None:
    point = layer_named("waterlogging_point")
    now = the(file_of(city, point, "1"), "water").curves[0].points
    last = now[-1][0]
    # The town's readings are of a day before its making, so the moment asked for is made here.
    then = last_moment(city.session)._replace(at=last - timedelta(seconds=1))
    found = the(file_of(city, point, "1", known=then), "water").curves[0].points
    assert found == now[: len(found)]
    assert found[-1][0] < last


def test_what_did_not_hold_at_a_time_is_refused(empty_city: City) -> None:
    number = commit(empty_city, (HOUSE % "first").format(x=460000))
    commit(empty_city, "UPDATE twin.building SET valid_to = '2024-01-01Z' RETURNING id")
    require_held(empty_city, BUILDING, str(number), parse_period("2021-01-01"))
    with pytest.raises(NotFoundError, match=r"did not hold .* from 2020-01-01.* to 2024-01-01"):
        require_held(empty_city, BUILDING, str(number), parse_period("2025-01-01"))
    before = moment(empty_city.session, 1)
    require_held(empty_city, BUILDING, str(number), parse_period("2025-01-01"), before)
