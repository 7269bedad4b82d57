"""Everything about a city that is known before its first row is written."""

from dataclasses import dataclass, field

import numpy as np

from sample_data._blocks import Lot, draw_lots
from sample_data._floods import basin_places
from sample_data._grid import Regions, cell_codes, draw_regions
from sample_data._inhabit import count_houses, least_scale
from sample_data._mesh import Mesh, cut_city
from sample_data._names import Names
from sample_data._plan import Floats, Plan, draw_plan
from sample_data._services import assign
from sample_data._streets import Lines, Roads, bend, build_roads, great_lines, underpass_columns
from sample_data._terrain import Ground, draw_basins
from twin.crs import CityBox

_MARGIN_M = 600.0
_SAMPLED = 3000


@dataclass
class Board:
    """A city on the board and on the map: quarters, streets, regions, land to build on."""

    plan: Plan
    names: Names
    mesh: Mesh
    lines: Lines
    ground: Ground
    roads: Roads
    regions: Regions
    cells: list[str]
    """The code of each cell."""
    lots: list[Lot]
    cell_boxes: Floats = field(init=False)

    def __post_init__(self) -> None:
        """Keep the bounds of the cells on the board."""
        self.cell_boxes = np.array([self.mesh.box(cell.corners) for cell in self.mesh.cells])

    def cell_near(self, place: Floats) -> str:
        """Return the code of the cell at a place of the board, or of the one nearest to it."""
        u, v = place
        low_u, low_v, high_u, high_v = self.cell_boxes.T
        away = np.maximum(np.maximum(low_u - u, u - high_u), 0)
        away = away + np.maximum(np.maximum(low_v - v, v - high_v), 0)
        return self.cells[int(np.argmin(away))]

    def counties(self) -> list[str]:
        """Return the name of the county of each quarter."""
        rows = self.regions.rows
        found = []
        for quarter in range(len(self.mesh.quarters)):
            region = rows[self.regions.community.get(quarter, 0)]
            while region.level != "county" and region.parent is not None:
                region = rows[region.parent]
            found.append(region.name)
        return found

    def extent(self) -> CityBox:
        """Return how far the city reaches, with some land and sea around it, m."""
        points = self.lines.points
        low = np.floor((points.min(axis=0) - _MARGIN_M) / 100) * 100
        high = np.ceil((points.max(axis=0) + _MARGIN_M) / 100) * 100
        return CityBox(float(low[0]), float(low[1]), float(high[0]), float(high[1]))


def draw_board(buildings: int, seed: int) -> Board:
    """Return a city with room for so many buildings."""
    scale = least_scale(buildings)
    while True:
        plan, names = draw_plan(seed, scale), Names(seed)
        streets, sides = great_lines(plan, names)
        mesh = cut_city(plan, names, streets, sides)
        lines = bend(mesh, plan)
        lots = draw_lots(mesh, lines, plan)
        assign(lots, seed)
        every = max(1, len(lots) // _SAMPLED)
        held = count_houses(lots, plan, every=every)
        # A count of every so manyth lot is off by a percent or so.
        needed = buildings * (1.0 if every == 1 else 1.03)
        if held >= needed:
            return _finished(plan, names, mesh, lines, lots)
        scale *= 1.01 * (needed / held) ** 0.5


def _finished(plan: Plan, names: Names, mesh: Mesh, lines: Lines, lots: list[Lot]) -> Board:
    basins = draw_basins(basin_places(plan, mesh), seed=plan.seed, scale=plan.scale)
    underpasses = tuple(float(plan.columns[i]) for i in underpass_columns(plan))
    ground = Ground(plan, underpasses, basins)
    regions = draw_regions(plan, mesh, names)
    cells = cell_codes(plan, mesh, lines, regions)
    roads = build_roads(mesh, lines, ground)
    return Board(plan, names, mesh, lines, ground, roads, regions, cells, lots)
