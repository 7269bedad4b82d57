"""Shortest ways over the road graph, for what has to be laid along it."""

import heapq
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sample_data._streets import Roads


@dataclass(frozen=True)
class Forest:
    """For every junction the way to its nearest root: the edge to take, the junction it leads to.

    A root has edge -1; a junction that reaches no root is infinitely far.
    """

    away_m: list[float]
    edge: list[int]
    parent: list[int]


def forest(roads: Roads, roots: Iterable[int], usable: Sequence[bool]) -> Forest:
    """Return the shortest ways from all junctions to the nearest of some (Dijkstra 1959)."""
    around: list[list[tuple[int, int]]] = [[] for _ in roads.junctions]
    for number, edge in enumerate(roads.edges):
        if usable[number] and edge.start != edge.end:
            around[edge.start].append((edge.end, number))
            around[edge.end].append((edge.start, number))
    away = [math.inf] * len(around)
    via, parent = [-1] * len(around), [-1] * len(around)
    heap = [(0.0, root) for root in sorted(set(roots))]
    for _, root in heap:
        away[root] = 0.0
    while heap:
        length, junction = heapq.heappop(heap)
        if length > away[junction]:
            continue
        for other, number in around[junction]:
            farther = length + roads.edges[number].length_m
            if farther < away[other]:
                away[other], via[other], parent[other] = farther, number, junction
                heapq.heappush(heap, (farther, other))
    return Forest(away, via, parent)
