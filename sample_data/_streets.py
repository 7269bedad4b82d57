"""Streets: the great lines, the graph of junctions and edges, and every line bent onto the map."""

import random
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sample_data._mesh import Mesh, Side, Street
from sample_data._names import COLUMNS, ROWS, Names
from sample_data._plan import OPEN_ZONES, Floats, Plan
from sample_data._terrain import Ground
from twin.units import km_per_hour

RIGHT_OF_WAY_M = {
    "trunk": 44.0,
    "primary": 36.0,
    "secondary": 27.0,
    "tertiary": 19.0,
    "residential": 13.0,
    "living_street": 7.0,
}
"""From building line to building line, m, by road class."""

CARRIAGEWAY = {
    "trunk": (6, 26.0, km_per_hour(80)),
    "primary": (6, 22.0, km_per_hour(60)),
    "secondary": (4, 15.0, km_per_hour(50)),
    "tertiary": (2, 10.0, km_per_hour(40)),
    "residential": (2, 7.0, km_per_hour(30)),
    "living_street": (1, 4.0, km_per_hour(20)),
}
"""Lanes, width in m and free-flow speed in m/s, by road class."""

_PIECE_M = 45.0
_BRIDGE_RISE_M = 5.5


def great_lines(plan: Plan, names: Names) -> tuple[list[Street], dict[Side, int]]:
    """Return the streets of the great grid, and which of its sides each is; -1 is no street."""
    streets: list[Street] = []
    sides: dict[Side, int] = {}
    width, height = len(plan.columns), len(plan.rows)
    for j in range(height):
        kind, name = _row_line(plan, j, names)
        number, bridge = _numbered(streets, kind, name, f"{name.removesuffix('路')}大桥", 1)
        for i in range(width - 1):
            side = (j * width + i, j * width + i + 1)
            sides[side] = _row_side(plan, i, j, kind, number, bridge)
    for i in range(width):
        kind, name = _column_line(plan, i, names)
        number, below = _numbered(streets, kind, name, f"{name}下穿道", -1)
        crosses = i in underpass_columns(plan)
        for j in range(height - 1):
            street = number
            if j == 0 or (0 < i < width - 1 and set(plan.zones[j, i - 1 : i + 1]) == {"hill"}):
                street = -1
            elif j == plan.rail and 0 < i < width - 1:
                street = below if crosses else -1
            sides[j * width + i, (j + 1) * width + i] = street
    return streets, sides


def underpass_columns(plan: Plan) -> list[int]:
    """Return the columns whose street dives under the railway."""
    return [
        i
        for i in range(1, len(plan.columns) - 1)
        if i in (plan.river, plan.river + 1) or i % 2 == 1
    ]


def _numbered(
    streets: list[Street], kind: str, name: str, crossing: str, level: int
) -> tuple[int, int]:
    streets += [Street(kind, name), Street(kind, crossing, level)]
    return len(streets) - 2, len(streets) - 1


def _row_line(plan: Plan, j: int, names: Names) -> tuple[str, str]:
    if j == len(plan.rows) - 1:
        return "trunk", "北环快速路"
    if j <= 1:
        return "primary", "海滨路"
    if j in (plan.rail, plan.rail + 1):
        return "tertiary", "铁路南街" if j == plan.rail else "铁路北街"
    name = ROWS[j - 2] if j - 2 < len(ROWS) else names.word() + "路"
    return ("primary" if j % 2 else "secondary"), name


def _row_side(plan: Plan, i: int, j: int, kind: str, street: int, bridge: int) -> int:
    if j == 0:
        return -1
    if i == plan.river:
        return bridge if kind in ("primary", "trunk") else -1
    return -1 if set(plan.zones[j - 1 : j + 1, i]) == {"hill"} and kind != "trunk" else street


def _column_line(plan: Plan, i: int, names: Names) -> tuple[str, str]:
    if i in (0, len(plan.columns) - 1):
        return "trunk", "西环快速路" if i == 0 else "东环快速路"
    if i in (plan.river, plan.river + 1):
        return "secondary", "沿江西路" if i == plan.river else "沿江东路"
    name = COLUMNS[i - 1] if i - 1 < len(COLUMNS) else names.word() + "路"
    return ("primary" if i % 2 else "secondary"), name


