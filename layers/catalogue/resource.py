"""Teams, engines and pumps that can be sent (应急力量)."""

from layers import Field, Layer, Words
from layers._cartography import FADED, INK, by_zoom, drawn, match
from layers._common import with_file
from layers._groups import EMERGENCY
from twin.model.facilities import Resource

KINDS = {
    "fire_engine": Words("消防车", "Fire engine"),
    "pump_truck": Words("排水泵车", "Pump truck"),
    "ambulance": Words("救护车", "Ambulance"),
    "crew": Words("抢险队", "Repair crew"),
    "boat": Words("冲锋舟", "Rescue boat"),
    "other": Words("其他", "Other"),
}
STATUSES = {
    "free": Words("待命", "Free"),
    "busy": Words("出动", "Busy"),
    "off_duty": Words("休整", "Off duty"),
}
_COLOURS = {
    "fire_engine": "#e03c1f",
    "pump_truck": "#1478a8",
    "ambulance": "#f06a7a",
    "crew": "#e0a21a",
    "boat": "#14a39a",
}
_OTHER = "#55636b"
_FREE = ["==", ["get", "status"], "free"]

LAYER = Layer(
    id="resource",
    title=Words("应急力量", "Teams and vehicles"),
    description=Words(
        "消防车、泵车、救护车、抢险队及其状态。",
        "Engines, pumps, ambulances and crews, and whether they are free.",
    ),
    group=EMERGENCY,
    geometry="point",
    table=Resource,
    fields=with_file(
        Field("kind", Words("类别", "Kind"), "string", in_tiles=True, codes=KINDS),
        Field("vehicle_class", Words("车辆类别", "Vehicle class"), "string", in_tiles=True),
        Field("status", Words("状态", "Status"), "string", in_tiles=True, codes=STATUSES),
        Field("capabilities", Words("能力", "Capabilities"), "strings"),
        Field("crew", Words("人数", "Crew"), "integer", "persons"),
        Field("pump_m3_per_s", Words("排水能力", "Pumping rate"), "number", "m³/s"),
        Field("phone", Words("电话", "Telephone"), "string"),
        Field("facility_id", Words("驻地", "Base"), "integer"),
    ),
    order=60,
    minzoom=10,
    maxzoom=16,
    visible=True,
    style=(
        {
            "id": "resource-dot",
            "type": "circle",
            "paint": {
                "circle-color": ["case", _FREE, match("kind", _COLOURS, _OTHER), FADED],
                "circle-radius": by_zoom(10, 2.5, 14, 5, 18, 8),
                "circle-stroke-color": ["case", _FREE, INK, "#ffffff"],
                "circle-stroke-width": by_zoom(10, 1, 15, 2),
            },
        },
    ),
    legend=(
        *drawn(_COLOURS | {"other": _OTHER}, KINDS, "circle"),
        *drawn({"busy": FADED}, STATUSES, "circle"),
    ),
    merged_by=("kind", "status"),
)
