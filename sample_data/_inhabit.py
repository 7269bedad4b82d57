"""Lots into rows of buildings, chunk by chunk, and the people in them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from sample_data._blocks import Lot
from sample_data._buildings import House, fill
from sample_data._geometry import Shapes, areas
from sample_data._names import Names
from sample_data._plan import Floats, Plan
from sample_data._services import Facilities, settle
from sample_data._terrain import Ground
from sample_data._write import Progress

CHUNK = 20_000

_PERSONS_PER_M2: dict[str, tuple[float, float]] = {
    "residential": (0.0095, 0.0270),
    "commercial": (0.0300, 0.0015),
    "office": (0.0550, 0.0010),
    "industrial": (0.0110, 0.0020),
    "school": (0.0900, 0.0020),
    "hospital": (0.0500, 0.0220),
    "public": (0.0300, 0.0010),
}
"""Persons by floor area at 14:00 and at 02:00, 1/m²: of the order of Chinese planning figures."""


@dataclass
class Town:
    """What the buildings of a city are made from, and what is counted while they are made."""

    plan: Plan
    ground: Ground
    names: Names
    streets: list[str]
    counties: list[str]
    """The county of each quarter."""
    cells: list[str]
    """The code of each cell."""
    facilities: Facilities = field(default_factory=Facilities)
    numbers: dict[int, int] = field(default_factory=dict)
    """The last house number given in each street."""
    population: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def __post_init__(self) -> None:
        """Begin with empty cells."""
        self.population = np.zeros(len(self.cells), dtype=np.int64)


def count_houses(lots: list[Lot], plan: Plan, *, every: int = 1) -> int:
    """Return about how many buildings the lots hold, from every so manyth of them."""
    names = Names(plan.seed)
    return sum(len(fill(lot, plan, names)) for lot in lots[::every]) * every


def chunks(
    town: Town, lots: list[Lot], wanted: int, progress: Progress
) -> Iterator[dict[str, Any]]:
    """Yield the columns of the buildings, exactly as many as are wanted if the lots hold them."""
    rows = _Rows()
    made = 0
    for lot in lots:
        houses = fill(lot, town.plan, town.names)[: wanted - made]
        if not houses:
            continue
        made += len(houses)
        hosted = settle(lot, houses, town.names)
        rows.add(town, lot, houses, hosted)
        if len(rows.use) >= CHUNK:
            yield rows.columns(town, made)
            progress("buildings", made, wanted)
            rows = _Rows()
        if made == wanted:
            break
    if rows.use:
        yield rows.columns(town, made)
    progress("buildings", made, wanted)


class _Rows:
    """Buildings by column, not yet on the map."""

    def __init__(self) -> None:
        self.use: list[str] = []
        self.name: list[str | None] = []
        self.address: list[str] = []
        self.storeys: list[int] = []
        self.storey_m: list[float] = []
        self.below: list[int] = []
        self.year: list[int] = []
        self.cell: list[int] = []
        self.corners: list[tuple[float, float]] = []
        self.corner_lot: list[int] = []
        self.rings: list[int] = []
        self.ring_house: list[int] = []
        self.lots: list[Lot] = []
        self.lot_of: list[int] = []
        self.hosted: list[tuple[int, str, str]] = []

    def add(
        self, town: Town, lot: Lot, houses: list[House], hosted: list[tuple[int, str, str]]
    ) -> None:
        """Add the houses of a lot."""
        first = len(self.use)
        self.hosted += [(first + k, kind, name) for k, kind, name in hosted]
        number = town.numbers.get(lot.street, 0)
        street = town.counties[lot.quarter] + (town.streets[lot.street] if lot.street >= 0 else "")
        place = len(self.lots)
        self.lots.append(lot)
        for k, house in enumerate(houses):
            number += 2
            self.use.append(house.use)
            self.name.append(house.name)
            self.address.append(f"{street}{number - (lot.block % 2)}号")
            self.storeys.append(house.storeys)
            self.storey_m.append(house.storey_m)
            self.below.append(house.below)
            early, late = house.since
            self.year.append(early + (lot.block * 7919 + k // 8 * 104_729) % (late - early + 1))
            self.cell.append(lot.cell)
            self.lot_of.append(place)
            for ring in house.footprint:
                self.corners += ring
                self.rings.append(len(ring))
                self.ring_house.append(first + k)
        town.numbers[lot.street] = number

    def columns(self, town: Town, made: int) -> dict[str, Any]:
        """Return the rows as columns; ``made`` is the number of the last of them."""
        shapes = self._footprints()
        storeys, storey_m = np.array(self.storeys), np.array(self.storey_m)
        height = np.round(np.where(storeys > 0, storeys * storey_m + 0.6, storey_m), 1)
        floor_m2 = shapely.area(shapes) * np.maximum(storeys, 1)
        rates = np.array([_PERSONS_PER_M2[use] for use in self.use])
        # A tank has no storeys, and nobody in it.
        rates[storeys == 0] = 0.0
        day, night = (np.rint(floor_m2 * rates[:, k]).astype(np.int64) for k in (0, 1))
        np.add.at(town.population, self.cell, night)
        self._note_facilities(town, shapes)
        u = np.array([lot.u for lot in self.lots])
        v = np.array([lot.v for lot in self.lots])
        ground = np.round(town.ground.at(u, v), 2)[self.lot_of]
        first = made - len(self.use) + 1
        return {
            "source_id": [f"B{k:07d}" for k in range(first, made + 1)],
            "name": self.name,
            "use": self.use,
            "address": self.address,
            "height_m": height,
            "ground_z_m": ground,
            "storeys": self.storeys,
            "storeys_below": self.below,
            "residents_day": day,
            "residents_night": night,
            "built_year": self.year,
            "cell_id": [town.cells[k] for k in self.cell],
            "geom": shapes,
        }

    def _footprints(self) -> Shapes:
        sizes = np.array(self.rings)
        ring_house = np.array(self.ring_house)
        lot = np.array(self.lot_of)[np.repeat(ring_house, sizes)]
        angle = np.array([each.angle for each in self.lots])[lot]
        origin = np.array([each.origin for each in self.lots])[lot]
        points = np.round(_turned(np.array(self.corners), angle) + origin, 2)
        return areas(points, np.repeat(np.arange(len(sizes)), sizes), ring_house)

    def _note_facilities(self, town: Town, shapes: Shapes) -> None:
        for k, kind, name in self.hosted:
            point = shapely.point_on_surface(shapes[k])
            cell = town.cells[self.cell[k]]
            town.facilities.add(kind, name, self.address[k], cell, (point.x, point.y))


def _turned(points: Floats, angle: Floats) -> Floats:
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = points[:, 0], points[:, 1]
    return np.column_stack([x * cos - y * sin, x * sin + y * cos])


def least_scale(buildings: int) -> float:
    """Return the scale of a city that might hold so many buildings; try again with a greater one.

    >>> least_scale(4000)
    1.05
    """
    # A great city has more of its land under hill and works than a small one.
    crowd = 1.05 if buildings < 20_000 else 1.155
    return max(crowd * math.sqrt(buildings / 4000), 0.55)
