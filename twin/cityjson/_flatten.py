"""Nested boundaries of many geometries as flat arrays; templates become geometries of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.cityjson._header import Floats, Header
from twin.cityjson._semantics import Semantics, semantics_of
from twin.cityjson._source import Part
from twin.errors import InvalidInputError

SURFACES = ("MultiSurface", "CompositeSurface")
SOLIDS = ("MultiSolid", "CompositeSolid")
LOOSE = ("MultiPoint", "MultiLineString")
_LONGEST = 60

Ints = NDArray[np.int64]
Rings = list[list[int]]


@dataclass
class Geometry:
    """One geometry of an object, as told; its surfaces are a slice of the batch's arrays."""

    owner: str
    position: int
    type: str
    lod: str | None
    template: int | None
    shells: Any
    """Faces of each shell, nested as the type nests them."""
    shell_counts: list[int]
    """The same without nesting."""
    rings_of_faces: list[int]
    """How many rings each face has; of points and lines, empty."""
    ring_lengths: list[int]
    semantics: Semantics | None
    themes: tuple[str, ...]
    """Names of the appearances that are left out."""


@dataclass
class Flat:
    """All geometries of a batch: vertex indices end to end, and the vertices that they name.

    Attributes
    ----------
    index : ndarray of int, shape (k,)
        Rows of ``base``.
    base : ndarray of float, shape (n, 3)
        In the file's frame.
    offset : ndarray of float, shape (n, 3), or None
        Metres to be added in the city's frame: templates in a file of degrees.
    """

    geometries: list[Geometry]
    index: Ints
    base: Floats
    offset: Floats | None
    notes: list[str] = field(default_factory=list)


class _Gathered:
    """Geometries, indices and vertices, as they come."""

    def __init__(self, header: Header, *, in_degrees: bool) -> None:
        self.header, self.in_degrees = header, in_degrees
        self.geometries: list[Geometry] = []
        self.indices: list[Ints] = []
        self.bases: list[Floats] = []
        self.offsets: list[Floats | None] = []
        self.count = 0
        self.notes: list[str] = []

    def vertices(self, base: Floats, offset: Floats | None = None) -> int:
        """Take over vertices and return the number of the first."""
        first = self.count
        self.bases.append(base)
        self.offsets.append(offset)
        self.count += len(base)
        return first

    def flat(self) -> Flat:
        """Return all as arrays, without the vertices that nothing names."""
        index = np.concatenate(self.indices) if self.indices else np.empty(0, np.int64)
        base = np.concatenate(self.bases) if self.bases else np.empty((0, 3))
        offset = None
        if any(one is not None for one in self.offsets):
            pairs = zip(self.offsets, self.bases, strict=True)
            offset = np.concatenate([np.zeros_like(b) if o is None else o for o, b in pairs])
        used, index = np.unique(index, return_inverse=True)
        return Flat(
            self.geometries,
            index.reshape(-1),
            base[used],
            None if offset is None else offset[used],
            self.notes,
        )


def flatten(parts: list[Part], header: Header, *, in_degrees: bool) -> Flat:
    """Return the geometries of a batch.

    Raises
    ------
    InvalidInputError
        If a boundary is not nested as its type asks, or names a vertex that is not there; the
        message names the object.
    """
    gathered = _Gathered(header, in_degrees=in_degrees)
    for part in parts:
        first = gathered.vertices(part.vertices)
        for name, told in part.objects.items():
            for position, geometry in enumerate(told.get("geometry") or ()):
                whose = f"geometry {position} of {name!r}"
                if not isinstance(geometry, dict):
                    raise InvalidInputError(f"{whose} is no JSON object")
                if geometry.get("type") == "GeometryInstance":
                    _instance(gathered, part, name, position, geometry, whose)
                    continue
                rings, found = _geometry(name, position, geometry, whose, gathered.notes)
                index = _index(rings, len(part.vertices), whose)
                gathered.geometries.append(found)
                gathered.indices.append(index + first)
    return gathered.flat()


def _geometry(
    name: str, position: int, told: dict[str, Any], whose: str, notes: list[str]
) -> tuple[Rings, Geometry]:
    """Return the rings of a geometry and what it says."""
    kind: Any = told.get("type")
    try:
        faces, shells, shell_counts = _unnested(kind, told.get("boundaries"), whose)
        if kind in LOOSE:
            rings, rings_of_faces = faces, []
        else:
            rings, rings_of_faces = list(chain.from_iterable(faces)), list(map(len, faces))
        lengths = list(map(len, rings))
    except TypeError as error:
        raise InvalidInputError(
            f"the boundaries of {whose} are not nested as {kind} asks"
        ) from error
    semantics = None
    if told.get("semantics") and kind not in LOOSE:
        semantics = semantics_of(told["semantics"], kind, shells, len(faces))
        if semantics is None:
            notes.append(f"the semantics of {whose} do not fit its surfaces: left out")
    themes = tuple(
        f"{word}: {theme}"
        for word in ("texture", "material")
        if isinstance(told.get(word), dict)
        for theme in told[word]
    )
    return rings, Geometry(
        name, position, kind, lod_of(told.get("lod"), whose), None, shells, shell_counts,
        rings_of_faces, lengths, semantics, themes,
    )  # fmt: skip


