"""Regions from the city down to its communities, and the management cells in them."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from sample_data._geometry import Shapes, areas
from sample_data._mesh import Corners, Mesh
from sample_data._names import Names
from sample_data._plan import Plan
from sample_data._streets import Lines
from sample_data._write import Writer

CITY_NAME = "汕岸市（示例）"
_CITY_CODE = "440590"
_COUNTIES = ("西岸区", "东湾区", "北园区")
_COUNTY_CODES = ("440591", "440592", "440593")
"""Fictitious: GB/T 2260 gives them to nobody."""

Span = tuple[int, int]


@dataclass
class Region:
    """A region: the great grid's columns and rows it reaches over, and the region above it."""

    level: str
    code: str
    name: str
    parent: int | None
    columns: Span
    rows: Span
    population: int = 0


@dataclass
class Regions:
    """All regions, parents first, and the community of every quarter."""

    rows: list[Region] = field(default_factory=list)
    community: dict[int, int] = field(default_factory=dict)

    def add(self, *values: Any) -> int:
        """Add a region and return its place in the list."""
        self.rows.append(Region(*values))
        return len(self.rows) - 1


def draw_regions(plan: Plan, mesh: Mesh, names: Names) -> Regions:
    """Divide the city into counties, streets and communities, each out of whole quarters."""
    across, inland = len(plan.columns) - 1, len(plan.rows) - 1
    regions = Regions()
    regions.add("city", _CITY_CODE, CITY_NAME, None, (0, across), (0, inland))
    # Beach and railway are no communities: they go with the quarter beside them.
    columns = list(range(across + 1))
    rows = [j for j in range(inland + 1) if j not in (1, plan.rail)]
    west, east, north = plan.river, plan.river + 1, plan.rail + 1
    spans = (
        ((0, west), (0, inland)),
        ((east, across), (0, north)),
        ((east, across), (north, inland)),
    )
    for code, name, (wide, high) in zip(_COUNTY_CODES, _COUNTIES, spans, strict=True):
        county = regions.add("county", code, name, 0, wide, high)
        _divide_county(regions, county, (columns, rows), names)
    _find_communities(regions, mesh)
    return regions


def _divide_county(
    regions: Regions, county: int, lines: tuple[list[int], list[int]], names: Names
) -> None:
    whole = regions.rows[county]
    columns, rows = (
        [k for k in line if low <= k <= high]
        for line, (low, high) in zip(lines, (whole.columns, whole.rows), strict=True)
    )
    size = max(2, round((len(columns) * len(rows)) ** 0.5 / 8))
    number = 0
    for high in _groups(rows, size):
        for wide in _groups(columns, size):
            number += 1
            code = f"{whole.code}{number:03d}"
            street = regions.add(
                "street",
                code,
                names.word() + "街道",
                county,
                (wide[0], wide[-1]),
                (high[0], high[-1]),
            )
            _divide_street(regions, street, wide, high, names)


def _divide_street(
    regions: Regions, street: int, columns: list[int], rows: list[int], names: Names
) -> None:
    number, code = 0, regions.rows[street].code
    for high in pairwise(rows):
        for wide in pairwise(columns):
            number += 1
            name = names.word() + "社区"
            regions.add("community", f"{code}{number:03d}", name, street, wide, high)


def _groups(lines: list[int], size: int) -> list[list[int]]:
    """Group steps between lines: [0, 1, 2, 3] by 2 is [[0, 1, 2], [2, 3]]."""
    steps = len(lines) - 1
    return [lines[k : min(k + size, steps) + 1] for k in range(0, steps, size)]


def _find_communities(regions: Regions, mesh: Mesh) -> None:
    owner = {}
    for number, region in enumerate(regions.rows):
        if region.level == "community":
            for i in range(*region.columns):
                for j in range(*region.rows):
                    owner[i, j] = number
    for number, quarter in enumerate(mesh.quarters):
        if quarter.zone != "river":
            regions.community[number] = owner[quarter.column, quarter.row]


