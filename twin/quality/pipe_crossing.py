"""Pipes of one kind that cross without a node."""

from twin.quality._pipes import pipe_rule
from twin.words import Words

RULE = pipe_rule(
    "crossing",
    Words(
        "同类管线平面相交处有管点，除非已知上下错开。",
        "Where pipes of one kind cross there is a node, or one is known to pass over the other.",
    ),
)
