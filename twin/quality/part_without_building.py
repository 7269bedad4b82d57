"""Storeys and rooms of no building, and rooms of no storey."""

from twin.quality._rule import Rule
from twin.words import Words

_ALONE = """
    SELECT id AS feature_id, 'building' AS part,
           '{"zh": "建筑", "en": "building"}'::jsonb AS about
    FROM   {rows} AS t WHERE building_id IS NULL
"""
_NO_STOREY = """
    UNION ALL
    SELECT id, 'storey', '{"zh": "楼层", "en": "storey"}'::jsonb
    FROM   {rows} AS t WHERE storey_id IS NULL
"""

RULE = Rule(
    id="part-without-building",
    title=Words("楼层、房间无所属", "Storey or space of nothing"),
    asks=Words(
        "楼层属于建筑，房间属于建筑和楼层。",
        "A storey is part of a building, a space part of a building and of a storey.",
    ),
    tables=("storey", "space"),
    severity="error",
    source="ISO 16739-1 (IfcRelAggregates: building, storey, space)",
    status="unverified",
    says=Words("没有所属{zh}", "it is part of no {en}"),
    check={"storey": _ALONE, "space": _ALONE + _NO_STOREY},
)
