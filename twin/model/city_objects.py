"""City objects of CityJSON: what they are, and each of their geometries (城市对象).

An object is a row, and each geometry it has, one or more a level of detail, is a row of its own.
Meshes stand apart, named by their content, so that a geometry that changes leaves its former mesh
where its history still finds it.
"""

from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from twin.model.base import Base, Located, one_of, plane

GEOMETRY_TYPES = (
    "MultiPoint",
    "MultiLineString",
    "MultiSurface",
    "CompositeSurface",
    "Solid",
    "MultiSolid",
    "CompositeSolid",
)
FOOTPRINT_SOURCES = ("ground_surfaces", "projection", "lines", "points")
VOLUME_SOURCES = ("mesh", "footprint_height")


class CityMesh(Base):
    """One geometry of a city object as triangles and as the surfaces that it is made of.

    Vertices and triangles are laid out as those of a `BimMesh`.  Each surface (face) is one or
    more consecutive triangles; ``rings`` keeps it as the polygon that it is.
    """

    __tablename__ = "city_mesh"
    __table_args__ = ({"comment": "Surfaces and triangles of city objects, named by content."},)

    digest: Mapped[str] = mapped_column(primary_key=True, comment="SHA-256 of all the rest")
    vertex_count: Mapped[int]
    triangle_count: Mapped[int]
    face_count: Mapped[int] = mapped_column(comment="surfaces, degenerate ones included")
    vertices: Mapped[bytes] = mapped_column(comment="float32 x, y, z about the feature's centre, m")
    triangles: Mapped[bytes] = mapped_column(comment="uint16 triples, uint32 from 65536 vertices")
    face_triangles: Mapped[bytes | None] = mapped_column(
        comment="uint32, triangles of each face; null where each has one"
    )
    rings: Mapped[bytes | None] = mapped_column(
        comment="uint32: of each face the number of rings, of each ring its number of vertices "
        "and they; of points and lines, each as a ring; null where every face is its triangle"
    )
    shells: Mapped[Any] = mapped_column(
        JSONB, comment="faces of each shell, nested as the geometry type nests them"
    )
    face_surface: Mapped[bytes | None] = mapped_column(
        comment="of each face its place in surfaces, all bits set for none; uint8, or uint16 from "
        "255 surfaces, uint32 from 65535"
    )
    surfaces: Mapped[Any | None] = mapped_column(
        JSONB, comment="the semantic surfaces, as told: type, attributes, parent, children"
    )


class CityObject(Located):
    """A city object of CityJSON: building, bridge, road, water, plant, … (城市对象)."""

    __tablename__ = "city_object"

    object_type: Mapped[str] = mapped_column(comment="as CityJSON names it; + begins an extension")
    building_id: Mapped[int | None] = mapped_column(
        BigInteger,
        ForeignKey("twin.building.id", ondelete="SET NULL"),
        comment="building.id of the building that it is, or is part of",
    )
    parents: Mapped[list[str]] = mapped_column(
        ARRAY(Text), server_default=text("'{}'::text[]"), comment="source_id of what it is part of"
    )
    children: Mapped[list[str]] = mapped_column(
        ARRAY(Text), server_default=text("'{}'::text[]"), comment="source_id of its parts"
    )
    lods: Mapped[str | None] = mapped_column(comment="levels of detail that it has, with commas")
    cim_level: Mapped[int | None] = mapped_column(
        SmallInteger, comment="highest CJJ/T 315 level of its geometries, 1-7"
    )
    z_min_m: Mapped[float | None] = mapped_column(comment="lowest point, m, city's datum")
    z_max_m: Mapped[float | None] = mapped_column(comment="highest point, m, city's datum")
    height_m: Mapped[float | None] = mapped_column(comment="highest above lowest point, m")
    volume_m3: Mapped[float | None] = mapped_column(comment="m³; see volume_from")
    volume_from: Mapped[str | None] = mapped_column(
        comment="mesh: of a closed one; footprint_height: footprint times height, an estimate"
    )
    no_geometry: Mapped[str | None] = mapped_column(comment="why there is no geometry of its own")
    told: Mapped[dict[str, Any]] = mapped_column(
        server_default=text("'{}'::jsonb"),
        comment="members of the object beside its attributes: address, roles, extensions",
    )
    geom: Mapped[WKBElement] = mapped_column(
        plane("GEOMETRY"), comment="footprint, lines or points; empty where there is no geometry"
    )

    @classmethod
    def _rules(cls) -> tuple[Any, ...]:
        return (
            CheckConstraint("cim_level BETWEEN 1 AND 7", name="cim_level"),
            CheckConstraint("z_max_m >= z_min_m", name="z_range"),
            CheckConstraint(one_of("volume_from", VOLUME_SOURCES), name="volume_from"),
            CheckConstraint("volume_m3 >= 0", name="volume"),
            Index("ix_city_object_building_id", "building_id"),
            Index("ix_city_object_object_type", "object_type"),
        )