def outline(plan: Plan, columns: Span, rows: Span) -> Corners:
    """Return the great grid's vertices around a rectangle of quarters, anticlockwise."""
    width = len(plan.columns)
    (left, right), (low, top) = columns, rows
    return [
        *(low * width + i for i in range(left, right)),
        *(j * width + right for j in range(low, top)),
        *(top * width + i for i in range(right, left, -1)),
        *(j * width + left for j in range(top, low, -1)),
    ]


def cell_codes(plan: Plan, mesh: Mesh, lines: Lines, regions: Regions) -> list[str]:
    """Return the 15 digits of each cell: its community's twelve, then a number from the north-west.

    Cells count from west to east in bands from north to south.
    """
    by_community: dict[int, list[tuple[int, float, int]]] = {}
    for number, cell in enumerate(mesh.cells):
        ring = lines.ring(mesh.around(cell.corners))
        middle = (ring.min(axis=0) + ring.max(axis=0)) / 2
        place = (-int(middle[1] // 200), float(middle[0]), number)
        by_community.setdefault(regions.community[cell.quarter], []).append(place)
    codes = [""] * len(mesh.cells)
    for community, places in by_community.items():
        for order, (_, _, number) in enumerate(sorted(places), start=1):
            codes[number] = f"{regions.rows[community].code}{order:03d}"
    return codes


def write_grid(
    writer: Writer,
    city: tuple[Plan, Mesh, Lines, Regions],
    codes: list[str],
    population: NDArray[np.int64],
    flooding: Shapes,
    names: Names,
) -> None:
    """Write regions and cells; a cell is prone to floods if a waterlogging point is at its rim."""
    plan, mesh, lines, regions = city
    _count_people(regions, mesh, population)
    rows = regions.rows
    writer.add(
        "region",
        source_id=[row.code for row in rows],
        name=[row.name for row in rows],
        level=[row.level for row in rows],
        code=[row.code for row in rows],
        parent_id=[None if row.parent is None else row.parent + 1 for row in rows],
        population=[row.population for row in rows],
        geom=_region_areas(rows, plan, mesh, lines),
    )
    cells = cell_areas(mesh, lines)
    prone = np.zeros(len(cells), dtype=bool)
    found = shapely.STRtree(cells).query(flooding, predicate="dwithin", distance=25.0)
    prone[found[1]] = True
    community = [regions.community[cell.quarter] for cell in mesh.cells]
    writer.add(
        "grid_cell",
        source_id=codes,
        name=[f"{rows[k].name}{code[-3:]}网格" for k, code in zip(community, codes, strict=True)],
        code=codes,
        region_id=[k + 1 for k in community],
        responsible_person=[names.person() for _ in codes],
        responsible_phone=[names.mobile() for _ in codes],
        population=population,
        flood_prone=prone,
        geom=cells,
    )


def _count_people(regions: Regions, mesh: Mesh, population: NDArray[np.int64]) -> None:
    for cell, persons in zip(mesh.cells, population.tolist(), strict=True):
        above: int | None = regions.community[cell.quarter]
        while above is not None:
            regions.rows[above].population += persons
            above = regions.rows[above].parent


def _region_areas(rows: list[Region], plan: Plan, mesh: Mesh, lines: Lines) -> Shapes:
    """Return the areas of regions, the river left out of what lies on both its banks."""
    faces, owner = [], []
    for number, row in enumerate(rows):
        left, right = row.columns
        banks = [(left, right)]
        if left <= plan.river < right:
            banks = [(left, plan.river), (plan.river + 1, right)]
        for bank in banks:
            faces.append(mesh.around(outline(plan, bank, row.rows)))
            owner.append(number)
    parts = shapely.get_geometry(_areas(faces, lines), 0)
    return np.asarray(shapely.multipolygons(parts, indices=owner))


def cell_areas(mesh: Mesh, lines: Lines) -> Shapes:
    """Return the areas of the management cells, in the order of their codes' list."""
    return _areas([mesh.around(cell.corners) for cell in mesh.cells], lines)


def _areas(faces: list[Corners], lines: Lines) -> Shapes:
    rings = [lines.ring(face) for face in faces]
    owner = np.repeat(np.arange(len(rings)), [len(ring) for ring in rings])
    return areas(np.concatenate(rings), owner, np.arange(len(rings)))
