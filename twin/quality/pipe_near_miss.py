"""Ends of pipes that miss a pipe of their kind nearby."""

from twin.quality._pipes import NEAR, pipe_rule
from twin.words import Words

RULE = pipe_rule(
    "near-miss",
    Words(
        "管端与近旁同类管线相接，或确不相接。",
        "An end is joined to a pipe of its kind that is near, or is clearly apart from it.",
    ),
    limit=NEAR,
)
