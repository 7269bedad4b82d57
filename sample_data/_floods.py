"""Where the city floods, and the day of readings that ends in the present storm."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from sample_data._geometry import points
from sample_data._mesh import Mesh
from sample_data._plan import Floats, Plan
from sample_data._streets import Roads
from sample_data._terrain import Ground
from sample_data._write import Writer

READINGS = 288
_STEP = timedelta(minutes=5)


@dataclass
class Spots:
    """The waterlogging points, and what stands there now."""

    kind: list[str]
    name: list[str]
    board: Floats
    """u and v, m."""
    xy: Floats
    low_z_m: Floats
    reach_m: Floats
    now_m: Floats


def basin_places(plan: Plan, mesh: Mesh) -> list[tuple[float, float]]:
    """Return junctions that could lie in a bowl: on the plain, away from water and railway."""
    found = set()
    for block in mesh.blocks:
        if block.zone in ("old", "homes", "centre", "village", "industry"):
            corner = block.corners[0]
            u, v = mesh.u[corner], mesh.v[corner]
            dry = v > plan.rows[1] + 120 and abs(u - plan.river_u_m) > plan.river_half_m + 110
            inner = 150 < u < plan.columns[-1] - 150 and v < plan.rows[-1] - 150
            if dry and inner and abs(v - plan.rail_v_m) > 240:
                found.add((u, v))
    return sorted(found)


def draw_spots(plan: Plan, ground: Ground, roads: Roads, names_of: list[str]) -> Spots:
    """Return the waterlogging points: every underpass, and every bowl in the ground.

    ``names_of`` gives the names of the underpasses, in the ground's order.
    """
    draw = random.Random(f"{plan.seed}/spots")
    board = [(u, plan.rail_v_m) for u in ground.underpasses]
    board += [(basin.u, basin.v) for basin in ground.basins]
    u, v = np.array(board).T
    xy = np.column_stack(plan.to_map(u, v))
    most = [1.9] * len(ground.underpasses) + [0.85 * basin.depth_m for basin in ground.basins]
    kind, name, reach = [], [], []
    meeting = roads.meeting()
    for title in names_of:
        kind.append("underpass")
        name.append(title)
        reach.append(80.0)
    for k, basin in enumerate(ground.basins):
        what, title = _street_at(roads, meeting, xy[len(names_of) + k])
        kind.append(what)
        name.append(title)
        reach.append(round(min(max(1.1 * basin.radius_m, 40.0), 100.0)))
    wanted = [_depth_now(draw, k, len(names_of)) for k in range(len(board))]
    return Spots(
        kind,
        name,
        np.array(board),
        np.round(xy, 2),
        np.round(ground.at(u.copy(), v.copy()), 2),
        np.array(reach, dtype=np.float64),
        np.round(np.minimum(np.array(wanted), np.array(most)), 2),
    )


def _depth_now(draw: random.Random, number: int, underpasses: int) -> float:
    """Return how deep a point stands: every second underpass and every fifth bowl is impassable."""
    if number < underpasses:
        return draw.uniform(0.85, 1.5) if number % 2 == 0 else draw.uniform(0.18, 0.5)
    return draw.uniform(0.62, 0.95) if number % 5 == 0 else draw.uniform(0.0, 0.45)


def _street_at(roads: Roads, meeting: list[list[int]], place: Floats) -> tuple[str, str]:
    away = np.hypot(*(roads.junction_xy - place).T)
    streets = [roads.street(roads.edges[k]) for k in meeting[int(np.argmin(away))]]
    small = all(s.road_class in ("residential", "living_street") for s in streets)
    names = list(dict.fromkeys(s.name for s in streets))
    title = f"{names[0]}与{names[1]}路口" if len(names) > 1 else f"{names[0]}低洼段"
    return ("community" if small else "road"), title


def write_spots(
    writer: Writer,
    spots: Spots,
    pumps: list[str | None],
    cells: list[str],
    now: datetime,
    seed: int,
) -> None:
    """Write the points and a day of readings of each, the last one at ``now``."""
    count = len(spots.kind)
    writer.add(
        "waterlogging_point",
        source_id=[f"J{k + 1:03d}" for k in range(count)],
        name=spots.name,
        kind=spots.kind,
        low_z_m=spots.low_z_m,
        reach_m=spots.reach_m,
        pump=pumps,
        cell_id=cells,
        manager="汕岸排水公司（示例）",
        geom=points(spots.xy),
    )
    times = [now - _STEP * (READINGS - 1 - k) for k in range(READINGS)]
    depths, qualities = _readings(spots, random.Random(f"{seed}/readings"))
    columns: dict[str, Any] = {
        "point_id": np.repeat(np.arange(1, count + 1), READINGS),
        "at": times * count,
        "depth_m": depths,
        "quality": qualities,
        "received_at": times * count,
    }
    writer.readings(columns)


def _readings(spots: Spots, draw: random.Random) -> tuple[list[float | None], list[str]]:
    """Return each point's depths: dry, a storm that rises for hours, and the first fall of it."""
    depths: list[float | None] = []
    qualities: list[str] = []
    minutes = 5.0 * np.arange(READINGS - 1, -1, -1)
    for now_m in spots.now_m.tolist():
        onset, peak = draw.uniform(170, 300), draw.uniform(15, 60)
        top = now_m * draw.uniform(1.05, 1.3)
        rise = np.clip((onset - minutes) / (onset - peak), 0, 1)
        curve = top * rise * rise * (3 - 2 * rise)
        curve = np.where(minutes < peak, now_m + (top - now_m) * minutes / peak, curve)
        for k, depth in enumerate(np.round(curve, 2).tolist()):
            lost = draw.random() < 0.004 and k < READINGS - 1
            depths.append(None if lost else depth)
            qualities.append("missing" if lost else "good")
    return depths, qualities
