"""How far an event has been dealt with: each step with its time, and the steps that may follow."""

from sqlalchemy import text

from layers import Words
from layers.catalogue.event import STATUSES
from layers.file._section import Content, Row, Section, Table, column
from layers.file._subject import Subject
from twin.model.components import EVENT_STATUSES

_STEPS = text("""
    -- The steps that an event may take from where it is.
    SELECT to_status, zh, en FROM twin.event_step WHERE from_status = :status ORDER BY to_status
""")


def _ask(subject: Subject) -> Content:
    status = subject.values["status"]
    columns = (
        column("status", "阶段", "Stage", codes=STATUSES),
        column("at", "时间", "At", "date-time"),
        column("present", "当前", "Now", "boolean"),
    )
    taken = [(each, subject.values[f"{each}_at"]) for each in EVENT_STATUSES]
    rows = [
        Row((each, at, True if each == status else None))
        for each, at in taken
        if at is not None or each == status
    ]
    course = Table("steps", Words("办理过程", "What was done"), columns, rows)
    onward = (
        column("status", "阶段", "Stage", codes=STATUSES),
        column("zh", "步骤", "Step"),
        column("en", "步骤（英文）", "Step in English"),
    )
    steps = subject.city.session.execute(_STEPS, {"status": status}).all()
    following = Table(
        "onward",
        Words("可以进入的下一阶段", "Where it may go from here"),
        onward,
        [Row(tuple(step)) for step in steps],
    )
    return Content(tables=tuple(table for table in (course, following) if table.rows))


SECTION = Section("course", Words("办理", "Course"), 41, _ask, frozenset({"event"}))
