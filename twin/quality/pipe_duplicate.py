"""The same pipe twice."""

from twin.quality._pipes import SNAP, pipe_rule
from twin.words import Words

RULE = pipe_rule(
    "duplicate",
    Words(
        "同类管段不重复。",
        "No two pipes of one kind have the same line.",
    ),
    limit=SNAP,
)
