"""Pipes drawn from their last node to their first."""

from twin.quality._pipes import pipe_rule
from twin.words import Words

RULE = pipe_rule(
    "drawn-backwards",
    Words(
        "管段绘制方向与起止点号一致。",
        "A pipe is drawn from its first node to its last.",
    ),
)
