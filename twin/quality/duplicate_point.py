"""The same facility or watched place twice, from two sources."""

from twin.quality._rule import Parameter, Rule
from twin.words import Words

RULE = Rule(
    id="duplicate-point",
    title=Words("点状要素重复", "Point feature twice"),
    asks=Words(
        "两个来源没有在同一处给出同类设施。",
        "No two sources give a facility of the same kind at the same place.",
    ),
    tables=("facility", "waterlogging_point"),
    severity="warning",
    source="Distance between things of one kind; limits ours",
    status="own",
    says=Words(
        "与同类要素 {other_id}（来源 {theirs}）相距 {value:.1f} m",
        "{value:.1f} m from {other_id}, which is of the same kind (from {theirs})",
    ),
    unit="m",
    parameters=(
        Parameter("across_m", 25.0, "m", Words("不同来源的距离", "Between two sources")),
        Parameter("within_m", 0.5, "m", Words("同一来源的距离", "Within one source")),
    ),
    check="""
        SELECT a.id AS feature_id, '{layer}' AS other_layer, b.id AS other_id,
               ST_Distance(a.geom, b.geom) AS value,
               CASE WHEN a.source = b.source THEN :within_m ELSE :across_m END AS limit_value,
               jsonb_build_object('theirs', b.source) AS about
        FROM   {rows} AS a
        JOIN   twin.{layer} AS b
               ON ST_DWithin(a.geom, b.geom, :across_m)
               -- Both of one load: once.  Of two loads: from either side.
               AND (a.id < b.id OR a.id <> b.id AND a.load_id IS DISTINCT FROM b.load_id)
        WHERE  b.state <> 'removed' AND a.kind IS NOT DISTINCT FROM b.kind
        AND    (a.source <> b.source OR ST_DWithin(a.geom, b.geom, :within_m))
    """,
)
