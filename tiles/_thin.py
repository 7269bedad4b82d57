"""Crowded tiles: what the kernels need to merge features."""

from collections import deque

import numpy as np

from tiles._arrays import HIGH, LOW, MOST_COUNTS, Scratch, Window
from tiles._group_kernel import Groups, Rule, across
from tiles._thin_kernel import LARGEST, thin_layer
from tiles.columns import Columns, Snapshot
from tiles.limits import COUNT, Limit, Limits

_LEAST, _SMALLEST = 60_000, 8
"""So many groups and such squares suit the catalogue's limits, so that room is used again."""

_spare: deque[Groups] = deque(maxlen=4)


def write_thinned(
    columns: Columns,
    state: Snapshot,
    window: Window,
    scratch: Scratch,
    limits: Limits,
    limit: Limit,
    keys: int,
) -> int:
    """Write a tile that `write_layer` found crowded; what is returned is what that returns."""
    rule = _rule(columns.names, limits, limit, keys)
    groups = _borrow(limit)
    try:
        return thin_layer(state.base, state.tail, window, scratch, groups, rule)
    finally:
        _spare.append(groups)


def _rule(names: list[str], limits: Limits, limit: Limit, keys: int) -> Rule:
    """Return a limit with the numbers of the keys in it; the last of the keys is the count's."""
    numbers = [names.index(name) if name in names else -1 for name in limits.merged_by]
    first, second = (*numbers, -1, -1)[:2]
    count = names.index(COUNT) if COUNT in names[: keys - 1] else keys - 1
    return Rule(limit.drawn, limit.size, first, second, count)


def _borrow(limit: Limit) -> Groups:
    """Return room that is large enough for a limit."""
    most, squares = max(limit.drawn, _LEAST), across(min(limit.size, _SMALLEST)) ** 2
    while _spare:
        try:
            groups = _spare.pop()
        except IndexError:  # pragma: no cover - another thread was faster
            break
        if len(groups.where) >= most and len(groups.head) >= squares:
            return groups
    table = 1 << (2 * most).bit_length()
    return Groups(
        table=np.empty(table, np.int32),
        where=np.empty(most, np.int64),
        what=np.empty(most, np.int64),
        count=np.empty(most, np.int32),
        area=np.empty(most, np.int64),
        weight=np.empty(most, np.int64),
        sum_x=np.empty(most, np.int64),
        sum_y=np.empty(most, np.int64),
        best=np.empty(most, np.int64),
        measure=np.empty(most, np.int64),
        best_id=np.empty(most, np.int64),
        following=np.empty(most, np.int32),
        head=np.empty(max(squares, across(LARGEST) ** 2), np.int32),
        squares=np.empty(HIGH - LOW, np.int32),
        memo=np.zeros(1 << 16, np.uint64),
        counts=np.empty(2 * MOST_COUNTS, np.int64),
        counts_local=np.empty(2 * MOST_COUNTS, np.int64),
    )
