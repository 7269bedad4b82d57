"""Pipes that cross too near above one another."""

from twin.quality._pipes import pipe_rule
from twin.words import Words

RULE = pipe_rule(
    "clearance-vertical",
    Words(
        "管线交叉处垂直净距不小于规范值。",
        "Where pipes cross, the height between them is that of the standard.",
    ),
    after_load=False,
)
