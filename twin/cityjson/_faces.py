"""Kernels on the surfaces of many geometries at once: triangles, areas, closedness, volumes.

All lengths in metres; a face is one outer ring and any number of holes, of vertices counted
end to end.
"""

from __future__ import annotations

from dataclasses import dataclass

import mapbox_earcut
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

LEAST_AREA_M2 = 1e-7
"""A tenth of a square millimetre: below it a surface has no plane."""
_UNLIKE = 1e-3


@dataclass(frozen=True)
class Faces:
    """Surfaces end to end.

    Attributes
    ----------
    index : ndarray of int, shape (k,)
        Vertices, ring after ring.
    ring_start : ndarray of int, shape (rings + 1,)
    face_start : ndarray of int, shape (faces + 1,)
        First ring of each face.
    group : ndarray of int, shape (faces,)
        The shell of each face.
    groups : int
        How many shells there are.
    """

    index: Ints
    ring_start: Ints
    face_start: Ints
    group: Ints
    groups: int

    @property
    def ring_of(self) -> Ints:
        """The ring of each entry of ``index``."""
        return np.repeat(np.arange(len(self.ring_start) - 1), np.diff(self.ring_start))

    @property
    def face_of_ring(self) -> Ints:
        """The face of each ring."""
        return np.repeat(np.arange(len(self.face_start) - 1), np.diff(self.face_start))

    def after(self) -> Ints:
        """Return the vertex that follows each entry of ``index`` in its ring."""
        following = np.empty_like(self.index)
        following[:-1] = self.index[1:]
        filled = np.diff(self.ring_start) > 0
        following[self.ring_start[1:][filled] - 1] = self.index[self.ring_start[:-1][filled]]
        return following


@dataclass(frozen=True)
class Triangles:
    """What surfaces were cut into.

    Attributes
    ----------
    corners : ndarray of int, shape (t, 3)
        Vertices, counterclockwise seen from where the face is.
    face : ndarray of int, shape (t,)
        Ascending.
    degenerate : ndarray of bool, shape (faces,)
        Faces without an area; they have no triangles.
    unlike : ndarray of bool, shape (faces,)
        Faces whose triangles do not add up to them: they cross themselves.
    """

    corners: Ints
    face: Ints
    degenerate: Bools
    unlike: Bools


def triangulated(faces: Faces, points: Floats) -> Triangles:
    """Return surfaces as triangles: triangles as they are, others cut by earcut on their plane.

    Parameters
    ----------
    faces : Faces
    points : ndarray of float, shape (n, 3)

    Examples
    --------
    A square, seen from above, with a square hole, and a line that is no surface:

    >>> xy = [[0, 0], [3, 0], [3, 3], [0, 3], [1, 1], [1, 2], [2, 2], [2, 1]]
    >>> points = np.c_[np.array(xy, float), np.zeros(8)]
    >>> found = triangulated(
    ...     Faces(np.array([0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 0]), np.array([0, 4, 8, 11]),
    ...           np.array([0, 2, 3]), np.array([0, 0]), 1), points)
    >>> len(found.corners), found.degenerate.tolist(), bool(found.unlike.any())
    (8, [False, True], False)
    """
    lengths, holes = np.diff(faces.ring_start), np.diff(faces.face_start)
    whole = holes > 0
    outer = faces.face_start[:-1].copy()
    outer[~whole] = 0
    normals = _ring_normals(faces, points)
    normal = np.zeros((len(holes), 3))
    normal[whole] = normals[outer[whole]]
    degenerate = ~whole | ~(np.linalg.norm(normal, axis=1) / 2 > LEAST_AREA_M2)
    simple = np.zeros(len(holes), bool)
    simple[whole] = (holes[whole] == 1) & (lengths[outer[whole]] == 3)
    plain = np.flatnonzero(simple & ~degenerate)
    first = faces.ring_start[outer[plain]]
    corners = faces.index[first[:, None] + np.arange(3)]
    cut, face = _cut(faces, points, normal, np.flatnonzero(~simple & ~degenerate))
    corners, face = np.concatenate((corners, cut)), np.concatenate((plain, face))
    order = np.argsort(face, kind="stable")
    corners, face = corners[order], face[order]
    return Triangles(corners, face, degenerate, _unlike(faces, points, normals, corners, face))


def _ring_normals(faces: Faces, points: Floats) -> Floats:
    """Return twice the area of each ring along its normal (Newell), shape (rings, 3)."""
    rings = len(faces.ring_start) - 1
    if not len(faces.index):
        return np.zeros((rings, 3))
    ring = faces.ring_of
    # About a point of the ring: far from zero, products lose what areas are made of.
    about = points[faces.index[faces.ring_start[:-1][ring]]]
    crossed = np.cross(points[faces.index] - about, points[faces.after()] - about)
    return np.stack([np.bincount(ring, crossed[:, i], rings) for i in range(3)], axis=1)


