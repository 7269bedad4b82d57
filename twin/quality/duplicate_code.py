"""The same code given to two regions, cells or components at a time."""

from twin.quality._rule import Rule
from twin.words import Words

RULE = Rule(
    id="duplicate-code",
    title=Words("编码重复", "Code twice"),
    asks=Words(
        "同一时间一个编码只属于一个区划、网格或部件。",
        "At a time, a code is of one region, one cell, one component.",
    ),
    tables=("region", "grid_cell", "component"),
    severity="error",
    source="GB/T 30428, GB/T 2260: a code names one thing",
    status="unverified",
    says=Words("编码 {code} 也属于 {other_id}", "the code {code} is also that of {other_id}"),
    whole=True,
    check="""
        SELECT a.id AS feature_id, '{layer}' AS other_layer, b.id AS other_id,
               jsonb_build_object('code', a.code) AS about
        FROM   {rows} AS a
        JOIN   {rows} AS b ON b.code = a.code AND a.id < b.id
        WHERE  tstzrange(a.valid_from, a.valid_to) && tstzrange(b.valid_from, b.valid_to)
    """,
)
