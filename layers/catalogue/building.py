"""Buildings (建筑物): footprints that rise to their height."""

from typing import Any

from layers import Field, Layer, Words
from layers._cartography import by_zoom, drawn, match
from layers._common import with_file
from layers._groups import BUILDINGS
from twin.model.buildings import Building

USES = {
    "residential": Words("住宅", "Residential"),
    "commercial": Words("商业", "Commercial"),
    "office": Words("办公", "Office"),
    "industrial": Words("工业", "Industrial"),
    "school": Words("教育", "School"),
    "hospital": Words("医疗", "Hospital"),
    "public": Words("公共服务", "Public"),
    "other": Words("其他", "Other"),
}
_COLOURS = {
    "residential": "#e8dcc9",
    "commercial": "#eccdb4",
    "office": "#cdd7e4",
    "industrial": "#d5cfdd",
    "school": "#eadf9f",
    "hospital": "#f0c4c4",
    "public": "#cfe0c8",
}
_OTHER = "#dedad2"

_HEIGHT: list[Any] = [
    "coalesce",
    ["get", "height_m"],
    ["*", 3, ["coalesce", ["get", "storeys"], 2]],
]

LAYER = Layer(
    id="building",
    title=Words("建筑物", "Buildings"),
    description=Words(
        "建筑物轮廓、高度、层数、用途和昼夜人数。",
        "Building footprints with height, storeys, use, and people by day and night.",
    ),
    group=BUILDINGS,
    geometry="polygon",
    table=Building,
    fields=with_file(
        Field("use", Words("用途", "Use"), "string", in_tiles=True, codes=USES),
        Field("address", Words("地址", "Address"), "string"),
        Field("height_m", Words("高度", "Height"), "number", "m", in_tiles=True),
        Field("ground_z_m", Words("地面高程", "Ground level"), "number", "m"),
        Field("storeys", Words("地上层数", "Storeys"), "integer", in_tiles=True),
        Field("storeys_below", Words("地下层数", "Storeys below ground"), "integer"),
        Field(
            "residents_day", Words("昼间人数", "People by day"), "integer", "persons", in_tiles=True
        ),
        Field(
            "residents_night",
            Words("夜间人数", "People by night"),
            "integer",
            "persons",
            in_tiles=True,
        ),
        Field("built_year", Words("建成年份", "Built in"), "integer"),
    ),
    order=40,
    minzoom=9,
    maxzoom=16,
    visible=True,
    style=(
        {
            "id": "building-footprint",
            "type": "fill",
            "maxzoom": 15,
            "paint": {
                "fill-color": match("use", _COLOURS, _OTHER),
                "fill-outline-color": "#cbbfae",
                "fill-opacity": by_zoom(12, 0.6, 14.5, 1, base=1),
            },
        },
        {
            "id": "building-extrusion",
            "type": "fill-extrusion",
            "minzoom": 14,
            "paint": {
                "fill-extrusion-color": match("use", _COLOURS, _OTHER),
                # Buildings grow out of their footprints as one comes near.
                "fill-extrusion-height": ["interpolate", ["linear"], ["zoom"], 14, 0, 15, _HEIGHT],
                "fill-extrusion-opacity": 0.88,
                "fill-extrusion-vertical-gradient": True,
            },
        },
    ),
    legend=drawn(_COLOURS | {"other": _OTHER}, USES, "fill"),
    merged_by=("use",),
)
