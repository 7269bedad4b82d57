"""What the city was known to be: former states of things, in the order they were committed.

See ``docs/decisions/history.md`` for what a state is, and when one was known.
"""

from twin.history._find import identify
from twin.history._known import known_sql, low_sql, moment_sql, states_sql
from twin.history._moments import AsOf, Moment, last_moment, moment
from twin.history._restore import Restored, restore
from twin.history._states import State, states

__all__ = [
    "AsOf",
    "Moment",
    "Restored",
    "State",
    "identify",
    "known_sql",
    "last_moment",
    "low_sql",
    "moment",
    "moment_sql",
    "restore",
    "states",
    "states_sql",
]
