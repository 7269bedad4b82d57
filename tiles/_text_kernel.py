"""Kernels of features as text: which lie in a box, and their texts one after another."""

# In compiled code the integers of Python and of numpy are the same.
# mypy: disable-error-code="return-value,arg-type,assignment,no-any-return,call-arg,no-untyped-call"

from typing import Any

import numpy as np
from numba.core import cgutils, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from tiles._jit import kernel

BLOCK = 64
"""Features that lie together on the ground, under one box."""

Boxes = NDArray[np.float32]
"""Shape (n, 4): west, south, east, north; what is empty has no numbers."""
Pieces = NDArray[np.float64]
"""Shape (p, 4): boxes in degrees; something is in one of them, or anywhere if there are none."""


@intrinsic
def _copy(context: Any, out: Any, at: Any, source: Any, begin: Any, length: Any) -> Any:
    """Copy bytes in one go, which takes a fifth of the time of one after another."""

    def write(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        target = context.make_array(signature.args[0])(context, builder, given[0])
        origin = context.make_array(signature.args[2])(context, builder, given[2])
        to = builder.gep(target.data, [given[1]])
        cgutils.raw_memcpy(builder, to, builder.gep(origin.data, [given[3]]), given[4], 1)
        return context.get_dummy_value()

    return types.none(out, types.int64, source, types.int64, types.int64), write


@kernel
def mark(order: NDArray[np.int32], blocks: Boxes, pieces: Pieces, marks: NDArray[np.uint8]) -> None:
    """Mark features that lie about some pieces.

    ``marks`` has room for each feature, and behind them for each group of `BLOCK` features.
    """
    count = len(order)
    for p in range(len(pieces)):
        west, south, east, north = pieces[p, 0], pieces[p, 1], pieces[p, 2], pieces[p, 3]
        for b in range(len(blocks)):
            if not (
                blocks[b, 0] <= east
                and blocks[b, 2] >= west
                and blocks[b, 1] <= north
                and blocks[b, 3] >= south
            ):
                continue
            for i in range(b * BLOCK, min((b + 1) * BLOCK, count)):
                marks[order[i]] = 1
                marks[count + order[i] // BLOCK] = 1


@kernel
def pick(
    boxes: Boxes,
    gone: NDArray[np.int32],
    edit: int,
    pieces: Pieces,
    marks: NDArray[np.uint8],
    first: int,
    end: int,
    rows: NDArray[np.int32],
    sure: NDArray[np.uint8],
) -> tuple[int, int]:
    """Write the features whose boxes meet one of some pieces, in their order.

    Parameters
    ----------
    boxes : ndarray of float32, shape (n, 4)
        Rounded outwards.
    gone : ndarray of int32, shape (n,)
        The edit that took each away.
    edit : int
        Edits up to this one are seen.
    pieces : ndarray of float64, shape (p, 4)
        Degrees; none of them means anywhere.
    marks : ndarray of uint8
        Which features to look at, as `mark` says it; all if it is empty.
    first, end : int
        Where to begin, and where to end.
    rows, sure : ndarray, shape (m,)
        Receive what is found, and whether it lies inside a piece for sure.

    Returns
    -------
    tuple of int
        How many were found, and where to go on.
    """
    count, marked, everywhere = 0, len(marks) > 0, len(pieces) == 0
    i = first
    while i < end and count < len(rows):
        if marked and i % BLOCK == 0 and marks[len(boxes) + i // BLOCK] == 0:
            i += BLOCK
            continue
        if not (marked and marks[i] == 0) and gone[i] > edit:
            near, inside = everywhere, everywhere
            for p in range(len(pieces)):
                if (
                    boxes[i, 0] <= pieces[p, 2]
                    and boxes[i, 2] >= pieces[p, 0]
                    and boxes[i, 1] <= pieces[p, 3]
                    and boxes[i, 3] >= pieces[p, 1]
                ):
                    near = True
                    if (
                        boxes[i, 0] >= pieces[p, 0]
                        and boxes[i, 2] <= pieces[p, 2]
                        and boxes[i, 1] >= pieces[p, 1]
                        and boxes[i, 3] <= pieces[p, 3]
                    ):
                        inside = True
            if near:
                rows[count] = i
                sure[count] = 1 if inside else 0
                count += 1
        i += 1
    return count, min(i, end)


@kernel
def join(
    data: NDArray[np.uint8],
    added: NDArray[np.uint8],
    begins: NDArray[np.int64],
    ends: NDArray[np.int64],
    out: NDArray[np.uint8],
    at: int,
) -> int:
    """Write texts one after another; those with a negative begin are in what edits added.

    A begin of -1 - b is byte b there.
    """
    for i in range(len(begins)):
        begin = begins[i]
        old = begin >= 0
        if not old:
            begin = -1 - begin
        length = min(ends[i] - begin, len(out) - at)
        if old:
            _copy(out, at, data, begin, length)
        else:
            _copy(out, at, added, begin, length)
        at += length
    return at
