"""Ends of pipes that hang on nothing."""

from twin.quality._pipes import pipe_rule
from twin.words import Words

RULE = pipe_rule(
    "dangling-end",
    Words(
        "管端接在管点或另一管端上。",
        "The end of a pipe hangs on a node or on the end of another pipe.",
    ),
)
