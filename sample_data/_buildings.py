"""Buildings: every kind of block is filled its own way."""

import itertools
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sample_data._blocks import Lot
from sample_data._names import COMPOUNDS, TOWERS, WORKS, Names
from sample_data._plan import Plan
from sample_data._shapes import (
    Footprint,
    Ring,
    butterfly,
    corner,
    courtyard,
    disc,
    horseshoe,
    middle_box,
    rectangle,
    rows,
)


@dataclass(slots=True)
class House:
    """One building, in the frame of its lot."""

    footprint: Footprint
    use: str
    storeys: int
    storey_m: float = 3.0
    below: int = 0
    name: str | None = None
    since: tuple[int, int] = (1985, 2015)


@dataclass(frozen=True)
class Site:
    """What a filler of a lot may draw on."""

    ring: Ring
    draw: random.Random
    names: Names
    nearness: float
    """1 in the city's core, towards 0 at its rim."""


_SHOP_DEPTH_M = 9.0

Filler = Callable[[Site], Iterator[House]]


def fill(lot: Lot, plan: Plan, names: Names) -> list[House]:
    """Return the buildings of a lot; the same lot always gets the same ones."""
    draw = random.Random(f"{plan.seed}/lot/{lot.block}")
    away = math.hypot(lot.u - plan.core[0], lot.v - plan.core[1])
    nearness = math.exp(-((away / (900 * plan.scale)) ** 2))
    return list(_FILLERS[lot.kind](Site(lot.ring, draw, names, nearness)))


def _arcades(site: Site) -> Iterator[House]:
    """Old shop houses: long rows back to back, lanes between."""
    draw = site.draw
    depth = draw.uniform(11.0, 13.5)
    for y, left, right in rows(site.ring, depth, (0.6, draw.uniform(3.0, 5.0))):
        x = left
        while right - x > 6:
            width = min(draw.choice((8, 10, 13, 17, 25)) * draw.uniform(0.9, 1.1), right - x)
            own = depth * draw.uniform(0.86, 1.0)
            shape = rectangle(x, y, width, own)
            if width > 20 and draw.random() < 0.18:
                shape = corner(x, y, width, own, min(width, own) * 0.55)
            elif width > 17 and own > 12 and draw.random() < 0.2:
                shape = courtyard(x, y, width, own, 3.9)
            use = "commercial" if draw.random() < 0.16 else "residential"
            yield House(shape, use, draw.choice((2, 3, 3, 4, 4, 5)), 3.2, since=(1925, 1990))
            x += width + (draw.uniform(2.0, 3.5) if draw.random() < 0.3 else 0.3)


def _yards(site: Site) -> Iterator[House]:
    """Courtyard houses of the old town, four halls around a well of light."""
    draw = site.draw
    depth = draw.uniform(16.0, 19.0)
    for y, left, right in rows(site.ring, depth, (2.2, 4.0)):
        x = left
        while right - x > 14:
            width = min(draw.uniform(15, 21), right - x)
            shape = (
                courtyard(x, y, width, depth, draw.uniform(4.5, 5.5))
                if draw.random() < 0.7
                else horseshoe(x, y, width, depth, 4.8)
            )
            use = "public" if draw.random() < 0.05 else "residential"
            yield House(shape, use, draw.choice((1, 1, 2)), 3.8, since=(1890, 1950))
            x += width + draw.uniform(1.5, 3.0)


def _cottages(site: Site) -> Iterator[House]:
    """Fill a village that the city grew around: narrow houses, hand-shake close."""
    draw = site.draw
    depth = draw.uniform(12.0, 15.0)
    for y, left, right in rows(site.ring, depth, (1.2, draw.uniform(3.0, 4.5))):
        x = left + draw.uniform(0, 2)
        while right - x > 10:
            width = min(draw.uniform(9.5, 16), right - x)
            if draw.random() > 0.07:
                shape = rectangle(x, y, width, depth * draw.uniform(0.75, 1.0))
                yield House(shape, "residential", draw.choice((3, 4, 5, 5, 6)), since=(1988, 2012))
            x += width + draw.uniform(0.8, 2.0)


def _slabs(site: Site) -> Iterator[House]:
    storeys = site.draw.choice((9, 11, 11, 15, 18))
    return _compound(site, storeys=storeys, depth=14.0, below=1, since=(1998, 2020))


def _walkups(site: Site) -> Iterator[House]:
    storeys = site.draw.choice((6, 6, 7, 7, 8))
    return _compound(site, storeys=storeys, depth=11.5, below=0, since=(1982, 2002))


def _compound(
    site: Site, *, storeys: int, depth: float, below: int, since: tuple[int, int]
) -> Iterator[House]:
    """Rows of flats that look south, as far apart as they are high, with a clubhouse."""
    draw = site.draw
    name, number = site.names.word() + draw.choice(COMPOUNDS), 0
    gap = max(13.0, min(0.9 * storeys * 3.0, 34.0))
    length = draw.choice((36, 44, 52, 60))
    shops = draw.random() < 0.6
    if shops:
        yield from _shops(site)
    free = _SHOP_DEPTH_M + 9.0 if shops else 0.0
    for y, left, right in rows(site.ring, depth, (gap,), spread=True, above=free):
        count = max(1, int((right - left + 9) / (length + 9)))
        width = min(length, right - left)
        step = (right - left - width) / max(count - 1, 1)
        for k in range(count if width > 20 else 0):
            number += 1
            yield House(
                rectangle(left + k * step, y, width, depth),
                *("residential", max(3, storeys - draw.choice((0, 0, 0, 1, 3))), 3.0, below),
                f"{name}{number}号楼",
                since,
            )


