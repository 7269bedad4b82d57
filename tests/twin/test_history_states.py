"""The states of one thing: all that anybody could see, who wrote them, what changed."""

from itertools import pairwise

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from twin import changes, history
from twin.database import City
from twin.errors import NotFoundError


def _house(session: Session, name: str = "a") -> int:
    return int(
        session.execute(
            text("""
                INSERT INTO twin.building (name, geom)
                SELECT :name, ST_Multi(ST_MakeEnvelope(460000, 2580000, 460010, 2580010, 4548))
                RETURNING id
            """),
            {"name": name},
        ).scalar_one()
    )


def _write(session: Session, actor: str, *statements: str) -> None:
    changes.act_as(session, actor)
    for statement in statements:
        session.execute(text(statement))
    session.commit()


def test_a_thing_has_its_states_with_who_wrote_them(empty_city: City) -> None:
    session = empty_city.session
    changes.act_as(session, "王")
    house = _house(session, "first")
    session.commit()
    _write(session, "李", "UPDATE twin.building SET name = 'second', height_m = 9")
    _write(session, "赵", "UPDATE twin.building SET geom = ST_Translate(geom, 5, 0)")
    _write(session, "钱", "DELETE FROM twin.building")
    found = history.states(empty_city, "building", house)
    assert [s.values["name"] for s in found] == ["first", "second", "second"]
    assert [s.actor for s in found] == ["王", "李", "赵"]
    assert [s.ended_by for s in found] == ["李", "赵", "钱"]
    assert [(s.seq, s.until_seq) for s in found] == [(1, 2), (2, 3), (3, 4)]
    assert found[0].changed == ()
    assert set(found[1].changed) == {"name", "height_m"}
    assert set(found[2].changed) == {"bd_code", "geometry"}  # its code says where it is
    assert [s.deleted for s in found] == [False, False, True]
    assert all(a.until == b.since for a, b in pairwise(found))
    uid = found[0].values["uid"]
    assert history.states(empty_city, "building", uid) == found


def test_an_edit_of_an_edit_in_one_transaction_was_never_seen(empty_city: City) -> None:
    session = empty_city.session
    house = _house(session, "first")
    _write(session, "a", "UPDATE twin.building SET name = 'never seen'")
    assert len(history.states(empty_city, "building", house)) == 1
    _write(
        session,
        "b",
        "UPDATE twin.building SET name = 'nor this'",
        "UPDATE twin.building SET name = 'second'",
    )
    found = history.states(empty_city, "building", house)
    assert [s.values["name"] for s in found] == ["never seen", "second"]


@pytest.mark.parametrize(
    ("layer", "key", "reason"),
    [
        ("building", "1", "the layer 'building' never held a feature '1'"),
        ("building", "9" * 30, "never held"),
        ("building", "x' OR 1=1", "never held"),
        ("castle", "1", "there is no layer 'castle'; there are analysis_feature, building"),
    ],
)
def test_what_never_was_is_said(empty_city: City, layer: str, key: str, reason: str) -> None:
    with pytest.raises(NotFoundError, match=reason):
        history.states(empty_city, layer, key)
