"""Parts of a community that none of its cells covers."""

from twin.quality._rule import Parameter, Rule
from twin.words import Words

RULE = Rule(
    id="cell-gap",
    title=Words("网格未覆盖社区", "Gap between cells"),
    asks=Words(
        "有网格的社区被网格完整覆盖。", "A community that has cells is covered by them altogether."
    ),
    tables=("region",),
    reads=("grid_cell",),
    severity="error",
    source="GB/T 30428: cells cover their community without gaps",
    status="unverified",
    says=Words(
        "社区 {community} 有 {value:,.1f} m² 不在任何网格内",
        "{value:,.1f} m² of {community} lie in no cell",
    ),
    unit="m²",
    parameters=(
        Parameter(
            "most_m2", 1.0, "m²", Words("允许的缝隙（数字化误差）", "What drawing may leave open")
        ),
    ),
    whole=True,
    check="""
        SELECT feature_id, place, ST_Area(place) AS value, :most_m2 AS limit_value,
               jsonb_build_object('community', community) AS about
        FROM   (
            SELECT r.id AS feature_id, coalesce(r.name, r.code, r.id::text) AS community,
                   ST_Difference(r.geom, (
                       SELECT ST_Union(c.geom) FROM twin.grid_cell AS c
                       WHERE  c.geom && r.geom AND c.state <> 'removed'
                   )) AS place
            FROM   {rows} AS r
            WHERE  r.level = 'community' AND ST_IsValid(r.geom)
            AND    EXISTS (
                       SELECT FROM twin.grid_cell AS c
                       WHERE  c.state <> 'removed'
                       AND    (c.region_id = r.id OR left(c.code, 12) = r.code)
                   )
        ) AS gap
        WHERE  ST_Area(place) > :most_m2
    """,
)
