"""City objects of CityJSON: those of a building, the parts and the geometries of one."""

from functools import cache

from sqlalchemy import BigInteger, ColumnElement, Text, any_, bindparam
from sqlalchemy.dialects.postgresql import ARRAY

from layers import Words, layer_named
from layers.file._listing import listed
from layers.file._section import Content, Section
from layers.file._subject import Subject

_OBJECT = ("object_type", "lods", "height_m", "volume_m3")
_GEOMETRY = ("lod", "geometry_type", "surface_count", "area_m2", "volume_m3", "is_closed")


def _ask(subject: Subject) -> Content:
    objects = layer_named("city_object")
    if subject.layer.id == "building":
        values = {"building": subject.id}
        return Content(tables=(listed(subject, objects, _OBJECT, _of_building(), values),))
    geometry = layer_named("city_geometry")
    tables = [listed(subject, geometry, _GEOMETRY, _of_object(), {"object": subject.id})]
    for field, title in (
        ("parents", Words("上级对象", "Part of")),
        ("children", Words("下级对象", "Parts")),
    ):
        names = subject.values[field]
        if names:
            values = {"source": subject.values["source"], "names": names}
            tables.append(listed(subject, objects, _OBJECT, _named(), values, title=title))
    return Content(tables=tuple(table for table in tables if table.rows))


@cache
def _of_building() -> ColumnElement[bool]:
    building = bindparam("building", type_=BigInteger)
    return layer_named("city_object").column("building_id") == building


@cache
def _of_object() -> ColumnElement[bool]:
    whole = bindparam("object", type_=BigInteger)
    return layer_named("city_geometry").column("city_object_id") == whole


@cache
def _named() -> ColumnElement[bool]:
    objects = layer_named("city_object")
    names = bindparam("names", type_=ARRAY(Text))
    source = bindparam("source", type_=Text)
    return (objects.column("source_id") == any_(names)) & (objects.column("source") == source)


SECTION = Section(
    "city_objects",
    Words("城市对象", "City objects"),
    44,
    _ask,
    frozenset({"building", "city_object"}),
)
