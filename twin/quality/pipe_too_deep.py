"""Pipes deeper than plausible."""

from twin.quality._pipes import DEEPEST, pipe_rule
from twin.words import Words

RULE = pipe_rule(
    "too-deep",
    Words(
        "覆土不超过合理深度。",
        "A pipe has no more cover than is plausible.",
    ),
    limit=DEEPEST,
)
