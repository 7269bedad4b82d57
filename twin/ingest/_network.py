"""A pipe network as rows of nodes and links, and the two tables of features it becomes.

A link names the nodes at its ends; the line between them goes from the one's place to the other's,
over the vertices that the file gives.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import shapely

from twin.ingest._features import CHUNK_ROWS, Chunk, Features, Network

Place = tuple[float, float]

NO_PLACE = "no coordinates"
NO_NODE = "an end is no node of the file"
END_WITHOUT_PLACE = "an end node has no coordinates"
_LOOP, _LOOP_DEG, _MOST_DEG = 0.1, 1e-6, 360.0
_SHOWN = 5


@dataclass
class Node:
    """A point of a network."""

    id: str
    place: Place | None
    """As the file gives it; None where it does not."""
    fields: dict[str, Any] = field(default_factory=dict)
    """By the names of ``pipe_node``; what it has no field for goes to ``attrs``."""
    where: str = ""
    """Where in the file it stands, such as ``line 12``."""


@dataclass
class Link:
    """What hangs between two nodes."""

    id: str
    ends: tuple[str, str]
    between: Sequence[Place] = ()
    """Vertices from the first node to the last, without these."""
    fields: dict[str, Any] = field(default_factory=dict)
    where: str = ""


def assemble(
    name: str,
    nodes: Sequence[Node],
    links: Sequence[Link],
    *,
    crs: str | None = None,
    notes: Sequence[str] = (),
    hint: str = "",
) -> Network:
    """Return a network as features: what has no place, or no node at an end, is refused by name.

    >>> nodes = [Node("a", (0.0, 0.0)), Node("b", (0.0, 9.0)), Node("c", None)]
    >>> links = [Link("p", ("a", "b")), Link("q", ("b", "c")), Link("r", ("b", "d"))]
    >>> network = assemble("town", nodes, links)
    >>> network.nodes.total, network.segments.total
    (2, 1)
    >>> dict(network.segments.rejected)
    {'an end node has no coordinates': ['q: c'], 'an end is no node of the file': ['r: d']}
    """
    placed = [node for node in nodes if node.place is not None]
    places = {node.id: node.place for node in placed if node.place is not None}
    known = {node.id for node in nodes}
    lost_nodes: dict[str, list[str]] = defaultdict(list)
    for node in nodes:
        if node.place is None:
            lost_nodes[NO_PLACE].append(_called(node.id, node.where))
    lost_links: dict[str, list[str]] = defaultdict(list)
    whole: list[Link] = []
    for link in links:
        missing = [end for end in link.ends if end not in places]
        if missing:
            reason = END_WITHOUT_PLACE if all(end in known for end in missing) else NO_NODE
            lost_links[reason].append(f"{_called(link.id, link.where)}: {', '.join(missing)}")
        else:
            whole.append(link)
    points = shapely.points(np.array([places[node.id] for node in placed]).reshape(-1, 2))
    paths = [[places[one.ends[0]], *one.between, places[one.ends[1]]] for one in whole]
    loops = [number for number, path in enumerate(paths) if len(set(path)) == 1]
    for number in loops:
        paths[number] = _loop(paths[number][0])
        whole[number].fields["drawn"] = "a loop: both nodes are at one place"
    if loops:
        names = ", ".join(whole[number].id for number in loops[:_SHOWN])
        notes = (*notes, f"{len(loops)} links between nodes at one place are drawn as tiny loops, "
                 f"so that the network hangs together: {names}")  # fmt: skip
    return Network(
        _features(name, _table_of_nodes(placed), points, crs, notes, lost_nodes),
        _features(name, _table_of_links(whole), _lines(paths), crs, (), lost_links),
        hint,
    )


def _loop(place: Place) -> list[Place]:
    """Return a line that is nearly no line: a pump may stand between two nodes at one place."""
    step = _LOOP_DEG if max(map(abs, place)) <= _MOST_DEG else _LOOP
    return [place, (place[0] + step, place[1]), place]


def _called(name: str, where: str) -> str:
    return f"{name} ({where})" if where else name


def _table_of_nodes(nodes: Sequence[Node]) -> pa.Table:
    return _table([{"source_id": one.id, **one.fields} for one in nodes])


def _table_of_links(links: Sequence[Link]) -> pa.Table:
    rows = [
        {"source_id": one.id, "from_node": one.ends[0], "to_node": one.ends[1], **one.fields}
        for one in links
    ]
    return _table(rows)


def _table(rows: Sequence[dict[str, Any]]) -> pa.Table:
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.table({name: pa.array([row.get(name) for row in rows]) for name in names})


def _lines(paths: Sequence[Sequence[Place]]) -> Any:
    if not paths:
        return np.empty(0, object)
    lengths = [len(path) for path in paths]
    return shapely.linestrings(
        np.array([place for path in paths for place in path]),
        indices=np.repeat(np.arange(len(paths)), lengths),
    )


def _features(
    name: str,
    table: pa.Table,
    shapes: Any,
    crs: str | None,
    notes: Sequence[str],
    rejected: Mapping[str, list[str]],
) -> Features:
    return Features(
        crs=crs,
        columns=tuple(table.column_names),
        total=len(shapes),
        chunks=chunks(table, shapes),
        layer_name=name,
        notes=tuple(notes),
        rejected=rejected,
        spoken=True,
    )


def chunks(table: pa.Table, shapes: Any) -> Iterator[Chunk]:
    """Return a table and its geometries, shape (n,), in chunks."""
    for first in range(0, len(shapes), CHUNK_ROWS):
        part = table.slice(first, CHUNK_ROWS)
        wkb = shapely.to_wkb(shapes[first : first + CHUNK_ROWS])
        fids = np.arange(first + 1, first + 1 + len(wkb))
        yield Chunk(part, pa.array(list(wkb), pa.binary()), fids)
