"""Kinds of pipelines and their colours, shared by pipes and their nodes."""

from layers._layer import Words

KINDS = {
    "water": Words("给水", "Water supply"),
    "sewer": Words("污水", "Sewer"),
    "storm": Words("雨水", "Storm drain"),
    "combined": Words("雨污合流", "Combined sewer"),
    "gas": Words("燃气", "Gas"),
    "power": Words("电力", "Power"),
    "telecom": Words("通信", "Telecom"),
    "heat": Words("热力", "Heat"),
    "industrial": Words("工业", "Industrial"),
}
COLOURS = {
    "water": "#2b6fd6",
    "sewer": "#6e4a2e",
    "storm": "#a07c4f",
    "combined": "#875f3a",
    "gas": "#e0469c",
    "power": "#d92b2b",
    "telecom": "#2f9e58",
    "heat": "#ef8a1d",
    "industrial": "#3b3b3b",
}
OTHER = "#808080"

SHAPES = {
    "circular": Words("圆形", "Circular"),
    "rectangular": Words("矩形", "Rectangular"),
    "egg": Words("卵形", "Egg-shaped"),
    "duct": Words("管块", "Duct"),
}
APPURTENANCES = {
    "valve": Words("阀门", "Valve"),
    "hydrant": Words("消火栓", "Hydrant"),
    "manhole": Words("检查井", "Manhole"),
    "gully": Words("雨水口", "Gully"),
    "regulator": Words("调压站（箱）", "Regulator"),
    "pump": Words("泵站", "Pump"),
    "tank": Words("水箱（池）", "Tank"),
    "source": Words("源点", "Source"),
    "outfall": Words("排放口", "Outfall"),
    "substation": Words("变电站", "Substation"),
    "transformer": Words("变压器", "Transformer"),
    "meter": Words("计量表", "Meter"),
    "other": Words("其他", "Other"),
}
VALVE_STATES = {"open": Words("开", "Open"), "closed": Words("关", "Closed")}
DEVICES = {
    "pump": Words("水泵", "Pump"),
    "valve": Words("控制阀", "Control valve"),
    "orifice": Words("孔口", "Orifice"),
    "weir": Words("堰", "Weir"),
    "outlet": Words("出流口", "Outlet"),
    "compressor": Words("压缩机", "Compressor"),
    "regulator": Words("调压器", "Regulator"),
    "exchanger": Words("换热器", "Heat exchanger"),
    "other": Words("其他", "Other"),
}
