"""Events go on by the steps that there are, and by no others; components keep their codes."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from twin.codes.classes import class_names
from twin.model.components import EVENT_STATUSES

Advance = Callable[..., None]

_EVENT = """
    INSERT INTO twin.event (name, class_code, status, geom)
    VALUES ('积水', '4405070506', :status, ST_SetSRID(ST_MakePoint(470000, 2580000), 4548))
    RETURNING id
"""


@pytest.fixture
def event(engine: Engine) -> int:
    return made(engine, "reported")


def made(engine: Engine, status: str) -> int:
    with engine.begin() as connection:
        return int(connection.scalar(text(_EVENT), {"status": status}))  # type: ignore[arg-type]


def row(engine: Engine, number: int) -> dict[str, Any]:
    with engine.connect() as connection:
        found = connection.execute(text("SELECT * FROM twin.event WHERE id = :id"), {"id": number})
        return dict(found.mappings().one())


def advance(engine: Engine, number: int, status: str, *, load: bool = False, **more: Any) -> None:
    given = "".join(f", {name} = :{name}" for name in more)
    with engine.begin() as connection:
        if load:
            connection.execute(text("SELECT set_config('twin.load_id', '7', true)"))
        connection.execute(
            text(f"UPDATE twin.event SET status = :status{given} WHERE id = :id"),
            {"id": number, "status": status, **more},
        )


def steps() -> Iterator[tuple[str, str]]:
    for former in EVENT_STATUSES:
        for status in EVENT_STATUSES:
            if former != status:
                yield former, status


ALLOWED = {
    ("reported", "accepted"), ("accepted", "dispatched"), ("dispatched", "handled"),
    ("handled", "checked"), ("checked", "closed"),
    ("reported", "closed"), ("checked", "dispatched"),
}  # fmt: skip


def test_an_event_goes_all_the_way_and_each_step_has_its_time(engine: Engine, event: int) -> None:
    for status in EVENT_STATUSES[1:]:
        assert row(engine, event)[f"{status}_at"] is None
        advance(engine, event, status)
        assert row(engine, event)[f"{status}_at"] is not None
    found = row(engine, event)
    times = [found[f"{status}_at"] for status in EVENT_STATUSES]
    assert times == sorted(times)
    with engine.connect() as connection:
        kept = connection.scalar(text("SELECT count(*) FROM twin.event_history"))
    assert kept == len(EVENT_STATUSES) - 1


@pytest.mark.parametrize(("former", "status"), list(steps()))
def test_only_the_steps_of_the_table_are_taken(engine: Engine, former: str, status: str) -> None:
    number = made(engine, former)
    if (former, status) in ALLOWED:
        advance(engine, number, status)
        assert row(engine, number)["status"] == status
        return
    with pytest.raises(IntegrityError, match=f"cannot go from {former} to {status}"):
        advance(engine, number, status)
    assert row(engine, number)["status"] == former


def test_the_refusal_says_what_is_possible(engine: Engine, event: int) -> None:
    with pytest.raises(
        IntegrityError,
        match=f"event {event} cannot go from reported to handled: "
        "from there it goes to accepted or closed",
    ):
        advance(engine, event, "handled")
    advance(engine, event, "closed")
    with pytest.raises(IntegrityError, match="from closed to reported: it is over"):
        advance(engine, event, "reported")


def test_whoever_takes_a_step_may_say_when(engine: Engine, event: int) -> None:
    at = datetime(2030, 1, 1, tzinfo=UTC)
    advance(engine, event, "accepted", accepted_at=at)
    assert row(engine, event)["accepted_at"] == at


def test_work_that_is_given_out_again_has_the_time_of_the_last_time(engine: Engine) -> None:
    number = made(engine, "checked")
    advance(engine, number, "dispatched")
    first = row(engine, number)["dispatched_at"]
    for status in ("handled", "checked", "dispatched"):
        advance(engine, number, status)
    assert row(engine, number)["dispatched_at"] > first


def test_a_load_may_have_missed_steps_but_never_goes_back(engine: Engine, event: int) -> None:
    advance(engine, event, "handled", load=True)
    found = row(engine, event)
    assert found["status"] == "handled"
    assert found["handled_at"] is None, "nobody knows when"
    with pytest.raises(IntegrityError, match="cannot go from handled to reported"):
        advance(engine, event, "reported", load=True)
    # Checked, and given out again.
    advance(engine, event, "dispatched", load=True)


def test_a_city_may_add_a_step_of_its_own(engine: Engine) -> None:
    number = made(engine, "closed")
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO twin.event_step VALUES ('closed', 'accepted', '重新立案', 'reopened')"
            )
        )
    advance(engine, number, "accepted")
    assert row(engine, number)["status"] == "accepted"


def test_times_before_the_report_are_refused(engine: Engine, event: int) -> None:
    with pytest.raises(IntegrityError, match="ck_event_times"):
        advance(engine, event, "accepted", accepted_at=datetime(2000, 1, 1, tzinfo=UTC))


_COMPONENT = """
    INSERT INTO twin.component (code, class_code, geom)
    VALUES (:code, :class_code, ST_SetSRID(ST_MakePoint(470000, 2580000), 4548)) RETURNING id
"""


def component(engine: Engine, code: str | None, class_code: str | None) -> int:
    with engine.begin() as connection:
        values = {"code": code, "class_code": class_code}
        return int(connection.scalar(text(_COMPONENT), values))  # type: ignore[arg-type]


def test_a_components_code_begins_with_that_of_its_class(engine: Engine) -> None:
    component(engine, "4405070104000001", "4405070104")
    component(engine, "LAMP-7", "lamp")  # a city outside China
    component(engine, None, None)
    with pytest.raises(IntegrityError, match="ck_component_class_code"):
        component(engine, "4405070104000001", "4405070118")


def test_an_event_outlives_its_component(engine: Engine, event: int) -> None:
    number = component(engine, None, None)
    with engine.begin() as connection:
        connection.execute(text("UPDATE twin.event SET component_id = :id"), {"id": number})
        connection.execute(text("DELETE FROM twin.component"))
    assert row(engine, event)["component_id"] is None


@pytest.mark.parametrize(
    ("class_code", "kind"),
    [("4405070104", "0104"), ("4405920104", "0104"), ("lamp", "lamp"), ("440507", "440507"),
     (None, None)],
)  # fmt: skip
def test_a_kind_is_the_class_in_every_county(
    engine: Engine, class_code: str | None, kind: str | None
) -> None:
    with engine.connect() as connection:
        found = connection.scalar(
            text("SELECT twin.kind_of_class(CAST(:code AS text))"), {"code": class_code}
        )
    assert found == kind


def test_the_table_of_classes_is_whole() -> None:
    for theme in ("component", "event"):
        known = class_names(theme)  # type: ignore[arg-type]
        assert all(row.major in known for row in known.values())
        assert {row.status for row in known.values()} <= {"verified", "unverified"}
        assert all(row.zh and row.en.isascii() for row in known.values())
