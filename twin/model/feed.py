"""The change feed's tables.  Only triggers write them; see ``twin/changes.py``."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import CHAR
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

from twin.model.base import Base


class Box(UserDefinedType[str]):
    """PostgreSQL's own ``box``: two corners, four doubles, 32 bytes."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """Return the type's name in DDL."""
        return "box"


class FeedLayer(Base):
    """The layers that are logged, by the small number that stands for them in the log."""

    __tablename__ = "feed_layer"
    __table_args__ = ({"comment": "Logged layers, by the number that stands for them."},)

    id: Mapped[int] = mapped_column(SmallInteger, Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True, comment="the table's name, the layer's id")


class ChangeSet(Base):
    """One committed transaction that changed the city: when, who, and its place in the order."""

    __tablename__ = "change_set"
    __table_args__ = (
        Index("ix_change_set_load_id", "load_id", postgresql_where=text("load_id IS NOT NULL")),
        Index(None, "committed_at", "seq"),
        Index(
            "ix_change_set_open",
            text("int8range(began_after, seq, '()')"),
            postgresql_using="gist",
            postgresql_where=text("seq - began_after > 1"),
        ),
        {"comment": "One committed transaction that changed the city."},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    seq: Mapped[int | None] = mapped_column(
        BigInteger, unique=True, comment="commit number: given at commit, in commit order"
    )
    at: Mapped[datetime] = mapped_column(comment="start of the transaction")
    actor: Mapped[str] = mapped_column(comment="twin.actor of the session, else the database role")
    load_id: Mapped[int | None] = mapped_column(comment="the bulk load it was, if it was one")
    committed_at: Mapped[datetime | None] = mapped_column(
        comment="when it was committed; grows with seq"
    )
    began_after: Mapped[int | None] = mapped_column(
        BigInteger, comment="the last seq given when its id was drawn"
    )
    top_id: Mapped[int | None] = mapped_column(
        BigInteger, comment="the last id drawn when it was committed"
    )


class Change(Base):
    """One changed feature, or one bulk load."""

    __tablename__ = "change"
    __table_args__ = (
        CheckConstraint("op IN ('I', 'U', 'D', 'L')", name="op"),
        {"comment": "One changed feature (I, U, D), or one bulk load of a layer (L)."},
    )

    change_set_id: Mapped[int] = mapped_column(
        BigInteger,
        primary_key=True,
        autoincrement=False,
        comment="change_set.id; no foreign key, its check would cost more than the row",
    )
    id: Mapped[int] = mapped_column(
        BigInteger, Identity(), primary_key=True, comment="order inside a change set"
    )
    layer: Mapped[int] = mapped_column(SmallInteger, comment="feed_layer.id")
    op: Mapped[str] = mapped_column(CHAR(1), comment="I insert, U update, D delete, L load")
    feature_id: Mapped[int | None] = mapped_column(BigInteger, comment="null for a load")
    box_before: Mapped[str | None] = mapped_column(Box, comment="m; null for an insert")
    box_after: Mapped[str | None] = mapped_column(Box, comment="m; null for a delete")


class Follower(Base):
    """How far a named reader of the feed has come."""

    __tablename__ = "follower"
    __table_args__ = ({"comment": "How far a named reader of the feed has come."},)

    name: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    change_id: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    moved_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
