"""Parts of a building that lie beside it."""

from twin.quality._rule import Parameter, Rule
from twin.words import Words

RULE = Rule(
    id="part-outside-building",
    title=Words("构件在建筑之外", "Part beside its building"),
    asks=Words(
        "楼层、房间、构件、门窗在所属建筑轮廓附近。",
        "Storeys, spaces, elements and openings are near the footprint of their building.",
    ),
    tables=("storey", "space", "element", "opening"),
    severity="warning",
    source="Plausibility: parts set down by another georeference than their building",
    status="own",
    says=Words(
        "离所属建筑 {value:,.1f} m（限值 {limit:g} m）",
        "{value:,.1f} m from its building (limit {limit:g} m)",
    ),
    unit="m",
    parameters=(Parameter("most_m", 5.0, "m", Words("允许的距离", "So far it may be from it")),),
    check="""
        SELECT t.id AS feature_id, 'building' AS other_layer, b.id AS other_id,
               ST_Distance(t.geom, b.geom) AS value, :most_m AS limit_value
        FROM   {rows} AS t JOIN twin.building AS b ON b.id = t.building_id
        WHERE  NOT ST_IsEmpty(t.geom) AND NOT ST_IsEmpty(b.geom)
        AND    NOT ST_DWithin(t.geom, b.geom, :most_m)
    """,
)
