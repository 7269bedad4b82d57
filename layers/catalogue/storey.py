"""Storeys (楼层): the floors of buildings, from their models."""

from layers import Drawn, Field, Layer, Words
from layers._bim import BUILDING_ID, IFC_CLASS, MODEL
from layers._common import with_file
from layers._groups import BUILDINGS
from twin.model.bim import Storey

_COLOUR = "#9fb6ad"

LAYER = Layer(
    id="storey",
    title=Words("楼层", "Storeys"),
    description=Words(
        "建筑楼层：楼面高程和层高，轮廓由其构件合并而成。",
        "Floors of buildings: floor level and height; the outline is that of what is in them.",
    ),
    group=BUILDINGS,
    geometry="polygon",
    table=Storey,
    fields=with_file(
        BUILDING_ID,
        Field("number", Words("层序", "Number from below"), "integer", in_tiles=True),
        Field("floor_z_m", Words("楼面高程", "Floor level"), "number", "m", in_tiles=True),
        Field("height_m", Words("层高", "Floor to floor"), "number", "m", in_tiles=True),
        Field(
            "height_from",
            Words("层高依据", "Height known from"),
            "string",
            codes={
                "next_storey": Words("上一层楼面", "The next floor"),
                "quantity": Words("模型工程量", "A quantity in the model"),
                "elements": Words("构件最高点", "The highest element"),
            },
        ),
        Field("elevation_m", Words("模型标高", "Elevation in the model"), "number", "m"),
        IFC_CLASS,
        *MODEL,
    ),
    order=41,
    minzoom=16,
    maxzoom=18,
    visible=False,
    style=(
        {
            "id": "storey-outline",
            "type": "line",
            "minzoom": 16.5,
            "paint": {"line-color": _COLOUR, "line-width": 1},
        },
    ),
    legend=(Drawn(_COLOUR, Words("楼层轮廓", "Outline of a storey"), "line"),),
)
