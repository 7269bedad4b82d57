"""Components and events of city management (城市部件、城市事件), GB/T 30428."""

from datetime import datetime
from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from twin.model.base import Base, Located, one_of, plane

CHANNELS = ("patrol", "hotline", "sensor", "camera", "public", "other")
EVENT_STATUSES = ("reported", "accepted", "dispatched", "handled", "checked", "closed")
"""From the report to the end, in the order of the work: 上报 立案 派遣 处置 核查 结案."""


def _by_kind(table: str) -> Index:
    """Return the index that finds the things of a class in every county: digits 7 to 10."""
    return Index(f"ix_{table}_kind", text("twin.kind_of_class(class_code)"))


class Component(Located):
    """A component of the city that is looked after: a manhole cover, a lamp, a tree (城市部件)."""

    __tablename__ = "component"

    code: Mapped[str | None] = mapped_column(
        comment="GB/T 30428 code, 16 digits, text: class code and running number"
    )
    address: Mapped[str | None] = mapped_column(comment="where it is, as people say it")
    geom: Mapped[WKBElement] = mapped_column(plane("POINT"))

    @classmethod
    def _rules(cls) -> tuple[Any, ...]:
        return (
            CheckConstraint(
                "code !~ '^[0-9]{16}$' OR class_code IS NULL OR starts_with(code, class_code)",
                name="class_code",
            ),
            Index("ix_component_code", "code"),
            _by_kind("component"),
        )


class Event(Located):
    """Something that happened in the city and has to be dealt with (城市事件)."""

    __tablename__ = "event"

    code: Mapped[str | None] = mapped_column(comment="number of the case, text")
    channel: Mapped[str] = mapped_column(
        server_default=text("'other'"), comment="how it came in: patrol, hotline, sensor, …"
    )
    status: Mapped[str] = mapped_column(
        server_default=text("'reported'"), comment="how far it is; the ways on are in event_step"
    )
    description: Mapped[str | None]
    address: Mapped[str | None] = mapped_column(comment="where it is, as people say it")
    reporter: Mapped[str | None] = mapped_column(comment="上报人")
    handler: Mapped[str | None] = mapped_column(comment="处置单位")
    component_id: Mapped[int | None] = mapped_column(
        BigInteger,
        ForeignKey("twin.component.id", ondelete="SET NULL"),
        comment="the component it is about",
    )
    reported_at: Mapped[datetime] = mapped_column(server_default=text("now()"), comment="上报")
    accepted_at: Mapped[datetime | None] = mapped_column(comment="立案")
    dispatched_at: Mapped[datetime | None] = mapped_column(comment="派遣; the last time")
    handled_at: Mapped[datetime | None] = mapped_column(comment="处置; the last time")
    checked_at: Mapped[datetime | None] = mapped_column(comment="核查; the last time")
    closed_at: Mapped[datetime | None] = mapped_column(comment="结案")
    geom: Mapped[WKBElement] = mapped_column(plane("POINT"))

    @classmethod
    def _rules(cls) -> tuple[Any, ...]:
        later = " AND ".join(f"{status}_at >= reported_at" for status in EVENT_STATUSES[1:])
        return (
            CheckConstraint(one_of("status", EVENT_STATUSES), name="status"),
            CheckConstraint(one_of("channel", CHANNELS), name="channel"),
            CheckConstraint(later, name="times"),
            Index("ix_event_component_id", "component_id"),
            Index("ix_event_status", "status"),
            _by_kind("event"),
        )


class EventStep(Base):
    """A step that an event may take; a trigger refuses any other."""

    __tablename__ = "event_step"
    __table_args__ = (
        CheckConstraint(one_of("from_status", EVENT_STATUSES), name="from_status"),
        CheckConstraint(one_of("to_status", EVENT_STATUSES), name="to_status"),
        CheckConstraint("from_status <> to_status", name="goes_on"),
        {"comment": "Steps that an event may take; a trigger refuses any other."},
    )

    from_status: Mapped[str] = mapped_column(primary_key=True)
    to_status: Mapped[str] = mapped_column(primary_key=True)
    zh: Mapped[str] = mapped_column(comment="what the step is called")
    en: Mapped[str] = mapped_column(comment="what the step is called")
