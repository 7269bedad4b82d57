"""Sewers and storm drains: they fall towards an outfall, and are pumped up where too deep."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from sample_data._geometry import Ints
from sample_data._paths import Forest, forest
from sample_data._pipes import Net, Objects, beside, street_titles, write
from sample_data._plan import Floats, Plan
from sample_data._streets import Roads
from sample_data._ways import Ways, cuts, every, lay, ways
from sample_data._write import Writer

_SIZES_M = np.array([0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2, 1.5, 1.8, 2.2])
_HEAD_FREE_M = 14.0


class Spacing(NamedTuple):
    """How far apart things stand along a street, and how far off its ends."""

    apart_m: float
    free_m: float


MANHOLES = Spacing(apart_m=68.0, free_m=_HEAD_FREE_M + 8.0)


@dataclass(frozen=True)
class Rules:
    """How one kind of drain is built; ``aside`` is to the left, a share of half the street."""

    kind: str
    label: str
    cover_m: float
    slope: float
    deepest_m: float
    aside: float
    step: tuple[float, float]
    size_of_km: float


SEWER = Rules("sewer", "S", 2.2, 0.0018, 7.0, -0.25, (0.5, -0.5), 0.16)
STORM = Rules("storm", "R", 1.5, 0.0015, 6.0, 0.22, (-0.5, 1.5), 0.42)


def write_drains(
    writer: Writer, roads: Roads, plan: Plan, rules: Rules, outfalls: list[int]
) -> None:
    """Lay one kind of drain in every street that is neither bridge nor underpass.

    Each street drains towards the end that is nearer to an outfall; a street that is on nobody's
    way begins with a manhole of its own beside its upper end.
    """
    level = [roads.street(edge).deck_level == 0 for edge in roads.edges]
    tree = forest(roads, outfalls, level)
    usable = [
        k
        for k, edge in enumerate(roads.edges)
        if level[k] and edge.start != edge.end and tree.away_m[edge.start] < np.inf
    ]
    way = ways(roads, np.array(usable, dtype=np.int64))
    downhill = _downhill(roads, way, tree)
    invert = _inverts(roads, way, tree, downhill, rules)
    net = _laid(roads, way, downhill, invert, rules)
    for number, outfall in enumerate(outfalls):
        _outfall(net, roads, plan, outfall, number, rules)
    write(writer, net, rules.label)


@dataclass(frozen=True)
class Downhill:
    """Which way the edges drain: from ``upper`` to ``lower``; ``forward`` if along their lines.

    ``own_head`` says that an edge begins with a manhole of its own and not at the junction.
    """

    upper: Ints
    lower: Ints
    forward: NDArray[np.bool_]
    own_head: NDArray[np.bool_]


@dataclass(frozen=True)
class Inverts:
    """Levels of the bottom of the drains, m, by edge and by junction."""

    high: Floats
    low: Floats
    junction: Floats
    pumped: NDArray[np.bool_]
    drained_m: Floats


def _downhill(roads: Roads, way: Ways, tree: Forest) -> Downhill:
    away = np.array(tree.away_m)
    via = np.array(tree.edge)
    # Against ties: a tree's edge always leaves the junction it was chosen for.
    forward = away[way.start] > away[way.end]
    forward = np.where(via[way.start] == way.edges, True, forward)
    forward = np.where(via[way.end] == way.edges, False, forward)
    upper = np.where(forward, way.start, way.end)
    return Downhill(upper, np.where(forward, way.end, way.start), forward, via[upper] != way.edges)


def _inverts(roads: Roads, way: Ways, tree: Forest, downhill: Downhill, rules: Rules) -> Inverts:
    """Go from the heads down, and find how deep every drain has to lie."""
    away = np.array(tree.away_m)
    # A junction's own edge leaves it after all that come to it have arrived.
    order = np.lexsort((~downhill.own_head, -away[downhill.upper]))
    junction = roads.junction_z - rules.cover_m
    drained = np.zeros(len(junction))
    pumped = np.zeros(len(junction), dtype=bool)
    high, low = np.zeros(way.count), np.zeros(way.count)
    upstream = np.zeros(way.count)
    for k in order.tolist():
        upper, lower = downhill.upper[k], downhill.lower[k]
        top = roads.junction_z[upper] - rules.cover_m
        if not downhill.own_head[k]:
            if roads.junction_z[upper] - junction[upper] > rules.deepest_m:
                pumped[upper] = True
            else:
                top = min(junction[upper], top)
            upstream[k] = drained[upper]
        high[k] = top
        low[k] = _lower_end(way, k, top, bool(downhill.forward[k]), rules)
        junction[lower] = min(junction[lower], low[k])
        upstream[k] += way.length_m[k]
        drained[lower] += upstream[k]
    return Inverts(high, low, junction, pumped, upstream)


def _lower_end(way: Ways, k: int, top: float, forward: bool, rules: Rules) -> float:
    """Return the lower invert of an edge: it falls, and stays covered all along."""
    span = slice(int(way.first[k]), int(way.first[k + 1]))
    share = (way.key[span] - way.base[k]) / way.length_m[k]
    share = share if forward else 1 - share
    ground = way.z[span]
    far = share > 0.05
    needed = top + (ground[far] - 0.6 * rules.cover_m - top) / share[far]
    return float(min(top - rules.slope * way.length_m[k], needed.min()))


def _laid(roads: Roads, way: Ways, downhill: Downhill, invert: Inverts, rules: Rules) -> Net:
    heads = np.flatnonzero(downhill.own_head & (way.length_m > 2 * _HEAD_FREE_M))
    off = np.where(downhill.forward, _HEAD_FREE_M, way.length_m - _HEAD_FREE_M)
    where = cuts(
        [
            (*every(way, MANHOLES.apart_m, free_m=MANHOLES.free_m), "manhole"),
            (heads, off[heads], "manhole"),
        ]
    )
    places = beside(roads, *rules.step)
    laid = lay(way, rules.aside * way.half_m, places, where)
    start = np.where(downhill.forward, invert.high, invert.low)
    rise = np.where(downhill.forward, invert.low, invert.high) - start
    share = laid.along_m / way.length_m[laid.owner[laid.segment]]
    owner = laid.owner[laid.segment]
    lines = laid.lines(start[owner] + rise[owner] * share)
    along = where.along_m / way.length_m[where.owner]
    cut_z = start[where.owner] + rise[where.owner] * along
    kept = _kept(way, downhill, laid.owner, laid.low_m, laid.high_m)
    forward = downhill.forward[laid.owner]
    lines = np.where(forward, lines, shapely.reverse(lines))[kept]
    tail = np.where(forward, laid.tail, laid.head)[kept]
    head = np.where(forward, laid.head, laid.tail)[kept]
    appurtenance = np.full(len(places), "manhole", dtype=object)
    appurtenance[invert.pumped] = "pump"
    return Net(
        rules.kind,
        "invert",
        np.concatenate([places, laid.cut_xy]),
        np.concatenate([invert.junction, cut_z]),
        np.concatenate([roads.junction_z, laid.cut_z]),
        np.concatenate([appurtenance, where.tag]),
        tail,
        head,
        lines,
        _columns(roads, way, invert, laid.owner[kept], rules),
    )


def _kept(way: Ways, downhill: Downhill, owner: Ints, low: Floats, high: Floats) -> Ints:
    """Leave out the first piece of an edge that begins with a manhole of its own."""
    first = np.where(downhill.forward[owner], low == 0, high == way.length_m[owner])
    cut = downhill.own_head[owner] & (way.length_m[owner] > 2 * _HEAD_FREE_M)
    return np.flatnonzero(~(first & cut))


def _columns(
    roads: Roads, way: Ways, invert: Inverts, owner: Ints, rules: Rules
) -> dict[str, Objects]:
    """Return sizes that grow with what is drained, and what goes with them."""
    wanted = 0.22 + rules.size_of_km * np.sqrt(invert.drained_m / 1000.0)
    size = _SIZES_M[np.minimum(np.searchsorted(_SIZES_M, wanted), len(_SIZES_M) - 1)][owner]
    street = np.array([edge.street for edge in roads.edges])[way.edges[owner]]
    return {
        "name": street_titles(roads, way.edges[owner], rules.kind),
        "width_m": size.astype(object),
        "material": np.where(size > 0.55, "concrete", "hdpe").astype(object),
        "shape": np.full(len(owner), "circular", dtype=object),
        "built_year": (1988 + (street * 2_654_435_761 % 2**32) % 35).astype(object),
    }


def _outfall(net: Net, roads: Roads, plan: Plan, outfall: int, number: int, rules: Rules) -> None:
    """Lead an outfall to the water: into the river if that is nearer, else over the beach."""
    u, v = (float(k) for k in roads.board[outfall])
    inland = abs(u - plan.river_u_m) < plan.river_half_m + 1
    step_u = (50.0 if u < plan.river_u_m else -50.0) if inland else 0.0
    ends = plan.to_map(np.array([u, u + step_u]), np.array([v, v if inland else v - 70.0]))
    sewer = rules.kind == "sewer"
    net.spur(
        outfall,
        (float(ends[0][1] - ends[0][0]), float(ends[1][1] - ends[1][0])),
        "pump" if sewer else "outfall",
        inwards=False,
        name=f"{number + 1}号污水泵站进水管" if sewer else f"{number + 1}号雨水排口",
        width_m=float(_SIZES_M[-1]),
        material="concrete",
        shape="circular",
        built_year=1995,
    )
