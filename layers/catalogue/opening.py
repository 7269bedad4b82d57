"""Openings (门窗洞口): doors, windows and holes, and how high water must stand to enter."""

from layers import Field, Layer, Words
from layers._bim import BUILDING_ID, IFC_CLASS, MODEL, STOREY_ID
from layers._cartography import by_zoom, drawn, match
from layers._common import with_file
from layers._groups import BUILDINGS
from twin.model.bim import Opening

KINDS = {
    "door": Words("门", "Door"),
    "window": Words("窗", "Window"),
    "void": Words("洞口", "Hole"),
}
_COLOURS = {"door": "#c08a3e", "window": "#6fa3c7", "void": "#8b8f94"}

LAYER = Layer(
    id="opening",
    title=Words("门窗洞口", "Openings"),
    description=Words(
        "门、窗和洞口：尺寸、下沿高程和是否通向室外，用于判断水从何处进入。",
        "Doors, windows and holes: size, level of the lower edge, and whether they lead outside.",
    ),
    group=BUILDINGS,
    geometry="point",
    table=Opening,
    fields=with_file(
        BUILDING_ID,
        STOREY_ID,
        Field("kind", Words("种类", "Kind"), "string", in_tiles=True, codes=KINDS),
        Field("sill_z_m", Words("下沿高程", "Lower edge"), "number", "m", in_tiles=True),
        Field("sill_m", Words("离楼面高度", "Above the floor"), "number", "m", in_tiles=True),
        Field("width_m", Words("宽度", "Width"), "number", "m"),
        Field("height_m", Words("高度", "Height"), "number", "m"),
        Field("is_external", Words("通向室外", "Leads outside"), "boolean", in_tiles=True),
        Field("host", Words("所在构件", "Element it goes through"), "string"),
        Field("filling", Words("填充门窗", "Door or window in it"), "string"),
        IFC_CLASS,
        *MODEL,
    ),
    order=44,
    minzoom=17,
    maxzoom=18,
    visible=False,
    style=(
        {
            "id": "opening-dot",
            "type": "circle",
            "minzoom": 17.5,
            "paint": {
                "circle-color": match("kind", _COLOURS, "#8b8f94"),
                "circle-radius": by_zoom(17, 1.5, 20, 5),
            },
        },
    ),
    legend=drawn(_COLOURS, KINDS, "circle"),
)
