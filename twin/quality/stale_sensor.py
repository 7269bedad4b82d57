"""Watched places whose sensor is silent."""

from twin.quality._rule import Parameter, Rule
from twin.words import Words

RULE = Rule(
    id="stale-sensor",
    title=Words("传感器无新读数", "Sensor without news"),
    asks=Words("在用积水点有近期读数。", "A waterlogging point in service has a reading of late."),
    tables=("waterlogging_point",),
    severity="warning",
    source="Operations: a point that is silent says neither dry nor wet; the limit is ours",
    status="own",
    says=Words("{zh}", "{en}"),
    unit="s",
    parameters=(
        Parameter("most_s", 7200.0, "s", Words("最长无读数时间", "So long it may be silent")),
    ),
    check="""
        SELECT feature_id, round(extract(epoch FROM now() - last)) AS value, :most_s AS limit_value,
               CASE WHEN last IS NULL
                    THEN '{"zh": "从未有读数", "en": "it never had a reading"}'::jsonb
                    ELSE jsonb_build_object(
                        'zh', format('最后读数在 %s', last), 'en', format('last heard of %s', last)
                    ) END AS about
        FROM   (
            SELECT t.id AS feature_id,
                   (SELECT max(r.at) FROM twin.reading AS r WHERE r.point_id = t.id) AS last
            FROM   {rows} AS t
            WHERE  t.state = 'in_service' AND EXISTS (SELECT FROM twin.reading)
        ) AS heard
        WHERE  last IS NULL OR last < now() - make_interval(secs => :most_s)
    """,
)
