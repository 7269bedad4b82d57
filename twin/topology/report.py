"""All checks of a network, and what it consists of."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from twin.errors import InvalidInputError
from twin.topology.clashes import check_clashes, reach_m
from twin.topology.depths import (
    DEEPEST_M,
    GROUND_TOLERANCE_M,
    Stations,
    check_depths,
    stations,
)
from twin.topology.ends import check_ends, check_near
from twin.topology.found import CHECKS, Found, found
from twin.topology.graph import bridges, in_loops
from twin.topology.joints import BY_ENDS, BY_PLACE, LISTED, LOOSE, Joints, join
from twin.topology.lines import check_crossings, check_duplicates
from twin.topology.network import Bools, Floats, Ints, Network, Segments, Shapes
from twin.topology.pairs import Neighbours, neighbours
from twin.topology.slopes import LEAST_RISE_M, check_slopes, flows, grouped

SNAP_M = 0.05
"""As near as a loader joins an end to a node."""
NEAR_M = 0.5

GroundAbove = Callable[[Joints, Stations], Floats]


@dataclass(frozen=True)
class Tolerances:
    """How near is near."""

    snap_m: float = SNAP_M
    """An end that names no node lies at one within this distance."""
    near_m: float = NEAR_M
    """An end that hangs on nothing misses what is within this distance."""
    least_rise_m: float = LEAST_RISE_M
    deepest_m: float = DEEPEST_M
    ground_m: float = GROUND_TOLERANCE_M


@dataclass(frozen=True, eq=False)
class Parts:
    """The parts that hang together, the longest of each kind first; shape (k,) each."""

    kind: Ints
    joints: Ints
    """Nodes, and places without one where ends meet."""
    segments: Ints
    length_m: Floats
    largest: Bools
    """Whether it is the longest of its kind."""
    first: Ints
    """Number of a segment of it."""
    places: Shapes


@dataclass(frozen=True, eq=False)
class Report:
    """What a network is made of, and what is wrong with it."""

    network: Network
    joints: Joints
    parts: Parts
    found: tuple[Found, ...]

    @cached_property
    def bridges(self) -> Bools:
        """Which segments no detour goes round, shape (n,)."""
        return bridges(self.joints.tail, self.joints.head, self.joints.count)

    @property
    def is_acyclic(self) -> bool:
        """Whether what gravity is said to carry never comes back."""
        _, tail, head = flows(self.network, self.joints)
        return not in_loops(tail, head, self.joints.count).any()

    def counts(self) -> dict[str, int]:
        """Return how many findings each rule has, also 0."""
        return {each.rule.id: len(each) for each in self.found}

    def ends(self) -> dict[str, int]:
        """Return how many ends hang by what the data says, by place, by other ends, on nothing."""
        how = np.bincount(self.joints.how, minlength=4).tolist()
        return {
            "by_id": how[LISTED],
            "by_place": how[BY_PLACE],
            "by_other_ends": how[BY_ENDS],
            "loose": how[LOOSE],
        }


def examine(
    network: Network,
    tolerances: Tolerances = Tolerances(),
    *,
    checks: Collection[str] = CHECKS,
    ground: GroundAbove | None = None,
) -> Report:
    """Build the topology of a network and check it.

    Parameters
    ----------
    network : Network
        Nodes and segments.
    tolerances : Tolerances
        How near is near.
    checks : collection of str
        Of `CHECKS`; all if not said.
    ground : callable, optional
        Asked for the ground at stations, m, shape (k,), NaN where it is not known; without it
        ``depths`` finds nothing.

    Raises
    ------
    InvalidInputError
        If there is no check of a name.

    Examples
    --------
    >>> from twin.topology.sample import network
    >>> report = examine(network(["0 0, 10 0", "5 -5, 5 5"]), checks=["crossings", "parts"])
    >>> report.counts(), report.parts.length_m.tolist()
    ({'crossing': 1, 'self-crossing': 0, 'isolated-part': 1}, [10.0, 10.0])
    """
    unknown = set(checks) - set(CHECKS)
    if unknown:
        raise InvalidInputError(
            f"{', '.join(sorted(unknown))}: no such check; there are {', '.join(CHECKS)}"
        )
    joints = join(network, tolerances.snap_m)
    parts = parts_of(network, joints)
    wanted = [check for check in CHECKS if check in checks]
    # Nothing is near anything in a network without pipes.
    if not network.segments.count:
        wanted = [check for check in wanted if check == "ends"]
    beside = _beside(network.segments, tolerances, wanted)
    found = [
        each
        for check in wanted
        for each in (
            _against(network, joints, beside, check, tolerances)
            if check in _PAIRED
            else _alone(network, joints, parts, check, tolerances, ground)
        )
    ]
    return Report(network, joints, parts, tuple(found))


def warm() -> None:
    """Compile the kernels, so that the first report need not wait."""
    from twin.topology.sample import network

    lines = ["0 0 1, 9 0 1", "5 -5 1, 5 5 1", "0 0.5 1, 9 0.5 1"]
    report = examine(network(lines, kind=["water", "gas", "sewer"], width_m=0.2))
    assert report.bridges.all()


_PAIRED = ("crossings", "duplicates", "clashes")


def _beside(segments: Segments, tolerances: Tolerances, wanted: Collection[str]) -> Neighbours:
    """Return the pairs of pieces that the checks wanted have to look at: one search for all."""
    if not set(wanted) & set(_PAIRED):
        return neighbours(segments, np.full(segments.count, -1.0))
    reach = np.full(segments.count, tolerances.snap_m)
    if "clashes" in wanted:
        reach = np.maximum(reach, reach_m(segments))
    return neighbours(segments, reach)


def _against(
    network: Network, joints: Joints, beside: Neighbours, check: str, tolerances: Tolerances
) -> Iterator[Found]:
    snap_m = tolerances.snap_m
    if check == "crossings":
        return check_crossings(network, beside, snap_m=snap_m)
    if check == "duplicates":
        return check_duplicates(network, joints, beside, snap_m=snap_m)
    return check_clashes(network, joints, beside)


def _alone(
    network: Network,
    joints: Joints,
    parts: Parts,
    check: str,
    tolerances: Tolerances,
    ground: GroundAbove | None,
) -> Iterator[Found]:
    snap_m = tolerances.snap_m
    if check == "ends":
        yield from check_ends(network, joints, snap_m=snap_m)
    elif check == "near":
        yield from check_near(network, joints, snap_m=snap_m, near_m=tolerances.near_m)
    elif check == "slopes":
        yield from check_slopes(network, joints, least_rise_m=tolerances.least_rise_m)
    elif check == "parts":
        yield _isolated(network, parts)
    elif ground is not None:
        along = stations(network.segments)
        yield from check_depths(
            network,
            along,
            ground(joints, along),
            deepest_m=tolerances.deepest_m,
            tolerance_m=tolerances.ground_m,
        )


def parts_of(network: Network, joints: Joints) -> Parts:
    """Return what hangs together in a network; nodes without a pipe are no part.

    >>> from twin.topology.sample import network
    >>> pipes = network(["0 0, 10 0", "10 0, 10 5", "50 0, 50 3"], nodes=[(99, 99)])
    >>> parts = parts_of(pipes, join(pipes, 0.05))
    >>> parts.joints.tolist(), parts.length_m.tolist(), parts.largest.tolist()
    ([3, 2], [15.0, 3.0], [True, False])
    """
    segments = network.segments
    of_segment = joints.part[joints.tail]
    first, counts, places = grouped(of_segment, segments, np.arange(segments.count))
    numbers = np.unique(of_segment)
    used = joints.part[joints.degree > 0]
    size = np.bincount(used, minlength=joints.count)[numbers]
    length = np.bincount(of_segment, weights=segments.length_m, minlength=joints.count)[numbers]
    kind = segments.kind[first]
    order = np.lexsort((first, -length, kind))
    kind = kind[order]
    largest = np.append(True, kind[1:] != kind[:-1])[: len(kind)]
    return Parts(
        kind=kind,
        joints=size[order],
        segments=counts[order],
        length_m=np.asarray(length[order], float),
        largest=largest,
        first=first[order],
        places=places[order],
    )


def _isolated(network: Network, parts: Parts) -> Found:
    at = np.flatnonzero(~parts.largest)
    return found(
        network, "isolated-part", parts.places[at],
        segments=(parts.first[at],), measured=parts.segments[at].astype(float),
    )  # fmt: skip