def _cut(faces: Faces, points: Floats, normal: Floats, chosen: Ints) -> tuple[Ints, Ints]:
    """Return the triangles of polygons and their faces."""
    if not len(chosen):
        return np.empty((0, 3), np.int64), np.empty(0, np.int64)
    plan = _on_planes(faces, points, normal)
    ring_start, face_start = faces.ring_start, faces.face_start
    first_ring, last_ring = face_start[chosen].tolist(), face_start[chosen + 1].tolist()
    found, counts = [], []
    for begin, end in zip(first_ring, last_ring, strict=True):
        at = int(ring_start[begin])
        # A ring of nothing ends where the one before it ends.
        ends = np.unique(ring_start[begin + 1 : end + 1] - at)
        corners = mapbox_earcut.triangulate_float64(
            plan[at : at + int(ends[-1])], ends.astype(np.uint32)
        )
        found.append(corners.astype(np.int64) + at)
        counts.append(len(corners) // 3)
    return faces.index[np.concatenate(found)].reshape(-1, 3), np.repeat(chosen, counts)


def _on_planes(faces: Faces, points: Floats, normal: Floats) -> Floats:
    """Return each entry of ``index`` on the coordinate plane that its face lies flattest on.

    The plane is looked at from the face's front, so that the outer ring is counterclockwise there,
    as the triangles will be.  Shape (k, 2).
    """
    face = faces.face_of_ring[faces.ring_of]
    # Holes must lie where they are beside the outer ring: about its first point, not their own.
    first = faces.ring_start[faces.face_start[:-1][face]]
    at = points[faces.index] - points[faces.index[np.minimum(first, len(faces.index) - 1)]]
    axis = np.abs(normal).argmax(axis=1)
    front = normal[np.arange(len(normal)), axis] > 0
    right, up = (axis + 1) % 3, (axis + 2) % 3
    right, up = np.where(front, right, up), np.where(front, up, right)
    rows = np.arange(len(at))
    return np.ascontiguousarray(np.stack((at[rows, right[face]], at[rows, up[face]]), axis=1))


def _unlike(faces: Faces, points: Floats, normals: Floats, corners: Ints, face: Ints) -> Bools:
    """Return which faces' triangles do not add up to the area of their rings."""
    count = len(faces.face_start) - 1
    rings = np.linalg.norm(normals, axis=1) / 2
    outer = np.zeros(len(rings), bool)
    outer[faces.face_start[:-1][np.diff(faces.face_start) > 0]] = True
    expected = np.bincount(faces.face_of_ring, np.where(outer, rings, -rings), count)
    found = np.bincount(face, areas(corners, points), count)
    off: Bools = np.abs(found - expected) > _UNLIKE * np.abs(expected) + LEAST_AREA_M2
    return off & (np.bincount(face, minlength=count) > 0)


def areas(corners: Ints, points: Floats) -> Floats:
    """Return the areas of triangles, shape (t,)."""
    a, b, c = points[corners[:, 0]], points[corners[:, 1]], points[corners[:, 2]]
    found: Floats = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    return found


def closed(faces: Faces, count: int) -> Bools:
    """Return which shells are closed: each edge is walked as often one way as the other.

    Parameters
    ----------
    faces : Faces
        Vertices at one place must have one number.
    count : int
        How many vertices there are.

    Examples
    --------
    A tetrahedron, and one without its floor:

    >>> sides = [0, 1, 3, 1, 2, 3, 2, 0, 3]
    >>> index = np.array([0, 2, 1, *sides, *sides])
    >>> faces = Faces(index, np.arange(0, 22, 3), np.arange(8), np.array([0] * 4 + [1] * 3), 2)
    >>> closed(faces, 4).tolist()
    [True, False]
    """
    entry = np.repeat(faces.group[faces.face_of_ring], np.diff(faces.ring_start))
    start, end = faces.index, faces.after()
    edge = start != end
    start, end, entry = start[edge], end[edge], entry[edge]
    # Vertices of a shell numbered on their own, so that an edge is one whole number.
    own, place = np.unique(
        np.concatenate((entry * count + start, entry * count + end)), return_inverse=True
    )
    size = len(own)
    a, b = place[: len(start)], place[len(start) :]
    edges, often = np.unique(a * size + b, return_counts=True)
    back = edges % size * size + edges // size if size else edges
    at = np.minimum(np.searchsorted(edges, back), max(len(edges) - 1, 0))
    paired = (edges[at] == back) & (often[at] == often)
    found = np.bincount(entry, minlength=faces.groups) > 0
    found[(own[edges[~paired] // size] // count) if size else []] = False
    return found


def volumes(corners: Ints, group: Ints, groups: int, points: Floats) -> Floats:
    """Return the signed volume that the triangles of each shell enclose, m³, shape (groups,).

    >>> points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 2]], float)
    >>> corners = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]])
    >>> volumes(corners, np.zeros(4, int), 1, points).round(6).tolist()
    [0.333333]
    """
    if not len(corners):
        return np.zeros(groups)
    first = np.zeros(groups, np.int64)
    first[group[::-1]] = corners[::-1, 0]
    about = points[first[group]]
    a, b, c = (points[corners[:, i]] - about for i in range(3))
    six = np.einsum("ij,ij->i", a, np.cross(b, c))
    return np.bincount(group, six, groups) / 6
