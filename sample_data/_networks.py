"""Networks under pressure: water and gas, and the transmission line that skirts the city."""

import numpy as np

from sample_data._geometry import Ints
from sample_data._pipes import Net, beside, buried, by_street, write
from sample_data._plan import CENTRE, Floats, Plan
from sample_data._streets import Roads
from sample_data._ways import Cuts, Ways, cuts, every, lay, ways
from sample_data._write import Writer
from twin.units import kilopascals, millimetres

_WATER_MM = {
    "trunk": 800.0,
    "primary": 600.0,
    "secondary": 400.0,
    "tertiary": 200.0,
    "residential": 150.0,
    "living_street": 100.0,
}
_GAS_MM = {
    "trunk": 315.0,
    "primary": 315.0,
    "secondary": 250.0,
    "tertiary": 200.0,
    "residential": 160.0,
    "living_street": 110.0,
}
_WATER_COVER_M, _GAS_COVER_M, _TRANSMISSION_COVER_M = 1.0, 0.9, 1.5
_TRANSMISSION_ASIDE_M = 34.0


def write_water(writer: Writer, roads: Roads, plan: Plan) -> None:
    """Lay the water mains: two works in the north, valves at the junctions, hydrants between."""
    way = ways(roads, np.arange(len(roads.edges)))
    where = _valves_and_hydrants(way)
    places = beside(roads, 2.0, 3.0)
    laid = lay(way, -0.62 * way.half_m, places, where)
    net = buried("water", roads, way, laid, where, places, cover_m=_WATER_COVER_M)
    _as_mains(net, roads, way.edges[laid.owner], _WATER_MM, ("ductile_iron", "pe"), 350.0)
    for column in (plan.river, plan.river + 1):
        net.spur(
            nearest(roads, plan, float(plan.columns[column]), float(plan.rows[-1])),
            (-12.0, 70.0),
            "source",
            inwards=True,
            name="水厂出厂管",
            depth_from_m=_WATER_COVER_M,
            depth_to_m=_WATER_COVER_M,
            width_m=millimetres(1000.0),
            pressure_pa=kilopascals(400.0),
            material="ductile_iron",
            shape="circular",
            built_year=1996,
        )
    write(writer, net, "W")


def write_gas(writer: Writer, roads: Roads) -> None:
    """Lay the gas mains: a transmission line around the city, gates on it, mains within."""
    way = ways(roads, np.arange(len(roads.edges)))
    where = cuts([_at_start(way, 30.0)])
    places = beside(roads, -2.5, -1.5)
    laid = lay(way, 0.62 * way.half_m, places, where)
    net = buried("gas", roads, way, laid, where, places, cover_m=_GAS_COVER_M)
    _as_mains(net, roads, way.edges[laid.owner], _GAS_MM, ("steel", "pe"), 400.0)
    line, gates = _transmission(roads)
    shift = len(net.xy)
    net = net.joined(line)
    for gate in gates.tolist():
        net.link(
            gate + shift,
            gate,
            name="门站出站管",
            depth_from_m=_TRANSMISSION_COVER_M,
            depth_to_m=_GAS_COVER_M,
            width_m=millimetres(315.0),
            pressure_pa=kilopascals(400.0),
            material="steel",
            shape="circular",
            built_year=2014,
        )
    write(writer, net, "G")


def nearest(roads: Roads, plan: Plan, u: float, v: float) -> int:
    """Return the junction nearest to a place of the board."""
    x, y = plan.to_map(np.array([u]), np.array([v]))
    away = np.hypot(roads.junction_xy[:, 0] - x[0], roads.junction_xy[:, 1] - y[0])
    return int(np.argmin(away))


