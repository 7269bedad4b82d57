"""Cells that overlap."""

from twin.quality._rule import Parameter, Rule
from twin.words import Words

RULE = Rule(
    id="cell-overlap",
    title=Words("网格重叠", "Cells overlap"),
    asks=Words("单元网格互不重叠。", "No two cells of the management grid overlap."),
    tables=("grid_cell",),
    severity="error",
    source="GB/T 30428: cells are closed polygons with topology, without overlap",
    status="unverified",
    says=Words(
        "与网格 {theirs} 重叠 {value:,.1f} m²", "it overlaps cell {theirs} by {value:,.1f} m²"
    ),
    unit="m²",
    parameters=(
        Parameter(
            "most_m2", 1.0, "m²", Words("允许的重叠（数字化误差）", "What drawing may leave over")
        ),
    ),
    whole=True,
    check="""
        SELECT feature_id, other_layer, other_id, place, ST_Area(place) AS value,
               :most_m2 AS limit_value, jsonb_build_object('theirs', theirs) AS about
        FROM   (
            SELECT a.id AS feature_id, 'grid_cell' AS other_layer, b.id AS other_id,
                   coalesce(b.code, b.id::text) AS theirs,
                   ST_Intersection(a.geom, b.geom) AS place
            FROM   {rows} AS a
            JOIN   twin.grid_cell AS b
                   ON b.geom && a.geom AND a.id < b.id AND b.state <> 'removed'
                   AND ST_Relate(a.geom, b.geom, 'T********')
            WHERE  ST_IsValid(a.geom) AND ST_IsValid(b.geom)
            AND    tstzrange(a.valid_from, a.valid_to) && tstzrange(b.valid_from, b.valid_to)
        ) AS pair
        WHERE  ST_Area(place) > :most_m2
    """,
)
