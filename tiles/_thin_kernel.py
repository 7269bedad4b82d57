"""Kernels that write a crowded tile: what is smaller than a square of a grid is merged in it.

Which features are merged depends on where they are and what they are, never on the order in which
they are kept, and sums are of whole numbers: columns made anew and columns with edits behind them
give the same tile.
"""

# In compiled code the integers of Python and of numpy are the same.
# mypy: disable-error-code="return-value,arg-type,assignment,no-any-return"

import numpy as np

from tiles._arrays import (
    AT,
    BASE_FOUND,
    BUFFER,
    DOUBTFUL,
    FEATURES,
    FILE,
    HEAD_ROOM,
    HIGH,
    KEYS,
    LOW,
    MEMBERS,
    MERGED,
    SIZE,
    STAMP,
    TAIL,
    TAIL_FOUND,
    VALUES,
    Features,
    Scratch,
    Window,
)  # fmt: skip
from tiles._find_kernel import alive, run_end, sticks_out
from tiles._group_kernel import (
    Groups,
    Rule,
    across,
    clear,
    fits,
    group_of,
    lay,
    middle_of,
    slot_of,
    small,
    what_of,
    where_of,
)
from tiles._jit import apart, inner
from tiles._mvt_kernel import draw, local_key, rings_of, tag, write_feature, write_message
from tiles._shape_kernel import line, points, polygon, step, write_rings
from tiles._value_kernel import varint
from tiles._vanish_kernel import vanishes
from tiles._wkb_kernel import LINE, POLYGON

LARGEST = 512
"""The widest square, in units: 81 of them and the rim make a tile."""
_FINE = 6
"""Areas are summed in units of the tile's square over 2**6."""
_NONE = -1


@inner
def _ladder(size: int, step: int) -> int:
    """Return the next wider square: 8, 12, 16, 24, 32, …."""
    return size + size // 2 if step % 2 == 0 else size // 3 * 4


@inner
def _true_area(features: Features, i: int, shift: int) -> tuple[int, bool]:
    """Return a small polygon's area before rounding, in units of the tile's square over 64.

    And whether that is surely more than rounding can take: a corner moves by up to half a unit each
    way, and the area changes by no more than half the way around, and a quarter for each corner.
    """
    total, around, corners = np.int64(0), np.int64(0), np.int64(0)
    for ring in range(features.ring_start[i], features.ring_start[i + 1]):
        begin, end = features.place_start[ring], features.place_start[ring + 1]
        if begin == end:
            continue
        x0, y0 = np.int64(features.places[begin, 0]), np.int64(features.places[begin, 1])
        doubled, ax, ay = np.int64(0), np.int64(0), np.int64(0)
        for j in range(begin + 1, end):
            bx, by = features.places[j, 0] - x0, features.places[j, 1] - y0
            doubled += ax * by - bx * ay
            around += abs(bx - ax) + abs(by - ay)
            ax, ay = bx, by
        around += abs(ax) + abs(ay)
        corners += end - begin
        total += -abs(doubled) if features.holes[ring] == 1 else abs(doubled)
    finer = 2 * shift + 1 - _FINE
    area = max(total >> finer if finer >= 0 else total << -finer, np.int64(0))
    coarse = around >> shift - 1 if shift >= 1 else around << 1 - shift
    return area, area > ((coarse + corners + 4) << _FINE - 2)


@inner
def _shows(
    features: Features, i: int, window: Window, scratch: Scratch, groups: Groups, clip: bool
) -> bool:
    """Return whether a feature is in the tile by PostGIS's rules."""
    kind = features.kinds[i]
    if kind == POLYGON:
        rings = polygon(features, i, window, scratch, clip)
        return rings > 0 and not vanishes(rings, scratch, groups.memo)
    if kind == LINE:
        return line(features, i, window, scratch, clip) > 0
    return points(features, i, window, scratch) > 0


@inner
def _add(
    features: Features, i: int, sign: int, window: Window, scratch: Scratch, groups: Groups, g: int
) -> None:
    """Put a feature into a group: counted if it shows, its area in any case."""
    box = features.boxes[i]
    area, sure = np.int64(0), False
    if features.kinds[i] == POLYGON:
        area, sure = _true_area(features, i, window.shift)
    groups.area[g] += area
    groups.weight[g] += area + 1
    groups.sum_x[g] += (area + 1) * middle_of(box[0], box[2], window.move_x, window.shift)
    groups.sum_y[g] += (area + 1) * middle_of(box[1], box[3], window.move_y, window.shift)
    clip = sticks_out(features, i, window)
    if (clip or not sure) and not _shows(features, i, window, scratch, groups, clip):
        return
    groups.count[g] += 1
    # The longest is drawn; of two alike, that of the lower number.
    measure = np.int64(box[2]) - box[0] + (np.int64(box[3]) - box[1])
    if measure > groups.measure[g] or (
        measure == groups.measure[g] and features.ids[i] < groups.best_id[g]
    ):
        groups.measure[g], groups.best_id[g] = measure, features.ids[i]
        groups.best[g] = i if sign > 0 else -1 - i


