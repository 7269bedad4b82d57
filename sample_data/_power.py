"""The power network: 110 kV cables between substations, 10 kV cables from them into the streets."""

import numpy as np

from sample_data._geometry import Ints
from sample_data._paths import Forest, forest
from sample_data._pipes import Net, beside, buried, write
from sample_data._streets import Roads
from sample_data._ways import Cuts, every, lay, ways
from sample_data._write import Writer

_COVER_M = 0.7
_HIGH_V, _MIDDLE_V = 110_000.0, 10_000.0


def write_power(writer: Writer, roads: Roads, source: int, substations: list[int]) -> None:
    """Lay the cables.

    Parameters
    ----------
    writer : Writer
        Where they go.
    roads : Roads
        The streets they follow.
    source : int
        The junction at which 110 kV come into the city.
    substations : list of int
        Junctions at which substations stand.
    """
    everywhere = [True] * len(roads.edges)
    to_source = forest(roads, [source], everywhere)
    high = _cables(roads, _on_the_way(to_source, substations), (4.2, 3.6), 0.88, _HIGH_V)
    high.appurtenance[substations] = "substation"
    high.spur(
        source,
        (40.0, 90.0),
        "source",
        inwards=True,
        name="220kV变电站出线",
        **_cable(_HIGH_V),
    )
    to_substation = forest(roads, substations, everywhere)
    feeders = np.array(sorted({k for k in to_substation.edge if k >= 0}), dtype=np.int64)
    middle = _cables(roads, feeders, (-3.4, 2.6), -0.85, _MIDDLE_V)
    _place_transformers(middle, roads, feeders)
    shift = len(high.xy)
    net = high.joined(middle)
    for junction in substations:
        net.link(junction, junction + shift, name="变电站母线", **_cable(_MIDDLE_V))
    write(writer, net, "P")


def _on_the_way(tree: Forest, junctions: list[int]) -> Ints:
    """Return the edges of the ways from some junctions to the root."""
    edges = set()
    for junction in junctions:
        while tree.edge[junction] >= 0 and tree.edge[junction] not in edges:
            edges.add(tree.edge[junction])
            junction = tree.parent[junction]
    return np.array(sorted(edges), dtype=np.int64)


def _cables(
    roads: Roads, edges: Ints, step: tuple[float, float], aside: float, voltage_v: float
) -> Net:
    way = ways(roads, edges)
    places = beside(roads, *step)
    owner, along = every(way, 400.0)
    where = Cuts(owner, along, np.full(len(owner), None, dtype=object))
    laid = lay(way, aside * way.half_m, places, where)
    net = buried("power", roads, way, laid, where, places, cover_m=_COVER_M)
    count = len(laid.tail)
    net.columns |= {
        name: np.full(count, value, dtype=object) for name, value in _cable(voltage_v).items()
    }
    return net


def _cable(voltage_v: float) -> dict[str, object]:
    return {
        "voltage_v": voltage_v,
        "material": "copper",
        "shape": "duct",
        "width_m": 0.2,
        "depth_from_m": _COVER_M,
        "depth_to_m": _COVER_M,
        "built_year": 2008,
    }


def _place_transformers(net: Net, roads: Roads, feeders: Ints) -> None:
    """Put a transformer where a feeder ends, and at every third junction on the way."""
    degree = np.zeros(len(roads.junctions), dtype=np.int64)
    for k in feeders.tolist():
        degree[roads.edges[k].start] += 1
        degree[roads.edges[k].end] += 1
    chosen = (degree == 1) | ((np.arange(len(degree)) % 3 == 0) & (degree > 1))
    net.appurtenance[: len(degree)][chosen] = "transformer"
