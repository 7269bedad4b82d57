"""City objects (城市对象): what CityJSON files hold, from buildings to trees."""

from layers import Field, Layer, Words
from layers._cartography import drawn, match_any
from layers._city import BY_TYPE, CIM_LEVEL, COLOURS, GROUPS, OBJECT_TYPE, TITLES, VOLUME, Z_RANGE
from layers._common import with_file
from layers._groups import BUILDINGS
from twin.model.city_objects import CityObject

# Buildings are drawn by their own layer; here they are only outlined.
_BUILDING = ["in", ["get", "object_type"], ["literal", list(GROUPS["building"])]]
_COLOUR = match_any("object_type", BY_TYPE, COLOURS["other"])

LAYER = Layer(
    id="city_object",
    title=Words("城市对象", "City objects"),
    description=Words(
        "CityJSON 城市对象：类型、细节层次、高度、体积、属性、上下级对象。",
        "City objects of CityJSON: type, levels of detail, height, volume, attributes, kin.",
    ),
    group=BUILDINGS,
    geometry="mixed",
    table=CityObject,
    fields=with_file(
        OBJECT_TYPE,
        Field("lods", Words("细节层次", "Levels of detail"), "string", in_tiles=True),
        Field("height_m", Words("高度", "Height"), "number", "m", in_tiles=True),
        *Z_RANGE,
        VOLUME,
        Field(
            "volume_from",
            Words("体积依据", "Volume known from"),
            "string",
            codes={
                "mesh": Words("闭合实体", "A closed solid"),
                "footprint_height": Words(
                    "轮廓乘高度（估算）", "Footprint times height (estimate)"
                ),
            },
        ),
        CIM_LEVEL,
        Field("building_id", Words("所属建筑", "Building"), "integer", in_tiles=True),
        Field("parents", Words("上级对象", "Part of"), "strings"),
        Field("children", Words("下级对象", "Parts"), "strings"),
        Field("no_geometry", Words("无几何原因", "Why it has no geometry"), "string"),
        Field("told", Words("来源其他内容", "What else the source says"), "object"),
    ),
    order=15,
    minzoom=13,
    maxzoom=17,
    visible=True,
    style=(
        {
            "id": "city_object-area",
            "type": "fill",
            "filter": ["all", ["!", _BUILDING], ["==", ["geometry-type"], "Polygon"]],
            "paint": {"fill-color": _COLOUR, "fill-opacity": 0.6},
        },
        {
            "id": "city_object-outline",
            "type": "line",
            "filter": ["!=", ["geometry-type"], "Point"],
            "minzoom": 15,
            "paint": {"line-color": _COLOUR, "line-width": 0.8},
        },
        {
            "id": "city_object-point",
            "type": "circle",
            "filter": ["==", ["geometry-type"], "Point"],
            "minzoom": 15,
            "paint": {"circle-color": _COLOUR, "circle-radius": 3},
        },
    ),
    legend=drawn(COLOURS, TITLES, "fill"),
    merged_by=("object_type",),
)