@dataclass(frozen=True)
class Lines:
    """Every side of the mesh as a line on the map.

    ``points`` holds x and y, m, and ``board`` u and v, of all lines one after the other, ends
    included; line k is ``points[first[k]:first[k + 1]]``.
    """

    sides: NDArray[np.int64]
    points: Floats
    board: Floats
    first: list[int]
    number: dict[Side, int]

    def span(self, a: int, b: int) -> slice:
        """Return which points the line from vertex a to vertex b takes, backwards if need be."""
        k = self.number[(a, b) if a < b else (b, a)]
        first, last = self.first[k], self.first[k + 1]
        if a < b:
            return slice(first, last)
        return slice(last - 1, first - 1 if first else None, -1)

    def indices(self, a: int, b: int) -> range:
        """Return the points of the line from vertex a to vertex b, its last one left out."""
        k = self.number[(a, b) if a < b else (b, a)]
        first, last = self.first[k], self.first[k + 1]
        return range(first, last - 1) if a < b else range(last - 1, first, -1)

    def ring(self, corners: list[int]) -> Floats:
        """Return the closed outline of a face, shape (n, 2), m."""
        at: list[int] = []
        for a, b in zip(corners, corners[1:] + corners[:1], strict=True):
            at += self.indices(a, b)
        outline: Floats = self.points[[*at, at[0]]]
        return outline


def bend(mesh: Mesh, plan: Plan) -> Lines:
    """Return every side of the mesh as a line on the map, with a vertex at least every 45 m."""
    sides = mesh.sides()
    ends = np.column_stack([mesh.u, mesh.v])
    a, b = ends[sides[:, 0]], ends[sides[:, 1]]
    dips = np.array([s >= 0 and mesh.streets[s].deck_level < 0 for s in sides[:, 2].tolist()])
    pieces = np.ceil(np.hypot(*(b - a).T) / _PIECE_M).astype(np.int64)
    pieces = np.where(dips, 10, pieces)
    start = np.concatenate([[0], np.cumsum(pieces + 1)])
    owner = np.repeat(np.arange(len(sides)), pieces + 1)
    share = (np.arange(start[-1]) - start[owner]) / pieces[owner]
    # Weighing the ends, not adding a step to one: the last point is the far end to the last bit.
    board = a[owner] * (1 - share)[:, None] + b[owner] * share[:, None]
    points: Floats = np.column_stack(plan.to_map(board[:, 0], board[:, 1])).round(3)
    number = {(p, q): k for k, (p, q, _) in enumerate(sides.tolist())}
    return Lines(sides, points, board, start.tolist(), number)


@dataclass(frozen=True)
class Edge:
    """A street between two junctions."""

    start: int
    end: int
    street: int
    line: Floats
    z: Floats
    length_m: float


@dataclass
class Roads:
    """The road graph: vertices that are junctions, and the edges between them.

    ``board`` holds u and v of the junctions, m.
    """

    mesh: Mesh
    junctions: list[int]
    edges: list[Edge]
    direction: list[int]
    junction_xy: Floats
    junction_z: Floats
    board: Floats

    def street(self, edge: Edge) -> Street:
        """Return what street an edge belongs to."""
        return self.mesh.streets[edge.street]

    def meeting(self) -> list[list[int]]:
        """Return the edges that meet at each junction."""
        found: list[list[int]] = [[] for _ in self.junctions]
        for number, edge in enumerate(self.edges):
            for junction in {edge.start, edge.end}:
                found[junction].append(number)
        return found


