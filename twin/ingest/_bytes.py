"""Many byte strings in one buffer, as arrow and COPY know them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


class Ragged(NamedTuple):
    """Byte strings end to end: string i is ``data[offsets[i]:offsets[i + 1]]``."""

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, column: pa.Array) -> Ragged:
        """Return the bytes of an arrow column of strings or binary; null ones have length 0."""
        if pa.types.is_string(column.type) or pa.types.is_binary(column.type):
            width: Any = np.int32
        else:
            width = np.int64
        _, starts, payload = column.buffers()
        data = np.frombuffer(payload, np.uint8) if payload else np.zeros(0, np.uint8)
        if starts is None or len(column) == 0:
            return cls(data, np.zeros(len(column) + 1, np.int64))
        offsets = np.frombuffer(starts, width)[column.offset : column.offset + len(column) + 1]
        return cls(data, offsets.astype(np.int64))

    def to_list(self) -> list[bytes]:
        """Return the strings one by one."""
        whole = self.data.tobytes()
        ends = self.offsets.tolist()
        return [whole[a:b] for a, b in pairwise(ends)]


def offsets_of(counts: NDArray[Any]) -> NDArray[np.int64]:
    """Return where each of many runs begins, and the end of the last.

    >>> offsets_of(np.array([2, 0, 3])).tolist()
    [0, 2, 2, 5]
    """
    out = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=out[1:])
    return out
