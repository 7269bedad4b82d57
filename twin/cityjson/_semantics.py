"""Which surface of a geometry is what: roof, wall, ground, window."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.errors import InvalidInputError

GROUND = "GroundSurface"


@dataclass(frozen=True)
class Semantics:
    """The semantic surfaces of a geometry, and which of them each face is.

    Attributes
    ----------
    surfaces : list of dict
        As told: type, attributes, parent, children.
    of_face : ndarray of int, shape (faces,)
        Place in ``surfaces``, -1 for none.
    """

    surfaces: list[dict[str, Any]]
    of_face: NDArray[np.int64]

    def packed(self) -> bytes:
        r"""Return ``of_face`` in as few bytes as name every surface; all bits set for none.

        >>> Semantics([{"type": "RoofSurface"}], np.array([0, -1])).packed()
        b'\x00\xff'
        """
        return self.of_face.astype(_width(len(self.surfaces))).tobytes()

    def faces_of(self, kind: str) -> NDArray[np.bool_]:
        """Return which faces are surfaces of a type."""
        named = [one.get("type") == kind for one in self.surfaces]
        return np.array([*named, False])[self.of_face]


def unpacked(content: bytes, surfaces: int) -> NDArray[np.int64]:
    """Return what `Semantics.packed` packed.

    >>> unpacked(bytes([0, 255]), 1).tolist()
    [0, -1]
    """
    kind = _width(surfaces)
    found = np.frombuffer(content, kind).astype(np.int64)
    return np.where(found == np.iinfo(kind).max, -1, found)


def _width(surfaces: int) -> np.dtype[Any]:
    if surfaces < 255:
        return np.dtype("u1")
    return np.dtype("<u2") if surfaces < 65_535 else np.dtype("<u4")


def semantics_of(told: Any, kind: str, shells: Any, faces: int) -> Semantics | None:
    """Return the semantics of a geometry, or None if they do not fit its surfaces.

    Parameters
    ----------
    told : dict
        ``surfaces`` and ``values``, the latter nested as the geometry's faces are; null stands for
        any part of it.
    shells : list
        Faces of each shell, nested as the type nests them.
    faces : int
        How many faces there are.

    Raises
    ------
    InvalidInputError
        If they are no semantics at all.
    """
    surfaces = told.get("surfaces") if isinstance(told, dict) else None
    if not isinstance(surfaces, list) or not all(isinstance(one, dict) for one in surfaces):
        raise InvalidInputError("semantics without a list of surfaces")
    try:
        values = _spread(told.get("values"), kind, shells, faces)
        found = np.array([-1 if value is None else value for value in values], dtype=object)
        of_face = found.astype(np.int64)
        fits = len(found) == faces and all(type(value) is int for value in found)
    except (TypeError, ValueError, OverflowError):
        return None
    if not fits or (faces and not -1 <= of_face.min() <= of_face.max() < len(surfaces)):
        return None
    return Semantics(surfaces, of_face)


def _spread(values: Any, kind: str, shells: Any, faces: int) -> list[Any]:
    """Return the value of each face; a null stands for all that is below it."""
    if values is None:
        return [None] * faces
    if kind == "Solid":
        return _by_shell(values, shells)
    if kind in ("MultiSolid", "CompositeSolid"):
        pairs = zip(values, shells, strict=True)
        return list(
            chain.from_iterable(
                [None] * sum(own) if told is None else _by_shell(told, own) for told, own in pairs
            )
        )
    return list(values)


def _by_shell(values: Any, shells: list[int]) -> list[Any]:
    pairs = zip(values, shells, strict=True)
    spread = [[None] * count if told is None else list(told) for told, count in pairs]
    if list(map(len, spread)) != shells:
        raise ValueError("semantics of another number of surfaces")
    return list(chain.from_iterable(spread))
