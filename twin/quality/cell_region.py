"""Cells whose code is not of the community they lie in."""

from twin.quality._rule import Rule
from twin.words import Words

RULE = Rule(
    id="cell-region",
    title=Words("网格编码与所在社区不符", "Cell coded for another community"),
    asks=Words(
        "网格编码的前 12 位是所在社区的编码。",
        "The first 12 digits of a cell's code are those of the community it lies in.",
    ),
    tables=("grid_cell",),
    reads=("region",),
    severity="error",
    source="GB/T 30428: 6 county + 3 street + 3 community + 3 sequence",
    status="unverified",
    says=Words(
        "网格编码 {code}，所在社区为 {community}", "its code is {code}; it lies in {community}"
    ),
    whole=True,
    check="""
        SELECT t.id AS feature_id, 'region' AS other_layer, r.id AS other_id,
               jsonb_build_object('code', t.code, 'community', r.code) AS about
        FROM   {rows} AS t
        JOIN   twin.region AS r
               ON ST_Intersects(r.geom, twin.representative(t.geom))
        WHERE  r.level = 'community' AND r.state <> 'removed'
        AND    length(r.code) = 12 AND left(t.code, 12) <> r.code
    """,
)