@apart
def _gather(
    features: Features, sign: int, begin: int, end: int, window: Window, scratch: Scratch,
    groups: Groups, rule: Rule, size: int, count: int,
) -> int:  # fmt: skip
    """Draw what is larger than a square, group the rest; return how many groups, -1: no room."""
    side = across(size)
    for n in range(begin, end):
        i = scratch.found[n]
        if not alive(features, i, window):
            continue
        if not small(features, i, window.shift, size):
            if not draw(features, i, sign, window, scratch):
                return _NONE
            continue
        where = where_of(features, i, window, groups, side)
        g = group_of(groups, count, where, what_of(features, i, rule), len(groups.where))
        if g == count:
            count += 1
        _add(features, i, sign, window, scratch, groups, g)
    return count


@inner
def _sort(groups: Groups, count: int, squares: int) -> None:
    """Chain the groups of each square by kind, heading and the number of what is drawn."""
    for square in range(squares):
        groups.head[square] = _NONE
    for g in range(count):
        if groups.count[g] == 0:
            continue
        square, before = groups.where[g] >> 4, _NONE
        here = np.int64(groups.head[square])
        while here >= 0 and (
            groups.where[here] < groups.where[g]
            or (groups.where[here] == groups.where[g] and groups.best_id[here] < groups.best_id[g])
        ):
            before, here = here, np.int64(groups.following[here])
        groups.following[g] = here
        if before < 0:
            groups.head[square] = g
        else:
            groups.following[before] = g