def _shops(site: Site) -> Iterator[House]:
    """Line the street before a compound with low shops."""
    for y, left, right in itertools.islice(rows(site.ring, _SHOP_DEPTH_M, (500.0,)), 1):
        x = left
        while right - x > 14:
            width = min(site.draw.uniform(24, 42), right - x)
            yield House(rectangle(x, y, width, _SHOP_DEPTH_M), "commercial", 2, 3.9)
            x += width + site.draw.uniform(5, 9)


def _towers(site: Site) -> Iterator[House]:
    """Towers of flats, staggered, and low shops between them."""
    draw = site.draw
    name, number = site.names.word() + draw.choice(COMPOUNDS), 0
    storeys = draw.choice((18, 24, 26, 30, 32, 33))
    width, depth = draw.uniform(27, 34), draw.uniform(19, 23)
    yield from _shops(site)
    gap = draw.uniform(24, 32)
    lines = rows(site.ring, depth, (gap,), spread=True, above=_SHOP_DEPTH_M + 10)
    for line, (y, left, right) in enumerate(lines):
        x = left + (line % 2) * draw.uniform(6, 18)
        while right - x >= width:
            number += 1
            yield House(
                butterfly(x, y, width, depth),
                *("residential", storeys - draw.choice((0, 0, 1, 3)), 2.95, 2),
                f"{name}{number}号楼",
                (2004, 2024),
            )
            x += width + draw.uniform(15, 22)


def _podium(site: Site) -> Iterator[House]:
    """Put up an L of shops with a tall tower in its arm."""
    box = middle_box(site.ring)
    if box is None:
        return
    draw, (x, y, width, depth) = site.draw, box
    name = site.names.word() + draw.choice(TOWERS)
    arm = min(width, depth) * 0.3
    yield House(corner(x, y, width, depth, arm), "commercial", draw.randint(3, 5), 4.5, 2, name)
    side_u, side_v = min(width - arm - 6, 46.0), min(depth - arm - 6, 44.0)
    if min(side_u, side_v) < 18:
        return
    storeys = int(12 + (12 + 34 * draw.random()) * site.nearness)
    tower = rectangle(x + arm + 5, y + arm + 5, side_u, side_v)
    yield House(tower, "office", storeys, 3.9, 3, f"{name}A座", (1998, 2024))
    left_over = width - arm - 5 - side_u
    if left_over > 34:
        slab = rectangle(x + width - left_over + 9, y + arm + 5, left_over - 9, 20)
        yield House(slab, "commercial", draw.randint(8, 16), 3.6, 1, f"{name}B座", (1998, 2024))


def _mall(site: Site) -> Iterator[House]:
    """One great building around a court."""
    box = middle_box(site.ring)
    if box is None:
        return
    draw, (x, y, width, depth) = site.draw, box
    name = site.names.word() + draw.choice(("广场", "百货", "天地", "商城"))
    arm = min(width, depth) * draw.uniform(0.26, 0.34)
    if width > 1.6 * depth:
        half = width / 2 - 6
        yield House(courtyard(x, y, half, depth, arm * 0.9), "commercial", 5, 5.0, 2, name)
        wing = horseshoe(x + width - half, y, half, depth, arm * 0.9)
        yield House(wing, "commercial", 4, 5.0, 2, f"{name}二期", (2000, 2022))
    else:
        yield House(
            courtyard(x, y, width, depth, arm), "commercial", draw.randint(4, 6), 5.0, 2, name
        )


def _offices(site: Site) -> Iterator[House]:
    """Office towers and slabs in a loose grid."""
    draw = site.draw
    depth = draw.uniform(24, 34)
    for y, left, right in rows(site.ring, depth, (draw.uniform(14, 20),)):
        x = left
        while right - x > 24:
            width = min(draw.choice((28, 34, 46, 58)), right - x)
            storeys = int(6 + (8 + 30 * draw.random()) * site.nearness)
            use = draw.choice(("office", "office", "commercial", "public"))
            name = site.names.word() + draw.choice(TOWERS)
            shape = (
                horseshoe(x, y, width, depth, 10.5)
                if width > 44 and draw.random() < 0.5
                else rectangle(x, y, width, depth)
            )
            yield House(shape, use, storeys, 3.8, 2, name, (1992, 2022))
            x += width + draw.uniform(14, 22)


def _market(site: Site) -> Iterator[House]:
    """Put up a covered market and a few shops."""
    for k, (y, left, right) in enumerate(rows(site.ring, 18.0, (7.0,))):
        if right - left > 20:
            width = min(right - left, 58.0)
            name = site.names.word() + "市场" if k == 0 else None
            yield House(rectangle(left, y, width, 18.0), "commercial", 2, 4.2, 0, name)


