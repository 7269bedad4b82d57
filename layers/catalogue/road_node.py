"""Junctions of the road graph (道路节点)."""

from layers import Drawn, Field, Layer, Words
from layers._cartography import by_zoom
from layers._common import ELEVATION_REFERENCES, with_file
from layers._groups import ROADS
from twin.model.roads import RoadNode

_COLOUR = "#a79d8d"

LAYER = Layer(
    id="road_node",
    title=Words("道路节点", "Road junctions"),
    description=Words("道路网络的交叉口和端点。", "Junctions and ends of the road graph."),
    group=ROADS,
    geometry="point",
    table=RoadNode,
    fields=with_file(
        Field(
            "elevation_reference",
            Words("高程基准点", "Height refers to"),
            "string",
            codes=ELEVATION_REFERENCES,
        ),
    ),
    order=25,
    minzoom=15,
    maxzoom=17,
    visible=False,
    style=(
        {
            "id": "road_node-dot",
            "type": "circle",
            "paint": {
                "circle-color": _COLOUR,
                "circle-radius": by_zoom(15, 1.2, 18, 4),
                "circle-stroke-color": "#ffffff",
                "circle-stroke-width": 0.8,
            },
        },
    ),
    legend=(Drawn(_COLOUR, Words("路口", "Junction"), "circle"),),
)
