"""Facilities, and the resources that go out from them."""

from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from twin.model.base import Located, one_of, plane

RESOURCE_STATUSES = ("free", "busy", "off_duty")


class Facility(Located):
    """A facility that matters in an emergency (设施): hospital, shelter, school, substation, …."""

    __tablename__ = "facility"

    kind: Mapped[str] = mapped_column(
        comment="hospital, clinic, shelter, fire_station, police, school, kindergarten, "
        "nursing_home, pumping_station, substation, gas_station, …"
    )
    address: Mapped[str | None]
    phone: Mapped[str | None]
    capacity: Mapped[int | None] = mapped_column(comment="beds, places or pupils, persons")
    geom: Mapped[WKBElement] = mapped_column(plane("POINT"))

    @classmethod
    def _rules(cls) -> tuple[Any, ...]:
        return (
            CheckConstraint("capacity >= 0", name="capacity"),
            Index("ix_facility_kind", "kind"),
        )


class Resource(Located):
    """A team, engine or pump that can be sent (应急力量)."""

    __tablename__ = "resource"

    kind: Mapped[str] = mapped_column(comment="fire_engine, pump_truck, ambulance, crew, boat, …")
    vehicle_class: Mapped[str] = mapped_column(
        comment="whose wading depth holds for it; a key of depth_threshold"
    )
    status: Mapped[str] = mapped_column(server_default=text("'free'"))
    capabilities: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=text("'{}'"))
    crew: Mapped[int | None] = mapped_column(comment="persons on board")
    pump_m3_per_s: Mapped[float | None] = mapped_column(comment="pumping rate, m³/s")
    phone: Mapped[str | None]
    facility_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("twin.facility.id", ondelete="SET NULL"), comment="its base"
    )
    geom: Mapped[WKBElement] = mapped_column(plane("POINT"))

    @classmethod
    def _rules(cls) -> tuple[Any, ...]:
        return (
            CheckConstraint(one_of("status", RESOURCE_STATUSES), name="status"),
            CheckConstraint("crew >= 0 AND pump_m3_per_s >= 0", name="strength"),
            Index("ix_resource_kind_status", "kind", "status"),
        )
