"""Fields and colours that the parts of buildings share."""

from layers._layer import Field, Words

BUILDING_ID = Field("building_id", Words("所属建筑", "Building"), "integer", in_tiles=True)
STOREY_ID = Field("storey_id", Words("所属楼层", "Storey"), "integer", in_tiles=True)
IFC_CLASS = Field("ifc_class", Words("构件类别", "Class in the model"), "string", in_tiles=True)
CIM_LEVEL = Field("cim_level", Words("模型等级", "CIM level"), "integer")
PSETS = Field("psets", Words("属性集", "Property sets"), "object")
DIGEST = Field("digest", Words("内容摘要", "Digest of the content"), "string")

SOLID = (
    Field("z_min_m", Words("底部高程", "Lowest point"), "number", "m", in_tiles=True),
    Field("z_max_m", Words("顶部高程", "Highest point"), "number", "m", in_tiles=True),
    Field("volume_m3", Words("体积", "Volume"), "number", "m³"),
    Field("is_closed", Words("实体闭合", "Closed solid"), "boolean"),
    Field("mesh", Words("网格摘要", "Name of the mesh"), "string"),
    Field("centre_x_m", Words("网格中心东坐标", "Centre of the mesh, east"), "number", "m"),
    Field("centre_y_m", Words("网格中心北坐标", "Centre of the mesh, north"), "number", "m"),
    Field("centre_z_m", Words("网格中心高程", "Centre of the mesh, height"), "number", "m"),
)
"""What fills space says this of it."""

MODEL = (CIM_LEVEL, PSETS, DIGEST)
"""What every part of a building ends with, before its file."""

GROUPS = {
    "structure": ("IfcSlab", "IfcColumn", "IfcBeam", "IfcFooting", "IfcPile", "IfcMember"),
    "wall": ("IfcWall", "IfcWallStandardCase", "IfcCurtainWall", "IfcPlate"),
    "roof": ("IfcRoof",),
    "door": ("IfcDoor", "IfcDoorStandardCase"),
    "window": ("IfcWindow", "IfcWindowStandardCase"),
    "stair": ("IfcStair", "IfcStairFlight", "IfcRamp", "IfcRampFlight", "IfcRailing"),
    "furniture": ("IfcFurnishingElement", "IfcFurniture", "IfcSystemFurnitureElement"),
}
COLOURS = {
    "structure": "#a9a59c",
    "wall": "#8d8a83",
    "roof": "#b6745c",
    "door": "#c08a3e",
    "window": "#6fa3c7",
    "stair": "#9b8fae",
    "furniture": "#c7b79a",
    "other": "#b9bfc3",
}
TITLES = {
    "structure": Words("结构", "Structure"),
    "wall": Words("墙", "Walls"),
    "roof": Words("屋面", "Roofs"),
    "door": Words("门", "Doors"),
    "window": Words("窗", "Windows"),
    "stair": Words("楼梯栏杆", "Stairs and railings"),
    "furniture": Words("家具", "Furniture"),
    "other": Words("其他构件", "Other elements"),
}
