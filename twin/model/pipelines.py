"""Pipelines: nodes and the segments between them (地下管线)."""

from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from twin.model.base import Located, one_of, solid

PIPE_KINDS = (
    "water",
    "sewer",
    "storm",
    "combined",
    "gas",
    "power",
    "telecom",
    "heat",
    "industrial",
)
APPURTENANCES = (
    "valve",
    "hydrant",
    "manhole",
    "gully",
    "regulator",
    "pump",
    "tank",
    "source",
    "outfall",
    "substation",
    "transformer",
    "meter",
    "other",
)
ELEVATION_REFERENCES = ("top", "invert", "centre", "unknown")
DEVICES = (
    "pump",
    "valve",
    "orifice",
    "weir",
    "outlet",
    "compressor",
    "regulator",
    "exchanger",
    "other",
)


class PipeNode(Located):
    """A point of a pipe network: junction, valve, manhole, source (管点)."""

    __tablename__ = "pipe_node"

    kind: Mapped[str] = mapped_column(comment="what flows: water, sewer, storm, gas, power, …")
    feature: Mapped[str | None] = mapped_column(comment="特征: tee, bend, reducer, end, …")
    appurtenance: Mapped[str | None] = mapped_column(comment="附属物: valve, manhole, hydrant, …")
    valve_state: Mapped[str | None] = mapped_column(comment="open or closed; null if no valve")
    operable: Mapped[bool | None] = mapped_column(comment="whether the valve can be worked")
    ground_z_m: Mapped[float | None] = mapped_column(comment="ground level, m")
    invert_z_m: Mapped[float | None] = mapped_column(comment="invert level, m")
    depth_m: Mapped[float | None] = mapped_column(comment="below ground, m")
    elevation_reference: Mapped[str] = mapped_column(
        server_default=text("'unknown'"),
        comment="what the z of geom means: top, invert, centre; unknown: z is not a height",
    )
    geom: Mapped[WKBElement] = mapped_column(solid("POINT"))

    @classmethod
    def _rules(cls) -> tuple[Any, ...]:
        return (
            CheckConstraint(one_of("kind", PIPE_KINDS), name="kind"),
            CheckConstraint(one_of("appurtenance", APPURTENANCES), name="appurtenance"),
            CheckConstraint(one_of("valve_state", ("open", "closed")), name="valve_state"),
            CheckConstraint(
                one_of("elevation_reference", ELEVATION_REFERENCES), name="elevation_reference"
            ),
        )


class PipeSegment(Located):
    """A pipe, duct or cable between two nodes (管线段)."""

    __tablename__ = "pipe_segment"

    kind: Mapped[str] = mapped_column(comment="what flows: water, sewer, storm, gas, power, …")
    from_node_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("twin.pipe_node.id", ondelete="SET NULL")
    )
    to_node_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("twin.pipe_node.id", ondelete="SET NULL")
    )
    material: Mapped[str | None]
    device: Mapped[str | None] = mapped_column(
        comment="what stands between the nodes instead of a pipe: pump, valve, …; null: a pipe"
    )
    valve_state: Mapped[str | None] = mapped_column(
        comment="open or closed, where the pipe or device can be shut"
    )
    flow_dir: Mapped[int | None] = mapped_column(
        comment="1 from the first node to the last, -1 against, 0 both; null: not said"
    )
    size_text: Mapped[str | None] = mapped_column(comment="cross-section as the source writes it")
    shape: Mapped[str | None] = mapped_column(comment="circular, rectangular, egg, duct")
    width_m: Mapped[float | None] = mapped_column(comment="inner diameter or width, m")
    height_m: Mapped[float | None] = mapped_column(comment="inner height if not circular, m")
    n_ducts: Mapped[int | None] = mapped_column(
        comment="ducts of a bank, pipes of a bundle (总孔数)"
    )
    used_ducts: Mapped[int | None] = mapped_column(comment="ducts in use (已用孔数)")
    cables: Mapped[int | None] = mapped_column(comment="cables in it (电缆条数)")
    embed: Mapped[str | None] = mapped_column(comment="how it lies (埋设方式): 直埋, 管沟, 管块, …")
    pressure_class: Mapped[str | None] = mapped_column(
        comment="压力级别 as the source says: 中压A, …"
    )
    pressure_pa: Mapped[float | None] = mapped_column(comment="operating pressure, gauge, Pa")
    voltage_v: Mapped[float | None] = mapped_column(comment="nominal voltage, V")
    depth_from_m: Mapped[float | None] = mapped_column(
        comment="depth of the reference below ground at the first end, m"
    )
    depth_to_m: Mapped[float | None] = mapped_column(
        comment="depth of the reference below ground at the last end, m"
    )
    elevation_reference: Mapped[str] = mapped_column(
        server_default=text("'unknown'"),
        comment="what the z of geom means: top, invert, centre; unknown: z is not a height",
    )
    built_year: Mapped[int | None]
    geom: Mapped[WKBElement] = mapped_column(solid("LINESTRING"))

    @classmethod
    def _rules(cls) -> tuple[Any, ...]:
        return (
            CheckConstraint(one_of("kind", PIPE_KINDS), name="kind"),
            CheckConstraint("width_m > 0 AND width_m < 20", name="width_m"),
            CheckConstraint("height_m > 0 AND height_m < 20", name="height_m"),
            CheckConstraint("pressure_pa >= 0", name="pressure_pa"),
            CheckConstraint(one_of("device", DEVICES), name="device"),
            CheckConstraint(one_of("valve_state", ("open", "closed")), name="valve_state"),
            CheckConstraint("flow_dir IN (-1, 0, 1)", name="flow_dir"),
            CheckConstraint("n_ducts > 0", name="n_ducts"),
            CheckConstraint("used_ducts >= 0", name="used_ducts"),
            CheckConstraint("cables >= 0", name="cables"),
            CheckConstraint(
                one_of("elevation_reference", ELEVATION_REFERENCES), name="elevation_reference"
            ),
            Index("ix_pipe_segment_from_node_id", "from_node_id"),
            Index("ix_pipe_segment_to_node_id", "to_node_id"),
        )
