"""Points of the pipe networks (管点): valves, manholes, hydrants, sources."""

from layers import Drawn, Field, Layer, Words
from layers._cartography import by_zoom, match
from layers._common import ELEVATION_REFERENCES, with_file
from layers._groups import PIPELINES
from layers._pipelines import APPURTENANCES, COLOURS, KINDS, OTHER, VALVE_STATES
from twin.model.pipelines import PipeNode

_LARGE = ["valve", "regulator", "pump", "tank", "source", "substation", "transformer", "outfall"]
_CLOSED = ["==", ["get", "valve_state"], "closed"]
_COLOUR = match("kind", COLOURS, OTHER)

LAYER = Layer(
    id="pipe_node",
    title=Words("管点", "Pipe nodes"),
    description=Words(
        "管线点：阀门、检查井、消火栓、调压站等附属物。",
        "Valves, manholes, hydrants, regulators and other points of the pipe networks.",
    ),
    group=PIPELINES,
    geometry="point",
    table=PipeNode,
    fields=with_file(
        Field("kind", Words("管线种类", "Kind"), "string", in_tiles=True, codes=KINDS),
        Field("feature", Words("特征", "Feature"), "string"),
        Field(
            "appurtenance",
            Words("附属物", "Appurtenance"),
            "string",
            in_tiles=True,
            codes=APPURTENANCES,
        ),
        Field(
            "valve_state",
            Words("阀门状态", "Valve is"),
            "string",
            in_tiles=True,
            codes=VALVE_STATES,
        ),
        Field("operable", Words("可操作", "Can be worked"), "boolean", in_tiles=True),
        Field("ground_z_m", Words("地面高程", "Ground level"), "number", "m"),
        Field("invert_z_m", Words("管内底高程", "Invert level"), "number", "m"),
        Field("depth_m", Words("埋深", "Depth"), "number", "m"),
        Field(
            "elevation_reference",
            Words("高程基准点", "Height refers to"),
            "string",
            codes=ELEVATION_REFERENCES,
        ),
    ),
    order=35,
    minzoom=15,
    maxzoom=17,
    visible=True,
    style=(
        {
            "id": "pipe_node-dot",
            "type": "circle",
            "minzoom": 15.5,
            "filter": ["!=", ["get", "appurtenance"], None],
            "paint": {
                "circle-color": ["case", _CLOSED, "#ffffff", _COLOUR],
                "circle-radius": by_zoom(
                    15.5,
                    ["case", ["in", ["get", "appurtenance"], ["literal", _LARGE]], 1.4, 0.6],
                    18,
                    ["case", ["in", ["get", "appurtenance"], ["literal", _LARGE]], 6, 3],
                ),
                "circle-stroke-color": ["case", _CLOSED, _COLOUR, "#ffffff"],
                "circle-stroke-width": by_zoom(15.5, 0.4, 18, 1.6),
            },
        },
    ),
    legend=(
        Drawn(COLOURS["water"], Words("管点（颜色同管线）", "Coloured as its pipe"), "circle"),
    ),
    merged_by=("kind", "valve_state"),
)
