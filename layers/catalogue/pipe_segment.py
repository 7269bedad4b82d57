"""Pipes, ducts and cables (地下管线), in the colours Chinese surveyors draw them in."""

from layers import Field, Layer, Words
from layers._cartography import by_zoom, drawn, match
from layers._common import ELEVATION_REFERENCES, with_file
from layers._groups import PIPELINES
from layers._pipelines import COLOURS, DEVICES, KINDS, OTHER, SHAPES, VALVE_STATES
from twin.model.pipelines import PipeSegment

LAYER = Layer(
    id="pipe_segment",
    title=Words("管线", "Pipes and cables"),
    description=Words(
        "给水、排水、燃气、电力、通信、热力等地下管线段。",
        "Water, sewer, gas, power, telecom and heat lines below the ground.",
    ),
    group=PIPELINES,
    geometry="line",
    table=PipeSegment,
    fields=with_file(
        Field("kind", Words("管线种类", "Kind"), "string", in_tiles=True, codes=KINDS),
        Field("material", Words("材质", "Material"), "string", in_tiles=True),
        Field("device", Words("设备", "Device"), "string", codes=DEVICES),
        Field("valve_state", Words("启闭状态", "Open or shut"), "string", codes=VALVE_STATES),
        Field("flow_dir", Words("流向", "Flow along the line"), "integer"),
        Field("shape", Words("断面形状", "Cross-section"), "string", codes=SHAPES),
        Field("size_text", Words("管线规格（原文）", "Size as written"), "string"),
        Field("width_m", Words("管径（宽）", "Diameter or width"), "number", "m", in_tiles=True),
        Field("height_m", Words("断面高", "Height of section"), "number", "m"),
        Field("n_ducts", Words("总孔数", "Ducts"), "integer"),
        Field("used_ducts", Words("已用孔数", "Ducts in use"), "integer"),
        Field("cables", Words("电缆条数", "Cables"), "integer"),
        Field("embed", Words("埋设方式", "Laid as"), "string"),
        Field("pressure_class", Words("压力级别", "Pressure class"), "string"),
        Field(
            "pressure_pa",
            Words("运行压力（表压）", "Gauge pressure"),
            "number",
            "Pa",
            in_tiles=True,
        ),
        Field("voltage_v", Words("电压", "Voltage"), "number", "V"),
        Field("depth_from_m", Words("起点埋深", "Depth at first end"), "number", "m"),
        Field("depth_to_m", Words("终点埋深", "Depth at last end"), "number", "m"),
        Field("built_year", Words("埋设年份", "Laid in"), "integer"),
        Field("from_node_id", Words("起点管点", "First node"), "integer"),
        Field("to_node_id", Words("终点管点", "Last node"), "integer"),
        Field(
            "elevation_reference",
            Words("高程基准点", "Height refers to"),
            "string",
            codes=ELEVATION_REFERENCES,
        ),
    ),
    order=30,
    minzoom=12,
    maxzoom=17,
    visible=True,
    style=(
        {
            "id": "pipe_segment-halo",
            "type": "line",
            "minzoom": 16,
            "layout": {"line-cap": "round", "line-join": "round"},
            "paint": {
                "line-color": "#ffffff",
                "line-width": by_zoom(16, 2.6, 18, 7),
                "line-opacity": 0.75,
            },
        },
        {
            "id": "pipe_segment-line",
            "type": "line",
            # Farther away the streets would vanish under their pipes.
            "minzoom": 13.5,
            "layout": {"line-cap": "round", "line-join": "round"},
            "paint": {
                "line-color": match("kind", COLOURS, OTHER),
                "line-width": by_zoom(13.5, 0.5, 16, 1.3, 18, 4),
                "line-opacity": by_zoom(13.5, 0.35, 16, 0.95, base=1),
            },
        },
    ),
    legend=drawn(COLOURS, KINDS, "line"),
    merged_by=("kind",),
)
