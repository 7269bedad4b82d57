"""A network on its way into the city: nodes, segments between them, and what both are."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sample_data._geometry import Floats, Ints, lines, points
from sample_data._streets import Roads
from sample_data._ways import Cuts, Laid, Ways
from sample_data._write import Writer

_OWNERS = {
    "water": "汕岸自来水公司（示例）",
    "sewer": "汕岸排水公司（示例）",
    "storm": "汕岸排水公司（示例）",
    "gas": "汕岸燃气公司（示例）",
    "power": "汕岸供电局（示例）",
}
_TITLES = {
    "water": "给水管",
    "sewer": "污水管",
    "storm": "雨水管",
    "gas": "燃气管",
    "power": "电缆",
}
_CHUNK = 40_000

Objects = NDArray[Any]


@dataclass
class Net:
    """A network: node k is at ``xy[k]``; segment k runs from ``tail[k]`` to ``head[k]``.

    ``columns`` holds the other columns of the segments, one value each.
    """

    kind: str
    elevation_reference: str
    xy: Floats
    z: Floats
    ground_z: Floats
    appurtenance: Objects
    tail: Ints
    head: Ints
    lines: Objects
    columns: dict[str, Objects] = field(default_factory=dict)

    def spur(
        self, node: int, step: tuple[float, float], appurtenance: str, *, inwards: bool, **own: Any
    ) -> None:
        """Add a node a step away from another, and a straight segment between them."""
        self.xy = np.vstack([self.xy, self.xy[node] + np.array(step)])
        self.z = np.append(self.z, self.z[node])
        self.ground_z = np.append(self.ground_z, self.ground_z[node])
        self.appurtenance = np.append(self.appurtenance, appurtenance)
        new = len(self.xy) - 1
        self.link(*((new, node) if inwards else (node, new)), **own)

    def link(self, tail: int, head: int, **own: Any) -> None:
        """Add a straight segment between two nodes."""
        ends = [(*self.xy[k], self.z[k]) for k in (tail, head)]
        self.tail, self.head = np.append(self.tail, tail), np.append(self.head, head)
        own_line = lines(np.array(ends).round(3), np.zeros(2, dtype=np.int64))
        self.lines = np.append(self.lines, own_line)
        for name, values in self.columns.items():
            self.columns[name] = np.append(values, np.array([own.get(name)], dtype=object))

    def joined(self, other: "Net") -> "Net":
        """Return both networks as one; the other's nodes come after this one's."""
        shift = len(self.xy)
        return Net(
            self.kind,
            self.elevation_reference,
            np.vstack([self.xy, other.xy]),
            np.append(self.z, other.z),
            np.append(self.ground_z, other.ground_z),
            np.append(self.appurtenance, other.appurtenance),
            np.append(self.tail, other.tail + shift),
            np.append(self.head, other.head + shift),
            np.append(self.lines, other.lines),
            {name: np.append(self.columns[name], other.columns[name]) for name in self.columns},
        )


def beside(roads: Roads, east_m: float, north_m: float) -> Floats:
    """Return a place beside every junction, the same step from each, shape (n, 2), m."""
    places: Floats = roads.junction_xy + np.array([east_m, north_m])
    return places


def buried(
    kind: str, roads: Roads, way: Ways, laid: Laid, where: Cuts, places: Floats, *, cover_m: float
) -> Net:
    """Return a network that follows the streets at one depth: a node a junction, a node a cut."""
    ground = np.concatenate([roads.junction_z, laid.cut_z])
    plain = np.full(len(roads.junction_z), None, dtype=object)
    count = len(laid.tail)
    return Net(
        kind,
        "top",
        np.concatenate([places, laid.cut_xy]),
        ground - cover_m,
        ground,
        np.concatenate([plain, where.tag]),
        laid.tail,
        laid.head,
        laid.lines(laid.z - cover_m),
        {
            "name": street_titles(roads, way.edges[laid.owner], kind),
            "depth_from_m": np.full(count, cover_m, dtype=object),
            "depth_to_m": np.full(count, cover_m, dtype=object),
        },
    )


def street_titles(roads: Roads, edges: Ints, kind: str) -> Objects:
    """Return the names of pipes: the street's name and what they carry."""
    names = np.array(
        [f"{roads.street(edge).name}{_TITLES[kind]}" for edge in roads.edges], dtype=object
    )
    found: Objects = names[edges]
    return found


def by_street(roads: Roads, edges: Ints, values: dict[str, Any]) -> Objects:
    """Return what holds for the street class of each edge."""
    classes = np.array(
        [values[roads.street(edge).road_class] for edge in roads.edges], dtype=object
    )
    found: Objects = classes[edges]
    return found


def write(writer: Writer, net: Net, label: str) -> None:
    """Write a network; nodes that no segment uses are left out."""
    used = np.zeros(len(net.xy), dtype=bool)
    used[net.tail] = used[net.head] = True
    ids = np.where(used, np.cumsum(used) + writer.counts.get("pipe_node", 0), 0)
    shared = {
        "kind": net.kind,
        "elevation_reference": net.elevation_reference,
        "owner": _OWNERS[net.kind],
        "manager": _OWNERS[net.kind],
    }
    nodes = _node_columns(net, np.flatnonzero(used), label)
    writer.stream("pipe_node", (part | shared for part in _parts(nodes)))
    segments = {
        "source_id": np.char.add(f"{label}-", np.arange(1, len(net.lines) + 1).astype(str)),
        "from_node_id": ids[net.tail],
        "to_node_id": ids[net.head],
        "geom": net.lines,
        **net.columns,
    }
    writer.stream("pipe_segment", (part | shared for part in _parts(segments)))


def _node_columns(net: Net, chosen: Ints, label: str) -> dict[str, Objects]:
    kinds = net.appurtenance[chosen]
    valve = kinds == "valve"
    z, ground = np.round(net.z[chosen], 3), np.round(net.ground_z[chosen], 3)
    inverts = net.elevation_reference == "invert"
    return {
        "source_id": np.char.add(f"{label}-", (chosen + 1).astype(str)),
        "appurtenance": kinds,
        "valve_state": _where(valve, "open"),
        "operable": _where(valve, True),
        "ground_z_m": ground,
        "invert_z_m": z if inverts else np.full(len(z), None, dtype=object),
        "depth_m": np.round(ground - z, 3),
        "geom": points(np.column_stack([np.round(net.xy[chosen], 3), z])),
    }


def _where(there: NDArray[np.bool_], value: object) -> Objects:
    found = np.full(len(there), None, dtype=object)
    found[there] = value
    return found


def _parts(columns: dict[str, Objects]) -> list[dict[str, Any]]:
    count = len(columns["source_id"])
    return [
        {name: values[k : k + _CHUNK] for name, values in columns.items()}
        for k in range(0, count, _CHUNK)
    ]
