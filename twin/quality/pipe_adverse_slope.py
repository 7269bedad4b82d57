"""Gravity pipes whose invert rises along their flow."""

from twin.quality._pipes import RISE, pipe_rule
from twin.words import Words

RULE = pipe_rule(
    "adverse-slope",
    Words(
        "重力流管道管内底沿流向不升高。",
        "The invert of a gravity pipe does not rise along its flow.",
    ),
    limit=RISE,
)
