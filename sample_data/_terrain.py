"""The ground: plain, shore, river bed, hill, basins, and the dips of the underpasses."""

import math
import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sample_data._plan import SHORE_M, Floats, Plan

_UNDERPASS_M = 5.2
_RAMP_M = 88.0
_TRENCH_HALF_M = 13.0


@dataclass(frozen=True)
class Basin:
    """A shallow bowl in the ground, where water gathers."""

    u: float
    v: float
    depth_m: float
    radius_m: float


@dataclass(frozen=True)
class Ground:
    """Heights of the ground on the board, metres above the city's datum."""

    plan: Plan
    underpasses: tuple[float, ...]
    basins: tuple[Basin, ...] = ()

    def at(self, u: Floats, v: Floats) -> Floats:
        """Return the ground's height at places of the board, m, shape (n,)."""
        plan = self.plan
        z = 2.5 + 1.9 * np.clip(v / plan.rows[-1], 0, 1.4)
        z = z + 0.22 * np.sin(u / 173.0 + 0.4) * np.sin(v / 211.0)
        z = z + self._hills(u, v)
        z = self._shore(z, v)
        low, high = float(v.min(initial=0)), float(v.max(initial=0))
        for basin in self.basins:
            if low - 3 * basin.radius_m < basin.v < high + 3 * basin.radius_m:
                _lower(z, u, v, basin)
        for middle in self.underpasses:
            _dig(z, u - middle, v - plan.rail_v_m)
        return self._river(z, u)

    def _hills(self, u: Floats, v: Floats) -> Floats:
        left, low, right, high = self.plan.hill
        if left == right:
            return np.zeros_like(u)
        top = 70.0 + 45.0 * min(self.plan.scale, 4.0)
        away = ((2 * u - left - right) / (right - left)) ** 2
        away = away + ((2 * v - low - high) / (high - low)) ** 2
        ridge = 1 + 0.22 * np.sin(u / 71.0) * np.sin(v / 83.0)
        # Flat beyond its foot: the streets around it lie on the plain.
        foot = np.clip((1 - away) / 0.85, 0, 1)
        hills: Floats = top * ridge * np.exp(-0.8 * away) * foot * foot * (3 - 2 * foot)
        return hills

    def _shore(self, z: Floats, v: Floats) -> Floats:
        rise = np.clip(v / (0.6 * SHORE_M), 0, 1)
        sea = np.maximum(-0.4 + v * 0.018, -9.0)
        shore: Floats = np.where(v < 0, sea, z * rise * rise * (3 - 2 * rise) - 0.4 * (1 - rise))
        return shore

    def _river(self, z: Floats, u: Floats) -> Floats:
        plan = self.plan
        inside = plan.river_half_m - 30 - np.abs(u - plan.river_u_m)
        bank = np.clip(inside / 18.0, 0, 1)
        river: Floats = z * (1 - bank) + np.minimum(z, -3.2) * bank
        return river


def _lower(z: Floats, u: Floats, v: Floats, basin: Basin) -> None:
    near = (np.abs(u - basin.u) < 3 * basin.radius_m) & (np.abs(v - basin.v) < 3 * basin.radius_m)
    away = ((u[near] - basin.u) ** 2 + (v[near] - basin.v) ** 2) / basin.radius_m**2
    z[near] -= basin.depth_m * np.exp(-away)


def _dig(z: Floats, across: Floats, along: Floats) -> None:
    near = (np.abs(across) < 2 * _TRENCH_HALF_M) & (np.abs(along) < _RAMP_M)
    fall = 0.5 + 0.5 * np.cos(math.pi * along[near] / _RAMP_M)
    side = np.clip(2 - np.abs(across[near]) / _TRENCH_HALF_M, 0, 1)
    z[near] -= _UNDERPASS_M * fall * side


def draw_basins(places: list[tuple[float, float]], *, seed: int, scale: float) -> tuple[Basin, ...]:
    """Return bowls at some of the places of the board given, far from one another."""
    draw = random.Random(f"{seed}/basins")
    places = sorted(places)
    draw.shuffle(places)
    wanted, chosen = min(round(19 * max(scale, 0.5) ** 1.5), 240), list[Basin]()
    for u, v in places:
        if len(chosen) == wanted:
            break
        if all(math.hypot(u - b.u, v - b.v) > 330 for b in chosen):
            chosen.append(Basin(u, v, draw.uniform(0.7, 1.5), draw.uniform(45, 95)))
    return tuple(chosen)


@dataclass(frozen=True)
class Grid:
    """A raster's grid: its upper left corner in the city's frame, and the size of its cells."""

    left_m: float
    top_m: float
    cell_m: float
    width: int
    height: int

    def centres(self, step: int = 1) -> tuple[Floats, Floats]:
        """Return x and y of the cells' centres, every ``step``-th and one beyond, two axes."""
        columns = np.arange(0, self.width + step, step, dtype=np.float64)
        rows = np.arange(0, self.height + step, step, dtype=np.float64)
        return (
            self.left_m + (columns + 0.5) * self.cell_m,
            self.top_m - (rows + 0.5) * self.cell_m,
        )


def heights(ground: Ground, grid: Grid) -> NDArray[np.float32]:
    """Return the terrain's heights on a grid, shape (height, width), m.

    The bend of the board is smooth, so it is undone on every eighth cell and interpolated.
    """
    step = 8
    x, y = grid.centres(step)
    at_x, at_y = np.meshgrid(x, y)
    u, v = ground.plan.to_board(at_x.ravel(), at_y.ravel())
    fine_u = _finer(u.reshape(at_x.shape), grid, step)
    fine_v = _finer(v.reshape(at_x.shape), grid, step)
    found = np.empty((grid.height, grid.width), dtype=np.float32)
    band = max(1, 100_000 // grid.width)
    for start in range(0, grid.height, band):
        rows = slice(start, start + band)
        z = ground.at(fine_u[rows].ravel(), fine_v[rows].ravel())
        found[rows] = z.reshape(-1, grid.width)
    return found


def _finer(coarse: Floats, grid: Grid, step: int) -> Floats:
    def along(values: Floats, length: int) -> Floats:
        place = np.arange(length) / step
        low = np.minimum(place.astype(int), values.shape[0] - 2)
        share = (place - low)[:, None]
        between: Floats = values[low] * (1 - share) + values[low + 1] * share
        return between

    return along(along(coarse, grid.height).T, grid.width).T
