"""The city itself, its regions, and the loads that filled it."""

from datetime import datetime
from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from twin.model.base import Base, Located, one_of, plane

REGION_LEVELS = ("province", "city", "county", "street", "community")


class CityRow(Base):
    """The one row that says which frame this city is stored in, and how far it reaches."""

    __tablename__ = "city"
    __table_args__ = (
        CheckConstraint("id = 1", name="one_city"),
        CheckConstraint("min_x_m < max_x_m AND min_y_m < max_y_m", name="extent"),
        {"comment": "The one city of this database."},
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=1)
    name: Mapped[str]
    srid: Mapped[int] = mapped_column(comment="EPSG code of the city's frame, metres")
    min_x_m: Mapped[float] = mapped_column(comment="west rim of the city, m")
    min_y_m: Mapped[float] = mapped_column(comment="south rim of the city, m")
    max_x_m: Mapped[float] = mapped_column(comment="east rim of the city, m")
    max_y_m: Mapped[float] = mapped_column(comment="north rim of the city, m")
    vertical_datum: Mapped[str] = mapped_column(
        server_default=text("'unknown'"), comment="what heights are above, e.g. EPSG:5737"
    )
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class Load(Base):
    """One bulk load: what was read, from where, and what became of it."""

    __tablename__ = "load"
    __table_args__ = ({"comment": "One bulk load: what was read and what became of it."},)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    layer: Mapped[str]
    source: Mapped[str]
    files: Mapped[list[str]] = mapped_column(JSONB)
    report: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    loaded_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class Region(Located):
    """A region of administration; regions nest from province to community (行政区划)."""

    __tablename__ = "region"

    level: Mapped[str] = mapped_column(comment="province, city, county, street or community")
    code: Mapped[str | None] = mapped_column(comment="GB/T 2260 + GB/T 10114 code, text")
    parent_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("twin.region.id", ondelete="SET NULL")
    )
    population: Mapped[int | None] = mapped_column(comment="registered residents, persons")
    geom: Mapped[WKBElement] = mapped_column(plane("MULTIPOLYGON"))

    @classmethod
    def _rules(cls) -> tuple[Any, ...]:
        return (
            CheckConstraint(one_of("level", REGION_LEVELS), name="level"),
            CheckConstraint("population >= 0", name="population"),
            Index("ix_region_code", "code"),
            Index("ix_region_parent_id", "parent_id"),
        )
