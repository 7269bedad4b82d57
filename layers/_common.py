"""The fields that every located thing has, and codes that several themes share."""

from dataclasses import replace

from layers._layer import Field, Words

STATES = {
    "planned": Words("规划", "Planned"),
    "under_construction": Words("在建", "Under construction"),
    "in_service": Words("在用", "In service"),
    "out_of_service": Words("停用", "Out of service"),
    "removed": Words("拆除", "Removed"),
}
VISIBILITIES = {
    "public": Words("公开", "Public"),
    "internal": Words("内部", "Internal"),
    "restricted": Words("受限", "Restricted"),
}
ELEVATION_REFERENCES = {
    "top": Words("管顶", "Top"),
    "invert": Words("管内底", "Invert"),
    "centre": Words("管中心", "Centre"),
    "deck": Words("路面", "Carriageway"),
    "unknown": Words("未知", "Unknown"),
}

UID = Field("uid", Words("唯一标识", "Stable identifier"), "uuid")
NAME = Field("name", Words("名称", "Name"), "string", in_tiles=True)

FILE = (
    Field("class_code", Words("分类编码", "Class code"), "string"),
    Field("state", Words("状态", "State"), "string", codes=STATES),
    Field("owner", Words("权属单位", "Owner"), "string"),
    Field("manager", Words("管理单位", "Manager"), "string"),
    Field("maintainer", Words("养护单位", "Maintainer"), "string"),
    Field("cell_id", Words("单元网格编码", "Grid cell code"), "string"),
    Field("bd_code", Words("北斗网格码", "BeiDou grid code"), "string", grid_code=True),
    Field("accuracy_class", Words("精度等级", "Accuracy class"), "string"),
    Field("visibility", Words("公开程度", "Visibility"), "string", codes=VISIBILITIES),
    Field("source", Words("数据来源", "Source"), "string"),
    Field("source_id", Words("来源编号", "Number in the source"), "string"),
    Field("valid_from", Words("有效起始", "Valid from"), "date-time"),
    Field("valid_to", Words("有效截止", "Valid until"), "date-time"),
    Field("recorded_at", Words("入库时间", "Recorded at"), "date-time"),
    Field("attrs", Words("其他属性", "Other attributes"), "object"),
)
"""What every file of a feature ends with (一要素一档案)."""


def with_file(*own: Field, attrs_in_tiles: bool = False) -> tuple[Field, ...]:
    """Return the fields of a layer: its identity, its own fields, and the rest of its file."""
    *file, attrs = FILE
    return (UID, NAME, *own, *file, replace(attrs, in_tiles=attrs_in_tiles))
