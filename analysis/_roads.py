"""The road graph in memory: flat arrays that follow the change feed.

The graph is the same for every caller and never written to: a closure is a mask beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from analysis import _shortest as shortest
from analysis._follow import ReadModel
from twin.topology.graph import parts

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

NOT_DRIVEN = (
    "footway",
    "path",
    "steps",
    "cycleway",
    "bridleway",
    "corridor",
    "platform",
    "elevator",
    "proposed",
    "construction",
)
"""Road classes that no vehicle takes."""

_EDGES = text("""
    -- Every road that can be driven, by id.  z is a height only where the row says so.
    SELECT   id, from_node_id, to_node_id, direction, length_m, speed_m_per_s, deck_level,
             elevation_reference = 'deck' AS has_height, ST_AsBinary(geom) AS wkb
    FROM     twin.road_edge
    WHERE    state = 'in_service' AND NOT road_class = ANY (:not_driven)
    ORDER BY id
""")


@dataclass(frozen=True, eq=False)
class RoadGraph:
    """Roads as arrays; edges and nodes are numbered from 0, edges in the order of their ids."""

    edge_id: Ints
    start: Ints
    """Node at which each edge's line begins."""
    end: Ints
    direction: Ints
    """0 both ways, 1 along the line only, -1 against it only."""
    length_m: Floats
    time_s: Floats
    deck_level: Ints
    has_height: Bools
    corners: Floats
    """Corners of all lines, shape (corners, 3): x, y, z in metres."""
    corner_first: Ints
    """Where each edge begins in ``corners``, shape (edges + 1,)."""
    lines: NDArray[np.object_]
    tree: shapely.STRtree
    main: Bools
    """Whether an edge hangs in the largest piece of the graph."""
    into_first: Ints
    """The graph turned round, in compressed rows: the arcs that lead into each node."""
    into_from: Ints
    into_edge: Ints
    into_node: Ints
    """Where each of those arcs ends."""
    into_along: Bools
    """Whether each of those arcs runs along its edge's line."""

    @property
    def edges(self) -> int:
        """Number of edges."""
        return len(self.edge_id)

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return len(self.into_first) - 1

    def corners_of(self, edge: int) -> Floats:
        """Return the corners of one edge, shape (n, 3)."""
        return self.corners[self.corner_first[edge] : self.corner_first[edge + 1]]


def build_graph(
    *,
    edge_id: Ints,
    from_node_id: Ints,
    to_node_id: Ints,
    direction: Ints,
    length_m: Floats,
    speed_m_per_s: Floats,
    deck_level: Ints,
    has_height: Bools,
    lines: NDArray[np.object_],
) -> RoadGraph:
    """Return the graph of some edges, each an array of shape (edges,), in the order of their ids.

    ``lines`` are in metres, from the from-node to the to-node, with z.
    """
    named = np.unique(np.concatenate([from_node_id, to_node_id]))
    start, end = np.searchsorted(named, from_node_id), np.searchsorted(named, to_node_id)
    nodes = len(named)
    along, against = np.flatnonzero(direction >= 0), np.flatnonzero(direction <= 0)
    # Turned round: an arc stands in the row of the node it leads into.
    into = np.concatenate([end[along], start[against]])
    out_of = np.concatenate([start[along], end[against]])
    edge = np.concatenate([along, against])
    first, into_from, into_edge, order = shortest.rows(into, out_of, edge, nodes)
    piece = parts(start, end, nodes)[start]
    size = np.bincount(piece, minlength=1)
    corners, owner = shapely.get_coordinates(lines, include_z=True, return_index=True)
    corner_first = np.zeros(len(lines) + 1, dtype=np.int64)
    np.cumsum(np.bincount(owner, minlength=len(lines)), out=corner_first[1:])
    return RoadGraph(
        edge_id=edge_id,
        start=start,
        end=end,
        direction=direction,
        length_m=length_m,
        time_s=length_m / speed_m_per_s,
        deck_level=deck_level,
        has_height=has_height,
        corners=corners,
        corner_first=corner_first,
        lines=lines,
        tree=shapely.STRtree(lines),
        main=piece == np.argmax(size),
        into_first=first,
        into_from=into_from,
        into_edge=into_edge,
        into_node=into[order],
        into_along=order < len(along),
    )


def load_graph(session: Session) -> RoadGraph:
    """Return the graph of the city's roads as they are now."""
    rows = session.execute(_EDGES, {"not_driven": list(NOT_DRIVEN)}).all()
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True)) or [()] * 9
    integers = [np.array(columns[n], dtype=np.int64) for n in (0, 1, 2, 3, 6)]
    return build_graph(
        edge_id=integers[0],
        from_node_id=integers[1],
        to_node_id=integers[2],
        direction=integers[3],
        length_m=np.array(columns[4], dtype=np.float64),
        speed_m_per_s=np.array(columns[5], dtype=np.float64),
        deck_level=integers[4],
        has_height=np.array(columns[7], dtype=np.bool_),
        lines=np.asarray(shapely.from_wkb(np.array(columns[8], dtype=object)), dtype=object),
    )


road_graph = ReadModel(("road_edge", "road_node"), load_graph)
"""The graph of the city's roads, from memory unless a road has changed."""
