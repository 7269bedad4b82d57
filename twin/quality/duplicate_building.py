"""The same building twice: from two sources, or from one."""

from collections.abc import Iterator

from sqlalchemy import text

from twin.database import City
from twin.quality._boxes import alike, boxes
from twin.quality._rule import Finding, Parameter, Rule
from twin.quality._scope import Scope
from twin.words import Words

_ACROSS, _WITHIN = 0.5, 0.9

_OVERLAPS = text("""
    -- How much of their joint area pairs of buildings have in common.
    SELECT a_id, b_id, a.source AS ours, b.source AS theirs,
           overlap / nullif(ST_Area(a.geom) + ST_Area(b.geom) - overlap, 0) AS share
    FROM   unnest(CAST(:a_ids AS bigint[]), CAST(:b_ids AS bigint[])) AS pair (a_id, b_id)
    JOIN   twin.building AS a ON a.id = a_id
    JOIN   twin.building AS b ON b.id = b_id,
           LATERAL (SELECT ST_Area(ST_Intersection(a.geom, b.geom)) AS overlap) AS common
    WHERE  ST_IsValid(a.geom) AND ST_IsValid(b.geom)
    ORDER  BY a_id, b_id
""")

_PRESENT = "(SELECT * FROM twin.building WHERE state <> 'removed')"


def check(city: City, scope: Scope) -> Iterator[Finding]:
    """Yield the pairs that have more in common than they may; boxes tell which to look at."""
    found = boxes(city.session, _PRESENT)
    looked_at = found.load_id == scope.load_id if scope.of_load("building") else found.id > -1
    pairs = found.id[alike(found.sides, found.area_m2, looked_at, _ACROSS)]
    if not len(pairs):
        return
    a_ids, b_ids = pairs.T.tolist()
    for row in city.session.execute(_OVERLAPS, {"a_ids": a_ids, "b_ids": b_ids}):
        limit = _WITHIN if row.ours == row.theirs else _ACROSS
        if row.share is not None and row.share >= limit:
            yield Finding(
                "building", row.a_id, "building", row.b_id, value=row.share, limit_value=limit,
                about={"ours": row.ours, "theirs": row.theirs},
            )  # fmt: skip


RULE = Rule(
    id="duplicate-building",
    title=Words("建筑重复", "Building twice"),
    asks=Words(
        "同一处没有两个轮廓几乎相同的建筑。", "No two buildings have nearly the same footprint."
    ),
    tables=("building",),
    severity="warning",
    source="Intersection over union of the footprints; limits ours",
    status="own",
    says=Words(
        "与建筑 {other_id}（来源 {theirs}）重叠 {value:.0%}",
        "it overlaps building {other_id} (from {theirs}) by {value:.0%}",
    ),
    parameters=(
        Parameter(
            "across",
            _ACROSS,
            None,
            Words("不同来源的重叠率", "Overlap of buildings of two sources"),
        ),
        Parameter(
            "within", _WITHIN, None, Words("同一来源的重叠率", "Overlap of buildings of one source")
        ),
    ),
    check=check,
)
