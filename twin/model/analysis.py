"""Answers that were given: a run of an analysis and the features it made."""

import uuid
from datetime import datetime
from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from twin.model.base import Base, Located, one_of, plane

RUN_STATUSES = ("accepted", "running", "successful", "failed", "dismissed")


class AnalysisRun(Base):
    """One question and its answer, word for word."""

    __tablename__ = "analysis_run"
    __table_args__ = (
        CheckConstraint(one_of("status", RUN_STATUSES), name="status"),
        Index("ix_analysis_run_started_at", "started_at"),
        {"comment": "One question and its answer, word for word."},
    )

    id: Mapped[uuid.UUID] = mapped_column(
        Uuid, primary_key=True, server_default=text("gen_random_uuid()")
    )
    analysis: Mapped[str] = mapped_column(comment="id of the analysis, e.g. impact-radius")
    inputs: Mapped[dict[str, Any]]
    outputs: Mapped[dict[str, Any] | None]
    status: Mapped[str] = mapped_column(server_default=text("'running'"))
    message: Mapped[str | None]
    feed_seq: Mapped[int | None] = mapped_column(
        BigInteger, comment="commit number of the change feed that the answer saw"
    )
    started_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    finished_at: Mapped[datetime | None]


class AnalysisFeature(Located):
    """A feature that an analysis made: a ring, a route, an affected building (分析结果)."""

    __tablename__ = "analysis_feature"
    # An answer is no thing of the city, and a run with thousands of features would wait for codes.
    carries_codes = False

    run_id: Mapped[uuid.UUID] = mapped_column(
        Uuid, ForeignKey("twin.analysis_run.id", ondelete="CASCADE")
    )
    analysis: Mapped[str] = mapped_column(comment="id of the analysis that made it")
    role: Mapped[str] = mapped_column(comment="what it is in the answer: ring, route, building, …")
    geom: Mapped[WKBElement] = mapped_column(plane("GEOMETRY"))

    @classmethod
    def _rules(cls) -> tuple[Any, ...]:
        return (Index("ix_analysis_feature_run_id", "run_id"),)
