"""Roads (道路): the edges of the road graph, cased and ranked by class."""

from typing import Any

from sqlalchemy import ColumnElement, Text, any_, literal
from sqlalchemy.dialects.postgresql import ARRAY

from layers import Drawn, Field, Layer, Words
from layers._cartography import Expression, by_zoom, match_any
from layers._common import ELEVATION_REFERENCES, with_file
from layers._groups import ROADS
from twin.model.roads import RoadEdge

CLASSES = {
    "motorway": Words("高速公路", "Motorway"),
    "trunk": Words("快速路", "Trunk road"),
    "primary": Words("主干路", "Primary road"),
    "secondary": Words("次干路", "Secondary road"),
    "tertiary": Words("支路", "Tertiary road"),
    "residential": Words("居住区道路", "Residential street"),
    "service": Words("内部道路", "Service road"),
    "footway": Words("步行道", "Footway"),
}
DIRECTIONS = {
    "0": Words("双向", "Both ways"),
    "1": Words("单向（顺向）", "One way, along"),
    "-1": Words("单向（逆向）", "One way, against"),
}

_MOTORWAY = ("motorway", "motorway_link")
_TRUNK = ("trunk", "trunk_link")
_PRIMARY = ("primary", "primary_link")
_SECONDARY = ("secondary", "secondary_link")
_TERTIARY = ("tertiary", "tertiary_link")
_STREET = ("residential", "unclassified", "living_street", "road", "busway")
_PATH = ("footway", "path", "pedestrian", "cycleway", "steps", "bridleway", "corridor", "track")
_MAIN = (*_MOTORWAY, *_TRUNK, *_PRIMARY)

_GROUPS = (_MOTORWAY, _TRUNK, _PRIMARY, _SECONDARY, _TERTIARY, _STREET, _PATH)
_FILLS = ("#f2b279", "#f6c78d", "#fbdf9f", "#fdf0c2", "#ffffff", "#ffffff", "#efe9df")
_CASINGS = ("#d78a4e", "#d99e62", "#d9b466", "#d8c68a", "#cdc7bb", "#d6d0c5", "#ddd5c8")
_WIDTHS_Z10 = (1.6, 1.4, 1.0, 0.5, 0.3, 0.1, 0.0)
_WIDTHS_Z14 = (5.5, 5.0, 4.2, 3.0, 2.2, 1.5, 0.5)
_WIDTHS_Z18 = (72.0, 64.0, 54.0, 42.0, 32.0, 22.0, 6.0)


def _ranked(values: tuple[Any, ...], other: Any) -> Expression:
    return match_any("road_class", tuple(zip(_GROUPS, values, strict=True)), other)


def _width(more: float = 0.0) -> Expression:
    def plus(widths: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(round(width + more, 2) for width in widths)

    return by_zoom(
        10,
        _ranked(plus(_WIDTHS_Z10), more),
        14,
        _ranked(plus(_WIDTHS_Z14), 0.8 + more),
        18,
        _ranked(plus(_WIDTHS_Z18), 12.0 + more),
        # From near, a road is as wide as on the ground: twice as many pixels a level.
        base=2,
    )


def _line(name: str, level: Expression, colour: Any, width: Any, **paint: Any) -> dict[str, Any]:
    return {
        "id": f"road_edge-{name}",
        "type": "line",
        "filter": level,
        # A round end would fill the gaps of a dashed line.
        "layout": {
            "line-cap": "butt" if paint else "round",
            "line-join": "round",
            "line-sort-key": _ranked(_RANKS, 0),
        },
        "paint": {"line-color": colour, "line-width": width, **paint},
    }


_DASHED = {"line-dasharray": [0.6, 0.4], "line-opacity": 0.7}
_RANKS = (7, 6, 5, 4, 3, 2, 1)
_BELOW = ["<", ["get", "deck_level"], 0]
_ON_GROUND = ["==", ["get", "deck_level"], 0]
_ABOVE = [">", ["get", "deck_level"], 0]
_FILL = _ranked(_FILLS, "#ffffff")
_CASING = _ranked(_CASINGS, "#d6d0c5")


def _thinned(zoom: int) -> ColumnElement[bool] | None:
    if zoom >= 13:
        return None
    classes = _MAIN if zoom < 11 else (*_MAIN, *_SECONDARY, *_TERTIARY)
    # One list as one value: IN would be written out only when the statement is run.
    return LAYER.column("road_class") == any_(literal(list(classes), ARRAY(Text)))


LAYER = Layer(
    id="road_edge",
    title=Words("道路", "Roads"),
    description=Words(
        "道路网络的路段：等级、方向、速度、桥隧层位。",
        "Stretches of the road graph with class, direction, speed and deck level.",
    ),
    group=ROADS,
    geometry="line",
    table=RoadEdge,
    fields=with_file(
        Field("road_class", Words("道路等级", "Class"), "string", in_tiles=True, codes=CLASSES),
        Field("direction", Words("通行方向", "Direction"), "integer", codes=DIRECTIONS),
        Field("speed_m_per_s", Words("自由流速度", "Free-flow speed"), "number", "m/s"),
        Field("length_m", Words("长度", "Length"), "number", "m"),
        Field("deck_level", Words("层位", "Deck level"), "integer", in_tiles=True),
        Field("lanes", Words("车道数", "Lanes"), "integer"),
        Field("width_m", Words("路面宽度", "Width"), "number", "m"),
        Field("from_node_id", Words("起点", "First node"), "integer"),
        Field("to_node_id", Words("终点", "Last node"), "integer"),
        Field(
            "elevation_reference",
            Words("高程基准点", "Height refers to"),
            "string",
            codes=ELEVATION_REFERENCES,
        ),
    ),
    order=20,
    minzoom=8,
    maxzoom=16,
    visible=True,
    style=(
        _line("tunnel", _BELOW, _CASING, _width(), **_DASHED),
        _line("casing", _ON_GROUND, _CASING, _width(1.4)),
        _line("surface", _ON_GROUND, _FILL, _width()),
        _line("bridge-casing", _ABOVE, "#8f8678", _width(2.2)),
        _line("bridge-surface", _ABOVE, _FILL, _width()),
    ),
    legend=tuple(
        Drawn(_CASINGS[rank], CLASSES[code], "line")
        for rank, code in enumerate(("motorway", "trunk", "primary", "secondary", "tertiary"))
    ),
    thinned=_thinned,
    merged_by=("road_class", "deck_level"),
)
