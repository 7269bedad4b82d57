"""Two nodes of one kind in one place, not joined."""

from twin.quality._pipes import SNAP, pipe_rule
from twin.words import Words

RULE = pipe_rule(
    "node-pair",
    Words(
        "同类管点不在同一处重复。",
        "No two nodes of one kind are in one place without being joined.",
    ),
    limit=SNAP,
)
