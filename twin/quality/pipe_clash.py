"""Two pipes in one place."""

from twin.quality._pipes import pipe_rule
from twin.words import Words

RULE = pipe_rule(
    "clash",
    Words(
        "任意两条管线不占同一空间。",
        "No two pipes are in one place.",
    ),
    after_load=False,
)
