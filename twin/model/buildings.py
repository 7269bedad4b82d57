"""Buildings, as far as an impact needs them; storeys and rooms come with the BIM tables."""

from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from twin.model.base import Located, plane


class Building(Located):
    """A building: its footprint, how far it rises, and who is in it (建筑物)."""

    __tablename__ = "building"

    use: Mapped[str | None] = mapped_column(
        comment="residential, commercial, office, industrial, school, hospital, public, …"
    )
    address: Mapped[str | None]
    height_m: Mapped[float | None] = mapped_column(comment="roof above ground, m")
    ground_z_m: Mapped[float | None] = mapped_column(comment="ground level, m, city's datum")
    storeys: Mapped[int | None] = mapped_column(comment="storeys above ground")
    storeys_below: Mapped[int | None] = mapped_column(comment="storeys below ground")
    residents_day: Mapped[int | None] = mapped_column(comment="persons inside at 14:00")
    residents_night: Mapped[int | None] = mapped_column(comment="persons inside at 02:00")
    built_year: Mapped[int | None]
    geom: Mapped[WKBElement] = mapped_column(plane("MULTIPOLYGON"))

    @classmethod
    def _rules(cls) -> tuple[Any, ...]:
        return (
            CheckConstraint("height_m >= 0 AND height_m < 1000", name="height_m"),
            CheckConstraint("storeys BETWEEN 0 AND 250", name="storeys"),
            CheckConstraint("storeys_below BETWEEN 0 AND 20", name="storeys_below"),
            CheckConstraint("residents_day >= 0 AND residents_night >= 0", name="residents"),
        )
