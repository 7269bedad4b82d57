"""Parts of a network that are apart from the rest of their kind."""

from twin.quality._pipes import pipe_rule
from twin.words import Words

RULE = pipe_rule(
    "isolated-part",
    Words(
        "同类管线连成一个管网，或分开自有缘由。",
        "The pipes of one kind are one network, or there is a reason why not.",
    ),
)
