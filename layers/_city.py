"""Fields, groups and colours of city objects."""

from layers._layer import Field, Words

GROUPS = {
    "building": ("Building", "BuildingPart", "BuildingInstallation", "BuildingConstructiveElement",
                 "BuildingFurniture", "BuildingStorey", "BuildingRoom", "BuildingUnit"),
    "structure": ("Bridge", "BridgePart", "BridgeInstallation", "BridgeConstructiveElement",
                  "BridgeConstructionElement", "BridgeRoom", "BridgeFurniture", "Tunnel",
                  "TunnelPart", "TunnelInstallation", "TunnelConstructiveElement",
                  "TunnelHollowSpace", "TunnelFurniture", "OtherConstruction"),
    "transport": ("Road", "Railway", "TransportSquare"),
    "water": ("WaterBody", "Waterway"),
    "plants": ("PlantCover", "SolitaryVegetationObject"),
    "land": ("LandUse", "TINRelief"),
    "furniture": ("CityFurniture",),
}  # fmt: skip
COLOURS = {
    "building": "#b08d6a",
    "structure": "#8f8f98",
    "transport": "#b9b4a8",
    "water": "#8fb8d8",
    "plants": "#93b880",
    "land": "#d6cfa8",
    "furniture": "#a583b0",
    "other": "#c2b9b0",
}
TITLES = {
    "building": Words("建筑", "Buildings"),
    "structure": Words("桥梁、隧道等构筑物", "Bridges, tunnels, structures"),
    "transport": Words("道路、铁路、广场", "Roads, railways, squares"),
    "water": Words("水体", "Water"),
    "plants": Words("植被", "Plants"),
    "land": Words("用地、地形", "Land use, terrain"),
    "furniture": Words("城市家具", "City furniture"),
    "other": Words("其他城市对象", "Other city objects"),
}
BY_TYPE = [(types, COLOURS[group]) for group, types in GROUPS.items()]

OBJECT_TYPE = Field("object_type", Words("对象类型", "Type of object"), "string", in_tiles=True)
CIM_LEVEL = Field("cim_level", Words("模型等级", "CIM level"), "integer", in_tiles=True)
Z_RANGE = (
    Field("z_min_m", Words("最低高程", "Lowest point"), "number", "m", in_tiles=True),
    Field("z_max_m", Words("最高高程", "Highest point"), "number", "m", in_tiles=True),
)
VOLUME = Field("volume_m3", Words("体积", "Volume"), "number", "m³")
