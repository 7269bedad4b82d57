"""A pipe network as arrays: what the checks read, and nothing else.

Lengths and heights are metres in the city's frame.  A number that is not known is NaN, a node that
is not known is -1; nothing stands for a value that nobody measured.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.errors import InvalidInputError
from twin.model.pipelines import PIPE_KINDS

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Shapes = NDArray[np.object_]

NONE = -1
KINDS = PIPE_KINDS
GRAVITY = np.isin(KINDS, ("sewer", "storm", "combined"))
"""Which kinds flow downhill, by their number in `KINDS`."""

TO_CENTRE = {"top": -1.0, "invert": 1.0, "centre": 0.0}
"""Half heights from what a height means up to the middle of the pipe."""


@dataclass(frozen=True, eq=False)
class Nodes:
    """Points of the network, shape (n,) each."""

    ids: Ints
    kind: Ints
    """Number in `KINDS`."""
    x: Floats
    y: Floats
    ground_z_m: Floats
    invert_z_m: Floats
    may_end: Bools
    """Whether a pipe may end here: a source, an outfall, a hydrant, a capped end."""
    outlet: Bools
    """Whether water leaves the network here."""

    @cached_property
    def points(self) -> Shapes:
        """The nodes in plan."""
        return np.asarray(shapely.points(self.x, self.y), object).reshape(-1)


@dataclass(frozen=True, eq=False)
class Segments:
    """Pipes between nodes; ``x``, ``y``, ``centre_z_m`` are of vertices, the rest of segments."""

    ids: Ints
    kind: Ints
    starts: Ints
    """Where each segment's vertices begin, shape (n + 1,)."""
    x: Floats
    y: Floats
    centre_z_m: Floats
    """Height of the middle of the pipe at each vertex."""
    from_node: Ints
    """Number of the node in `Nodes`, not its id."""
    to_node: Ints
    width_m: Floats
    height_m: Floats
    conduit: Bools
    """Whether it is a bank of ducts and not one body in the soil."""
    pressure_pa: Floats
    voltage_v: Floats
    flow: Ints
    """1 where it flows from the first end to the last, -1 against, 0 where nothing says."""
    device: Bools
    """Whether it stands for a pump or a valve between two nodes, and is no body in the soil."""

    @property
    def count(self) -> int:
        """How many."""
        return len(self.ids)

    @cached_property
    def lines(self) -> Shapes:
        """The segments in plan."""
        each = np.repeat(np.arange(self.count), np.diff(self.starts))
        return np.asarray(
            shapely.linestrings(np.column_stack([self.x, self.y]), indices=each), object
        ).reshape(-1)

    @cached_property
    def first(self) -> Ints:
        """The first vertex of each."""
        return self.starts[:-1]

    @cached_property
    def last(self) -> Ints:
        """The last vertex of each."""
        return self.starts[1:] - 1

    @cached_property
    def half_width_m(self) -> Floats:
        """Half the inner width; 0 where it is not known."""
        return np.nan_to_num(self.width_m) / 2

    @cached_property
    def half_height_m(self) -> Floats:
        """Half the inner height; 0 where it is not known."""
        return np.nan_to_num(np.where(np.isnan(self.height_m), self.width_m, self.height_m)) / 2

    @cached_property
    def round(self) -> Bools:
        """Whether its body is taken as a circle."""
        same = np.isnan(self.height_m) | (self.height_m == self.width_m)
        return np.asarray(same & ~self.conduit, np.bool_)

    @cached_property
    def length_m(self) -> Floats:
        """Length in plan."""
        step = np.hypot(np.diff(self.x), np.diff(self.y))
        far = np.concatenate([[0.0], np.cumsum(step)])
        return np.asarray(far[self.last] - far[self.first], float)

    @cached_property
    def level_known(self) -> Bools:
        """Whether the height of every vertex is known."""
        missing = np.concatenate([[0], np.cumsum(np.isnan(self.centre_z_m))])
        return np.asarray(missing[self.starts[1:]] == missing[self.starts[:-1]], np.bool_)


@dataclass(frozen=True, eq=False)
class Network:
    """Nodes, and the segments between them."""

    nodes: Nodes
    segments: Segments

    def __post_init__(self) -> None:
        """Refuse what cannot be walked."""
        segments, nodes = self.segments, self.nodes
        if len(segments.starts) != segments.count + 1 or (np.diff(segments.starts) < 2).any():
            raise InvalidInputError("every segment needs two vertices or more")
        for end in (segments.from_node, segments.to_node):
            if ((end < NONE) | (end >= len(nodes.ids))).any():
                raise InvalidInputError(
                    f"an end names a node that is not there: there are {len(nodes.ids)}, from 0"
                )


def kind_numbers(kinds: list[str]) -> Ints:
    """Return kinds by their number in `KINDS`, shape (n,).

    Raises
    ------
    InvalidInputError
        If one is not a kind of pipe.

    Examples
    --------
    >>> kind_numbers(["sewer", "water"]).tolist()
    [1, 0]
    """
    number = {kind: at for at, kind in enumerate(KINDS)}
    unknown = sorted(set(kinds) - set(KINDS))
    if unknown:
        raise InvalidInputError(
            f"{', '.join(unknown)}: no such kind of pipe; there are {', '.join(KINDS)}"
        )
    return np.array([number[kind] for kind in kinds], np.int64)


def centre_z_m(z: Floats, starts: Ints, references: list[str], height_m: Floats) -> Floats:
    """Return the height of the pipe's middle at each vertex.

    Parameters
    ----------
    z : ndarray of float, shape (vertices,)
        Heights as stored, m.
    starts : ndarray of int, shape (n + 1,)
        Where each segment's vertices begin.
    references : list of str, n long
        What its heights mean: ``top``, ``invert``, ``centre``; anything else: they are none.
    height_m : ndarray of float, shape (n,)
        Inner height, m; NaN where it is not known: then top, middle and invert are one.

    Returns
    -------
    ndarray of float, shape (vertices,)
        NaN where the height is not known.

    Examples
    --------
    >>> z = np.array([2.0, 1.0, 5.0, 5.0])
    >>> centre_z_m(z, np.array([0, 2, 4]), ["invert", "unknown"], np.array([0.5, 0.5])).tolist()
    [2.25, 1.25, nan, nan]
    """
    halves = np.array([TO_CENTRE.get(each, np.nan) for each in references], float)
    lift = halves * np.nan_to_num(height_m) / 2
    return np.asarray(z + np.repeat(lift, np.diff(starts)), float)
