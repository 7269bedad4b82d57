"""Codes of digits in files: checked where the city's codes are Chinese."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from twin.codes import parse_component, parse_event, parse_grid_cell, parse_region
from twin.errors import InvalidInputError

_Check = Callable[[object], object]


def _component(code: object) -> object:
    return require_length(parse_component(code).code, 16, "a class, without a running number")


def _class_of(parse: _Check) -> _Check:
    return lambda code: require_length(
        parse(code).code,  # type: ignore[attr-defined]
        10,
        "one thing's own, and not that of its class",
    )


_CODES: dict[str, dict[str, _Check]] = {
    "region": {"code": parse_region},
    "grid_cell": {"code": parse_grid_cell},
    "component": {"code": _component, "class_code": _class_of(parse_component)},
    # The number of a case is every city's own.
    "event": {"class_code": _class_of(parse_event)},
}


def require_length(code: str, length: int, otherwise: str) -> str:
    """Return a code of so many digits; refuse another one as what it is then.

    >>> require_length("4405070104", 10, "no class")
    '4405070104'
    """
    if len(code) != length:
        raise InvalidInputError(f"{code!r} is not the code: it is the code of {otherwise}")
    return code


def refused_codes(layer: str, column: str, codes: pa.Array) -> list[tuple[str, NDArray[np.bool_]]]:
    """Return why some codes of a column are none, and which rows, shape (n,), each holds for."""
    check = _CODES.get(layer, {}).get(column)
    if check is None:
        return []
    found: dict[str, NDArray[np.bool_]] = {}
    for row, code in enumerate(codes.to_pylist()):
        try:
            if code is not None:
                check(code)
        except InvalidInputError as error:
            # Without the code itself: the same reason is told once, with some ids.
            what = column.replace("_", " ")
            reason = f"{what} refused: " + str(error).partition(": ")[2]
            found.setdefault(reason, np.zeros(len(codes), np.bool_))[row] = True
    return list(found.items())