def _as_mains(
    net: Net,
    roads: Roads,
    edges: Ints,
    sizes_mm: dict[str, float],
    materials: tuple[str, str],
    pressure_kpa: float,
) -> None:
    """Give mains their size by street class, wide ones of the first material, and their age."""
    width = by_street(roads, edges, {k: millimetres(v) for k, v in sizes_mm.items()})
    # Knuth's multiplicative hash: an age that looks drawn, and is the street's alone.
    street = np.array([edge.street for edge in roads.edges])[edges]
    net.columns |= {
        "width_m": width,
        "pressure_pa": np.full(len(edges), kilopascals(pressure_kpa), dtype=object),
        "material": np.where(width > 0.22, materials[0], materials[1]).astype(object),
        "shape": np.full(len(edges), "circular", dtype=object),
        "built_year": (1986 + (street * 2_654_435_761 % 2**32) % 37).astype(object),
    }


def _valves_and_hydrants(way: Ways) -> Cuts:
    return cuts(
        [
            _at_start(way, 40.0),
            _at_end(way, 120.0),
            (*every(way, 120.0, free_m=20.0), "hydrant"),
        ]
    )


def _at_start(way: Ways, shortest_m: float) -> tuple[Ints, Floats, str]:
    owner = np.flatnonzero(way.length_m > shortest_m)
    return owner, way.corner_m[owner], "valve"


def _at_end(way: Ways, shortest_m: float) -> tuple[Ints, Floats, str]:
    owner = np.flatnonzero(way.length_m > shortest_m)
    return owner, way.length_m[owner] - way.corner_m[owner], "valve"


def _transmission(roads: Roads) -> tuple[Net, Ints]:
    """Return the DN500 line at 4.0 MPa outside the ring road, and the junctions of its gates."""
    ring = [k for k, edge in enumerate(roads.edges) if roads.street(edge).road_class == "trunk"]
    way = ways(roads, np.array(ring, dtype=np.int64))
    middle = (way.first[:-1] + way.first[1:]) // 2
    outward = ((way.points[middle] - np.array(CENTRE)) * way.normal[middle]).sum(axis=1)
    aside = np.where(outward > 0, _TRANSMISSION_ASIDE_M, -_TRANSMISSION_ASIDE_M)
    places = _outside(roads, way, aside)
    owner, along = every(way, 250.0)
    where = Cuts(owner, along, np.full(len(owner), None, dtype=object))
    laid = lay(way, aside, places, where)
    net = buried("gas", roads, way, laid, where, places, cover_m=_TRANSMISSION_COVER_M)
    count = len(laid.tail)
    net.columns |= {
        "name": np.full(count, "高压燃气管线", dtype=object),
        "width_m": np.full(count, millimetres(500.0), dtype=object),
        "pressure_pa": np.full(count, kilopascals(4000.0), dtype=object),
        "material": np.full(count, "steel", dtype=object),
        "shape": np.full(count, "circular", dtype=object),
        "built_year": np.full(count, 2014, dtype=object),
    }
    order = _around(way)
    net.appurtenance[order[2 :: max(3, len(order) // 9)]] = "valve"
    net.appurtenance[order[-1]] = "source"
    gates = order[np.round(np.array([0.04, 0.30, 0.62, 0.93]) * (len(order) - 1)).astype(int)]
    net.appurtenance[gates] = "regulator"
    return net, gates


def _outside(roads: Roads, way: Ways, aside: Floats) -> Floats:
    """Return where the line passes each junction: aside by the mean of its edges' steps."""
    step = np.zeros_like(roads.junction_xy)
    times = np.zeros(len(step))
    for at, point in ((way.start, way.first[:-1]), (way.end, way.first[1:] - 1)):
        np.add.at(step, at, way.normal[point] * aside[:, None])
        np.add.at(times, at, 1)
    return roads.junction_xy + step / np.maximum(times, 1)[:, None]


def _around(way: Ways) -> Ints:
    """Return the junctions of a line that does not branch, from one end to the other."""
    neighbours: dict[int, list[int]] = {}
    for a, b in zip(way.start.tolist(), way.end.tolist(), strict=True):
        neighbours.setdefault(a, []).append(b)
        neighbours.setdefault(b, []).append(a)
    ends = sorted(k for k, others in neighbours.items() if len(others) == 1)
    order, before = [ends[0]], -1
    while True:
        ahead = [k for k in neighbours[order[-1]] if k != before]
        if not ahead:
            return np.array(order, dtype=np.int64)
        before = order[-1]
        order.append(ahead[0])
