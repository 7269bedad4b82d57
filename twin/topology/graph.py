"""What hangs together: parts, loops, bridges, what lies upstream.

Arrays in, arrays out; arc ``k`` leads from ``tail[k]`` to ``head[k]``, nodes are numbered from 0.
"""

import numpy as np

from twin.jit import compiled
from twin.topology.network import Bools, Ints


def rows(tail: Ints, head: Ints, nodes: int) -> tuple[Ints, Ints, Ints]:
    """Return arcs by the node they leave: ``first`` (nodes + 1,), ``heads`` and ``arcs``.

    >>> first, heads, arcs = rows(np.array([1, 0]), np.array([2, 1]), 3)
    >>> first.tolist(), heads.tolist(), arcs.tolist()
    ([0, 1, 2, 2], [1, 2], [1, 0])
    """
    arcs = np.argsort(tail, kind="stable")
    first = np.zeros(nodes + 1, np.int64)
    np.cumsum(np.bincount(tail, minlength=nodes), out=first[1:])
    return first, np.ascontiguousarray(head[arcs], np.int64), arcs.astype(np.int64)


def parts(tail: Ints, head: Ints, nodes: int) -> Ints:
    """Return the part each node belongs to, numbered from 0 in the order of their first nodes.

    >>> parts(np.array([0, 3]), np.array([2, 1]), 5).tolist()
    [0, 1, 0, 1, 2]
    """
    roots = _roots(np.ascontiguousarray(tail), np.ascontiguousarray(head), nodes)
    return np.unique(roots, return_inverse=True)[1].astype(np.int64)


def bridges(tail: Ints, head: Ints, nodes: int) -> Bools:
    """Return which arcs, their direction left aside, no detour goes round, shape (arcs,).

    >>> bridges(np.array([0, 1, 2, 2]), np.array([1, 2, 0, 3]), 4).tolist()
    [False, False, False, True]
    """
    both = np.concatenate([tail, head]), np.concatenate([head, tail])
    first, heads, arcs = rows(*both, nodes)
    return np.asarray(_bridges(first, heads, arcs % max(len(tail), 1), len(tail)), np.bool_)


def in_loops(tail: Ints, head: Ints, nodes: int) -> Bools:
    """Return which arcs lie on a directed loop, shape (arcs,); none do where water only leaves.

    >>> in_loops(np.array([0, 1, 2, 2]), np.array([1, 2, 0, 3]), 4).tolist()
    [True, True, True, False]
    """
    first, heads, _ = rows(tail, head, nodes)
    strong = _strong(first, heads)
    return np.asarray(strong[tail] == strong[head], np.bool_)


def upstream(tail: Ints, head: Ints, nodes: int, seeds: Ints) -> Ints:
    """Return how many nodes drain to each seed, itself not counted, shape (seeds,).

    >>> upstream(np.array([0, 1, 2]), np.array([2, 2, 3]), 4, np.array([3, 2])).tolist()
    [3, 2]
    """
    first, heads, _ = rows(head, tail, nodes)
    return np.asarray(_reached(first, heads, np.ascontiguousarray(seeds, np.int64)), np.int64)


@compiled
def _roots(tail: Ints, head: Ints, nodes: int) -> Ints:
    root = np.arange(nodes)
    for k in range(len(tail)):
        a, b = tail[k], head[k]
        while root[a] != a:
            root[a] = root[root[a]]
            a = root[a]
        while root[b] != b:
            root[b] = root[root[b]]
            b = root[b]
        if a < b:
            root[b] = a
        else:
            root[a] = b
    for k in range(nodes):
        root[k] = root[root[k]]
    return root


@compiled
def _bridges(first: Ints, heads: Ints, edges: Ints, count: int) -> Bools:
    """Low links (Tarjan 1974), without recursion; of two pipes between two nodes none is one."""
    nodes = len(first) - 1
    found = np.zeros(count, np.bool_)
    seen = np.full(nodes, -1)
    low = np.zeros(nodes, np.int64)
    came = np.full(nodes, -1)
    at = first[:-1].copy()
    stack = np.empty(nodes, np.int64)
    time = 0
    for start in range(nodes):
        if seen[start] >= 0:
            continue
        stack[0], depth = start, 1
        seen[start] = low[start] = time
        time += 1
        while depth > 0:
            here = stack[depth - 1]
            if at[here] < first[here + 1]:
                there, edge = heads[at[here]], edges[at[here]]
                at[here] += 1
                if edge == came[here]:
                    continue
                if seen[there] < 0:
                    came[there] = edge
                    seen[there] = low[there] = time
                    time += 1
                    stack[depth] = there
                    depth += 1
                else:
                    low[here] = min(low[here], seen[there])
            else:
                depth -= 1
                if depth > 0:
                    above = stack[depth - 1]
                    low[above] = min(low[above], low[here])
                    if low[here] > seen[above]:
                        found[came[here]] = True
    return found


@compiled
def _strong(first: Ints, heads: Ints) -> Ints:
    """Strong components (Tarjan 1972), without recursion: the component of each node."""
    nodes = len(first) - 1
    seen = np.full(nodes, -1)
    low = np.zeros(nodes, np.int64)
    component = np.full(nodes, -1)
    at = first[:-1].copy()
    path = np.empty(nodes, np.int64)
    open_ = np.empty(nodes, np.int64)
    time = components = waiting = 0
    for start in range(nodes):
        if seen[start] >= 0:
            continue
        path[0], depth = start, 1
        while depth > 0:
            here = path[depth - 1]
            if seen[here] < 0:
                seen[here] = low[here] = time
                time += 1
                open_[waiting] = here
                waiting += 1
            if at[here] < first[here + 1]:
                there = heads[at[here]]
                at[here] += 1
                if seen[there] < 0:
                    path[depth] = there
                    depth += 1
                elif component[there] < 0:
                    low[here] = min(low[here], seen[there])
                continue
            depth -= 1
            if depth > 0:
                low[path[depth - 1]] = min(low[path[depth - 1]], low[here])
            if low[here] == seen[here]:
                member = -1
                while member != here:
                    waiting -= 1
                    member = open_[waiting]
                    component[member] = components
                components += 1
    return component


@compiled
def _reached(first: Ints, heads: Ints, seeds: Ints) -> Ints:
    nodes = len(first) - 1
    stamp = np.full(nodes, -1)
    queue = np.empty(nodes, np.int64)
    counts = np.zeros(len(seeds), np.int64)
    for k in range(len(seeds)):
        queue[0] = seeds[k]
        stamp[seeds[k]] = k
        done, waiting = 0, 1
        while done < waiting:
            here = queue[done]
            done += 1
            for a in range(first[here], first[here + 1]):
                if stamp[heads[a]] != k:
                    stamp[heads[a]] = k
                    queue[waiting] = heads[a]
                    waiting += 1
        counts[k] = waiting - 1
    return counts
