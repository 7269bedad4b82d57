"""Kernels of the index: Hilbert order, boxes, and a packed tree of boxes."""

# In compiled code the integers of Python and of numpy are the same.
# mypy: disable-error-code="return-value,arg-type,assignment,no-any-return"

import numpy as np
from numpy.typing import NDArray

from tiles._jit import inner, kernel

NODE = 16
"""Boxes under one node of the tree."""
NOWHERE = 2**31 - 1

Places = NDArray[np.int32]
"""Shape (n, 2)."""
Boxes = NDArray[np.int32]
"""Shape (n, 4): lowest x, lowest y, highest x, highest y; an empty feature's is turned around."""


@kernel
def boxes_of(
    ring_start: NDArray[np.int32], place_start: NDArray[np.int32], places: Places
) -> Boxes:
    """Return the box of each feature."""
    count = len(ring_start) - 1
    boxes = np.empty((count, 4), np.int32)
    for i in range(count):
        low_x, low_y, high_x, high_y = NOWHERE, NOWHERE, -NOWHERE, -NOWHERE
        for j in range(place_start[ring_start[i]], place_start[ring_start[i + 1]]):
            x, y = np.int64(places[j, 0]), np.int64(places[j, 1])
            low_x, high_x = min(low_x, x), max(high_x, x)
            low_y, high_y = min(low_y, y), max(high_y, y)
        boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3] = low_x, low_y, high_x, high_y
    return boxes


@kernel
def hilbert_keys(boxes: Boxes) -> NDArray[np.uint32]:
    """Return how far along a Hilbert curve over the columns' world the middle of each box lies.

    The box alone decides, whatever else there is: a feature keeps its place among others through
    any edit of them.
    """
    keys = np.zeros(len(boxes), np.uint32)
    for i in range(len(boxes)):
        if boxes[i, 0] > boxes[i, 2]:
            continue
        x = (((np.int64(boxes[i, 0]) + boxes[i, 2]) >> 1) + (np.int64(1) << 31)) >> 16
        y = (((np.int64(boxes[i, 1]) + boxes[i, 3]) >> 1) + (np.int64(1) << 31)) >> 16
        key, side = np.int64(0), np.int64(1 << 15)
        while side > 0:
            right = 1 if x & side else 0
            up = 1 if y & side else 0
            key += side * side * ((3 * right) ^ up)
            if up == 0:
                if right == 1:
                    x, y = 65535 - x, 65535 - y
                x, y = y, x
            side >>= 1
        keys[i] = key
    return keys


@kernel
def gather(
    order: NDArray[np.int64],
    ring_start: NDArray[np.int32],
    place_start: NDArray[np.int32],
    holes: NDArray[np.uint8],
    places: Places,
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint8], Places]:
    """Return the rings and places of features in another order."""
    new_rings, new_starts = np.empty_like(ring_start), np.empty_like(place_start)
    new_holes, new_places = np.empty_like(holes), np.empty_like(places)
    rings, at = 0, 0
    for i in range(len(order)):
        new_rings[i] = rings
        feature = order[i]
        for ring in range(ring_start[feature], ring_start[feature + 1]):
            new_starts[rings] = at
            new_holes[rings] = holes[ring]
            for j in range(place_start[ring], place_start[ring + 1]):
                new_places[at, 0], new_places[at, 1] = places[j, 0], places[j, 1]
                at += 1
            rings += 1
    new_rings[len(order)] = rings
    new_starts[rings] = at
    return new_rings, new_starts, new_holes, new_places


@kernel
def tree_of(boxes: Boxes) -> tuple[Boxes, NDArray[np.int64]]:
    """Return the nodes above some boxes, and where each level of them begins, lowest first."""
    levels = np.zeros(16, np.int64)
    count, total, depth = len(boxes), 0, 0
    while True:
        count = (count + NODE - 1) // NODE
        total += count
        depth += 1
        levels[depth] = total
        if count <= 1:
            break
    nodes = np.empty((total, 4), np.int32)
    for level in range(depth):
        below = boxes if level == 0 else nodes[levels[level - 1] : levels[level]]
        for i in range(levels[level + 1] - levels[level]):
            low_x, low_y, high_x, high_y = NOWHERE, NOWHERE, -NOWHERE, -NOWHERE
            for j in range(i * NODE, min((i + 1) * NODE, len(below))):
                low_x, low_y = min(low_x, below[j, 0]), min(low_y, below[j, 1])
                high_x, high_y = max(high_x, below[j, 2]), max(high_y, below[j, 3])
            node = nodes[levels[level] + i]
            node[0], node[1], node[2], node[3] = low_x, low_y, high_x, high_y
    return nodes, levels[: depth + 1].copy()


@inner
def search(
    boxes: Boxes,
    nodes: Boxes,
    levels: NDArray[np.int64],
    low_x: int,
    low_y: int,
    high_x: int,
    high_y: int,
    found: NDArray[np.int32],
    stack: NDArray[np.int64],
) -> int:
    """Write the features whose boxes meet a box, in order; return how many there are."""
    count = 0
    if len(boxes) == 0:
        return 0
    # A node's level and number in one: the tree has 8 levels at most.
    stack[0] = len(levels) - 2
    depth = 1
    while depth > 0:
        depth -= 1
        level, i = stack[depth] & 15, stack[depth] >> 4
        at = levels[level] + i
        if (
            nodes[at, 0] > high_x
            or nodes[at, 2] < low_x
            or nodes[at, 1] > high_y
            or nodes[at, 3] < low_y
        ):
            continue
        if level > 0:
            last = min((i + 1) * NODE, levels[level] - levels[level - 1])
            for j in range(last - 1, i * NODE - 1, -1):
                stack[depth] = j << 4 | (level - 1)
                depth += 1
            continue
        whole = (
            nodes[at, 0] >= low_x
            and nodes[at, 2] <= high_x
            and nodes[at, 1] >= low_y
            and nodes[at, 3] <= high_y
        )
        for j in range(i * NODE, min((i + 1) * NODE, len(boxes))):
            if whole or (
                boxes[j, 0] <= high_x
                and boxes[j, 2] >= low_x
                and boxes[j, 1] <= high_y
                and boxes[j, 3] >= low_y
            ):
                found[count] = j
                count += 1
    return count
