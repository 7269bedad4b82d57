"""Waterlogging points (积水点) with their latest depth and what it means."""

from sqlalchemy import FromClause, inspect, select, true

from layers import Field, Layer, Words
from layers._cartography import by_zoom, drawn, match
from layers._common import with_file
from layers._groups import WATERLOGGING
from twin.model.waterlogging import DepthThreshold, Reading, WaterloggingPoint

LEVELS = {
    "blue": Words("蓝色", "Blue"),
    "yellow": Words("黄色", "Yellow"),
    "orange": Words("橙色", "Orange"),
    "red": Words("红色", "Red"),
    "dry": Words("未达预警", "Below warning"),
}
KINDS = {
    "underpass": Words("下穿立交", "Underpass"),
    "road": Words("道路", "Road"),
    "community": Words("小区", "Community"),
    "metro": Words("地铁口", "Metro entrance"),
}
QUALITIES = {"good": Words("正常", "Good"), "suspect": Words("存疑", "Suspect")}
_COLOURS = {"blue": "#2f7fe0", "yellow": "#f2c40f", "orange": "#f28a1c", "red": "#d9261c"}
_DRY = "#8fa9b3"

_POINT, _READING = inspect(WaterloggingPoint).local_table, inspect(Reading).local_table
_THRESHOLD = inspect(DepthThreshold).local_table

# The latest depth that was measured at all.  A missing reading says nothing about the water.
_LATEST = (
    select(_READING.c["at"], _READING.c.depth_m, _READING.c.quality)
    .where(
        _READING.c.point_id == _POINT.c.id,
        _READING.c.depth_m.is_not(None),
        _READING.c.quality != "missing",
    )
    .order_by(_READING.c["at"].desc())
    .limit(1)
    .lateral("latest")
)

# The gravest warning that this depth reaches, by the thresholds in force when it was measured.
_LEVEL = (
    select(_THRESHOLD.c.key)
    .where(
        _THRESHOLD.c.kind == "warning",
        _THRESHOLD.c.depth_m <= _LATEST.c.depth_m,
        _THRESHOLD.c.valid_from <= _LATEST.c["at"],
        _THRESHOLD.c.valid_to > _LATEST.c["at"],
    )
    .order_by(_THRESHOLD.c.depth_m.desc())
    .limit(1)
    .scalar_subquery()
)


def _joined(table: FromClause) -> FromClause:
    return table.outerjoin(_LATEST, true())


# Tiles leave out what is null, GeoJSON does not: this holds for both.
_FLOODED = ["!=", ["get", "level"], None]
_BY_LEVEL = match("level", _COLOURS, _DRY)

LAYER = Layer(
    id="waterlogging_point",
    title=Words("积水点", "Waterlogging points"),
    description=Words(
        "易积水点及其最近一次水深和预警级别。",
        "Places that flood, with their latest depth and its warning level.",
    ),
    group=WATERLOGGING,
    geometry="point",
    table=WaterloggingPoint,
    fields=with_file(
        Field("kind", Words("类型", "Kind"), "string", in_tiles=True, codes=KINDS),
        Field(
            "depth_m",
            Words("当前水深", "Depth now"),
            "number",
            "m",
            in_tiles=True,
            value=_LATEST.c.depth_m,
        ),
        Field(
            "depth_at",
            Words("测量时间", "Measured at"),
            "date-time",
            in_tiles=True,
            value=_LATEST.c["at"],
        ),
        Field(
            "depth_quality",
            Words("数据质量", "Quality"),
            "string",
            value=_LATEST.c.quality,
            codes=QUALITIES,
        ),
        Field(
            "level",
            Words("预警级别", "Warning level"),
            "string",
            in_tiles=True,
            value=_LEVEL,
            codes=LEVELS,
        ),
        Field("low_z_m", Words("最低地面高程", "Lowest ground"), "number", "m"),
        Field("reach_m", Words("影响半径", "Reach"), "number", "m", in_tiles=True),
        Field("pump", Words("排水泵站", "Pumping station"), "string"),
    ),
    order=70,
    minzoom=8,
    maxzoom=16,
    visible=True,
    style=(
        {
            "id": "waterlogging_point-halo",
            "type": "circle",
            "filter": _FLOODED,
            "paint": {
                "circle-color": _BY_LEVEL,
                "circle-radius": by_zoom(10, 6, 15, 22, 18, 46),
                "circle-opacity": 0.28,
                "circle-blur": 0.6,
                "circle-pitch-alignment": "map",
            },
        },
        {
            "id": "waterlogging_point-dot",
            "type": "circle",
            "paint": {
                "circle-color": _BY_LEVEL,
                "circle-radius": by_zoom(
                    9,
                    ["case", _FLOODED, 3, 1.5],
                    15,
                    ["case", _FLOODED, 8, 4.5],
                    18,
                    ["case", _FLOODED, 12, 8],
                ),
                "circle-stroke-color": "#ffffff",
                "circle-stroke-width": by_zoom(9, 0.8, 15, 2),
            },
        },
    ),
    legend=drawn(dict(reversed(_COLOURS.items())) | {"dry": _DRY}, LEVELS, "circle"),
    joined=_joined,
    merged_by=("level", "kind"),
)
