"""What a building is made of: storeys, spaces, elements, openings (建筑信息模型).

Heights are metres above the city's vertical datum, as the model's georeference gives them.  The
meshes of elements and spaces stand apart, named by their content: an element that changes leaves
its former mesh where it was, and its history still finds it.
"""

from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from twin.model.base import Base, Located, one_of, plane, solid

OPENING_KINDS = ("door", "window", "void")
HEIGHT_SOURCES = ("next_storey", "quantity", "elements")


def _part_of(table: str, *, gone: str, comment: str) -> Any:
    """Return a column that names a row of another table, and what becomes of it with that row."""
    return mapped_column(BigInteger, ForeignKey(f"twin.{table}.id", ondelete=gone), comment=comment)


class BimMesh(Base):
    """One triangle mesh, named by its content; kept for as long as a state of the city may need it.

    Vertices are float32 triples x, y, z, in metres about the centre that the feature carries, axes
    of the city's frame.  Triangles are three uint16 each, or uint32 from 65 536 vertices on.  All
    little-endian.
    """

    __tablename__ = "bim_mesh"
    __table_args__ = ({"comment": "Triangle meshes of elements and spaces, named by content."},)

    digest: Mapped[str] = mapped_column(primary_key=True, comment="SHA-256 of vertices, triangles")
    vertex_count: Mapped[int]
    triangle_count: Mapped[int]
    vertices: Mapped[bytes] = mapped_column(comment="float32 x, y, z about the feature's centre, m")
    triangles: Mapped[bytes] = mapped_column(comment="uint16 triples, uint32 from 65536 vertices")


class _InBuilding(Located):
    """What every part of a building says: which building, and what its source said of it."""

    __abstract__ = True

    @declared_attr
    def building_id(cls) -> Mapped[int | None]:  # noqa: N805 - SQLAlchemy calls it on the class
        """Return the column of the building it belongs to."""
        column: Mapped[int | None] = _part_of(
            "building", gone="CASCADE", comment="building.id; null for what stands on the site"
        )
        return column

    ifc_class: Mapped[str] = mapped_column(comment="class in the file, such as IfcWall")
    cim_level: Mapped[int] = mapped_column(
        SmallInteger, server_default=text("6"), comment="CJJ/T 315 level of this geometry, 1-7"
    )
    psets: Mapped[dict[str, Any]] = mapped_column(
        server_default=text("'{}'::jsonb"),
        comment="property and quantity sets, units of the file",
    )
    digest: Mapped[str] = mapped_column(comment="SHA-256 of all that the source said of it")

    @classmethod
    def _rules(cls) -> tuple[Any, ...]:
        name = cls.__tablename__
        return (
            CheckConstraint("cim_level BETWEEN 1 AND 7", name="cim_level"),
            Index(f"ix_{name}_building_id", "building_id"),
            *cls._own_rules(),
        )

    @classmethod
    def _own_rules(cls) -> tuple[Any, ...]:
        return ()


class _Solid(_InBuilding):
    """What fills space: between which heights, how much, and its mesh."""

    __abstract__ = True

    @declared_attr
    def storey_id(cls) -> Mapped[int | None]:  # noqa: N805 - SQLAlchemy calls it on the class
        """Return the column of the storey it belongs to."""
        column: Mapped[int | None] = _part_of("storey", gone="SET NULL", comment="storey.id")
        return column

    @declared_attr
    def mesh(cls) -> Mapped[str | None]:  # noqa: N805 - SQLAlchemy calls it on the class
        """Return the column of the mesh's name."""
        column: Mapped[str | None] = mapped_column(
            ForeignKey("twin.bim_mesh.digest"), comment="bim_mesh.digest"
        )
        return column

    z_min_m: Mapped[float | None] = mapped_column(comment="lowest point, m, city's datum")
    z_max_m: Mapped[float | None] = mapped_column(comment="highest point, m, city's datum")
    volume_m3: Mapped[float | None] = mapped_column(comment="of the mesh; null if it is not closed")
    is_closed: Mapped[bool | None] = mapped_column(comment="whether the mesh bounds a solid")
    centre_x_m: Mapped[float | None] = mapped_column(comment="where the mesh's zero is, m")
    centre_y_m: Mapped[float | None] = mapped_column(comment="where the mesh's zero is, m")
    centre_z_m: Mapped[float | None] = mapped_column(comment="where the mesh's zero is, m")
    geom: Mapped[WKBElement] = mapped_column(
        plane("MULTIPOLYGON"), comment="footprint; empty where there is no geometry"
    )

    @classmethod
    def _own_rules(cls) -> tuple[Any, ...]:
        name = cls.__tablename__
        return (
            CheckConstraint("z_max_m >= z_min_m", name="z_range"),
            CheckConstraint("volume_m3 IS NULL OR (volume_m3 >= 0 AND is_closed)", name="volume"),
            Index(f"ix_{name}_storey_id", "storey_id"),
            Index(f"ix_{name}_z_min_m_z_max_m", "z_min_m", "z_max_m"),
        )


