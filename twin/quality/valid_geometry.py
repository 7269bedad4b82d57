"""Geometry that is none: rings that cross themselves, lines without length, nothing at all."""

from twin.quality._rule import Rule
from twin.quality._scope import judged_tables
from twin.words import Words

RULE = Rule(
    id="valid-geometry",
    title=Words("几何无效", "Invalid geometry"),
    asks=Words(
        "几何按 OGC 简单要素有效且不为空；无几何的建筑构件除外。",
        "Geometry is valid by OGC Simple Features and not empty; parts of buildings may have none.",
    ),
    tables=judged_tables(),
    severity="error",
    source="OGC 06-103r4, 6.1, as GEOS tests it (PostGIS ST_IsValid)",
    status="unverified",
    says=Words("几何无效：{zh}（{reason}）", "invalid geometry: {reason}"),
    check="""
        SELECT feature_id, place,
               jsonb_build_object(
                   'reason', reason,
                   'zh', CASE
                       WHEN reason ILIKE '%self-intersection%' THEN '自相交'
                       WHEN reason ILIKE '%hole%' THEN '内环在外环之外'
                       WHEN reason ILIKE '%nested%' THEN '面互相嵌套'
                       WHEN reason ILIKE '%too few%' THEN '点数不足'
                       WHEN reason ILIKE '%empty%' THEN '空几何'
                       WHEN reason ILIKE '%duplicate%' THEN '环重复'
                       ELSE '不符合简单要素规则'
                   END
               ) AS about
        FROM   (
            SELECT id AS feature_id,
                   CASE WHEN ST_IsEmpty(geom) THEN 'empty'
                        ELSE reason(ST_IsValidDetail(ST_Force2D(geom))) END AS reason,
                   ST_SetSRID(location(ST_IsValidDetail(ST_Force2D(geom))), ST_SRID(geom)) AS place
            FROM   {rows} AS t
            WHERE  NOT ST_IsValid(geom)
            OR     (ST_IsEmpty(geom) AND '{layer}' NOT IN ('storey', 'space', 'element'))
        ) AS broken
    """,
)
