"""Rooms whose stated area is not that of their geometry."""

from twin.quality._rule import Parameter, Rule
from twin.words import Words

RULE = Rule(
    id="space-area",
    title=Words("房间面积与几何不符", "Area of a space is not that of its geometry"),
    asks=Words(
        "模型给出的房间面积与其平面轮廓面积相近。",
        "The area that a model states for a space is near that of its footprint.",
    ),
    tables=("space",),
    severity="note",
    source="Model quantities (Qto_SpaceBaseQuantities) against the geometry; limit ours",
    status="own",
    says=Words(
        "标称 {area_m2:.2f} m²，几何 {plan_m2:.2f} m²，相差 {value:.0%}（限值 {limit:.0%}）",
        "stated {area_m2:.2f} m², drawn {plan_m2:.2f} m²: {value:.0%} apart (limit {limit:.0%})",
    ),
    parameters=(
        Parameter("most", 0.1, None, Words("允许的相对差", "Relative difference allowed")),
    ),
    check="""
        SELECT id AS feature_id, abs(area_m2 - plan_area_m2) / plan_area_m2 AS value,
               :most AS limit_value,
               jsonb_build_object('area_m2', area_m2, 'plan_m2', plan_area_m2) AS about
        FROM   {rows} AS t
        WHERE  plan_area_m2 > 0 AND area_from <> 'footprint'
        AND    abs(area_m2 - plan_area_m2) > :most * plan_area_m2
    """,
)
