"""Kernels that put small features into groups: by square of a grid, kind, and what they are."""

# In compiled code the integers of Python and of numpy are the same.
# mypy: disable-error-code="return-value,arg-type,assignment,no-any-return"

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tiles._arrays import (
    BASE_FOUND,
    BUFFER,
    EXTENT,
    HIGH,
    LOW,
    TAIL_FOUND,
    Features,
    Scratch,
    Window,
)
from tiles._find_kernel import alive
from tiles._jit import apart, inner
from tiles._wkb_kernel import LINE

_NONE = -1


class Groups(NamedTuple):
    """Room for the groups of one tile, for one thread at a time."""

    table: NDArray[np.int32]
    """A group by its key; the length is a power of two."""
    where: NDArray[np.int64]
    what: NDArray[np.int64]
    count: NDArray[np.int32]
    area: NDArray[np.int64]
    weight: NDArray[np.int64]
    sum_x: NDArray[np.int64]
    sum_y: NDArray[np.int64]
    best: NDArray[np.int64]
    """The feature that is drawn: i of the file, -1 - i of the tail."""
    measure: NDArray[np.int64]
    best_id: NDArray[np.int64]
    following: NDArray[np.int32]
    head: NDArray[np.int32]
    """The first group of each square."""
    squares: NDArray[np.int32]
    """The column or row of squares of each unit, from the rim of the buffer on."""
    memo: NDArray[np.uint64]
    """Forms of tiny polygons, and whether they vanish."""
    counts: NDArray[np.int64]
    counts_local: NDArray[np.int64]


class Rule(NamedTuple):
    """How a crowded tile is thinned."""

    drawn: int
    """At most so many features are drawn."""
    size: int
    """The smallest square, in units."""
    first_key: int
    second_key: int
    """The fields in which merged features agree; -1 for none."""
    count_key: int


@inner
def across(size: int) -> int:
    """Return how many squares lie side by side, the buffers' included."""
    return 2 * (BUFFER // size + 1) + EXTENT // size + 1


@inner
def lay(groups: Groups, size: int) -> None:
    """Note in which column, or row, of squares each unit is."""
    for unit in range(LOW, HIGH):
        groups.squares[unit - LOW] = unit // size + BUFFER // size + 1


@inner
def middle_of(low: int, high: int, move: int, shift: int) -> int:
    """Return the middle of a stretch in units, no farther out than the buffer."""
    twice = np.int64(low) + np.int64(high) + 2 * move
    middle = twice >> (shift + 1) if shift >= 0 else (twice << -shift) >> 1
    return min(max(middle, np.int64(LOW)), np.int64(HIGH - 1))


@inner
def small(features: Features, i: int, shift: int, size: int) -> bool:
    """Return whether a feature's box is less wide and high than a square."""
    width = np.int64(features.boxes[i, 2]) - features.boxes[i, 0]
    height = np.int64(features.boxes[i, 3]) - features.boxes[i, 1]
    if shift >= 0:
        limit = np.int64(size) << shift
        return width < limit and height < limit
    return (width << -shift) < size and (height << -shift) < size


@inner
def what_of(features: Features, i: int, rule: Rule) -> int:
    """Return a number for the values in which merged features agree."""
    one, two = np.int64(0), np.int64(0)
    if rule.first_key >= 0:
        for at in range(features.tag_start[i], features.tag_start[i + 1]):
            if features.tag_key[at] == rule.first_key:
                one = np.int64(features.tag_value[at]) + 1
            elif features.tag_key[at] == rule.second_key:
                two = np.int64(features.tag_value[at]) + 1
    return one << 32 | two


@inner
def _heading(features: Features, i: int) -> int:
    """Return which of four ways a line runs, so that crossing lines are not merged."""
    first = features.place_start[features.ring_start[i]]
    last = features.place_start[features.ring_start[i + 1]] - 1
    if last < first:
        return 0
    x = np.int64(features.places[last, 0]) - features.places[first, 0]
    y = np.int64(features.places[last, 1]) - features.places[first, 1]
    if abs(x) > 2 * abs(y):
        return 0
    if abs(y) > 2 * abs(x):
        return 1
    return 2 if (x < 0) == (y < 0) else 3


@inner
def where_of(features: Features, i: int, window: Window, groups: Groups, side: int) -> int:
    """Return a number for the square a feature is in, its kind, and a line's heading."""
    box = features.boxes[i]
    column = groups.squares[middle_of(box[0], box[2], window.move_x, window.shift) - LOW]
    row = groups.squares[middle_of(box[1], box[3], window.move_y, window.shift) - LOW]
    kind = np.int64(features.kinds[i])
    heading = _heading(features, i) if kind == LINE else 0
    return (np.int64(row) * side + column) << 4 | kind << 2 | heading


@inner
def slot_of(where: int, what: int, mask: int) -> int:
    mixed = np.uint64(where) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(29)) ^ np.uint64(what)) * np.uint64(0xBF58476D1CE4E5B9)
    return np.int64((mixed >> np.uint64(31)) & np.uint64(mask))


@inner
def group_of(groups: Groups, count: int, where: int, what: int, most: int) -> int:
    """Return a group's number, ``count`` if it is new; -1 if it is one too many."""
    mask = len(groups.table) - 1
    slot = slot_of(where, what, mask)
    while groups.table[slot] >= 0:
        number = groups.table[slot]
        if groups.where[number] == where and groups.what[number] == what:
            return number
        slot = (slot + 1) & mask
    if count >= most:
        return _NONE
    groups.table[slot] = count
    groups.where[count], groups.what[count] = where, what
    groups.count[count], groups.area[count], groups.weight[count] = 0, 0, 0
    groups.sum_x[count], groups.sum_y[count] = 0, 0
    groups.measure[count] = -1
    return count


@inner
def clear(groups: Groups) -> None:
    for j in range(len(groups.table)):
        groups.table[j] = _NONE


@inner
def fits(
    base: Features, tail: Features, window: Window, scratch: Scratch, groups: Groups, rule: Rule,
    size: int, most: int,
) -> bool:  # fmt: skip
    """Return whether squares of a size leave no more to draw than there may be."""
    clear(groups)
    lay(groups, size)
    middle, end = scratch.counters[BASE_FOUND], scratch.counters[TAIL_FOUND]
    none = np.int64(0)
    count, drawn = _count(base, none, middle, window, scratch, groups, rule, size, most, none, none)
    if count + drawn <= most:
        count, drawn = _count(
            tail, middle, end, window, scratch, groups, rule, size, most, count, drawn
        )
    return count + drawn <= most


@apart
def _count(
    features: Features, begin: int, end: int, window: Window, scratch: Scratch, groups: Groups,
    rule: Rule, size: int, most: int, count: int, drawn: int,
) -> tuple[int, int]:  # fmt: skip
    """Return how many groups and how many larger features there are, or that they are too many."""
    side = across(size)
    for n in range(begin, end):
        i = scratch.found[n]
        if not alive(features, i, window):
            continue
        if small(features, i, window.shift, size):
            where = where_of(features, i, window, groups, side)
            number = group_of(groups, count, where, what_of(features, i, rule), most)
            if number < 0:
                return most, 1
            if number == count:
                count += 1
        else:
            drawn += 1
        if drawn + count > most:
            break
    return count, drawn
