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


@intrinsic
def _double(context: Any, data: Any, at: Any) -> Any:
    """Return the 64-bit float that begins at a byte, wherever that is."""

    def read(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        origin = context.make_array(signature.args[0])(context, builder, given[0])
        place = builder.gep(origin.data, [given[1]])
        kind = context.get_value_type(types.float64)
        return builder.load(builder.bitcast(place, kind.as_pointer()), align=1)

    return types.float64(data, types.int64), read


@kernel
def _count(data: NDArray[np.uint8], at: int) -> int:
    """Return the unsigned 32-bit number that begins at a byte."""
    value = np.int64(0)
    for i in range(4):
        value |= np.int64(data[at + i]) << (8 * i)
    return value


@kernel
def _has_place_in(data: NDArray[np.uint8], at: int, count: int, pieces: Pieces) -> bool:
    """Return whether one of some places, one after another, lies in one of some boxes."""
    for i in range(count):
        x: float = _double(data, at + 16 * i)
        y: float = _double(data, at + 16 * i + 8)
        for p in range(len(pieces)):
            if pieces[p, 0] <= x <= pieces[p, 2] and pieces[p, 1] <= y <= pieces[p, 3]:
                return True
    return False


@kernel
def reaches(data: NDArray[np.uint8], at: int, end: int, pieces: Pieces) -> bool:
    """Return whether a geometry in plan (EWKB) has a place of its own in one of some boxes.

    False says nothing: a line may cross a box between two places, and an area hold it.
    """
    while at < end:
        if data[at] != 1:
            return False  # numbers with the highest byte first are left to others
        kind = _count(data, at + 1)
        at += 9 if kind & 0x20000000 else 5
        kind &= 0xFF
        if kind == 1:
            if _has_place_in(data, at, 1, pieces):
                return True
            at += 16
            continue
        # Parts of a collection follow as if they stood alone.
        runs = 0
        if kind == 2:
            runs = 1
        elif kind == 3:
            runs = _count(data, at)
        if kind != 2:
            at += 4
        for _ in range(runs):
            count = _count(data, at)
            if _has_place_in(data, at + 4, count, pieces):
                return True
            at += 4 + 16 * count
    return False


@kernel
def settle(
    data: NDArray[np.uint8],
    begins: NDArray[np.int64],
    ends: NDArray[np.int64],
    pieces: Pieces,
    sure: NDArray[np.uint8],
) -> None:
    """Note which geometries certainly touch one of some boxes."""
    for i in range(len(begins)):
        if sure[i] == 0 and reaches(data, begins[i], ends[i], pieces):
            sure[i] = 1


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
