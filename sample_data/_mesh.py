"""Cut the board into quarters, cells and blocks that share every vertex and leave no gap."""

import math
import random
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sample_data._names import Names
from sample_data._plan import OPEN_ZONES, Plan

Corners = list[int]
"""A face: vertex numbers around it, anticlockwise."""

Side = tuple[int, int]
"""An edge: its two vertex numbers, the smaller first."""


@dataclass(frozen=True)
class Street:
    """What a line on the board is: its class, as in OSM, and its name."""

    road_class: str
    name: str
    deck_level: int = 0


@dataclass(frozen=True)
class Style:
    """How a quarter is cut into blocks."""

    block_m2: float
    jitter: float
    tilt: float
    classes: tuple[str, ...]


_LOCAL = ("tertiary", "residential", "residential")
_STYLES = {
    "old": Style(5_200, 0.16, 0.16, ("tertiary", "residential", "residential", "living_street")),
    "village": Style(7_500, 0.14, 0.10, ("tertiary", "residential", "living_street")),
    "centre": Style(21_000, 0.03, 0.0, ("secondary", "tertiary", "residential")),
    "homes": Style(34_000, 0.08, 0.02, _LOCAL),
    "campus": Style(90_000, 0.1, 0.02, _LOCAL),
    "industry": Style(60_000, 0.08, 0.0, _LOCAL),
    "harbour": Style(75_000, 0.08, 0.0, _LOCAL),
}
_CELL_M2 = 62_000.0
_SNAP_M = 16.0


@dataclass
class Quarter:
    """A quarter between the great lines; a community lives in it."""

    column: int
    row: int
    zone: str
    corners: Corners


@dataclass
class Cell:
    """A management grid cell: part of a quarter."""

    quarter: int
    corners: Corners


@dataclass
class Block:
    """A block: what lies between streets."""

    quarter: int
    cell: int
    zone: str
    corners: Corners


@dataclass
class Mesh:
    """Vertices, sides and faces of the board."""

    u: list[float] = field(default_factory=list)
    v: list[float] = field(default_factory=list)
    side_street: dict[Side, int] = field(default_factory=dict)
    streets: list[Street] = field(default_factory=list)
    quarters: list[Quarter] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    _middle: dict[Side, int] = field(default_factory=dict)

    def vertex(self, u: float, v: float) -> int:
        """Add a vertex and return its number."""
        self.u.append(u)
        self.v.append(v)
        return len(self.u) - 1

    def chain(self, a: int, b: int) -> list[int]:
        """Return the vertices from a to b, with those that later cuts put between; b left out."""
        pending, found = [(a, b)], []
        while pending:
            a, b = pending.pop()
            middle = self._middle.get((a, b) if a < b else (b, a))
            if middle is None:
                found.append(a)
            else:
                pending += [(middle, b), (a, middle)]
        return found

    def around(self, corners: Corners) -> Corners:
        """Return a face's corners with every vertex that lies on its sides."""
        found: Corners = []
        for a, b in zip(corners, [*corners[1:], corners[0]], strict=True):
            found += self.chain(a, b)
        return found

    def area_m2(self, corners: Corners) -> float:
        """Return the area of a face on the board, m²."""
        twice, last = 0.0, corners[-1]
        for corner in corners:
            twice += self.u[last] * self.v[corner] - self.u[corner] * self.v[last]
            last = corner
        return twice / 2

    def box(self, corners: Corners) -> tuple[float, float, float, float]:
        """Return the bounds of a face on the board: u and v at least, u and v at most."""
        u, v = [self.u[c] for c in corners], [self.v[c] for c in corners]
        return min(u), min(v), max(u), max(v)

    def cut(
        self,
        corners: Corners,
        through: tuple[float, float],
        normal: tuple[float, float],
        street: int,
    ) -> tuple[Corners, Corners] | None:
        """Cut a convex face along a line, or return None if the line does not cut it in two.

        A cut that ends close to a vertex ends in it: so do crossings come about.
        """
        ring = self.around(corners)
        away = [
            (self.u[c] - through[0]) * normal[0] + (self.v[c] - through[1]) * normal[1]
            for c in ring
        ]
        crossed = [k for k in range(len(ring)) if (away[k] < 0) != (away[(k + 1) % len(ring)] < 0)]
        if len(crossed) != 2:
            return None
        first, second = (self._meet(ring, away, k) for k in crossed)
        if first == second or (min(first, second), max(first, second)) in self.side_street:
            return None
        ring = self.around(corners)
        start, end = sorted((ring.index(first), ring.index(second)))
        parts = ring[start : end + 1], ring[end:] + ring[: start + 1]
        if min(self.area_m2(part) for part in parts) < 1500:
            return None
        self.side_street[min(first, second), max(first, second)] = street
        return parts

    def _meet(self, ring: Corners, away: list[float], k: int) -> int:
        a, b = ring[k], ring[(k + 1) % len(ring)]
        share = away[k] / (away[k] - away[(k + 1) % len(ring)])
        length = math.hypot(self.u[b] - self.u[a], self.v[b] - self.v[a])
        if min(share, 1 - share) * length < _SNAP_M:
            return a if share < 0.5 else b
        middle = self.vertex(
            self.u[a] + share * (self.u[b] - self.u[a]), self.v[a] + share * (self.v[b] - self.v[a])
        )
        side = (a, b) if a < b else (b, a)
        self._middle[side] = middle
        street = self.side_street[side]
        self.side_street[min(a, middle), max(a, middle)] = street
        self.side_street[min(middle, b), max(middle, b)] = street
        return middle

    def sides(self) -> NDArray[np.int64]:
        """Return the sides that no cut divided: two vertex numbers and a street number, (n, 3)."""
        whole = [(*side, s) for side, s in self.side_street.items() if side not in self._middle]
        return np.array(whole, dtype=np.int64)


