"""Events of city management that concern a thing: about it, in it, or at it."""

from functools import cache

from sqlalchemy import BigInteger, Boolean, ColumnElement, Double, Text, bindparam, func

from layers import Words, layer_named
from layers.file._bound import geometry
from layers.file._listing import listed
from layers.file._section import Content, Section
from layers.file._subject import Subject

_AT_M = 10.0
"""An event so near to a thing is taken to be at it."""
_SHOWN = ("kind", "status", "channel", "reported_at", "closed_at")
_NEAR = Words("包括距其 10 米以内的事件。", "Events within 10 m of it are counted.")


def _ask(subject: Subject) -> Content:
    layer, place = subject.layer.id, subject.place
    about = subject.id if layer == "component" else subject.values.get("component_id")
    if about is not None:
        where, values = _about(), {"component": about}
    elif place is None or layer in ("region", "event"):
        return Content()
    elif layer == "grid_cell":
        where, values = _inside(), {"place": place.geometry, "cell": subject.values["code"]}
    else:
        where, values = _near(), {"place": place.geometry, "at_m": _AT_M}
    itself = subject.id if layer == "event" else 0
    event = layer_named("event")
    table = listed(
        subject,
        event,
        _SHOWN,
        where,
        {**values, "itself": itself},
        order=_latest(),
        most=20,
    )
    near = where is _near()
    return Content(tables=(table,), notes=(_NEAR,) if near and table.rows else ())


@cache
def _latest() -> ColumnElement[object]:
    return layer_named("event").column("reported_at").desc()


def _other() -> ColumnElement[bool]:
    return layer_named("event").key != bindparam("itself", type_=BigInteger)


@cache
def _about() -> ColumnElement[bool]:
    component = bindparam("component", type_=BigInteger)
    return (layer_named("event").column("component_id") == component) & _other()


@cache
def _inside() -> ColumnElement[bool]:
    event = layer_named("event")
    boxed = event.place.op("&&", return_type=Boolean())(geometry("place"))
    return boxed & (event.column("cell_id") == bindparam("cell", type_=Text)) & _other()


@cache
def _near() -> ColumnElement[bool]:
    reach = bindparam("at_m", type_=Double)
    near = func.ST_DWithin(layer_named("event").place, geometry("place"), reach, type_=Boolean)
    return near & _other()


SECTION = Section("events", Words("相关事件", "Events about it"), 50, _ask)
