"""Blocks as building land: set back from their streets, turned to one of them, given a kind."""

import math
import random
from dataclasses import dataclass, field

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from sample_data._mesh import Mesh
from sample_data._plan import Floats, Plan
from sample_data._shapes import Ring
from sample_data._streets import RIGHT_OF_WAY_M, Lines, is_built

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

    @property
    def area_m2(self) -> float:
        """Area inside the building line, m²."""
        x, y = np.array(self.ring).T
        return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def draw_lots(mesh: Mesh, lines: Lines, plan: Plan) -> list[Lot]:
    """Return every block that can be built on, nearest to the city's core first."""
    draw = random.Random(f"{plan.seed}/kinds")
    lots = []
    for number, block in enumerate(mesh.blocks):
        if not is_built(block.zone):
            continue
        corners = mesh.around(block.corners)
        outline, setbacks, frontage = _outline(
            mesh, lines, corners, _SETBACK_M.get(block.zone, 7.0)
        )
        inside = inset(outline, setbacks)
        if inside is None:
            continue
        names, weights = zip(*_KINDS[block.zone], strict=True)
        kind = draw.choices(names, weights)[0]
        angle, origin, ring = _turned(inside, south_facing=kind in _SOUTH_FACING)
        low_u, low_v, high_u, high_v = mesh.box(block.corners)
        middle = ((low_u + high_u) / 2, (low_v + high_v) / 2)
        lots.append(
            Lot(
                *(number, block.quarter, block.cell, block.zone, kind, ring, angle, origin),
                *(frontage, *middle),
            )
        )
    return sorted(lots, key=lambda lot: _distance(lot, mesh, plan))


def _distance(lot: Lot, mesh: Mesh, plan: Plan) -> tuple[float, int, int]:
    """Order by quarter, so that what is written together lies together."""
    low_u, low_v, high_u, high_v = mesh.box(mesh.quarters[lot.quarter].corners)
    away = math.hypot((low_u + high_u) / 2 - plan.core[0], (low_v + high_v) / 2 - plan.core[1])
    return away, lot.quarter, lot.block


def _outline(
    mesh: Mesh, lines: Lines, corners: list[int], setback_m: float
) -> tuple[Floats, Floats, int]:
    """Return a block's outline, how far each piece is set back, and its longest street."""
    points, setbacks = [], []
    length_m: dict[int, float] = {}
    for a, b in zip(corners, corners[1:] + corners[:1], strict=True):
        line = lines.of(a, b)
        street = mesh.side_street[min(a, b), max(a, b)]
        half = RIGHT_OF_WAY_M[mesh.streets[street].road_class] / 2 if street >= 0 else 2.0
        points.append(line[:-1])
        setbacks += [half + setback_m] * (len(line) - 1)
        if street >= 0 and mesh.streets[street].deck_level == 0:
            span = float(np.hypot(*(line[-1] - line[0])))
            length_m[street] = length_m.get(street, 0.0) + span
    frontage = max(length_m, key=lambda street: (length_m[street], street), default=-1)
    return np.concatenate(points), np.array(setbacks), frontage


def inset(outline: Floats, setbacks: Floats) -> Floats | None:
    """Return an outline with each piece moved inwards by its own distance.

    Parameters
    ----------
    outline : ndarray of float, shape (n, 2)
        Corners, anticlockwise, not closed, m.
    setbacks : ndarray of float, shape (n,)
        How far the piece from corner k to corner k + 1 moves, m.

    Returns
    -------
    ndarray of float, shape (m, 2), or None
        The corners inside, anticlockwise, not closed; None if too little is left to build on.

    Examples
    --------
    >>> square = np.array([(0.0, 0.0), (50.0, 0.0), (50.0, 50.0), (0.0, 50.0)])
    >>> inset(square, np.array([10.0, 5.0, 5.0, 5.0])).min(axis=0).tolist()
    [5.0, 10.0]
    """
    ahead = np.roll(outline, -1, axis=0) - outline
    ahead /= np.hypot(ahead[:, 0], ahead[:, 1])[:, None]
    normal = np.column_stack([-ahead[:, 1], ahead[:, 0]])
    behind, before = np.roll(ahead, 1, axis=0), np.roll(setbacks, 1)
    turn = behind[:, 0] * ahead[:, 1] - behind[:, 1] * ahead[:, 0]
    straight = np.abs(turn) < 0.12
    safe = np.where(straight, 1.0, turn)
    # The corner's step p is where both moved lines meet: p·n0 = d0 and p·n1 = d1.
    mitre = (before[:, None] * ahead - setbacks[:, None] * behind) / safe[:, None]
    step = np.where(straight[:, None], normal * np.maximum(setbacks, before)[:, None], mitre)
    moved: BaseGeometry = shapely.Polygon(outline + step)
    if not moved.is_valid or not shapely.is_ccw(shapely.get_exterior_ring(moved)):
        moved = shapely.Polygon(outline).buffer(-float(setbacks.max()), join_style="mitre")
    moved = moved.simplify(0.5)
    if moved.geom_type != "Polygon" or moved.area < 250:
        return None
    found: Floats = shapely.get_coordinates(
        shapely.get_exterior_ring(shapely.orient_polygons(moved))
    )[:-1]
    return found


def _turned(inside: Floats, *, south_facing: bool) -> tuple[float, tuple[float, float], Ring]:
    """Turn building land so that x runs along its longest side, or along the most eastward one."""
    sides = np.roll(inside, -1, axis=0) - inside
    length = np.hypot(sides[:, 0], sides[:, 1])
    worth = length * np.abs(sides[:, 0] / length) ** 3 if south_facing else length
    best = int(np.argmax(worth))
    angle = math.atan2(sides[best, 1], sides[best, 0])
    if south_facing and abs(angle) > math.pi / 2:
        angle -= math.copysign(math.pi, angle)
    origin = (float(inside[best, 0]), float(inside[best, 1]))
    dx, dy = inside[:, 0] - origin[0], inside[:, 1] - origin[1]
    cos, sin = math.cos(angle), math.sin(angle)
    turned = np.column_stack([dx * cos + dy * sin, dy * cos - dx * sin])
    return angle, origin, [(float(x), float(y)) for x, y in turned]