def build_roads(mesh: Mesh, lines: Lines, ground: Ground) -> Roads:
    """Join sides into edges between junctions, give them heights, and make some one-way."""
    around: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for a, b, street in lines.sides.tolist():
        if street >= 0:
            around[a].append((b, street))
            around[b].append((a, street))
    junctions = sorted(
        vertex for vertex, ways in around.items() if len(ways) != 2 or ways[0][1] != ways[1][1]
    )
    number = {vertex: k for k, vertex in enumerate(junctions)}
    z = ground.at(lines.board[:, 0].copy(), lines.board[:, 1].copy())
    edges = []
    for vertex in junctions:
        for following, street in around[vertex]:
            path = _walk(vertex, following, around, number)
            if (path[-1], path[-2]) > (vertex, following):
                edges.append(_edge(path, street, number, lines, z, mesh))
    xy = np.column_stack([mesh.u, mesh.v])[junctions]
    levels = ground.at(xy[:, 0].copy(), xy[:, 1].copy())
    place: Floats = np.column_stack(ground.plan.to_map(xy[:, 0], xy[:, 1])).round(3)
    roads = Roads(mesh, junctions, edges, [], place, np.round(levels, 2), xy)
    roads.direction = _one_ways(roads, random.Random(f"{ground.plan.seed}/one-ways"))
    return roads


def _walk(
    vertex: int,
    following: int,
    around: dict[int, list[tuple[int, int]]],
    number: dict[int, int],
) -> list[int]:
    path = [vertex, following]
    while path[-1] not in number:
        path.append(next(b for b, _ in around[path[-1]] if b != path[-2]))
    return path


def _edge(
    path: list[int], street: int, number: dict[int, int], lines: Lines, z: Floats, mesh: Mesh
) -> Edge:
    spans = [lines.span(a, b) for a, b in pairwise(path)]
    line, heights = lines.points[spans[0]], z[spans[0]]
    if len(spans) > 1:
        line = np.concatenate([line] + [lines.points[s][1:] for s in spans[1:]])
        heights = np.concatenate([heights] + [z[s][1:] for s in spans[1:]])
    ahead = line[1:] - line[:-1]
    steps = np.hypot(ahead[:, 0], ahead[:, 1])
    if mesh.streets[street].deck_level > 0:
        share = np.concatenate([[0], np.cumsum(steps)]) / steps.sum()
        deck = heights[0] * (1 - share) + heights[-1] * share
        heights = deck + _BRIDGE_RISE_M * np.sin(np.pi * share)
    return Edge(
        number[path[0]], number[path[-1]], street, line, np.round(heights, 2), float(steps.sum())
    )


def _one_ways(roads: Roads, draw: random.Random) -> list[int]:
    """Return the direction of each edge; one-way only where one can still come back."""
    direction = []
    for edge in roads.edges:
        kind = roads.street(edge).road_class
        share = {"living_street": 0.4, "residential": 0.12}.get(kind, 0.0)
        direction.append(draw.choice((1, -1)) if draw.random() < share else 0)
    group = strong_groups(roads, direction)
    return [
        way if group[edge.start] == group[edge.end] else 0
        for edge, way in zip(roads.edges, direction, strict=True)
    ]


def strong_groups(roads: Roads, direction: list[int]) -> list[int]:
    """Return the group of each junction; inside a group every junction reaches every other.

    References
    ----------
    .. [1] Kosaraju's two passes, after Sharir, M. (1981). A strong-connectivity algorithm and its
       applications in data flow analysis. Computers & Mathematics with Applications 7(1).
    """
    count = len(roads.junctions)
    onward: list[list[int]] = [[] for _ in range(count)]
    back: list[list[int]] = [[] for _ in range(count)]
    for edge, way in zip(roads.edges, direction, strict=True):
        for a, b, open_ in ((edge.start, edge.end, way >= 0), (edge.end, edge.start, way <= 0)):
            if open_:
                onward[a].append(b)
                back[b].append(a)
    finished: list[int] = []
    seen = [False] * count
    for first in range(count):
        if seen[first]:
            continue
        seen[first] = True
        stack = [(first, iter(onward[first]))]
        while stack:
            vertex, rest = stack[-1]
            following = next((b for b in rest if not seen[b]), None)
            if following is None:
                finished.append(vertex)
                stack.pop()
            else:
                seen[following] = True
                stack.append((following, iter(onward[following])))
    group = [-1] * count
    for first in reversed(finished):
        pending = [first] if group[first] < 0 else []
        while pending:
            vertex = pending.pop()
            if group[vertex] < 0:
                group[vertex] = first
                pending += [b for b in back[vertex] if group[b] < 0]
    return group


def is_built(zone: str) -> bool:
    """Return whether buildings stand in a quarter.

    >>> is_built("old"), is_built("river")
    (True, False)
    """
    return zone not in OPEN_ZONES
