"""What rules found in the city's data, and the runs that looked (数据质量)."""

import uuid
from datetime import datetime
from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from twin.model.base import Base, Located, one_of, plane

SCOPES = ("city", "layer", "load")
SEVERITIES = ("error", "warning", "note")


class QualityRun(Base):
    """One look at the data: at what, by which rules, and what was counted."""

    __tablename__ = "quality_run"
    __table_args__ = (
        CheckConstraint(one_of("scope", SCOPES), name="scope"),
        Index("ix_quality_run_load_id", "load_id"),
        {"comment": "One look at the data: at what, by which rules, and what was counted."},
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    scope: Mapped[str] = mapped_column(comment="city, layer or load")
    layer: Mapped[str | None] = mapped_column(comment="the one layer, or the layer of the load")
    load_id: Mapped[int | None] = mapped_column(comment="load.id, if it was one load's rows")
    seconds: Mapped[float | None] = mapped_column(comment="how long it took, s")
    looked_at: Mapped[dict[str, Any]] = mapped_column(
        server_default=text("'{}'::jsonb"), comment="rows looked at, by table"
    )
    rules: Mapped[dict[str, Any]] = mapped_column(
        server_default=text("'{}'::jsonb"), comment="what each rule found, by rule"
    )
    completeness: Mapped[dict[str, Any]] = mapped_column(
        server_default=text("'{}'::jsonb"), comment="share of rows that have a field, by table"
    )


class QualityFinding(Located):
    """A place where the data break a rule (质量问题)."""

    __tablename__ = "quality_finding"
    # A finding lies where its feature does, and takes the feature's codes.
    carries_codes = False

    rule: Mapped[str] = mapped_column(comment="id of the rule that is broken")
    severity: Mapped[str] = mapped_column(comment="error, warning or note")
    layer: Mapped[str] = mapped_column(comment="table of the feature")
    feature_id: Mapped[int] = mapped_column(BigInteger, comment="id of the feature")
    feature_uid: Mapped[uuid.UUID | None] = mapped_column(Uuid, comment="uid of the feature")
    other_layer: Mapped[str | None] = mapped_column(comment="table of the second feature")
    other_id: Mapped[int | None] = mapped_column(BigInteger, comment="id of the second feature")
    part: Mapped[str | None] = mapped_column(comment="which of several findings of one feature")
    value: Mapped[float | None] = mapped_column(comment="what was measured, in unit")
    limit_value: Mapped[float | None] = mapped_column(comment="what the rule allows, in unit")
    unit: Mapped[str | None] = mapped_column(comment="unit of value and limit_value")
    message_zh: Mapped[str] = mapped_column(comment="what is wrong, in Chinese")
    message_en: Mapped[str] = mapped_column(comment="what is wrong, in English")
    found_by: Mapped[int] = mapped_column(
        ForeignKey("twin.quality_run.id"), comment="the run that found it first, as it is now"
    )
    geom: Mapped[WKBElement] = mapped_column(plane("GEOMETRY"))

    @classmethod
    def _rules(cls) -> tuple[Any, ...]:
        return (
            CheckConstraint(one_of("severity", SEVERITIES), name="severity"),
            Index("ix_quality_finding_rule", "rule"),
            Index("ix_quality_finding_layer_feature_id", "layer", "feature_id"),
            Index("ix_quality_finding_other_layer_other_id", "other_layer", "other_id"),
        )
