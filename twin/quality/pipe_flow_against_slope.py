"""Gravity pipes that flow against the inverts of their nodes."""

from twin.quality._pipes import RISE, pipe_rule
from twin.words import Words

RULE = pipe_rule(
    "flow-against-slope",
    Words(
        "重力流管道两端井底沿流向不升高。",
        "The inverts of the nodes of a gravity pipe do not rise along its flow.",
    ),
    limit=RISE,
)
