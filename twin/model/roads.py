"""Roads as a graph: junctions and the edges between them."""

from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from twin.model.base import Located, one_of, solid

ROAD_ELEVATION_REFERENCES = ("deck", "unknown")


class RoadNode(Located):
    """A junction or an end of the road graph (道路节点)."""

    __tablename__ = "road_node"

    elevation_reference: Mapped[str] = mapped_column(
        server_default=text("'unknown'"), comment="deck: z is the carriageway; unknown: no height"
    )
    geom: Mapped[WKBElement] = mapped_column(solid("POINT"))

    @classmethod
    def _rules(cls) -> tuple[Any, ...]:
        return (
            CheckConstraint(
                one_of("elevation_reference", ROAD_ELEVATION_REFERENCES),
                name="elevation_reference",
            ),
        )


class RoadEdge(Located):
    """A stretch of road between two junctions (道路)."""

    __tablename__ = "road_edge"

    from_node_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("twin.road_node.id"))
    to_node_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("twin.road_node.id"))
    road_class: Mapped[str] = mapped_column(comment="motorway, trunk, primary, …, as in OSM")
    direction: Mapped[int] = mapped_column(
        server_default=text("0"), comment="0 both ways, 1 along geom only, -1 against geom only"
    )
    speed_m_per_s: Mapped[float] = mapped_column(comment="free-flow speed, m/s")
    length_m: Mapped[float] = mapped_column(comment="plan length, m")
    deck_level: Mapped[int] = mapped_column(
        server_default=text("0"), comment="0 on the ground, above 0 bridges, below 0 tunnels"
    )
    lanes: Mapped[int | None]
    width_m: Mapped[float | None] = mapped_column(comment="carriageway, m")
    elevation_reference: Mapped[str] = mapped_column(
        server_default=text("'unknown'"), comment="deck: z is the carriageway; unknown: no height"
    )
    geom: Mapped[WKBElement] = mapped_column(solid("LINESTRING"))

    @classmethod
    def _rules(cls) -> tuple[Any, ...]:
        return (
            CheckConstraint("direction IN (-1, 0, 1)", name="direction"),
            CheckConstraint("speed_m_per_s > 0 AND speed_m_per_s < 60", name="speed_m_per_s"),
            CheckConstraint("length_m >= 0", name="length_m"),
            CheckConstraint("deck_level BETWEEN -5 AND 7", name="deck_level"),
            CheckConstraint(
                one_of("elevation_reference", ROAD_ELEVATION_REFERENCES),
                name="elevation_reference",
            ),
            Index("ix_road_edge_from_node_id", "from_node_id"),
            Index("ix_road_edge_to_node_id", "to_node_id"),
        )