class Storey(_InBuilding):
    """A storey: its floor and how high it is (楼层)."""

    __tablename__ = "storey"

    number: Mapped[int] = mapped_column(comment="from the lowest of the building, 0 first")
    floor_z_m: Mapped[float] = mapped_column(comment="floor level, m, city's datum")
    elevation_m: Mapped[float | None] = mapped_column(comment="as the file says it, m")
    height_m: Mapped[float | None] = mapped_column(comment="floor to floor, m")
    height_from: Mapped[str | None] = mapped_column(comment="next_storey, quantity, elements")
    geom: Mapped[WKBElement] = mapped_column(
        plane("MULTIPOLYGON"), comment="union of what is in it; empty where nothing is"
    )

    @classmethod
    def _own_rules(cls) -> tuple[Any, ...]:
        return (
            CheckConstraint("height_m >= 0", name="height_m"),
            CheckConstraint(one_of("height_from", HEIGHT_SOURCES), name="height_from"),
        )


class Space(_Solid):
    """A room or another space: its use and area (房间、空间)."""

    __tablename__ = "space"

    use: Mapped[str | None] = mapped_column(comment="what it is for, in the model's own words")
    number: Mapped[str | None] = mapped_column(comment="room number, as people know it")
    area_m2: Mapped[float | None] = mapped_column(comment="floor area, m²; see area_from")
    area_from: Mapped[str | None] = mapped_column(comment="the quantity it is from, or 'footprint'")
    plan_area_m2: Mapped[float | None] = mapped_column(comment="area of the footprint, m²")


class Element(_Solid):
    """A building element: wall, slab, door, pipe, furniture (建筑构件)."""

    __tablename__ = "element"

    predefined_type: Mapped[str | None]
    type_name: Mapped[str | None] = mapped_column(comment="name of its type in the model")
    tag: Mapped[str | None] = mapped_column(comment="its number in the authoring program")
    material: Mapped[str | None] = mapped_column(comment="materials, layers from one side")
    part_of: Mapped[str | None] = mapped_column(comment="source_id of the whole it is part of")
    is_external: Mapped[bool | None] = mapped_column(comment="whether it faces the outside")
    no_geometry: Mapped[str | None] = mapped_column(comment="why there is no geometry of its own")


class Opening(_InBuilding):
    """A door, a window or a hole in a wall or slab: where water or people can pass (门窗洞口)."""

    __tablename__ = "opening"

    @declared_attr
    def storey_id(cls) -> Mapped[int | None]:  # noqa: N805 - SQLAlchemy calls it on the class
        """Return the column of the storey it belongs to."""
        column: Mapped[int | None] = _part_of("storey", gone="SET NULL", comment="storey.id")
        return column

    kind: Mapped[str] = mapped_column(comment="door, window, or void without a filling")
    host: Mapped[str | None] = mapped_column(comment="source_id of the element it goes through")
    filling: Mapped[str | None] = mapped_column(comment="source_id of the door or window in it")
    width_m: Mapped[float | None] = mapped_column(comment="clear width as far as known, m")
    height_m: Mapped[float | None] = mapped_column(comment="clear height as far as known, m")
    sill_m: Mapped[float | None] = mapped_column(comment="lower edge above the storey's floor, m")
    sill_z_m: Mapped[float] = mapped_column(comment="lower edge, m, city's datum: water's way in")
    is_external: Mapped[bool | None] = mapped_column(comment="whether it leads outside")
    geom: Mapped[WKBElement] = mapped_column(solid("POINT"), comment="middle of the lower edge")

    @classmethod
    def _own_rules(cls) -> tuple[Any, ...]:
        return (
            CheckConstraint(one_of("kind", OPENING_KINDS), name="kind"),
            CheckConstraint("width_m >= 0 AND height_m >= 0", name="size"),
            Index("ix_opening_storey_id", "storey_id"),
        )
