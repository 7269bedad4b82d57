"""Roads into a graph: lines are cut where they meet, and hung between nodes.

Where the file has OSM's node numbers, lines meet where they share one.  Else they meet where one
ends on a vertex of another, or where two on the same level share a vertex: a bridge that passes
over a street is not joined to it although both may have a vertex there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_SNAP_M = 0.001


@dataclass(frozen=True)
class Lines:
    """Road lines in the city's frame, before they are cut."""

    ids: pa.Array
    """Each line's name in the source, shape (n,)."""
    starts: NDArray[np.int64]
    """Where each line's vertices begin, shape (n + 1,)."""
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    z: NDArray[np.float64]
    refs: NDArray[np.int64] | None
    """OSM's number of each vertex, where the file has them."""
    fields: dict[str, pa.Array]
    """What is known of each line, by the columns of ``road_edge``."""


@dataclass(frozen=True)
class Graph:
    """Nodes, and edges between them."""

    node_name: NDArray[np.object_]
    node_vertex: NDArray[np.int64]
    """A vertex of the lines at each node, shape (nodes,)."""
    line: NDArray[np.int64]
    """The line each edge is cut from, shape (edges,)."""
    piece: NDArray[np.int64]
    """Its number along that line, from 0; -1 where the line was not cut."""
    first: NDArray[np.int64]
    """Its first vertex."""
    last: NDArray[np.int64]
    """Its last vertex, part of it."""
    from_node: NDArray[np.int64]
    to_node: NDArray[np.int64]


def build_graph(lines: Lines) -> Graph:
    """Cut lines where they meet.

    >>> cross = Lines(
    ...     ids=pa.array(["a", "b"]), starts=np.array([0, 3, 5]),
    ...     x=np.array([0.0, 1, 2, 1, 1]), y=np.array([0.0, 0, 0, 0, 5]), z=np.zeros(5),
    ...     refs=None, fields={"deck_level": pa.array([0, 0])},
    ... )
    >>> graph = build_graph(cross)
    >>> len(graph.node_name), graph.line.tolist(), graph.piece.tolist()
    (4, [0, 0, 1], [0, 1, -1])
    """
    line_of = np.repeat(np.arange(len(lines.ids)), np.diff(lines.starts))
    place = _places(lines)
    is_node = _nodes_among(lines, place, line_of)
    at = np.flatnonzero(is_node)
    within = line_of[at[:-1]] == line_of[at[1:]]
    first, last = at[:-1][within], at[1:][within]
    used, node_of = np.unique(place[np.concatenate([first, last])], return_inverse=True)
    vertex = np.empty(len(used), np.int64)
    vertex[node_of] = np.concatenate([first, last])
    line = line_of[first]
    pieces = np.bincount(line, minlength=len(lines.ids))
    begins = np.concatenate([[0], np.cumsum(pieces)])
    number = np.arange(len(line)) - begins[line]
    return Graph(
        _node_names(lines, vertex),
        vertex,
        line,
        np.where(pieces[line] > 1, number, -1),
        first,
        last,
        node_of[: len(first)],
        node_of[len(first) :],
    )


def _places(lines: Lines) -> NDArray[np.int64]:
    """Return a number for each vertex that is the same where vertices are at one place."""
    if lines.refs is not None:
        _, place = np.unique(lines.refs, return_inverse=True)
    else:
        grid = np.round(lines.x / _SNAP_M) + 1j * np.round(lines.y / _SNAP_M)
        _, place = np.unique(grid, return_inverse=True)
    numbers: NDArray[np.int64] = place.astype(np.int64)
    return numbers


def _nodes_among(
    lines: Lines, place: NDArray[np.int64], line_of: NDArray[np.int64]
) -> NDArray[np.bool_]:
    ends = np.zeros(len(place), np.bool_)
    ends[lines.starts[:-1]] = True
    ends[lines.starts[1:] - 1] = True
    ended = np.zeros(place.max(initial=-1) + 1, np.bool_)
    ended[place[ends]] = True
    if lines.refs is not None:
        times = np.bincount(place)
        return ended[place] | (times[place] > 1)
    level = lines.fields["deck_level"].to_numpy(zero_copy_only=False).astype(np.int64)[line_of]
    _, storey, times = np.unique(place * 64 + (level + 32), return_inverse=True, return_counts=True)
    met: NDArray[np.bool_] = ended[place] | (times[storey] > 1)
    return met


def _node_names(lines: Lines, vertex: NDArray[np.int64]) -> NDArray[np.object_]:
    if lines.refs is not None:
        return np.char.add("node/", lines.refs[vertex].astype(np.str_)).astype(object)
    pairs = zip(lines.x[vertex].tolist(), lines.y[vertex].tolist(), strict=True)
    return np.array([f"{x:.3f} {y:.3f}" for x, y in pairs], object)
