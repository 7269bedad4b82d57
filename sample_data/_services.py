"""Facilities of the city, and the teams and vehicles that stand at them."""

import random
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sample_data._blocks import Lot
from sample_data._buildings import House
from sample_data._geometry import points
from sample_data._names import Names
from sample_data._write import Writer

TITLES = {
    "clinic": "社区卫生服务中心",
    "fire_station": "消防救援站",
    "police": "派出所",
    "nursing_home": "养老院",
    "kindergarten": "幼儿园",
    "gas_station": "加油加气站",
    "shelter": "应急避难场所",
}
_USES = {"kindergarten": "school", "gas_station": "commercial", "clinic": "hospital"}
_CAPACITY = {
    "hospital": (300, 1200),
    "clinic": (10, 40),
    "school": (600, 2400),
    "kindergarten": (120, 360),
    "nursing_home": (60, 240),
    "shelter": (400, 3000),
}
_EVERY = {
    "kindergarten": (2, 1),
    "clinic": (3, 1),
    "gas_station": (5, 2),
    "police": (6, 3),
    "nursing_home": (7, 4),
    "fire_station": (8, 1),
}
"""Which built-up quarters have one: every so many, beginning with which."""

_HOSTS = ("slabs", "walkups", "towers", "arcades", "yards", "cottages", "market", "offices")


def assign(lots: list[Lot], seed: int) -> None:
    """Decide which lots become schools and hospitals, and which house other facilities."""
    draw = random.Random(f"{seed}/services")
    by_quarter: dict[int, list[Lot]] = defaultdict(list)
    for lot in lots:
        if lot.zone in ("old", "homes", "centre", "village", "campus"):
            by_quarter[lot.quarter].append(lot)
    for order, own in enumerate(by_quarter.values()):
        large = sorted(own, key=lambda lot: (-lot.area_m2, lot.block))
        if order % 2 == 0 or len(by_quarter) < 4:
            large[0].kind = "school"
        if order % 9 == 1:
            large[1 % len(large)].kind = "hospital"
        plain = [lot for lot in own if lot.kind in _HOSTS] or own
        for kind, (step, first) in _EVERY.items():
            if order % step == first % step:
                draw.choice(plain).hosts.append(kind)


@dataclass
class Facilities:
    """Facilities found so far, by column."""

    kind: list[str] = field(default_factory=list)
    name: list[str] = field(default_factory=list)
    address: list[str | None] = field(default_factory=list)
    cell: list[str] = field(default_factory=list)
    xy: list[tuple[float, float]] = field(default_factory=list)

    def add(
        self, kind: str, name: str, address: str | None, cell: str, xy: tuple[float, float]
    ) -> None:
        """Add one."""
        self.kind.append(kind)
        self.name.append(name)
        self.address.append(address)
        self.cell.append(cell)
        self.xy.append(xy)

    def first(self, kind: str) -> list[int]:
        """Return which facilities are of a kind."""
        return [k for k, each in enumerate(self.kind) if each == kind]


def settle(lot: Lot, houses: list[House], names: Names) -> list[tuple[int, str, str]]:
    """Give a lot's houses to the facilities it hosts: which house, what kind, what name."""
    found = []
    free = [k for k, house in enumerate(houses) if house.use != "industrial"]
    for kind in lot.hosts:
        if free:
            k = free.pop(len(free) // 3)
            name = names.word() + TITLES[kind]
            houses[k].use = _USES.get(kind, "public")
            houses[k].name = name
            houses[k].storeys = min(houses[k].storeys, 5)
            found.append((k, kind, name))
    if lot.kind in ("school", "hospital") and houses and houses[0].name:
        whole = houses[0].name.removesuffix("教学楼").removesuffix("门诊楼")
        found.append((0, lot.kind, whole))
        if lot.kind == "school":
            found.append((len(houses) - 1, "shelter", whole + TITLES["shelter"]))
    return found


def write_facilities(writer: Writer, facilities: Facilities, names: Names, seed: int) -> None:
    """Write the facilities; facility k gets the number k + 1."""
    draw = random.Random(f"{seed}/capacity")
    capacity = [
        round(draw.uniform(*_CAPACITY[kind]), -1) if kind in _CAPACITY else None
        for kind in facilities.kind
    ]
    writer.add(
        "facility",
        source_id=[f"F{k + 1:05d}" for k in range(len(facilities.kind))],
        name=facilities.name,
        kind=facilities.kind,
        address=facilities.address,
        cell_id=facilities.cell,
        phone=[names.telephone() for _ in facilities.kind],
        capacity=[None if each is None else int(each) for each in capacity],
        geom=points(np.round(np.array(facilities.xy), 2)),
    )


@dataclass(frozen=True)
class _Team:
    kind: str
    vehicle_class: str
    title: str
    crew: int
    capabilities: tuple[str, ...]
    pump_m3_per_s: float | None = None


_ENGINE = _Team("fire_engine", "fire_engine", "水罐消防车", 6, ("fire", "rescue"))
_LADDER = _Team("fire_engine", "fire_engine", "云梯消防车", 4, ("fire", "height"))
_PUMP = _Team("pump_truck", "pump_truck", "排水泵车", 3, ("drainage",), 0.42)
_GREAT_PUMP = _Team("pump_truck", "pump_truck", "大流量排水车", 4, ("drainage",), 0.83)
_AMBULANCE = _Team("ambulance", "ambulance", "救护车", 3, ("medical",))
_REPAIR = _Team("crew", "suv", "抢险队", 5, ("repair", "gas", "water"))
_PATROL = _Team("crew", "suv", "巡防队", 4, ("traffic", "evacuation"))
_BOAT = _Team("boat", "lorry", "冲锋舟", 4, ("water_rescue", "evacuation"))
_BASES = {
    "fire_station": (_ENGINE, _ENGINE, _LADDER, _PUMP, _BOAT),
    "hospital": (_AMBULANCE, _AMBULANCE, _AMBULANCE),
    "pumping_station": (_GREAT_PUMP, _REPAIR),
    "police": (_PATROL,),
    "substation": (_REPAIR,),
}


def write_teams(writer: Writer, facilities: Facilities, names: Names, seed: int) -> None:
    """Write the vehicles and crews, in a row before their bases; most of them are free."""
    draw = random.Random(f"{seed}/teams")
    rows: list[dict[str, Any]] = []
    for base, kind in enumerate(facilities.kind):
        for place, team in enumerate(_BASES.get(kind, ())):
            x, y = facilities.xy[base]
            rows.append(
                {
                    "name": f"{facilities.name[base]}{place + 1}号{team.title}",
                    "kind": team.kind,
                    "vehicle_class": team.vehicle_class,
                    # The first of a base is free, so that a newcomer's first dispatch finds one.
                    "status": "free" if place == 0 else _status(draw),
                    "capabilities": list(team.capabilities),
                    "crew": team.crew,
                    "pump_m3_per_s": team.pump_m3_per_s,
                    "phone": names.mobile(),
                    "facility_id": base + 1,
                    "geom": (round(x + 4.0 * place, 2), round(y - 3.0 * place, 2)),
                }
            )
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in rows[0]}
    columns["geom"] = points(np.array(columns["geom"]))
    writer.add("resource", source_id=[f"T{k + 1:05d}" for k in range(len(rows))], **columns)


def _status(draw: random.Random) -> str:
    return draw.choices(("free", "busy", "off_duty"), (0.74, 0.18, 0.08))[0]