def _unnested(kind: Any, boundaries: Any, whose: str) -> tuple[list[Any], Any, list[int]]:
    """Return the faces of a geometry, and how many each shell has, nested and not."""
    if not isinstance(boundaries, list):
        raise InvalidInputError(f"{whose} has no boundaries")
    if kind in SURFACES:
        return boundaries, [len(boundaries)], [len(boundaries)]
    if kind == "Solid":
        shells = list(map(len, boundaries))
        return list(chain.from_iterable(boundaries)), shells, shells
    if kind in SOLIDS:
        nested = [list(map(len, solid)) for solid in boundaries]
        faces = chain.from_iterable(chain.from_iterable(boundaries))
        return list(faces), nested, list(chain.from_iterable(nested))
    if kind == "MultiPoint":
        return [boundaries], [], []
    if kind == "MultiLineString":
        return boundaries, [], []
    raise InvalidInputError(f"{whose} is of no type of CityJSON: {str(kind)[:_LONGEST]!r}")


def _index(rings: Rings, count: int, whose: str) -> Ints:
    """Return the vertex numbers of rings, end to end."""
    try:
        flat = list(chain.from_iterable(rings))
    except TypeError:
        raise InvalidInputError(
            f"the boundaries of {whose} are not nested as its type asks"
        ) from None
    if not flat:
        return np.empty(0, np.int64)
    try:
        index = np.array(flat)
    except ValueError:
        raise InvalidInputError(f"the boundaries of {whose} are nested too deep") from None
    if index.ndim != 1 or index.dtype.kind not in "iu":
        raise InvalidInputError(f"the boundaries of {whose} hold something else than whole numbers")
    low, high = int(index.min()), int(index.max())
    if low < 0 or high >= count:
        wrong = low if low < 0 else high
        raise InvalidInputError(f"{whose} names vertex {wrong}; there are {count}, from 0")
    return index.astype(np.int64)


def _instance(
    gathered: _Gathered, part: Part, name: str, position: int, told: dict[str, Any], whose: str
) -> None:
    """Make a geometry of a template, a matrix, and the vertex where it stands."""
    header, number = gathered.header, told.get("template")
    if not isinstance(number, int) or not 0 <= number < len(header.templates):
        raise InvalidInputError(
            f"{whose} is made from template {number!r}; there are {len(header.templates)}, from 0"
        )
    at = told.get("boundaries")
    anchor = _index([at] if isinstance(at, list) else [], len(part.vertices), whose)
    if len(anchor) != 1:
        raise InvalidInputError(f"{whose} must name the one vertex where it stands")
    matrix = _matrix(told.get("transformationMatrix"), whose)
    template = f"template {number} (of {whose})"
    rings, found = _geometry(name, position, header.templates[number], template, gathered.notes)
    index = _index(rings, len(header.template_vertices), template)
    used, index = np.unique(index, return_inverse=True)
    corners = np.c_[header.template_vertices[used], np.ones(len(used))] @ matrix.T
    own = corners[:, :3] / corners[:, 3:]
    if not np.isfinite(own).all():
        raise InvalidInputError(f"the transformationMatrix of {whose} leads nowhere")
    base = np.repeat(part.vertices[anchor], len(own), axis=0)
    first = gathered.vertices(base, own) if gathered.in_degrees else gathered.vertices(base + own)
    found.template = number
    gathered.geometries.append(found)
    gathered.indices.append(index.reshape(-1) + first)


def _matrix(told: Any, whose: str) -> Floats:
    try:
        found = np.array(told, np.float64)
    except (ValueError, TypeError):
        found = np.empty(0)
    if found.shape != (16,) or not np.isfinite(found).all():
        raise InvalidInputError(f"the transformationMatrix of {whose} is not 16 numbers")
    return found.reshape(4, 4)


def lod_of(told: Any, whose: str) -> str | None:
    """Return a level of detail as text; version 1.0 has numbers.

    >>> lod_of(2, ""), lod_of(2.0, ""), lod_of(1.3, ""), lod_of("2.2", ""), lod_of(None, "")
    ('2', '2', '1.3', '2.2', None)
    """
    if told is None:
        return None
    if isinstance(told, bool) or not isinstance(told, int | float | str):
        raise InvalidInputError(f"the level of detail of {whose} is {str(told)[:_LONGEST]!r}")
    words = f"{told:g}" if isinstance(told, int | float) else told.strip()
    if not 0 < len(words) <= 8:
        raise InvalidInputError(f"the level of detail of {whose} is {words[:_LONGEST]!r}")
    return words


def starts(counts: Ints) -> Ints:
    """Return where each of many runs begins, and the end of the last.

    >>> starts(np.array([2, 0, 3])).tolist()
    [0, 2, 2, 5]
    """
    return np.concatenate(([0], np.cumsum(counts, dtype=np.int64)))


def owners(parts: list[Part]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the objects of a batch."""
    for part in parts:
        yield from part.objects.items()
