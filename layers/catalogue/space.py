"""Spaces (房间): rooms and other spaces of buildings, from their models."""

from layers import Drawn, Field, Layer, Words
from layers._bim import BUILDING_ID, IFC_CLASS, MODEL, SOLID, STOREY_ID
from layers._common import with_file
from layers._groups import BUILDINGS
from twin.model.bim import Space

_COLOUR, _RIM = "#dfe9d8", "#93a98a"

LAYER = Layer(
    id="space",
    title=Words("房间", "Spaces"),
    description=Words(
        "建筑内的房间和空间：用途、面积、体积和高度范围。",
        "Rooms and other spaces in buildings: use, area, volume, and between which heights.",
    ),
    group=BUILDINGS,
    geometry="polygon",
    table=Space,
    fields=with_file(
        BUILDING_ID,
        STOREY_ID,
        Field("use", Words("用途", "Use"), "string", in_tiles=True),
        Field("number", Words("房间号", "Room number"), "string", in_tiles=True),
        Field("area_m2", Words("面积", "Area"), "number", "m²", in_tiles=True),
        Field("area_from", Words("面积依据", "Area known from"), "string"),
        Field("plan_area_m2", Words("轮廓面积", "Area of the footprint"), "number", "m²"),
        *SOLID,
        IFC_CLASS,
        *MODEL,
    ),
    order=42,
    minzoom=17,
    maxzoom=18,
    visible=False,
    style=(
        {
            "id": "space-area",
            "type": "fill",
            "minzoom": 17,
            "paint": {"fill-color": _COLOUR, "fill-opacity": 0.55, "fill-outline-color": _RIM},
        },
    ),
    legend=(Drawn(_COLOUR, Words("房间", "Space"), "fill"),),
)
