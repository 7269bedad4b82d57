"""Triangle meshes: how far a line passes, and what a level plane cuts.

Kernels: arrays in, numbers and polygons out; metres.
"""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

Floats = NDArray[np.float64]

_TINY = 1e-12
_GRID_M = 1e-5


def corners(
    vertices: bytes, triangles: bytes, count: int, centre: tuple[float, float, float]
) -> Floats:
    """Return the triangles of a stored mesh in the city's frame, shape (m, 3, 3).

    Parameters
    ----------
    vertices, triangles : bytes
        As ``twin.bim_mesh`` holds them.
    count : int
        How many vertices there are.
    centre : (float, float, float)
        Where the mesh's zero is, m.
    """
    points = np.frombuffer(vertices, "<f4").reshape(-1, 3).astype(np.float64) + centre
    faces = np.frombuffer(triangles, "<u2" if count < 65_536 else "<u4").reshape(-1, 3)
    found: Floats = points[faces]
    return found


def distance_m(start: Floats, end: Floats, triangles: Floats) -> float:
    """Return how far a straight piece of line is from a mesh, 0 where they touch.

    Parameters
    ----------
    start, end : ndarray of float, shape (3,)
    triangles : ndarray of float, shape (m, 3, 3)

    Notes
    -----
    The least of: both ends to every triangle, the piece to every edge; 0 where the piece goes
    through a triangle [1]_, sections 5.1 and 5.3.

    References
    ----------
    .. [1] Ericson, C. (2005). Real-Time Collision Detection. Morgan Kaufmann.

    Examples
    --------
    A vertical piece two metres beside a triangle, and one through it:

    >>> triangle = np.array([[[0.0, 0, 0], [4, 0, 0], [0, 4, 0]]])
    >>> distance_m(np.array([-2.0, 1, -1]), np.array([-2.0, 1, 1]), triangle)
    2.0
    >>> distance_m(np.array([1.0, 1, -1]), np.array([1.0, 1, 1]), triangle)
    0.0
    """
    if _goes_through(start, end, triangles):
        return 0.0
    least = min(_to_triangles(start, triangles), _to_triangles(end, triangles))
    for a, b in ((0, 1), (1, 2), (2, 0)):
        least = min(least, _to_edges(start, end, triangles[:, a], triangles[:, b]))
    return float(np.sqrt(least))


def holds(point: Floats, triangles: Floats) -> bool:
    """Return whether a closed mesh holds a point: a ray upwards leaves it an odd number of times.

    >>> box = section_box()
    >>> holds(np.array([0.3, 0.4, 0.5]), box), holds(np.array([0.3, 0.4, 1.5]), box)
    (True, False)
    """
    # A ray from a crooked place does not meet edges of upright and level things.
    x, y = point[0] + 1.37e-7, point[1] + 2.91e-7
    a, b, c = (triangles[:, i, :2] - (x, y) for i in range(3))
    sides = np.stack([_cross(a, b), _cross(b, c), _cross(c, a)])
    area = sides.sum(axis=0)
    over = (np.all(sides > 0, axis=0) | np.all(sides < 0, axis=0)) & (np.abs(area) > _TINY)
    z = triangles[:, :, 2]
    # Weights of the corners: what stands opposite to each.
    height = (sides[1] * z[:, 0] + sides[2] * z[:, 1] + sides[0] * z[:, 2])[over] / area[over]
    return bool(np.count_nonzero(height > point[2]) % 2)


