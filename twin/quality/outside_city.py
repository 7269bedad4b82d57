"""Things beyond the city's extent, and what most likely went wrong with them."""

from twin.quality._rule import Parameter, Rule
from twin.quality._scope import judged_tables
from twin.words import Words

RULE = Rule(
    id="outside-city",
    title=Words("超出城市范围", "Outside the city"),
    asks=Words(
        "要素都在城市范围内；不在原点，坐标轴没有对调，也不是以度为单位。",
        "All lies in the city's extent: not at the origin, axes not swapped, not in degrees.",
    ),
    tables=judged_tables(),
    severity="error",
    source="The city's extent as `citytwin init` was told it",
    status="own",
    says=Words(
        "在城市范围之外 {value:,.0f} m{why.zh}", "{value:,.0f} m outside the city's extent{why.en}"
    ),
    unit="m",
    parameters=(
        Parameter(
            "origin_m", 1000.0, "m", Words("距原点多近算在原点", "So near to the origin is at it")
        ),
    ),
    why={
        "origin": Words("：坐标为原点 (0, 0)", ": it is at the origin (0, 0)"),
        "degrees": Words("：坐标像是度", ": the coordinates look like degrees"),
        "swapped": Words("：东、北坐标疑似对调", ": east and north look swapped"),
    },
    check="""
        SELECT t.id AS feature_id,
               ST_Distance(t.geom, city.box) AS value, 0 AS limit_value,
               CASE
                   WHEN ST_DWithin(t.geom, ST_SetSRID(ST_MakePoint(0, 0), city.srid), :origin_m)
                       THEN 'origin'
                   WHEN ST_XMax(t.geom) BETWEEN -180 AND 180 AND ST_YMax(t.geom) BETWEEN -90 AND 90
                       THEN 'degrees'
                   WHEN ST_FlipCoordinates(ST_Force2D(t.geom)) @ city.box
                       THEN 'swapped'
               END AS part
        FROM   {rows} AS t,
               (
                   SELECT ST_MakeEnvelope(min_x_m, min_y_m, max_x_m, max_y_m, srid) AS box, srid
                   FROM   twin.city
               ) AS city
        WHERE  NOT t.geom @ city.box AND NOT ST_IsEmpty(t.geom)
    """,
)
