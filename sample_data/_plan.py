"""The plan of the city: where its lines run, what each quarter is, and how it lies on the map.

The city is planned on a straight board, u metres along the shore and v metres inland, and bent onto
the map afterwards: the shore becomes a bay, the river meanders, streets follow both.  What is a
straight cut on the board is a curved street on the map, and neighbours still share every vertex.
"""

import math
import random
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CENTRE = (467_000.0, 2_584_000.0)
"""Middle of the city in EPSG:4548, m: 116.68 E, 23.36 N."""

_TURN = math.radians(14.0)
SHORE_M = 85.0
RAIL_M = 210.0
OPEN_ZONES = ("river", "hill", "beach", "rail")
"""Quarters without streets inside."""


@dataclass(frozen=True)
class Plan:
    """Lines and quarters on the board.

    ``zones[j, i]`` is the quarter between columns i and i + 1 and rows j and j + 1; row 0 is the
    shore line, row 1 the shore road.  ``hill`` is the bounds of its quarters: u and v at least, u
    and v at most.
    """

    seed: int
    scale: float
    columns: Floats
    rows: Floats
    river: int
    rail: int
    zones: NDArray[Any]
    hill: tuple[float, float, float, float]
    old_town: tuple[float, float]
    core: tuple[float, float]

    @property
    def river_u_m(self) -> float:
        """Middle of the river on the board, m."""
        return float(self.columns[self.river] + self.columns[self.river + 1]) / 2

    @property
    def river_half_m(self) -> float:
        """Half of the river's quarter, embankments included, m."""
        return float(self.columns[self.river + 1] - self.columns[self.river]) / 2

    @property
    def rail_v_m(self) -> float:
        """The railway on the board, m."""
        return float(self.rows[self.rail] + self.rows[self.rail + 1]) / 2

    def to_map(self, u: Floats, v: Floats, *, fine: bool = True) -> tuple[Floats, Floats]:
        """Return where points of the board lie in the city's frame, m; fine bends the old lanes."""
        s = self.scale
        width = self.columns[-1]
        bay = 400 * s * np.exp(-(((u - 0.50 * width) / (950 * s)) ** 2))
        cape = 260 * s * np.exp(-(((u - 0.98 * width) / (520 * s)) ** 2))
        wave = 22 * np.sin(u / 190.0) + 30 * np.sin(u / 410.0 + 1.0)
        inland = np.exp(-np.maximum(v, -600.0 * s) / (1500 * s))
        y = v + (bay - cape) * inland + wave * np.exp(-np.maximum(v, -300.0) / 500)
        meander = 95 * np.sin(v / 350 + 0.6) + 60 * (s - 1) * np.sin(v / (700 * s))
        x = u + meander / (1 + ((u - self.river_u_m) / (900 + 300 * s)) ** 2)
        x = x + 34 * np.sin(v / 330 + u / 900) + 45 * s * np.sin(v / (900 * s))
        y = y + 30 * np.sin(u / 370 - v / 1100 + 2.0)
        if fine:
            near = np.exp(
                -(((u - self.old_town[0]) ** 2 + (v - self.old_town[1]) ** 2) / (650 * s) ** 2)
            )
            x = x + 4.5 * near * np.sin(v / 27.0 + 2 * np.sin(u / 61.0))
            y = y + 4.5 * near * np.sin(u / 31.0 + 2 * np.sin(v / 53.0))
        x, y = x - width / 2, y - self.rows[-1] / 2
        cos, sin = math.cos(_TURN), math.sin(_TURN)
        return CENTRE[0] + x * cos - y * sin, CENTRE[1] + x * sin + y * cos

    def to_board(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return the places on the board of points of the map, by turning the bend around."""
        cos, sin = math.cos(_TURN), math.sin(_TURN)
        dx, dy = x - CENTRE[0], y - CENTRE[1]
        u = dx * cos + dy * sin + self.columns[-1] / 2
        v = -dx * sin + dy * cos + self.rows[-1] / 2
        for _ in range(30):
            found_x, found_y = self.to_map(u, v, fine=False)
            dx, dy = x - found_x, y - found_y
            u, v = u + 0.8 * (dx * cos + dy * sin), v + 0.8 * (-dx * sin + dy * cos)
        return u, v


def draw_plan(seed: int, scale: float) -> Plan:
    """Return the plan of a city; its area grows with the square of the scale.

    Scale 1 is a city of some four thousand buildings, 4 km by 3 km.
    """
    draw = random.Random(f"{seed}/plan")
    across, inland = max(5, round(7.4 * scale)), max(4, round(5.2 * scale))
    river, rail = round(0.40 * across), 1 + round(0.66 * inland)
    river_m = 150 + min(70 * scale, 500)
    widths = [draw.uniform(430, 590) for _ in range(across)]
    widths.insert(river, river_m)
    heights = [SHORE_M, *(draw.uniform(430, 560) for _ in range(inland))]
    heights.insert(rail, RAIL_M)
    columns = np.concatenate([[0.0], np.cumsum(widths)])
    rows = np.concatenate([[0.0], np.cumsum(heights)])
    width, depth = columns[-1], rows[-1]
    old_town = (columns[river] - 0.12 * width, rows[1] + 0.15 * depth)
    core = (0.58 * width, 0.33 * depth)
    middles = (columns[1:] + columns[:-1]) / 2, (rows[1:] + rows[:-1]) / 2
    zones = np.array(
        [
            [
                _zone(float(u / width), float(v / depth), (i, j), river, rail, draw)
                for i, u in enumerate(middles[0])
            ]
            for j, v in enumerate(middles[1])
        ]
    )
    return Plan(
        seed, scale, columns, rows, river, rail, zones, _hill(zones, columns, rows), old_town, core
    )


def _hill(zones: NDArray[Any], columns: Floats, rows: Floats) -> tuple[float, float, float, float]:
    high, wide = np.nonzero(zones == "hill")
    if not len(high):
        return 0.0, 0.0, 0.0, 0.0
    return (
        float(columns[wide.min()]),
        float(rows[high.min()]),
        float(columns[wide.max() + 1]),
        float(rows[high.max() + 1]),
    )


def _zone(
    u: float, v: float, place: tuple[int, int], river: int, rail: int, draw: random.Random
) -> str:
    """Return what a quarter is, from where it lies: 0 to 1 to the east, and 0 to 1 inland."""
    blur_u, blur_v = draw.uniform(-0.03, 0.03), draw.uniform(-0.03, 0.03)
    chance = draw.random()
    i, j = place
    fixed = "river" if i == river else "beach" if j == 0 else "rail" if j == rail else None
    if fixed:
        return fixed
    if ((u - 0.13) / 0.12) ** 2 + ((v - 0.50) / 0.16) ** 2 < 1:
        return "hill"
    u, v = u + blur_u, v + blur_v
    if 0.17 < u < 0.38 and v < 0.31:
        return "old"
    if ((u - 0.58) / 0.15) ** 2 + ((v - 0.33) / 0.21) ** 2 < 1:
        return "centre"
    if u > 0.76 and v < 0.26:
        return "harbour"
    if (u > 0.86 and v > 0.2) or (v > 0.84 and u > 0.66):
        return "industry"
    if v > 0.82 and u < 0.30:
        return "campus" if chance < 0.4 else "village"
    return "village" if chance < 0.05 else "homes"
