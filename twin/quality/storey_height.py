"""Buildings whose height and number of storeys do not go together."""

from twin.quality._rule import Parameter, Rule
from twin.words import Words

RULE = Rule(
    id="storey-height",
    title=Words("层数与高度不符", "Storeys and height do not match"),
    asks=Words(
        "建筑高度除以地上层数在合理的层高范围内。",
        "A building's height over its storeys above ground is a height that a storey can have.",
    ),
    tables=("building",),
    severity="warning",
    source="GB 50096-2011 5.5.1 (dwellings: 2.80 m, from memory); the upper limit is ours: halls",
    status="unverified",
    says=Words(
        "{storeys} 层、高 {height_m:.1f} m，每层 {value:.1f} m；限值 {limit:g} m",
        "{storeys} storeys in {height_m:.1f} m: {value:.1f} m each; the limit is {limit:g} m",
    ),
    unit="m",
    parameters=(
        Parameter("least_m", 2.2, "m", Words("最小层高", "Least height of a storey")),
        Parameter("most_m", 6.0, "m", Words("最大平均层高", "Greatest mean height of a storey")),
        Parameter(
            "hall_m",
            15.0,
            "m",
            Words("单层厂房、场馆的最大高度", "Greatest height of a hall of one storey"),
        ),
    ),
    check="""
        SELECT id AS feature_id, height_m / storeys AS value,
               CASE WHEN height_m / storeys < :least_m THEN :least_m
                    WHEN storeys = 1 THEN :hall_m ELSE :most_m END AS limit_value,
               jsonb_build_object('storeys', storeys, 'height_m', height_m) AS about
        FROM   {rows} AS t
        WHERE  storeys > 0 AND height_m > 0
        AND    (height_m / storeys < :least_m
                OR height_m / storeys > CASE WHEN storeys = 1 THEN :hall_m ELSE :most_m END)
    """,
)