class CityGeometry(Located):
    """One geometry of a city object, at one level of detail (城市对象几何)."""

    __tablename__ = "city_geometry"

    city_object_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("twin.city_object.id", ondelete="CASCADE"), comment="city_object.id"
    )
    object_type: Mapped[str] = mapped_column(comment="type of the object")
    lod: Mapped[str | None] = mapped_column(comment="level of detail; null where nobody says")
    position: Mapped[int] = mapped_column(comment="its place among the object's geometries, from 0")
    geometry_type: Mapped[str] = mapped_column(comment="Solid, MultiSurface, …")
    cim_level: Mapped[int | None] = mapped_column(
        SmallInteger, comment="CJJ/T 315 level of this geometry, 1-7"
    )
    template: Mapped[int | None] = mapped_column(comment="geometry template it was made from")
    mesh: Mapped[str] = mapped_column(
        ForeignKey("twin.city_mesh.digest"), comment="city_mesh.digest"
    )
    surface_count: Mapped[int] = mapped_column(comment="surfaces, degenerate ones included")
    degenerate_count: Mapped[int] = mapped_column(comment="surfaces without an area")
    z_min_m: Mapped[float] = mapped_column(comment="lowest point, m, city's datum")
    z_max_m: Mapped[float] = mapped_column(comment="highest point, m, city's datum")
    area_m2: Mapped[float | None] = mapped_column(comment="of all its surfaces, m²")
    volume_m3: Mapped[float | None] = mapped_column(comment="null if it is not closed")
    is_closed: Mapped[bool | None] = mapped_column(
        comment="whether every shell is walked round without a gap; null for points and lines"
    )
    footprint_from: Mapped[str] = mapped_column(
        comment="ground_surfaces, projection, lines, points"
    )
    centre_x_m: Mapped[float] = mapped_column(comment="where the mesh's zero is, m")
    centre_y_m: Mapped[float] = mapped_column(comment="where the mesh's zero is, m")
    centre_z_m: Mapped[float] = mapped_column(comment="where the mesh's zero is, m")
    geom: Mapped[WKBElement] = mapped_column(
        plane("GEOMETRY"), comment="footprint of this geometry, or its lines or points"
    )

    @classmethod
    def _rules(cls) -> tuple[Any, ...]:
        return (
            CheckConstraint("cim_level BETWEEN 1 AND 7", name="cim_level"),
            CheckConstraint("z_max_m >= z_min_m", name="z_range"),
            CheckConstraint(one_of("geometry_type", GEOMETRY_TYPES), name="geometry_type"),
            CheckConstraint(one_of("footprint_from", FOOTPRINT_SOURCES), name="footprint_from"),
            CheckConstraint("volume_m3 IS NULL OR (volume_m3 >= 0 AND is_closed)", name="volume"),
            Index("ix_city_geometry_city_object_id", "city_object_id"),
            Index("ix_city_geometry_mesh", "mesh"),
        )
