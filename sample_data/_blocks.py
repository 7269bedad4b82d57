"""Blocks as building land: set back from their streets, turned to one of them, given a kind."""

import math
import random
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from sample_data._geometry import Floats, Ints, Shapes, areas
from sample_data._mesh import Mesh
from sample_data._plan import Plan
from sample_data._shapes import Ring
from sample_data._streets import RIGHT_OF_WAY_M, Lines, is_built

_LEAST_M2 = 250.0
_SETBACK_M = {"old": 0.5, "village": 1.0, "centre": 5.0, "homes": 5.0, "campus": 8.0}
_KINDS: dict[str, tuple[tuple[str, float], ...]] = {
    "old": (("arcades", 0.62), ("yards", 0.24), ("market", 0.06), ("slabs", 0.04), ("park", 0.04)),
    "village": (("cottages", 0.93), ("market", 0.03), ("park", 0.04)),
    "centre": (
        ("podium", 0.36),
        ("mall", 0.16),
        ("offices", 0.24),
        ("towers", 0.16),
        ("park", 0.08),
    ),
    "homes": (("slabs", 0.42), ("towers", 0.30), ("walkups", 0.22), ("park", 0.06)),
    "campus": (("campus", 1.0),),
    "industry": (("works", 0.92), ("slabs", 0.08)),
    "harbour": (("depots", 0.7), ("tanks", 0.3)),
}
_SOUTH_FACING = ("slabs", "towers", "walkups", "campus", "school", "hospital")


@dataclass
class Lot:
    """A block that can be built on.

    ``ring`` is its building line in a frame turned by ``angle`` about the city's origin of
    coordinates ``origin``; ``street`` is the street its addresses count on.
    """

    block: int
    quarter: int
    cell: int
    zone: str
    kind: str
    ring: Ring
    angle: float
    origin: tuple[float, float]
    street: int
    u: float
    v: float
    hosts: list[str] = field(default_factory=list)

    area_m2: float = 0.0


def draw_lots(mesh: Mesh, lines: Lines, plan: Plan) -> list[Lot]:
    """Return every block that can be built on, nearest to the city's core first."""
    draw = random.Random(f"{plan.seed}/kinds")
    built = [number for number, block in enumerate(mesh.blocks) if is_built(block.zone)]
    land, frontage = _land(mesh, lines, built)
    lots = []
    for number, inside, street in zip(built, land, frontage, strict=True):
        if inside is None:
            continue
        block = mesh.blocks[number]
        names, weights = zip(*_KINDS[block.zone], strict=True)
        kind = draw.choices(names, weights)[0]
        angle, origin, ring = _turned(inside, south_facing=kind in _SOUTH_FACING)
        low_u, low_v, high_u, high_v = mesh.box(block.corners)
        lots.append(
            Lot(
                *(number, block.quarter, block.cell, block.zone, kind, ring, angle, origin),
                *(street, (low_u + high_u) / 2, (low_v + high_v) / 2),
                area_m2=ring_area_m2(ring),
            )
        )
    return sorted(lots, key=lambda lot: _distance(lot, mesh, plan))


def _distance(lot: Lot, mesh: Mesh, plan: Plan) -> tuple[float, int, int]:
    """Order by quarter, so that what is written together lies together."""
    low_u, low_v, high_u, high_v = mesh.box(mesh.quarters[lot.quarter].corners)
    away = math.hypot((low_u + high_u) / 2 - plan.core[0], (low_v + high_v) / 2 - plan.core[1])
    return away, lot.quarter, lot.block


def _land(mesh: Mesh, lines: Lines, built: list[int]) -> tuple[list[Floats | None], list[int]]:
    """Return the building land of blocks, and the longest street at each."""
    half_m = [RIGHT_OF_WAY_M[street.road_class] / 2 for street in mesh.streets]
    at: list[int] = []
    setbacks: list[float] = []
    sizes, frontage = [], []
    for number in built:
        block = mesh.blocks[number]
        corners = mesh.around(block.corners)
        extra = _SETBACK_M.get(block.zone, 7.0)
        before = len(at)
        length_m: dict[int, float] = {}
        for a, b in zip(corners, corners[1:] + corners[:1], strict=True):
            street = mesh.side_street[(a, b) if a < b else (b, a)]
            span = lines.indices(a, b)
            at += span
            setbacks += [extra + (half_m[street] if street >= 0 else 2.0)] * len(span)
            if street >= 0 and mesh.streets[street].deck_level == 0:
                own = math.hypot(mesh.u[a] - mesh.u[b], mesh.v[a] - mesh.v[b])
                length_m[street] = length_m.get(street, 0.0) + own
        sizes.append(len(at) - before)
        frontage.append(max(length_m, key=lambda street: (length_m[street], street), default=-1))
    return inset(lines.points[at], np.array(setbacks), np.array(sizes)), frontage


