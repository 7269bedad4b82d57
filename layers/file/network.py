"""What a pipe or a road is connected to: the nodes at its ends, and what else meets there."""

from functools import cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, any_, bindparam, or_
from sqlalchemy.dialects.postgresql import ARRAY

from layers import Layer, Words, layer_named
from layers.file._listing import listed
from layers.file._section import Content, Section
from layers.file._subject import Subject

_NODE_OF = {"pipe_segment": "pipe_node", "road_edge": "road_node"}
_EDGE_OF = {node: edge for edge, node in _NODE_OF.items()}
_SHOWN = {
    "pipe_node": ("kind", "appurtenance", "valve_state", "ground_z_m", "invert_z_m", "depth_m"),
    "pipe_segment": ("kind", "material", "width_m", "depth_from_m", "depth_to_m"),
    "road_node": (),
    "road_edge": ("road_class", "direction", "length_m", "lanes"),
}
_MEETING = Words("在两端或此处相接", "What meets here")
_ENDS = Words("两端节点", "Nodes at its ends")


def _ask(subject: Subject) -> Content:
    layer = subject.layer
    if layer.id in _EDGE_OF:
        values = {"nodes": [subject.id], "itself": 0}
        return Content(tables=(_edges(subject, layer_named(_EDGE_OF[layer.id]), values),))
    ends = (subject.values[name] for name in ("from_node_id", "to_node_id"))
    nodes = [number for number in ends if number is not None]
    values = {"nodes": nodes, "itself": subject.id}
    node = layer_named(_NODE_OF[layer.id])
    names = _SHOWN[node.id]
    at_ends = listed(subject, node, names, _is_end(node), {"nodes": nodes}, title=_ENDS)
    return Content(tables=(at_ends, _edges(subject, layer, values)))


def _edges(subject: Subject, layer: Layer, values: dict[str, Any]) -> Any:
    return listed(subject, layer, _SHOWN[layer.id], _meets(layer), values, title=_MEETING)


@cache
def _is_end(node: Layer) -> ColumnElement[bool]:
    return node.key == any_(_nodes())


@cache
def _meets(edge: Layer) -> ColumnElement[bool]:
    begins = edge.column("from_node_id") == any_(_nodes())
    ends = edge.column("to_node_id") == any_(_nodes())
    return or_(begins, ends) & (edge.key != bindparam("itself", type_=BigInteger))


def _nodes() -> ColumnElement[Any]:
    return bindparam("nodes", type_=ARRAY(BigInteger))


SECTION = Section(
    "network",
    Words("连接关系", "What it is connected to"),
    45,
    _ask,
    frozenset((*_NODE_OF, *_EDGE_OF)),
)