def _park(site: Site) -> Iterator[House]:
    """Leave a park, and put a pavilion into it."""
    box = middle_box(site.ring)
    if box is not None:
        x, y = box[0] + box[2] / 2, box[1] + box[3] / 2
        name = site.names.word() + "公园"
        yield House(disc(x, y, 6.0, 8), "public", 1, 5.0, 0, f"{name}凉亭")


def _works(site: Site) -> Iterator[House]:
    """Sheds in rows, and an office at the gate."""
    draw = site.draw
    name, number = site.names.word() + draw.choice(WORKS), 0
    depth = draw.choice((26, 32, 40))
    for y, left, right in rows(site.ring, depth, (draw.uniform(11, 16),)):
        x = left
        while right - x > 28:
            width = min(draw.choice((48, 64, 82, 104)), right - x)
            number += 1
            shape = rectangle(x, y, width, depth)
            if width > 60 and draw.random() < 0.2:
                shape = corner(x, y, width, depth, depth * 0.5)
            storeys = draw.choice((1, 1, 2, 3, 4))
            title = f"{name}{number}号车间" if number > 1 else f"{name}办公楼"
            yield House(shape, "industrial", storeys, 7.5 if storeys == 1 else 4.5, 0, title)
            x += width + draw.uniform(11, 16)


def _depots(site: Site) -> Iterator[House]:
    """Long warehouses behind the quay, with yards of containers between."""
    draw, number = site.draw, 0
    name = site.names.word() + "港区"
    for y, left, right in rows(site.ring, 36.0, (24.0, 60.0)):
        x = left
        while right - x > 60:
            width = min(draw.uniform(90, 130), right - x)
            number += 1
            yield House(
                rectangle(x, y, width, 36), "industrial", 1, 11.0, 0, f"{name}{number}号仓库"
            )
            x += width + 22


def _tanks(site: Site) -> Iterator[House]:
    """Set out oil tanks."""
    draw, number = site.draw, 0
    name, radius = site.names.word() + "油库", draw.uniform(10, 15)
    for y, left, right in rows(site.ring, 2 * radius, (1.5 * radius, 3.5 * radius)):
        x = left + radius
        while x + radius <= right:
            number += 1
            tank = disc(x, y + radius, radius, 20)
            yield House(tank, "industrial", 0, 14.0, 0, f"{name}{number}号罐")
            x += 3.6 * radius


def _campus(site: Site) -> Iterator[House]:
    """Lecture halls around lawns."""
    draw, number = site.draw, 0
    name = site.names.word() + "学院"
    for y, left, right in rows(site.ring, 40.0, (34.0,)):
        x = left
        while right - x > 46:
            width = min(draw.choice((46, 58, 70)), right - x)
            number += 1
            shape = horseshoe(x, y, width, 40, 13) if number % 3 else rectangle(x, y, width, 18)
            yield House(shape, "school", draw.randint(4, 6), 3.8, 0, f"{name}{number}号教学楼")
            x += width + draw.uniform(26, 44)


def _school(site: Site) -> Iterator[House]:
    """Classrooms around a court, a hall, and a playing field left free."""
    box = middle_box(site.ring)
    if box is None:
        return
    x, y, width, depth = box
    name = site.names.word() + site.draw.choice(("小学", "中学", "实验学校"))
    wing = min(width * 0.5, 68.0)
    shape = horseshoe(x, y, wing, min(depth * 0.62, 44.0), min(11.0, wing / 3.5))
    yield House(shape, "school", 5, 3.8, 0, f"{name}教学楼", (1985, 2020))
    if width - wing > 34:
        hall = rectangle(x + wing + 12, y, min(width - wing - 12, 40), min(depth * 0.4, 24))
        yield House(hall, "school", 2, 6.0, 0, f"{name}体育馆", (2000, 2022))


def _hospital(site: Site) -> Iterator[House]:
    """Wards, an outpatient hall, and a tower."""
    name = site.names.word() + "医院"
    titles = iter(("门诊楼", "住院楼", "医技楼", "急诊楼", "行政楼", "感染楼"))
    for k, (y, left, right) in enumerate(rows(site.ring, 22.0, (20.0,))):
        x = left
        while right - x > 30:
            width = min(62.0, right - x)
            title = next(titles, None)
            if title is None:
                return
            storeys = 16 if k == 1 else 6
            yield House(
                *(rectangle(x, y, width, 22), "hospital", storeys, 3.9, 1, name + title),
                (1990, 2020),
            )
            x += width + 24


_FILLERS: dict[str, Filler] = {
    "arcades": _arcades,
    "yards": _yards,
    "cottages": _cottages,
    "slabs": _slabs,
    "walkups": _walkups,
    "towers": _towers,
    "podium": _podium,
    "mall": _mall,
    "offices": _offices,
    "market": _market,
    "park": _park,
    "works": _works,
    "depots": _depots,
    "tanks": _tanks,
    "campus": _campus,
    "school": _school,
    "hospital": _hospital,
}
