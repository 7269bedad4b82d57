"""Codes of digits in files: checked where the city's codes are Chinese."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from twin.codes import parse_component, parse_event, parse_grid_cell, parse_region
from twin.errors import InvalidInputError

_CODES: dict[str, Callable[[object], object]] = {
    "region": parse_region,
    "grid_cell": parse_grid_cell,
    "component": parse_component,
    "event": parse_event,
}


def refused_codes(layer: str, codes: pa.Array) -> list[tuple[str, NDArray[np.bool_]]]:
    """Return why some codes of a layer are none, and which rows, shape (n,), each holds for."""
    parse = _CODES.get(layer)
    if parse is None:
        return []
    found: dict[str, NDArray[np.bool_]] = {}
    for row, code in enumerate(codes.to_pylist()):
        try:
            if code is not None:
                parse(code)
        except InvalidInputError as error:
            # Without the code itself: the same reason is told once, with some ids.
            reason = "code refused: " + str(error).partition(": ")[2]
            found.setdefault(reason, np.zeros(len(codes), np.bool_))[row] = True
    return list(found.items())
