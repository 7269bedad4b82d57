"""Cells that reach beyond the community they are said to be of."""

from twin.quality._rule import Parameter, Rule
from twin.words import Words

RULE = Rule(
    id="cell-outside-region",
    title=Words("网格超出所属社区", "Cell beyond its community"),
    asks=Words(
        "网格在其所属区划之内。", "A cell lies in the region that it is said to be part of."
    ),
    tables=("grid_cell",),
    reads=("region",),
    severity="warning",
    source="GB/T 30428: a cell is part of one community",
    status="unverified",
    says=Words(
        "{value:.1%} 的面积在 {region} 之外（限值 {limit:.0%}）",
        "{value:.1%} of it lies outside {region} (limit {limit:.0%})",
    ),
    parameters=(
        Parameter("most", 0.01, None, Words("允许在外的面积比例", "Share that may lie outside")),
    ),
    whole=True,
    check="""
        SELECT feature_id, other_layer, other_id, place, value, :most AS limit_value,
               jsonb_build_object('region', region) AS about
        FROM   (
            SELECT t.id AS feature_id, 'region' AS other_layer, r.id AS other_id,
                   coalesce(r.name, r.code) AS region, rest AS place,
                   ST_Area(rest) / nullif(ST_Area(t.geom), 0) AS value
            FROM   {rows} AS t
            JOIN   twin.region AS r ON r.id = t.region_id
                   AND NOT ST_CoveredBy(t.geom, r.geom),
                   LATERAL (SELECT ST_Difference(t.geom, r.geom) AS rest) AS outside
            WHERE  ST_IsValid(t.geom) AND ST_IsValid(r.geom)
        ) AS outside
        WHERE  value > :most
    """,
)