def section(triangles: Floats, z_m: float) -> BaseGeometry:
    """Return what a level plane cuts of a mesh: areas where the cut closes, else lines.

    A corner exactly on the plane counts as above it, so that every triangle is cut once or not at
    all.

    >>> section(section_box(), 0.25).area
    1.0
    """
    above = triangles[:, :, 2] >= z_m
    cut = above.any(axis=1) & ~above.all(axis=1)
    if not cut.any():
        return shapely.MultiPolygon()
    faces, above = triangles[cut], above[cut]
    # The corner that is alone on its side: from it two edges go through the plane.
    alone = np.where(above.sum(axis=1) == 1, above.argmax(axis=1), (~above).argmax(axis=1))
    rows = np.arange(len(faces))
    first = faces[rows, alone]
    ends = []
    for step in (1, 2):
        other = faces[rows, (alone + step) % 3]
        share = (z_m - first[:, 2]) / (other[:, 2] - first[:, 2])
        ends.append(first[:, :2] + share[:, None] * (other[:, :2] - first[:, :2]))
    pieces = np.round(np.stack(ends, axis=1) / _GRID_M) * _GRID_M
    pieces = pieces[np.any(pieces[:, 0] != pieces[:, 1], axis=1)]
    if not len(pieces):
        return shapely.MultiPolygon()
    lines = shapely.union_all(shapely.MultiLineString(list(pieces)))
    areas = shapely.build_area(lines)
    return lines if areas is None or areas.is_empty else areas


def section_box() -> Floats:
    """Return the unit cube as twelve triangles, shape (12, 3, 3), for examples and tests."""
    corner = np.array([[x, y, z] for z in (0, 1) for y in (0, 1) for x in (0, 1)], np.float64)
    quads = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]
    faces = [half for a, b, c, d in quads for half in ((a, b, c), (a, c, d))]
    found: Floats = corner[np.array(faces)]
    return found


def _cross(a: Floats, b: Floats) -> Floats:
    found: Floats = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    return found


def _dot(a: Floats, b: Floats) -> Floats:
    found: Floats = np.einsum("...i,...i->...", a, b)
    return found


def _goes_through(start: Floats, end: Floats, triangles: Floats) -> bool:
    """Return whether a piece of line meets the inside of a triangle (Möller and Trumbore, 1997)."""
    way = end - start
    a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
    ab, ac = b - a, c - a
    across = np.cross(np.broadcast_to(way, ac.shape), ac)
    determinant = _dot(ab, across)
    sound = np.abs(determinant) > _TINY
    inverse = np.divide(1.0, determinant, out=np.zeros_like(determinant), where=sound)
    off = start - a
    u = _dot(off, across) * inverse
    over = np.cross(off, ab)
    v = _dot(np.broadcast_to(way, over.shape), over) * inverse
    t = _dot(ac, over) * inverse
    return bool(np.any(sound & (u >= 0) & (v >= 0) & (u + v <= 1) & (t >= 0) & (t <= 1)))


def _to_triangles(point: Floats, triangles: Floats) -> float:
    """Return the least squared distance of a point to the insides of triangles."""
    a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
    normal = np.cross(b - a, c - a)
    size = _dot(normal, normal)
    off = point - a
    height = _dot(off, normal)
    foot = (
        point
        - normal * np.divide(height, size, out=np.zeros_like(size), where=size > _TINY)[:, None]
    )
    inside = size > _TINY
    for p, q in ((a, b), (b, c), (c, a)):
        inside &= _dot(np.cross(q - p, foot - p), normal) >= 0
    if not inside.any():
        return np.inf
    return float((height[inside] ** 2 / size[inside]).min())


def _to_edges(start: Floats, end: Floats, first: Floats, last: Floats) -> float:
    """Return the least squared distance between one piece of line and many."""
    way, ways, off = end - start, last - first, start - first
    a, e = float(way @ way), _dot(ways, ways)
    b, c, f = ways @ way, off @ way, _dot(ways, off)
    denominator = a * e - b * b
    s = np.divide(b * f - c * e, denominator, out=np.zeros_like(e), where=denominator > _TINY)
    s = np.clip(s, 0, 1)
    t = np.divide(b * s + f, e, out=np.zeros_like(e), where=e > _TINY)
    # Where the other piece ends before its nearest point, look again from that end.
    ended = (t < 0) | (t > 1)
    t = np.clip(t, 0, 1)
    if a > _TINY:
        s = np.where(ended, np.clip((b * t - c) / a, 0, 1), s)
    apart = off + s[:, None] * way - t[:, None] * ways
    return float(_dot(apart, apart).min())
