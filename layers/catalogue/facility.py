"""Facilities that matter in an emergency (设施)."""

from layers import Field, Layer, Words
from layers._cartography import by_zoom, drawn, match
from layers._common import with_file
from layers._groups import EMERGENCY
from twin.model.facilities import Facility

KINDS = {
    "hospital": Words("医院", "Hospital"),
    "clinic": Words("诊所", "Clinic"),
    "fire_station": Words("消防站", "Fire station"),
    "police": Words("公安", "Police"),
    "shelter": Words("避难场所", "Shelter"),
    "school": Words("学校", "School"),
    "kindergarten": Words("幼儿园", "Kindergarten"),
    "nursing_home": Words("养老院", "Nursing home"),
    "pumping_station": Words("排水泵站", "Pumping station"),
    "substation": Words("变电站", "Substation"),
    "gas_station": Words("燃气站（加油站）", "Gas or filling station"),
    "other": Words("其他", "Other"),
}
_COLOURS = {
    "hospital": "#d64550",
    "clinic": "#e58a92",
    "fire_station": "#e8572a",
    "police": "#2c4f8f",
    "shelter": "#2f9461",
    "school": "#c99a16",
    "kindergarten": "#dcb84e",
    "nursing_home": "#a0679f",
    "pumping_station": "#1f8fb5",
    "substation": "#7d3c98",
    "gas_station": "#c2417f",
}
_OTHER = "#6f7c84"

LAYER = Layer(
    id="facility",
    title=Words("重点设施", "Facilities"),
    description=Words(
        "医院、消防站、避难场所、学校、泵站等重点设施。",
        "Hospitals, fire stations, shelters, schools, pumping stations and the like.",
    ),
    group=EMERGENCY,
    geometry="point",
    table=Facility,
    fields=with_file(
        Field("kind", Words("类别", "Kind"), "string", in_tiles=True, codes=KINDS),
        Field("address", Words("地址", "Address"), "string"),
        Field("phone", Words("电话", "Telephone"), "string"),
        Field("capacity", Words("容量", "Capacity"), "integer", "persons", in_tiles=True),
    ),
    order=50,
    minzoom=10,
    maxzoom=16,
    visible=True,
    style=(
        {
            "id": "facility-dot",
            "type": "circle",
            "paint": {
                "circle-color": match("kind", _COLOURS, _OTHER),
                "circle-radius": by_zoom(10, 2, 14, 5, 18, 9),
                "circle-stroke-color": "#ffffff",
                "circle-stroke-width": by_zoom(10, 0.6, 15, 1.8),
            },
        },
    ),
    legend=drawn(_COLOURS | {"other": _OTHER}, KINDS, "circle"),
    merged_by=("kind",),
)
