"""Buildings that stand on a carriageway at ground level."""

from twin.quality._rule import Parameter, Rule
from twin.words import Words

RULE = Rule(
    id="building-on-road",
    title=Words("建筑压道路", "Building on a road"),
    asks=Words(
        "地面道路的中线不穿过建筑（高架、隧道不计）。",
        "No centre line of a road at ground level runs through a building; bridges and tunnels do.",
    ),
    tables=("building",),
    severity="warning",
    source="Plausibility: two sources that do not fit, or a passage that is not marked as one",
    status="own",
    says=Words(
        "道路 {road} 的中线穿过建筑 {value:.1f} m", "the road {road} runs {value:.1f} m through it"
    ),
    unit="m",
    parameters=(
        Parameter("most_m", 3.0, "m", Words("允许的穿越长度", "So far it may reach into one")),
    ),
    check="""
        SELECT feature_id, other_layer, other_id, place, ST_Length(place) AS value,
               :most_m AS limit_value, jsonb_build_object('road', road) AS about
        FROM   (
            SELECT t.id AS feature_id, 'road_edge' AS other_layer, r.id AS other_id,
                   coalesce(r.name, r.id::text) AS road,
                   ST_Intersection(ST_Force2D(r.geom), t.geom) AS place
            FROM   {rows} AS t
            JOIN   twin.road_edge AS r ON r.geom && t.geom AND ST_Intersects(r.geom, t.geom)
            WHERE  r.deck_level = 0 AND r.state <> 'removed'
        ) AS crossing
        WHERE  ST_Length(place) > :most_m
    """,
)
