"""Gravity flow that goes round in a loop."""

from twin.quality._pipes import pipe_rule
from twin.words import Words

RULE = pipe_rule(
    "flow-loop",
    Words(
        "重力流不成环。",
        "Gravity flow does not come back to where it was.",
    ),
)
