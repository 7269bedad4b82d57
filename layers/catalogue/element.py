"""Elements (建筑构件): walls, slabs, doors, furniture, from the models of buildings."""

from layers import Field, Layer, Words
from layers._bim import (
    BUILDING_ID,
    COLOURS,
    GROUPS,
    IFC_CLASS,
    MODEL,
    SOLID,
    STOREY_ID,
    TITLES,
)
from layers._cartography import drawn, match_any
from layers._common import with_file
from layers._groups import BUILDINGS
from twin.model.bim import Element

_BY_CLASS = [(classes, COLOURS[group]) for group, classes in GROUPS.items()]

LAYER = Layer(
    id="element",
    title=Words("建筑构件", "Building elements"),
    description=Words(
        "建筑模型的构件：类别、类型、材料、属性集、高度范围和体积。",
        "Elements of building models: class, type, material, property sets, heights and volume.",
    ),
    group=BUILDINGS,
    geometry="polygon",
    table=Element,
    fields=with_file(
        BUILDING_ID,
        STOREY_ID,
        IFC_CLASS,
        Field("predefined_type", Words("预定义类型", "Predefined type"), "string"),
        Field("type_name", Words("构件类型", "Type"), "string"),
        Field("tag", Words("标签", "Tag"), "string"),
        Field("material", Words("材料", "Material"), "string"),
        Field("part_of", Words("所属整体", "Part of"), "string"),
        Field("is_external", Words("外部构件", "Faces the outside"), "boolean", in_tiles=True),
        Field("no_geometry", Words("无几何原因", "Why it has no geometry"), "string"),
        *SOLID,
        *MODEL,
    ),
    order=43,
    minzoom=17,
    maxzoom=18,
    visible=False,
    style=(
        {
            "id": "element-footprint",
            "type": "fill",
            "minzoom": 17,
            # A hole is told of where it opens, not drawn as a thing.
            "filter": ["!=", ["get", "ifc_class"], "IfcOpeningElement"],
            "paint": {
                "fill-color": match_any("ifc_class", _BY_CLASS, COLOURS["other"]),
                "fill-opacity": 0.75,
            },
        },
    ),
    legend=drawn(COLOURS, TITLES, "fill"),
)
