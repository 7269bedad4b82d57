"""What the geometries of a batch are: triangles, closedness, volumes, footprints."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from twin.cityjson._faces import (
    Bools,
    Faces,
    Floats,
    Ints,
    Triangles,
    areas,
    closed,
    triangulated,
    volumes,
)
from twin.cityjson._flatten import LOOSE, SOLIDS, Flat, Geometry, starts
from twin.cityjson._footprint import footprint, plan_of
from twin.cityjson._semantics import GROUND


@dataclass(frozen=True)
class Measured:
    """One geometry: its own arrays, and what they tell.

    Attributes
    ----------
    index : ndarray of int, shape (k,)
        Its rings, end to end, as rows of the batch's points.
    corners : ndarray of int, shape (t, 3)
        Its triangles, likewise.
    face_triangles : ndarray of int, shape (faces,)
        Triangles of each face, in their order.
    is_plain : bool
        Whether every face is its one triangle, so that the triangles say all.
    """

    told: Geometry
    index: Ints
    corners: Ints
    face_triangles: Ints
    is_plain: bool
    degenerate: Ints
    unlike: int
    area_m2: float | None
    is_closed: bool | None
    volume_m3: float | None
    inside_out: int
    footprint: BaseGeometry
    footprint_from: str


@dataclass(frozen=True)
class _Slices:
    """Where the rings, faces, shells and indices of each geometry begin."""

    entry: Ints
    ring: Ints
    face: Ints
    shell: Ints


def welded(points: Floats) -> Ints:
    """Return for each point the first one at the same place, shape (n,).

    >>> welded(np.array([[0.0, 0, 1], [1, 1, 1], [0, 0, 1]])).tolist()
    [0, 1, 0]
    """
    order = np.lexsort(points.T[::-1])
    same = np.r_[False, (points[order][1:] == points[order][:-1]).all(axis=1)]
    run = np.cumsum(~same) - 1
    # lexsort is stable: the first of a run is the one that comes first in the file.
    first = order[~same]
    found = np.empty(len(points), np.int64)
    found[order] = first[run]
    return found


def measured(flat: Flat, points: Floats) -> list[Measured]:
    """Return every geometry of a batch, measured.

    Parameters
    ----------
    flat : Flat
    points : ndarray of float, shape (n, 3)
        The batch's vertices in the city's frame.
    """
    if not flat.geometries:
        return []
    told = flat.geometries
    index = welded(points)[flat.index]
    at = _Slices(
        starts(np.array([sum(one.ring_lengths) for one in told])),
        starts(np.array([len(one.ring_lengths) for one in told])),
        starts(np.array([len(one.rings_of_faces) for one in told])),
        starts(np.array([len(one.shell_counts) for one in told])),
    )
    faces = _faces(told, index)
    triangles = triangulated(faces, points)
    group = faces.group[triangles.face]
    shell_closed = closed(faces, len(points))
    shell_volume = volumes(triangles.corners, group, faces.groups, points)
    shapes, twice = plan_of(triangles.corners, points)
    area = areas(triangles.corners, points)
    counts = np.bincount(triangles.face, minlength=len(faces.group))
    first = starts(counts)
    found = []
    for number, one in enumerate(told):
        own = index[at.entry[number] : at.entry[number + 1]]
        if one.type in LOOSE:
            found.append(_loose(one, own, points))
            continue
        face = slice(at.face[number], at.face[number + 1])
        cut = slice(first[face.start], first[face.stop])
        shell = slice(at.shell[number], at.shell[number + 1])
        is_closed, volume, wrong = _volume(one, shell_closed[shell], shell_volume[shell])
        shape, source = _shape(one, triangles, face, cut, shapes, twice, points, is_closed)
        per_face = counts[face]
        found.append(
            Measured(
                one, own, triangles.corners[cut], per_face,
                bool((per_face == 1).all()) and max(one.ring_lengths, default=3) == 3
                and max(one.rings_of_faces, default=1) == 1,
                np.flatnonzero(triangles.degenerate[face]), int(triangles.unlike[face].sum()),
                float(area[cut].sum()), is_closed, volume, wrong, shape, source,
            )
        )  # fmt: skip
    return found


def _faces(told: list[Geometry], index: Ints) -> Faces:
    """Return the surfaces of all geometries; rings of points and lines belong to no face."""
    rings = [length for one in told for length in one.ring_lengths]
    ring_start = starts(np.array(rings, np.int64))
    solid = np.repeat(
        [one.type not in LOOSE for one in told], [len(one.ring_lengths) for one in told]
    )
    lengths = np.array(rings, np.int64)[solid]
    entry = np.repeat(solid, np.diff(ring_start))
    counts = np.array([n for one in told for n in one.rings_of_faces], np.int64)
    shells = np.array([n for one in told for n in one.shell_counts], np.int64)
    group = np.repeat(np.arange(len(shells)), shells)
    return Faces(index[entry], starts(lengths), starts(counts), group, len(shells))


def _volume(told: Geometry, is_closed: Bools, signed: Floats) -> tuple[bool, float | None, int]:
    """Return whether a geometry is closed, its volume, and how many shells are inside out."""
    whole = bool(len(is_closed)) and bool(is_closed.all())
    solids = _solids(told)
    outer = np.zeros(len(signed), bool)
    outer[[first for first, _ in solids if first < len(signed)]] = True
    wrong = int((outer & is_closed & (signed < 0)).sum()) if told.type in (*SOLIDS, "Solid") else 0
    if not whole:
        return False, None, wrong
    volume = sum(
        abs(float(signed[first])) - float(np.abs(signed[first + 1 : end]).sum())
        for first, end in solids
    )
    return True, max(volume, 0.0), wrong


def _solids(told: Geometry) -> list[tuple[int, int]]:
    """Return the shells of each solid: the first bounds it, the others are its hollows."""
    if told.type not in SOLIDS:
        return [(0, len(told.shell_counts))] if told.shell_counts else []
    ends = starts(np.array([len(solid) for solid in told.shells], np.int64)).tolist()
    return [(a, b) for a, b in pairwise(ends) if b > a]


def _shape(
    told: Geometry,
    triangles: Triangles,
    face: slice,
    cut: slice,
    shapes: NDArray[np.object_],
    twice: Floats,
    points: Floats,
    is_closed: bool,
) -> tuple[BaseGeometry, str]:
    """Return the footprint: of the ground surfaces if they are told, else of all of it."""
    corners = triangles.corners[cut]
    if not len(corners):
        return shapely.MultiPolygon(), "projection"
    if told.semantics is not None:
        ground = told.semantics.faces_of(GROUND)[triangles.face[cut] - face.start]
        if (twice[cut][ground] != 0).any():
            own = shapes[cut][ground], twice[cut][ground], corners[ground]
            return footprint(*own, points, is_closed=False), "ground_surfaces"
    return footprint(shapes[cut], twice[cut], corners, points, is_closed=is_closed), "projection"


def _loose(told: Geometry, index: Ints, points: Floats) -> Measured:
    """Return points or lines."""
    plan = points[index, :2]
    shape: Any
    if told.type == "MultiPoint":
        shape, source = shapely.multipoints(plan), "points"
    else:
        ends = starts(np.array(told.ring_lengths, np.int64))
        lines = [plan[a:b] for a, b in pairwise(ends) if b - a > 1]
        shape, source = shapely.multilinestrings(lines), "lines"
    none = np.empty(0, np.int64)
    return Measured(
        told, index, none.reshape(0, 3), none, False, none, 0, None, None, None, 0, shape, source
    )
