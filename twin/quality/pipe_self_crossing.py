"""Pipes that cross themselves."""

from twin.quality._pipes import pipe_rule
from twin.words import Words

RULE = pipe_rule(
    "self-crossing",
    Words(
        "管段不与自身相交。",
        "A pipe does not cross itself.",
    ),
)
