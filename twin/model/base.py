"""What every table shares, and what every located thing carries.

Geometry columns name no SRID here: migrations stamp them with the city's frame when the city is
made, and from then on the database refuses any other.
"""

import uuid
from datetime import datetime
from typing import Any, ClassVar

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    FetchedValue,
    Identity,
    Index,
    MetaData,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

STATES = ("planned", "under_construction", "in_service", "out_of_service", "removed")
VISIBILITIES = ("public", "internal", "restricted")


def one_of(column: str, values: tuple[str, ...]) -> str:
    """Return the text of a CHECK constraint: the column holds one of a few words.

    >>> one_of("state", ("on", "off"))
    "state IN ('on', 'off')"
    """
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


def plane(kind: str) -> Geometry:
    """Return a plan geometry column type, metres in the city's frame."""
    return Geometry(kind, srid=-1, spatial_index=False)


def solid(kind: str) -> Geometry:
    """Return a geometry column type with heights, all metres."""
    return Geometry(f"{kind}Z", srid=-1, dimension=3, spatial_index=False)


def _by_prefix(table: str) -> Index:
    """Return the index that finds the things of a BeiDou cell: codes with the same beginning."""
    return Index(f"ix_{table}_bd_code", "bd_code", postgresql_ops={"bd_code": "text_pattern_ops"})


class Base(DeclarativeBase):
    """Every table lives in the schema ``twin``."""

    metadata = MetaData(
        schema="twin",
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        },
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
    }


class Located(Base):
    """A thing of the city: what it is, where, whose, since when, and who told us (一要素一档案)."""

    __abstract__ = True

    carries_codes: ClassVar[bool] = True
    """Whether the database keeps ``bd_code`` and ``cell_id`` (`twin.carry_codes`)."""

    id: Mapped[int] = mapped_column(
        BigInteger,
        Identity(),
        primary_key=True,
        sort_order=-9,
        comment="number in this database; MVT feature id",
    )
    uid: Mapped[uuid.UUID] = mapped_column(
        Uuid,
        server_default=text("gen_random_uuid()"),
        sort_order=-8,
        comment="stable name, given once, the same in every format",
    )
    source: Mapped[str] = mapped_column(
        server_default=text("'citytwin'"), comment="file or system that delivered the row"
    )
    source_id: Mapped[str | None] = mapped_column(comment="its name in that source")
    class_code: Mapped[str | None] = mapped_column(comment="code in the catalogue of its theme")
    name: Mapped[str | None] = mapped_column(sort_order=-7)
    bd_code: Mapped[str | None] = mapped_column(comment="BeiDou grid code, GB/T 39409, level 8")
    cell_id: Mapped[str | None] = mapped_column(comment="management grid cell code, GB/T 30428")
    owner: Mapped[str | None] = mapped_column(comment="权属单位")
    manager: Mapped[str | None] = mapped_column(comment="管理单位")
    maintainer: Mapped[str | None] = mapped_column(comment="养护单位")
    state: Mapped[str] = mapped_column(server_default=text("'in_service'"))
    valid_from: Mapped[datetime | None] = mapped_column(comment="held in the world since")
    valid_to: Mapped[datetime | None] = mapped_column(comment="held in the world until")
    recorded_at: Mapped[datetime] = mapped_column(
        server_default=text("now()"), comment="when this state was written here; kept by trigger"
    )
    recorded_by: Mapped[int] = mapped_column(
        BigInteger,
        server_default=FetchedValue(),
        comment="change_set.id that wrote this state; kept by trigger",
    )
    accuracy_class: Mapped[str | None] = mapped_column(comment="positional accuracy class")
    visibility: Mapped[str] = mapped_column(server_default=text("'public'"))
    attrs: Mapped[dict[str, Any]] = mapped_column(
        JSONB, server_default=text("'{}'::jsonb"), comment="what the source says beyond the model"
    )
    load_id: Mapped[int | None] = mapped_column(comment="the bulk load that wrote this state")

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:  # noqa: N805 - SQLAlchemy calls it on the class
        """Return the rules of every located table, then the table's own."""
        name = cls.__tablename__
        return (
            CheckConstraint(one_of("state", STATES), name="state"),
            CheckConstraint(one_of("visibility", VISIBILITIES), name="visibility"),
            CheckConstraint("valid_from IS NULL OR valid_to > valid_from", name="valid_period"),
            Index(f"uq_{name}_uid", "uid", unique=True),
            # The id first: it tells rows apart, so the index is built in a third of the time.
            Index(f"uq_{name}_source_id_source", "source_id", "source", unique=True),
            Index(f"ix_{name}_geom", "geom", postgresql_using="gist"),
            *((_by_prefix(name),) if cls.carries_codes else ()),
            *cls._rules(),
            {"comment": (cls.__doc__ or "").splitlines()[0]},
        )

    @classmethod
    def _rules(cls) -> tuple[Any, ...]:
        """Return the constraints and indexes that only this table has."""
        return ()
