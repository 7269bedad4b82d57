"""Shortest times on a road graph: Dijkstra over flat arrays, with closing times.

Arrays in, arrays out.  The graph is in compressed rows (CSR): the arcs of node ``u`` are
``first[u]`` to ``first[u + 1]``; arc ``a`` leads to ``head[a]`` and belongs to edge ``edge[a]``.
"""

import numpy as np
from numpy.typing import NDArray

from twin.errors import InvalidInputError
from twin.jit import compiled

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

NONE = -1
"""No arc: a seed, or a node that is not reached."""


def rows(tail: Ints, head: Ints, edge: Ints, nodes: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Return arcs as compressed rows: ``first``, ``head``, ``edge`` and the arcs' former numbers.

    Parameters
    ----------
    tail, head, edge : ndarray of int, shape (arcs,)
        Where each arc begins and ends, and the edge it belongs to.
    nodes : int
        Number of nodes; nodes are numbered from 0.

    Examples
    --------
    >>> first, head, edge, order = rows(np.array([1, 0]), np.array([0, 1]), np.array([0, 0]), 2)
    >>> first.tolist(), head.tolist(), order.tolist()
    ([0, 1, 2], [1, 0], [1, 0])
    """
    order = np.lexsort((edge, tail))
    first = np.zeros(nodes + 1, dtype=np.int64)
    np.cumsum(np.bincount(tail, minlength=nodes), out=first[1:])
    return first, head[order], edge[order], order.astype(np.int64)


def open_or_closed(closed: Bools) -> Floats:
    """Return closing times that never change: open for ever, or closed from the beginning.

    >>> open_or_closed(np.array([False, True])).tolist()
    [inf, -1.0]
    """
    return np.where(closed, -1.0, np.inf)


def earliest_arrivals(
    first: Ints,
    head: Ints,
    edge: Ints,
    *,
    edge_time_s: Floats,
    closes_at_s: Floats,
    seeds: Ints,
    seed_time_s: Floats,
) -> tuple[Floats, Ints]:
    """Return when each node is reached first, and by which arc.

    An edge may be used if its end is reached no later than it closes.  Edges only close, so to be
    earlier is never worse, and the arrivals are exact (first in, first out).  Ties go to the edge
    with the smaller number, so that one question has one answer.

    The same search on the reversed graph gives the times *to* the seeds; there only edges that are
    open for ever or closed from the beginning make sense.

    Parameters
    ----------
    first : ndarray of int, shape (nodes + 1,)
    head, edge : ndarray of int, shape (arcs,)
        The graph, see `rows`.
    edge_time_s : ndarray of float, shape (edges,)
        Time over each edge, s, not negative.
    closes_at_s : ndarray of float, shape (edges,)
        When each edge closes, s; infinite if it never does, negative if it is closed.
    seeds : ndarray of int, shape (k,)
        Nodes at which the search begins.
    seed_time_s : ndarray of float, shape (k,)
        The time already spent when it begins there, s.

    Returns
    -------
    arrival_s : ndarray of float, shape (nodes,)
        Infinite where no way leads.
    by_arc : ndarray of int, shape (nodes,)
        The last arc of the earliest way; -1 at seeds and where no way leads.

    Raises
    ------
    InvalidInputError
        If a time is negative or not a number, or the shapes do not fit.

    References
    ----------
    .. [1] Dijkstra, E. W. (1959). A note on two problems in connexion with graphs. Numerische
       Mathematik 1, 269-271.
    .. [2] Kaufman, D. E., Smith, R. L. (1993). Fastest paths in time-dependent networks for
       intelligent vehicle-highway systems application. IVHS Journal 1(1), 1-11.

    Examples
    --------
    Two roads from 0 to 1, of 5 s and 3 s; the short one closes at 2 s:

    >>> first, head, edge, _ = rows(np.array([0, 0]), np.array([1, 1]), np.array([0, 1]), 2)
    >>> arrival_s, by_arc = earliest_arrivals(
    ...     first, head, edge, edge_time_s=np.array([5.0, 3.0]),
    ...     closes_at_s=np.array([np.inf, 2.0]), seeds=np.array([0]), seed_time_s=np.array([0.0]),
    ... )
    >>> arrival_s.tolist(), by_arc.tolist()
    ([0.0, 5.0], [-1, 0])
    """
    if edge_time_s.shape != closes_at_s.shape or seeds.shape != seed_time_s.shape:
        raise InvalidInputError("times and edges, or seeds and their times, differ in number")
    if not (np.all(edge_time_s >= 0) and np.all(seed_time_s >= 0)):
        raise InvalidInputError("a travel time is negative or not a number")
    return _search(first, head, edge, edge_time_s, closes_at_s, seeds, seed_time_s)


@compiled
def _search(
    first: Ints,
    head: Ints,
    edge: Ints,
    edge_time_s: Floats,
    closes_at_s: Floats,
    seeds: Ints,
    seed_time_s: Floats,
) -> tuple[Floats, Ints]:
    nodes = len(first) - 1
    arrival_s = np.full(nodes, np.inf)
    by_arc = np.full(nodes, -1, dtype=np.int64)
    settled = np.zeros(nodes, dtype=np.bool_)
    # Every arc is pushed at most once, so the heap never grows.
    times = np.empty(len(head) + len(seeds))
    places = np.empty(len(head) + len(seeds), dtype=np.int64)
    size = 0
    for k in range(len(seeds)):
        if seed_time_s[k] < arrival_s[seeds[k]]:
            arrival_s[seeds[k]] = seed_time_s[k]
            size = _push(times, places, size, seed_time_s[k], seeds[k])
    while size > 0:
        u = places[0]
        size = _pop(times, places, size)
        if settled[u]:
            continue
        settled[u] = True
        for a in range(first[u], first[u + 1]):
            v = head[a]
            if settled[v]:
                continue
            t = arrival_s[u] + edge_time_s[edge[a]]
            if t > closes_at_s[edge[a]]:
                continue
            if t < arrival_s[v]:
                arrival_s[v] = t
                by_arc[v] = a
                size = _push(times, places, size, t, v)
            elif t == arrival_s[v] and by_arc[v] >= 0 and edge[a] < edge[by_arc[v]]:
                by_arc[v] = a
    return arrival_s, by_arc


@compiled
def _push(times: Floats, places: Ints, size: int, time: float, place: int) -> int:
    i = size
    while i > 0:
        parent = (i - 1) // 2
        if times[parent] < time or (times[parent] == time and places[parent] <= place):
            break
        times[i], places[i] = times[parent], places[parent]
        i = parent
    times[i], places[i] = time, place
    return size + 1


@compiled
def _pop(times: Floats, places: Ints, size: int) -> int:
    size -= 1
    time, place = times[size], places[size]
    i = 0
    while 2 * i + 1 < size:
        child = 2 * i + 1
        right = child + 1
        if right < size and (
            times[right] < times[child]
            or (times[right] == times[child] and places[right] < places[child])
        ):
            child = right
        if time < times[child] or (time == times[child] and place <= places[child]):
            break
        times[i], places[i] = times[child], places[child]
        i = child
    times[i], places[i] = time, place
    return size


def way_back(by_arc: Ints, tail: Ints, start: int) -> Ints:
    """Return the arcs from a node back to the seed it was reached from, in that order.

    Parameters
    ----------
    by_arc : ndarray of int, shape (nodes,)
        As `earliest_arrivals` returns it.
    tail : ndarray of int, shape (arcs,)
        Where each arc begins.
    start : int
        A node that was reached.

    Examples
    --------
    A way 0 → 1 → 2 by the arcs 0 and 1, read from its end:

    >>> way_back(np.array([-1, 0, 1]), np.array([0, 1]), 2).tolist()
    [1, 0]
    """
    arcs: list[int] = []
    node = start
    while by_arc[node] != NONE:
        arcs.append(int(by_arc[node]))
        node = int(tail[by_arc[node]])
    return np.array(arcs, dtype=np.int64)


def warm() -> None:
    """Compile the kernels."""
    first, head, edge, _ = rows(np.array([0]), np.array([1]), np.array([0]), 2)
    earliest_arrivals(
        first,
        head,
        edge,
        edge_time_s=np.ones(1),
        closes_at_s=np.full(1, np.inf),
        seeds=np.array([0]),
        seed_time_s=np.zeros(1),
    )
