"""Rasters of the city: terrain and water depth, kept as files and registered here."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Identity, text
from sqlalchemy.orm import Mapped, mapped_column

from twin.model.base import Base, one_of

RASTER_KINDS = ("terrain", "depth")


class Raster(Base):
    """A raster file in the data directory: terrain heights or water depths, in its own grid."""

    __tablename__ = "raster"
    __table_args__ = (
        CheckConstraint(one_of("kind", RASTER_KINDS), name="kind"),
        {"comment": "A raster file in the data directory, in its own grid."},
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    kind: Mapped[str] = mapped_column(comment="terrain (m, vertical datum) or depth (m of water)")
    name: Mapped[str] = mapped_column(unique=True)
    source: Mapped[str]
    path: Mapped[str] = mapped_column(comment="COG, relative to the data directory")
    crs: Mapped[str] = mapped_column(comment="the file's own frame: authority code or WKT")
    width: Mapped[int] = mapped_column(comment="columns")
    height: Mapped[int] = mapped_column(comment="rows")
    voids: Mapped[int] = mapped_column(comment="cells without a value")
    valid_from: Mapped[datetime | None]
    valid_to: Mapped[datetime | None]
    recorded_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    attrs: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
