"""Waterlogging points, their depth readings, and the thresholds that give depths a meaning."""

from datetime import datetime
from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from twin.model.base import Base, Located, one_of, plane

QUALITIES = ("good", "suspect", "missing")


class WaterloggingPoint(Located):
    """A place that floods and is watched (积水点)."""

    __tablename__ = "waterlogging_point"

    kind: Mapped[str | None] = mapped_column(comment="underpass, road, community, metro, …")
    low_z_m: Mapped[float | None] = mapped_column(comment="lowest ground level, m")
    pump: Mapped[str | None] = mapped_column(comment="pumping station that drains it")
    reach_m: Mapped[float] = mapped_column(
        server_default=text("60"), comment="how far its depth is taken to hold, m"
    )
    geom: Mapped[WKBElement] = mapped_column(plane("POINT"))

    @classmethod
    def _rules(cls) -> tuple[Any, ...]:
        return (CheckConstraint("reach_m > 0 AND reach_m <= 2000", name="reach_m"),)


class Reading(Base):
    """One depth reading of a waterlogging point; partitioned by month."""

    __tablename__ = "reading"
    __table_args__ = (
        CheckConstraint("depth_m >= 0 AND depth_m < 30", name="depth_m"),
        CheckConstraint(one_of("quality", QUALITIES), name="quality"),
        {
            "comment": "One depth reading of a waterlogging point.",
            "postgresql_partition_by": "RANGE (at)",
        },
    )

    point_id: Mapped[int] = mapped_column(
        BigInteger,
        ForeignKey("twin.waterlogging_point.id", ondelete="CASCADE"),
        primary_key=True,
    )
    at: Mapped[datetime] = mapped_column(primary_key=True, comment="when it was measured")
    depth_m: Mapped[float | None] = mapped_column(comment="water above the lowest ground, m")
    quality: Mapped[str] = mapped_column(server_default=text("'good'"))
    received_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class DepthThreshold(Base):
    """A depth that means something: a warning level, or what a class of vehicle can wade."""

    __tablename__ = "depth_threshold"
    __table_args__ = (
        CheckConstraint(one_of("kind", ("warning", "vehicle")), name="kind"),
        CheckConstraint("depth_m > 0 AND depth_m < 10", name="depth_m"),
        CheckConstraint("valid_to > valid_from", name="valid_period"),
        Index("uq_depth_threshold_kind_key_valid_from", "kind", "key", "valid_from", unique=True),
        {"comment": "A depth that means something, per city and dated."},
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    kind: Mapped[str] = mapped_column(comment="warning or vehicle")
    key: Mapped[str] = mapped_column(comment="blue … red, or a vehicle class such as fire_engine")
    depth_m: Mapped[float] = mapped_column(comment="reached from this depth on, m")
    valid_from: Mapped[datetime] = mapped_column(server_default=text("'-infinity'"))
    valid_to: Mapped[datetime] = mapped_column(server_default=text("'infinity'"))
    source: Mapped[str] = mapped_column(comment="who set it")
