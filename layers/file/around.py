"""What is around a thing: of each kind the nearest, by index."""

from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Double,
    Integer,
    Select,
    Text,
    bindparam,
    func,
    literal_column,
    select,
    union_all,
)

from layers import Layer, Words, layer_named
from layers.file._bound import geometry
from layers.file._listing import NAME
from layers.file._section import Content, Ref, Row, Section, Table, column
from layers.file._subject import Subject
from layers.question import Prepared, prepared

_SHOWN: dict[str, tuple[str, ...]] = {
    "pipe_segment": ("kind", "width_m", "depth_from_m", "material"),
    "road_edge": ("road_class", "lanes", "width_m"),
    "building": ("use", "storeys", "residents_night"),
    "facility": ("kind", "phone"),
    "waterlogging_point": ("kind", "depth_m", "level"),
    "component": ("kind", "code", "state"),
    "event": ("kind", "status", "reported_at"),
}
"""The layers that are looked for, and what is told of each, in the order of the page."""

_MOST = 10
_LARGE_M = 1000.0
"""What is longer is measured from its middle: its box would hold half the city."""
_FROM_MIDDLE = Words("要素较大，距离从其中点量起。", "It is large: distances are from its middle.")
_DISTANCE = column("distance_m", "距离", "Distance", "number", unit="m")


def _ask(subject: Subject) -> Content:
    place = subject.place
    if place is None or subject.layer.id == "region":
        return Content()
    large = place.extent_m > _LARGE_M
    values = {
        "place": place.centre if large else place.geometry,
        "distance_m": subject.distance_m,
        "most": _MOST + 1,
        **{f"itself_{name}": 0 for name in _SHOWN},
        f"itself_{subject.layer.id}": subject.id,
    }
    found: dict[str, list[Any]] = {name: [] for name in _SHOWN}
    for name, *row in subject.rows(_statement, values):
        found[name].append(row)
    tables = tuple(_table(layer_named(name), rows) for name, rows in found.items() if rows)
    return Content(tables=tables, notes=(_FROM_MIDDLE,) if large and tables else ())


def _table(layer: Layer, found: list[Any]) -> Table:
    columns = (NAME, *(layer.by_name[name] for name in _SHOWN[layer.id]), _DISTANCE)
    rows = [
        Row((name or f"{number}", *values, round(distance_m, 2)), Ref(layer.id, number, name))
        for number, name, values, distance_m in found[:_MOST]
    ]
    return Table(layer.id, layer.title, columns, rows, more=len(found) > _MOST)


@cache
def _statement(past: bool) -> Prepared:
    parts = [_nearest(layer_named(name), names).subquery() for name, names in _SHOWN.items()]
    return prepared(union_all(*(select(part) for part in parts)), past=past)


def _nearest(layer: Layer, names: tuple[str, ...]) -> Select[Any]:
    """Return the question for the nearest features of one layer, the nearest first."""
    # Only the distance orders them: with the id behind it, all that are as near would be sorted.
    away: ColumnElement[float] = layer.place.op("<->", return_type=Double())(geometry("place"))
    near = func.ST_DWithin(
        layer.place, geometry("place"), bindparam("distance_m", type_=Double), type_=Boolean
    )
    return (
        select(
            literal_column(f"'{layer.id}'", Text).label("layer"),
            layer.key.label("id"),
            layer.column("name").label("name"),
            func.json_build_array(*(layer.shown(name) for name in names)).label("told"),
            func.ST_Distance(layer.place, geometry("place")).label("distance_m"),
        )
        .select_from(layer.rows)
        .where(near, layer.column("state") != "removed")
        .where(layer.key != bindparam(f"itself_{layer.id}", type_=BigInteger))
        .order_by(away)
        .limit(bindparam("most", type_=Integer))
    )


SECTION = Section("around", Words("周边", "Around it"), 70, _ask)
