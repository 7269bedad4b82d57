"""Pipes and roads whose ends are not at their nodes."""

from twin.quality._rule import Parameter, Rule
from twin.words import Words

_NODES = {"pipe_segment": "pipe_node", "road_edge": "road_node"}

_TIPS = """
    SELECT feature_id, part, place, value, :most_m AS limit_value, other_layer, other_id,
           jsonb_build_object(
               'zh_end', CASE part WHEN 'from' THEN '起点' ELSE '终点' END,
               'en_end', CASE part WHEN 'from' THEN 'its first end' ELSE 'its last end' END,
               'zh', CASE WHEN value IS NULL THEN '没有节点'
                          ELSE format('离节点 %s m', round(value::numeric, 2)) END,
               'en', CASE WHEN value IS NULL THEN 'has no node'
                          ELSE format('is %s m from its node', round(value::numeric, 2)) END
           ) AS about
    FROM   (
        SELECT t.id AS feature_id, tip.part, ST_Force2D(tip.place) AS place,
               CASE WHEN node.id IS NOT NULL THEN 'NODES' END AS other_layer,
               node.id AS other_id, ST_Distance(tip.place, node.geom) AS value
        FROM   {rows} AS t,
               LATERAL (VALUES ('from', t.from_node_id, ST_StartPoint(t.geom)),
                               ('to', t.to_node_id, ST_EndPoint(t.geom)))
                   AS tip (part, node_id, place)
        LEFT   JOIN twin.NODES AS node ON node.id = tip.node_id
    ) AS tips
    WHERE  value IS NULL OR value > :most_m
"""

RULE = Rule(
    id="line-ends",
    title=Words("线段端点与节点不符", "Ends of a line without a node"),
    asks=Words(
        "管段、路段两端各有节点，且端点就在节点上。",
        "A pipe or a road has a node at either end, and its line ends there.",
    ),
    tables=tuple(_NODES),
    severity="error",
    source="CJJ 61 and CJJ/T 269: segments go from point to point; the tolerance is ours",
    status="unverified",
    says=Words("{zh_end}{zh}", "{en_end} {en}"),
    unit="m",
    parameters=(
        Parameter("most_m", 0.5, "m", Words("允许的距离", "So far an end may be from it")),
    ),
    check={table: _TIPS.replace("NODES", nodes) for table, nodes in _NODES.items()},
)
