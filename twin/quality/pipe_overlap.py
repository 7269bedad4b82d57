"""Pipes of one kind that lie upon one another in part."""

from twin.quality._pipes import OVERLAP, pipe_rule
from twin.words import Words

RULE = pipe_rule(
    "overlap",
    Words(
        "同类管段不部分重叠，除非已知上下错开。",
        "No two pipes of one kind share a stretch, unless one is known to lie above the other.",
    ),
    limit=OVERLAP,
)