def inset(outlines: Floats, setbacks: Floats, sizes: Ints) -> list[Floats | None]:
    """Return outlines with each of their pieces moved inwards by its own distance.

    Parameters
    ----------
    outlines : ndarray of float, shape (n, 2)
        Corners of all outlines one after the other, anticlockwise, not closed, m.
    setbacks : ndarray of float, shape (n,)
        How far the piece from each corner to the next moves, m.
    sizes : ndarray of int, shape (outlines,)
        Number of corners of each outline.

    Returns
    -------
    list of ndarray of float, shape (m, 2), or None
        The corners inside, anticlockwise, not closed; None if too little is left to build on.

    Examples
    --------
    >>> square = np.array([(0.0, 0.0), (50.0, 0.0), (50.0, 50.0), (0.0, 50.0)])
    >>> land = inset(square, np.array([10.0, 5.0, 5.0, 5.0]), np.array([4]))[0]
    >>> land.min(axis=0).tolist(), land.max(axis=0).tolist()
    ([5.0, 10.0], [45.0, 45.0])
    """
    owner = np.repeat(np.arange(len(sizes)), sizes)
    last = np.cumsum(sizes) - 1
    first = last - sizes + 1
    following = np.arange(1, len(outlines) + 1)
    following[last] = first
    previous = np.arange(-1, len(outlines) - 1)
    previous[first] = last
    ahead = outlines[following] - outlines
    ahead /= np.hypot(ahead[:, 0], ahead[:, 1])[:, None]
    normal = np.column_stack([-ahead[:, 1], ahead[:, 0]])
    behind, before = ahead[previous], setbacks[previous]
    turn = behind[:, 0] * ahead[:, 1] - behind[:, 1] * ahead[:, 0]
    straight = np.abs(turn) < 0.12
    safe = np.where(straight, 1.0, turn)
    # The corner's step p is where both moved lines meet: p·n0 = d0 and p·n1 = d1.
    mitre = (before[:, None] * ahead - setbacks[:, None] * behind) / safe[:, None]
    step = np.where(straight[:, None], normal * np.maximum(setbacks, before)[:, None], mitre)
    moved = areas(outlines + step, owner, np.arange(len(sizes)))
    bad = np.flatnonzero(~shapely.is_valid(moved) | ~_anticlockwise(moved))
    if len(bad):
        whole = areas(outlines, owner, np.arange(len(sizes)))[bad]
        most = np.maximum.reduceat(setbacks, first)[bad]
        moved[bad] = shapely.buffer(whole, -most, join_style="mitre")
    return [_corners(shape) for shape in shapely.simplify(moved, 0.5)]


def _anticlockwise(shapes: Shapes) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = shapely.is_ccw(
        shapely.get_exterior_ring(shapely.get_geometry(shapes, 0))
    )
    return found


def _corners(shape: BaseGeometry) -> Floats | None:
    if shapely.get_num_geometries(shape) != 1 or shapely.area(shape) < _LEAST_M2:
        return None
    ring = shapely.get_exterior_ring(shapely.get_geometry(shape, 0))
    corners = shapely.get_coordinates(ring)[:-1]
    return corners if shapely.is_ccw(ring) else corners[::-1]


def ring_area_m2(ring: Ring) -> float:
    """Return the area inside an outline, m².

    >>> ring_area_m2([(0, 0), (2, 0), (2, 1)])
    1.0
    """
    twice, (x0, y0) = 0.0, ring[-1]
    for x1, y1 in ring:
        twice += x0 * y1 - x1 * y0
        x0, y0 = x1, y1
    return twice / 2


def _turned(inside: Floats, *, south_facing: bool) -> tuple[float, tuple[float, float], Ring]:
    """Turn building land so that x runs along its longest side, or along the most eastward one."""
    corners = [(float(x), float(y)) for x, y in inside]
    best, angle, origin = -1.0, 0.0, corners[0]
    for (x0, y0), (x1, y1) in pairwise([*corners, corners[0]]):
        length = math.hypot(x1 - x0, y1 - y0)
        worth = length * (abs(x1 - x0) / length) ** 3 if south_facing else length
        if worth > best:
            best, angle, origin = worth, math.atan2(y1 - y0, x1 - x0), (x0, y0)
    if south_facing and abs(angle) > math.pi / 2:
        angle -= math.copysign(math.pi, angle)
    cos, sin = math.cos(angle), math.sin(angle)
    ring = []
    for x, y in corners:
        dx, dy = x - origin[0], y - origin[1]
        ring.append((dx * cos + dy * sin, dy * cos - dx * sin))
    return angle, origin, ring
