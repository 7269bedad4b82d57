"""The same stretch of road twice."""

from twin.quality._rule import Rule
from twin.words import Words

RULE = Rule(
    id="duplicate-road",
    title=Words("道路重复", "Road twice"),
    asks=Words("没有两条线形完全相同的路段。", "No two stretches of road have the same line."),
    tables=("road_edge",),
    severity="error",
    source="Two edges of one line count double in every route and length",
    status="own",
    says=Words("与路段 {other_id} 线形相同", "it has the same line as {other_id}"),
    check="""
        SELECT a.id AS feature_id, 'road_edge' AS other_layer, b.id AS other_id
        FROM   {rows} AS a
        JOIN   twin.road_edge AS b
               ON b.geom ~= a.geom AND ST_Equals(a.geom, b.geom)
               AND (a.id < b.id OR a.id <> b.id AND a.load_id IS DISTINCT FROM b.load_id)
        WHERE  b.state <> 'removed' AND a.deck_level = b.deck_level
    """,
)
