"""Pipes too near beside one another."""

from twin.quality._pipes import pipe_rule
from twin.words import Words

RULE = pipe_rule(
    "clearance-horizontal",
    Words(
        "并行管线净距不小于规范值。",
        "Pipes beside one another keep the distance of the standard.",
    ),
    after_load=False,
)
