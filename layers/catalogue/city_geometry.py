"""Geometries of city objects (城市对象几何): one row a level of detail."""

from layers import Drawn, Field, Layer, Words
from layers._city import CIM_LEVEL, OBJECT_TYPE, VOLUME, Z_RANGE
from layers._common import with_file
from layers._groups import BUILDINGS
from twin.model.city_objects import CityGeometry

_COLOUR = "#7d6a9c"

LAYER = Layer(
    id="city_geometry",
    title=Words("城市对象几何", "Geometries of city objects"),
    description=Words(
        "城市对象各细节层次的几何：类型、面数、是否闭合、体积、网格。",
        "Each geometry of a city object: level of detail, type, surfaces, closedness, mesh.",
    ),
    group=BUILDINGS,
    geometry="mixed",
    table=CityGeometry,
    fields=with_file(
        Field("city_object_id", Words("所属对象", "Object"), "integer", in_tiles=True),
        OBJECT_TYPE,
        Field("lod", Words("细节层次", "Level of detail"), "string", in_tiles=True),
        Field("position", Words("序号", "Place among the object's geometries"), "integer"),
        Field("geometry_type", Words("几何类型", "Type of geometry"), "string", in_tiles=True),
        CIM_LEVEL,
        Field("template", Words("模板序号", "Template"), "integer"),
        *Z_RANGE,
        Field("area_m2", Words("表面积", "Area of its surfaces"), "number", "m²"),
        VOLUME,
        Field("is_closed", Words("实体闭合", "Closed"), "boolean", in_tiles=True),
        Field("surface_count", Words("面数", "Surfaces"), "integer"),
        Field("degenerate_count", Words("退化面数", "Surfaces without an area"), "integer"),
        Field(
            "footprint_from",
            Words("轮廓依据", "Footprint known from"),
            "string",
            codes={
                "ground_surfaces": Words("底面", "Ground surfaces"),
                "projection": Words("全部面的投影", "Projection of all surfaces"),
                "lines": Words("线", "Lines"),
                "points": Words("点", "Points"),
            },
        ),
        Field("mesh", Words("网格摘要", "Name of the mesh"), "string"),
        Field("centre_x_m", Words("网格中心东坐标", "Centre of the mesh, east"), "number", "m"),
        Field("centre_y_m", Words("网格中心北坐标", "Centre of the mesh, north"), "number", "m"),
        Field("centre_z_m", Words("网格中心高程", "Centre of the mesh, height"), "number", "m"),
    ),
    order=45,
    minzoom=15,
    maxzoom=17,
    visible=False,
    style=(
        {
            "id": "city_geometry-outline",
            "type": "line",
            "filter": ["!=", ["geometry-type"], "Point"],
            "paint": {"line-color": _COLOUR, "line-width": 1},
        },
        {
            "id": "city_geometry-point",
            "type": "circle",
            "filter": ["==", ["geometry-type"], "Point"],
            "paint": {"circle-color": _COLOUR, "circle-radius": 3},
        },
    ),
    legend=(Drawn(_COLOUR, Words("各细节层次的轮廓", "Footprint at a level of detail"), "line"),),
)