@inner
def _span(middle: int, width: int, square: int, size: int) -> int:
    """Return where a side begins so that it lies in its square, and in the tile or its buffer."""
    low = max(np.int64(square), np.int64(LOW))
    high = min(np.int64(square + size), np.int64(HIGH)) - width
    return max(low, min(high, np.int64(middle - width // 2)))


@inner
def _put_square(groups: Groups, g: int, size: int, scratch: Scratch) -> int:
    """Lay out the rectangle that stands for a group of polygons; return its length as written."""
    square, side, edge = groups.where[g] >> 4, across(size), BUFFER // size + 1
    left = (square % side - edge) * size
    top = (square // side - edge) * size
    # The last squares end with the buffer.
    room_x = min(left + size, np.int64(HIGH)) - max(left, np.int64(LOW))
    room_y = min(top + size, np.int64(HIGH)) - max(top, np.int64(LOW))
    area = groups.area[g] / (1 << _FINE)
    width = min(max(np.int64(np.rint(np.sqrt(area))), np.int64(1)), room_x)
    height = min(max(np.int64(np.rint(area / width)), np.int64(1)), room_y)
    x = _span(groups.sum_x[g] // groups.weight[g], width, left, size)
    y = _span(groups.sum_y[g] // groups.weight[g], height, top, size)
    scratch.x[0], scratch.y[0] = x, y
    scratch.x[1], scratch.y[1] = x + width, y
    scratch.x[2], scratch.y[2] = x + width, y + height
    scratch.x[3], scratch.y[3] = x, y + height
    scratch.ring_at[0], scratch.ring_at[1], scratch.ring_hole[0] = 0, 4, 0
    return write_rings(1, scratch)


@inner
def _put_point(groups: Groups, g: int, scratch: Scratch) -> int:
    """Write the middle of a group of points as commands; return their length."""
    scratch.shape[0] = 1 << 3 | 1
    at = step(scratch.shape, 1, groups.sum_x[g] // groups.weight[g])
    return step(scratch.shape, at, groups.sum_y[g] // groups.weight[g])


@inner
def _local_count(groups: Groups, number: int, scratch: Scratch) -> int:
    """Return the tile's number of a value that is a count."""
    mask = len(groups.counts) - 1
    slot = slot_of(number, 0, mask)
    while groups.counts[slot] != 0:
        if groups.counts[slot] == number:
            return groups.counts_local[slot]
        slot = (slot + 1) & mask
    counters = scratch.counters
    groups.counts[slot], groups.counts_local[slot] = number, counters[VALUES]
    scratch.value_order[counters[VALUES]] = -1 - number
    counters[VALUES] += 1
    return groups.counts_local[slot]


@inner
def _merged_tags(
    features: Features, i: int, groups: Groups, g: int, rule: Rule, scratch: Scratch
) -> int:
    """Write what the features of a group share, and how many they are."""
    at = 0
    for j in range(features.tag_start[i], features.tag_start[i + 1]):
        key = features.tag_key[j]
        if key == rule.first_key or key == rule.second_key:
            at = tag(key, features.tag_value[j], scratch, at)
    local = _local_count(groups, groups.count[g], scratch)
    at = varint(scratch.tags, at, np.uint64(local_key(rule.count_key, scratch)))
    return varint(scratch.tags, at, np.uint64(local))


@inner
def _write_group(
    features: Features, i: int, window: Window, scratch: Scratch, groups: Groups, g: int,
    rule: Rule, size: int,
) -> bool:  # fmt: skip
    """Write a group, or its only feature as it is; return whether there was room."""
    kind, clip = features.kinds[i], sticks_out(features, i, window)
    alone = groups.count[g] == 1
    if kind == POLYGON:
        rings, good = 0, False
        if alone:
            rings, good = rings_of(features, i, window, scratch, clip)
        if good and rings > 0:
            length = write_rings(rings, scratch)
        else:
            length = _put_square(groups, g, size, scratch)
    elif kind == LINE:
        length = line(features, i, window, scratch, clip)
    elif alone:
        length = points(features, i, window, scratch)
    else:
        length = _put_point(groups, g, scratch)
    if alone:
        return write_feature(features, i, length, kind, scratch)
    tags = _merged_tags(features, i, groups, g, rule, scratch)
    scratch.counters[MERGED] += 1
    scratch.counters[MEMBERS] += groups.count[g]
    return write_message(-1, tags, length, kind, scratch)


@apart
def _write_groups(
    features: Features, sign: int, window: Window, scratch: Scratch, groups: Groups, rule: Rule,
    size: int, square: int, g: int,
) -> tuple[int, int]:  # fmt: skip
    """Write groups as long as what they draw is of these features.

    Returns
    -------
    square, g : int
        The square and the group that come next; a square of -1 where there was no room.
    """
    squares = across(size) ** 2
    while square < squares:
        while g >= 0:
            best = groups.best[g]
            if (best >= 0) != (sign > 0):
                return square, g
            i = best if best >= 0 else -1 - best
            if not _write_group(features, i, window, scratch, groups, g, rule, size):
                return -1, g
            g = np.int64(groups.following[g])
        square += 1
        if square < squares:
            g = np.int64(groups.head[square])
    return square, g


@inner
def thin_layer(
    base: Features, tail: Features, window: Window, scratch: Scratch, groups: Groups, rule: Rule
) -> int:
    """Write the features that `write_layer` found in a crowded tile, small ones merged.

    Returns
    -------
    int
        How many need a closer look; or, below zero, how long the output must be at least.
    """
    counters = scratch.counters
    counters[STAMP] += 1
    counters[AT] = HEAD_ROOM
    for j in (VALUES, KEYS, FEATURES, DOUBTFUL, MERGED, MEMBERS):
        counters[j] = 0
    size, steps = np.int64(rule.size), 0
    most = min(np.int64(rule.drawn), np.int64(len(groups.where)))
    while size < LARGEST and not fits(base, tail, window, scratch, groups, rule, size, most):
        size, steps = _ladder(size, steps), steps + 1
    if size >= LARGEST:
        # Not even the widest squares are few enough: what is different is merged as well.
        size = np.int64(LARGEST)
        rule = Rule(rule.drawn, rule.size, -1, -1, rule.count_key)
    counters[SIZE] = size
    clear(groups)
    lay(groups, size)
    middle, end = counters[BASE_FOUND], counters[TAIL_FOUND]
    count, first, n = np.int64(0), np.int64(0), middle
    while (first < middle or n < end) and count >= 0:
        last, after = run_end(base, tail, scratch, first, n), min(n + 1, end)
        count = _gather(base, FILE, first, last, window, scratch, groups, rule, size, count)
        if count >= 0:
            count = _gather(tail, TAIL, n, after, window, scratch, groups, rule, size, count)
        first, n = last, after
    if count < 0:
        return -2 * len(scratch.out)
    side = across(size)
    _sort(groups, count, side * side)
    for j in range(len(groups.counts)):
        groups.counts[j] = 0
    square, g = np.int64(0), np.int64(groups.head[0])
    while 0 <= square < side * side:
        square, g = _write_groups(base, FILE, window, scratch, groups, rule, size, square, g)
        if 0 <= square < side * side:
            square, g = _write_groups(tail, TAIL, window, scratch, groups, rule, size, square, g)
    if square < 0:
        return -2 * len(scratch.out)
    return counters[DOUBTFUL]
