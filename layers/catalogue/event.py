"""Events of city management (城市事件): what was reported, and how far it has been dealt with."""

from layers import Field, Layer, Words
from layers._cartography import by_zoom, drawn, match
from layers._classes import kind_field
from layers._common import with_file
from layers._groups import GRID
from twin.model.components import Event

STATUSES = {
    "reported": Words("上报", "Reported"),
    "accepted": Words("立案", "Accepted"),
    "dispatched": Words("派遣", "Dispatched"),
    "handled": Words("处置", "Dealt with"),
    "checked": Words("核查", "Checked"),
    "closed": Words("结案", "Closed"),
}
CHANNELS = {
    "patrol": Words("巡查", "Patrol"),
    "hotline": Words("热线", "Hotline"),
    "sensor": Words("传感器", "Sensor"),
    "camera": Words("视频", "Camera"),
    "public": Words("公众", "Public"),
    "other": Words("其他", "Other"),
}
_COLOURS = {
    "reported": "#d9261c",
    "accepted": "#f0701d",
    "dispatched": "#e0a21a",
    "handled": "#5a8fd0",
    "checked": "#3f9a8b",
    "closed": "#8fa0a8",
}
_CLOSED = ["==", ["get", "status"], "closed"]


def _time(name: str, zh: str, en: str) -> Field:
    return Field(name, Words(zh, en), "date-time")


LAYER = Layer(
    id="event",
    title=Words("城市事件", "City events"),
    description=Words(
        "巡查、热线、传感器等上报的城市管理事件及其办理阶段（GB/T 30428）。",
        "Events that patrols, hotlines and sensors report, and how far they are (GB/T 30428).",
    ),
    group=GRID,
    geometry="point",
    table=Event,
    fields=with_file(
        kind_field("event"),
        Field("code", Words("案件编号", "Case number"), "string"),
        Field("status", Words("办理阶段", "Stage"), "string", in_tiles=True, codes=STATUSES),
        Field("channel", Words("来源", "Came in by"), "string", codes=CHANNELS),
        Field("description", Words("问题描述", "Description"), "string"),
        Field("address", Words("位置描述", "Place"), "string"),
        Field("component_id", Words("相关部件", "Component"), "integer"),
        Field("reporter", Words("上报人", "Reported by"), "string"),
        Field("handler", Words("处置单位", "Dealt with by"), "string"),
        _time("reported_at", "上报时间", "Reported at"),
        _time("accepted_at", "立案时间", "Accepted at"),
        _time("dispatched_at", "派遣时间", "Dispatched at"),
        _time("handled_at", "处置时间", "Dealt with at"),
        _time("checked_at", "核查时间", "Checked at"),
        _time("closed_at", "结案时间", "Closed at"),
    ),
    order=68,
    minzoom=10,
    maxzoom=16,
    visible=False,
    style=(
        {
            "id": "event-dot",
            "type": "circle",
            "paint": {
                "circle-color": match("status", _COLOURS, _COLOURS["closed"]),
                "circle-radius": by_zoom(
                    10,
                    ["case", _CLOSED, 1.5, 3],
                    15,
                    ["case", _CLOSED, 4, 7],
                    18,
                    ["case", _CLOSED, 6, 10],
                ),
                "circle-stroke-color": "#ffffff",
                "circle-stroke-width": by_zoom(10, 0.8, 15, 2),
            },
        },
    ),
    legend=drawn(_COLOURS, STATUSES, "circle"),
    merged_by=("status", "kind"),
)
