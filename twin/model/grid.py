"""Management grid cells (单元网格)."""

from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from twin.model.base import Located, plane


class GridCell(Located):
    """A management grid cell, and the person who answers for it (单元网格)."""

    __tablename__ = "grid_cell"

    code: Mapped[str | None] = mapped_column(comment="GB/T 30428 code, 15 digits (older: 14), text")
    region_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("twin.region.id", ondelete="SET NULL"), comment="its community"
    )
    responsible_person: Mapped[str | None] = mapped_column(comment="网格员")
    responsible_phone: Mapped[str | None]
    population: Mapped[int | None] = mapped_column(comment="residents, persons")
    flood_prone: Mapped[bool | None] = mapped_column(comment="null where the source does not say")
    geom: Mapped[WKBElement] = mapped_column(plane("MULTIPOLYGON"))

    @classmethod
    def _rules(cls) -> tuple[Any, ...]:
        return (
            CheckConstraint("population >= 0", name="population"),
            Index("ix_grid_cell_code", "code"),
            Index("ix_grid_cell_region_id", "region_id"),
        )
