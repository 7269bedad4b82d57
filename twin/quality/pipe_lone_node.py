"""Nodes of pipe networks without a pipe."""

from twin.quality._pipes import pipe_rule
from twin.words import Words

RULE = pipe_rule(
    "lone-node",
    Words(
        "管点至少接一段管。",
        "A node of a network has at least one pipe.",
    ),
)
