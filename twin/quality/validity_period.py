"""States and periods that contradict each other."""

from twin.quality._rule import Rule
from twin.quality._scope import judged_tables
from twin.words import Words

_BUILT = ("building", "pipe_segment")
"""Tables that know the year a thing was built."""

_STATEMENT = """
    SELECT feature_id, part, about FROM (
        SELECT id AS feature_id,
               CASE
                   WHEN state = 'removed' AND valid_to IS NULL THEN 'removed'
                   WHEN state <> 'removed' AND valid_to < now() THEN 'ended'
                   WHEN state = 'in_service' AND valid_from > now() THEN 'early'
                   WHEN state = 'planned' AND valid_from < now() THEN 'planned'
                   BUILT
               END AS part,
               jsonb_build_object(
                   'state', state, 'since', valid_from::date, 'until', valid_to::date
               ) AS about
        FROM   {all_rows} AS t
    ) AS judged
    WHERE  part IS NOT NULL
"""

_WHY = {
    "removed": Words("已拆除，但没有截止时间", "removed, but since when is not said"),
    "ended": Words("有效期已过，状态仍未改", "its period is over, its state is not"),
    "early": Words("在用，但有效期尚未开始", "in service before its period begins"),
    "planned": Words("规划中，但有效期已开始", "planned, but its period has begun"),
    "built": Words("在用，但建成年份在将来", "in service, but built in the future"),
}


def _statement(table: str) -> str:
    built = "WHEN state = 'in_service' AND built_year > extract(year FROM now()) THEN 'built'"
    return _STATEMENT.replace("BUILT", built if table in _BUILT else "")


RULE = Rule(
    id="validity-period",
    title=Words("状态与有效期矛盾", "State and period contradict"),
    asks=Words(
        "状态与有效期一致：拆除的有截止时间，在用的在有效期内。",
        "What is removed has an end, what is in service is within its period.",
    ),
    tables=judged_tables(),
    severity="warning",
    source="GB/T 30428 (initial date, end date); the comparison is ours",
    status="unverified",
    says=Words("{why.zh}（{since} 至 {until}）", "{why.en} ({since} to {until})"),
    why=_WHY,
    check={table: _statement(table) for table in judged_tables()},
)
