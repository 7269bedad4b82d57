"""Pipes whose crown is above the ground."""

from twin.quality._pipes import GROUND, pipe_rule
from twin.words import Words

RULE = pipe_rule(
    "above-ground",
    Words(
        "管顶不高于地面。",
        "The crown of a pipe is not above the ground.",
    ),
    limit=GROUND,
)
