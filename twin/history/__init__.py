"""What the city was known to be: former states of things, in the order they were committed.

See ``docs/decisions/history.md`` for what a state is, and when one was known.
"""

from twin.history._states import State, states

__all__ = ["State", "states"]
