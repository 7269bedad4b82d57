"""Findings about the data (质量问题): where the data break a rule, and which."""

from layers import Field, Layer, Words
from layers._cartography import by_zoom, drawn, match
from layers._common import with_file
from layers._groups import QUALITY
from twin.model.quality import QualityFinding

SEVERITIES = {
    "error": Words("错误", "Error"),
    "warning": Words("警告", "Warning"),
    "note": Words("提示", "Note"),
}
_COLOURS = {"error": "#c2185b", "warning": "#e08a00", "note": "#5b7f95"}
_COLOUR = match("severity", _COLOURS, _COLOURS["note"])

LAYER = Layer(
    id="quality_finding",
    title=Words("质量问题", "Findings about the data"),
    description=Words(
        "数据质量检查发现的问题：哪个要素、违反哪条规则、量测值与限值。",
        "What rules find in the data: which feature, which rule, what was measured and its limit.",
    ),
    group=QUALITY,
    geometry="mixed",
    table=QualityFinding,
    fields=with_file(
        Field("rule", Words("规则", "Rule"), "string", in_tiles=True),
        Field("severity", Words("严重程度", "Severity"), "string", in_tiles=True, codes=SEVERITIES),
        Field("layer", Words("图层", "Layer"), "string", in_tiles=True),
        Field("feature_id", Words("要素编号", "Feature"), "integer", in_tiles=True),
        Field("feature_uid", Words("要素唯一标识", "Feature's stable identifier"), "uuid"),
        Field("other_layer", Words("另一图层", "Layer of the second feature"), "string"),
        Field("other_id", Words("另一要素编号", "Second feature"), "integer"),
        Field("part", Words("部分", "Part"), "string"),
        Field("value", Words("量测值", "Measured"), "number"),
        Field("limit_value", Words("限值", "Limit"), "number"),
        Field("unit", Words("单位", "Unit of both"), "string"),
        Field(
            "message_zh",
            Words("说明（中文）", "What is wrong, in Chinese"),
            "string",
            in_tiles=True,
        ),
        Field(
            "message_en",
            Words("说明（英文）", "What is wrong, in English"),
            "string",
            in_tiles=True,
        ),
        Field("found_by", Words("检查编号", "Run that found it"), "integer"),
    ),
    order=78,
    minzoom=10,
    maxzoom=18,
    visible=False,
    style=(
        {
            "id": "quality_finding-area",
            "type": "fill",
            "filter": ["==", ["geometry-type"], "Polygon"],
            "paint": {"fill-color": _COLOUR, "fill-opacity": 0.35},
        },
        {
            "id": "quality_finding-outline",
            "type": "line",
            "filter": ["!=", ["geometry-type"], "Point"],
            "layout": {"line-cap": "round", "line-join": "round"},
            "paint": {"line-color": _COLOUR, "line-width": by_zoom(10, 1, 18, 4)},
        },
        {
            "id": "quality_finding-point",
            "type": "circle",
            "filter": ["==", ["geometry-type"], "Point"],
            "paint": {
                "circle-color": _COLOUR,
                "circle-radius": by_zoom(10, 2.5, 18, 7),
                "circle-stroke-color": "#ffffff",
                "circle-stroke-width": 1.5,
            },
        },
    ),
    legend=drawn(_COLOURS, SEVERITIES, "fill"),
    merged_by=("severity", "rule"),
)