def cut_city(plan: Plan, names: Names, streets: list[Street], lines: dict[Side, int]) -> Mesh:
    """Return the whole city cut down to blocks.

    ``lines`` gives the street of each side of the great grid, -1 where there is none; vertices of
    the great grid are numbered row by row.
    """
    mesh = Mesh(streets=streets, side_street=lines)
    for v in plan.rows:
        for u in plan.columns:
            mesh.vertex(float(u), float(v))
    width = len(plan.columns)
    for j in range(len(plan.rows) - 1):
        for i in range(width - 1):
            low = j * width + i
            corners = [low, low + 1, low + width + 1, low + width]
            mesh.quarters.append(Quarter(i, j, str(plan.zones[j, i]), corners))
    draw = random.Random(f"{plan.seed}/blocks")
    for number in range(len(mesh.quarters)):
        _cut_quarter(mesh, number, names, draw)
    return mesh


def _cut_quarter(mesh: Mesh, number: int, names: Names, draw: random.Random) -> None:
    quarter = mesh.quarters[number]
    style = _STYLES.get(quarter.zone)
    if quarter.zone == "river":
        # Water is nobody's cell: the banks are.
        mesh.blocks.append(Block(number, -1, quarter.zone, quarter.corners))
        return
    pending: list[tuple[Corners, int, int]] = [(quarter.corners, 0, -1)]
    while pending:
        corners, depth, cell = pending.pop()
        area_m2 = mesh.area_m2(corners)
        if cell < 0 and (style is None or area_m2 < _CELL_M2):
            cell = len(mesh.cells)
            mesh.cells.append(Cell(number, corners))
        parts = None
        if style is not None and area_m2 > style.block_m2 * draw.uniform(0.8, 1.6):
            parts = _halve(mesh, corners, depth, style, names, draw)
        if parts is not None:
            pending += [(part, depth + 1, cell) for part in parts]
            continue
        if cell < 0:
            cell = len(mesh.cells)
            mesh.cells.append(Cell(number, corners))
        mesh.blocks.append(Block(number, cell, quarter.zone, corners))


def _halve(
    mesh: Mesh, corners: Corners, depth: int, style: Style, names: Names, draw: random.Random
) -> tuple[Corners, Corners] | None:
    low_u, low_v, high_u, high_v = mesh.box(corners)
    across = high_u - low_u > high_v - low_v
    kind = style.classes[min(depth // 2, len(style.classes) - 1)]
    suffix = "巷" if kind == "living_street" else "街" if depth > 1 else "路"
    for _ in range(3):
        share = 0.5 + draw.uniform(-style.jitter, style.jitter)
        tilt = draw.uniform(-style.tilt, style.tilt)
        through = (low_u + share * (high_u - low_u), low_v + share * (high_v - low_v))
        normal = (1.0, tilt) if across else (tilt, 1.0)
        parts = mesh.cut(corners, through, normal, len(mesh.streets))
        if parts is not None:
            mesh.streets.append(Street(kind, names.word() + suffix))
            return parts
    return None


def is_open(zone: str) -> bool:
    """Return whether a quarter has no streets inside.

    >>> is_open("river"), is_open("old")
    (True, False)
    """
    return zone in OPEN_ZONES
