"""Gravity flow that ends where nothing takes it."""

from twin.quality._pipes import pipe_rule
from twin.words import Words

RULE = pipe_rule(
    "no-outfall",
    Words(
        "重力流终止于排放口、泵站或水池。",
        "Gravity flow ends at an outfall, a pump or a tank.",
    ),
)
