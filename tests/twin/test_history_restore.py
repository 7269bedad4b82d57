"""Restoring: a thing gets a former state back, and that is a change like any other."""

import pytest
from sqlalchemy import text

from twin import changes, history
from twin.database import City
from twin.errors import ConflictError, InvalidInputError, NotFoundError

_HOUSE = """
    INSERT INTO twin.building (name, source_id, geom)
    SELECT 'first', 'h1', ST_Multi(ST_MakeEnvelope(460000, 2580000, 460010, 2580010, 4548))
    RETURNING id
"""
_STOREY = """
    INSERT INTO twin.storey (building_id, number, floor_z_m, geom, ifc_class, digest)
    SELECT id, 0, 2, geom, 'IfcBuildingStorey', 'x' FROM twin.building RETURNING id
"""
_ROW = "SELECT to_jsonb(b) - '{recorded_at,recorded_by,load_id}'::text[] FROM twin.building AS b"


def _run(city: City, statement: str) -> int | None:
    found = city.session.execute(text(statement.replace("::", "\\:\\:")))
    value = found.scalar() if found.returns_rows else None
    city.session.commit()
    return value


def _row(city: City) -> object:
    return city.session.scalar(text(_ROW.replace("::", "\\:\\:")))


def test_a_thing_is_set_back(empty_city: City) -> None:
    house = _run(empty_city, _HOUSE)
    first = _row(empty_city)
    _run(empty_city, "UPDATE twin.building SET name = 'x', geom = ST_Translate(geom, 99, 0)")
    done = history.restore(empty_city, "building", str(house), 1)
    empty_city.session.commit()
    assert done.done == "set back"
    assert _row(empty_city) == first
    names = [s.values["name"] for s in history.states(empty_city, "building", str(house))]
    assert names == ["first", "x", "first"]
    assert [c.operation for c in changes.since(empty_city.session)] == ["I", "U", "U"]


def test_a_deleted_thing_comes_back_under_its_names(empty_city: City) -> None:
    house = _run(empty_city, _HOUSE)
    first = _row(empty_city)
    uid = _run(empty_city, "DELETE FROM twin.building RETURNING uid")
    changes.act_as(empty_city.session, "王")
    done = history.restore(empty_city, "building", str(uid), 1)
    empty_city.session.commit()
    assert (done.id, done.done) == (house, "brought back")
    assert _row(empty_city) == first
    last = changes.since(empty_city.session)[-1]
    assert (last.operation, last.feature_id, last.actor) == ("I", house, "王")
    found = history.states(empty_city, "building", str(uid))
    assert [(s.seq, s.until_seq) for s in found] == [(1, 2), (3, None)]


def test_what_is_so_already_stays_and_is_no_change(empty_city: City) -> None:
    house = _run(empty_city, _HOUSE)
    done = history.restore(empty_city, "building", str(house), 1)
    empty_city.session.commit()
    assert done.done == "unchanged"
    assert len(changes.since(empty_city.session)) == 1


def test_a_part_whose_whole_is_gone_says_so(empty_city: City) -> None:
    house, storey = _run(empty_city, _HOUSE), _run(empty_city, _STOREY)
    _run(empty_city, "DELETE FROM twin.building")  # and its storeys with it
    reason = f"its building_id was {house}, and there is no building {house} any more"
    with pytest.raises(ConflictError, match=reason):
        history.restore(empty_city, "storey", str(storey), 2)
    history.restore(empty_city, "building", str(house), 2)
    assert history.restore(empty_city, "storey", str(storey), 2).done == "brought back"
    empty_city.session.commit()


def test_a_name_in_the_source_that_another_has_now_is_a_conflict(empty_city: City) -> None:
    house = _run(empty_city, _HOUSE)
    _run(empty_city, "DELETE FROM twin.building")
    _run(empty_city, _HOUSE)
    with pytest.raises(ConflictError, match=r"cannot be restored .*source_id.*already exists"):
        history.restore(empty_city, "building", str(house), 1)


def test_what_was_not_there_cannot_be_restored(empty_city: City) -> None:
    house = _run(empty_city, _HOUSE)
    with pytest.raises(NotFoundError, match="had no feature"):
        history.restore(empty_city, "building", str(house), 0)
    with pytest.raises(NotFoundError, match="had no feature '77' at that moment"):
        history.restore(empty_city, "building", "77", 1)
    with pytest.raises(InvalidInputError, match="seq:5 is no commit yet"):
        history.restore(empty_city, "building", str(house), 5)
