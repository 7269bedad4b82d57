"""What a thing is: the fields of its own layer, and what its source says beyond them."""

import json
from collections.abc import Iterator
from typing import Any

from layers import Field, Words
from layers._common import FILE
from layers.file._section import Content, Fact, Ref, Row, Section, Table, column
from layers.file._subject import Subject

_SHARED = {"uid", "name", *(entry.name for entry in FILE)}
_NAMES_A_FEATURE = {
    "region_id": "region",
    "parent_id": "region",
    "building_id": "building",
    "storey_id": "storey",
    "facility_id": "facility",
    "component_id": "component",
    "city_object_id": "city_object",
}
_NAMED_BESIDE = {"feature_id": "layer", "other_id": "other_layer"}
"""Fields whose feature is of the layer that another field names."""
_NODES = {"pipe_segment": "pipe_node", "road_edge": "road_node"}
_BEYOND = (
    column("group", "组", "Group"),
    column("name", "名称", "Name"),
    column("value", "值", "Value"),
)


def _ask(subject: Subject) -> Content:
    own = [entry for entry in subject.layer.fields if entry.name not in _SHARED]
    facts = tuple(
        Fact(entry, subject.values[entry.name], _ref(subject, entry))
        for entry in own
        if entry.type != "object" and subject.values[entry.name] is not None
    )
    tables = tuple(_beyond(subject, entry) for entry in _objects(subject))
    return Content(facts, tables)


def _ref(subject: Subject, entry: Field) -> Ref | None:
    layer = _NAMES_A_FEATURE.get(entry.name)
    if entry.name in ("from_node_id", "to_node_id"):
        layer = _NODES[subject.layer.id]
    elif entry.name in _NAMED_BESIDE:
        layer = subject.values[_NAMED_BESIDE[entry.name]]
    return None if layer is None else Ref(layer, subject.values[entry.name])


def _objects(subject: Subject) -> list[Field]:
    return [
        entry
        for entry in subject.layer.fields
        if entry.type == "object" and subject.values[entry.name] not in (None, "{}")
    ]


def _beyond(subject: Subject, entry: Field) -> Table:
    """Return a field of any depth as lines: group, name, value."""
    rows = [
        Row((" / ".join(path[:-1]), path[-1], value))
        for path, value in _leaves(json.loads(subject.values[entry.name]))
    ]
    return Table(entry.name, entry.title, _BEYOND, rows)


def _leaves(held: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[list[str], Any]]:
    """Yield what stands in an object of any depth, with the names that lead to it.

    >>> list(_leaves({"a": {"b": 1}, "c": [2]}))
    [(['a', 'b'], 1), (['c'], '[2]')]
    """
    for name, value in held.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*path, name))
        else:
            listed = isinstance(value, list)
            told = json.dumps(value, ensure_ascii=False) if listed else value
            yield [*path, name], told


SECTION = Section("attributes", Words("属性", "Attributes"), 20, _ask)
