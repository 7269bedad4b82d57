"""Pipes without length, or with both ends at one node."""

from twin.quality._pipes import SNAP, pipe_rule
from twin.words import Words

RULE = pipe_rule(
    "collapsed",
    Words(
        "管段有长度，且两端不在同一管点。",
        "A pipe has a length, and its ends are at two nodes.",
    ),
    limit=SNAP,
)
