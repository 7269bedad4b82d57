"""Nodes on pipes that pass them by."""

from twin.quality._pipes import SNAP, pipe_rule
from twin.words import Words

RULE = pipe_rule(
    "node-on-pipe",
    Words(
        "管点处管段断开并与之相接。",
        "A pipe is cut at a node of its kind that lies on it, and hangs on it.",
    ),
    limit=SNAP,
)
