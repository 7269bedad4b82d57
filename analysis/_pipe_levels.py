"""How high pipes lie, and how it is known: surveyed, from their cover, or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal
from uuid import UUID

import numpy as np
from sqlalchemy import text

from twin.database import City
from twin.pipe_network import ground_at
from twin.topology.depths import Stations, ground_by_nodes
from twin.topology.joints import Joints, join
from twin.topology.network import Floats, Network

Level = Literal["surveyed", "cover", "unknown"]

SNAP_M = 0.05

_CALLED = text("""
    SELECT id, uid, name, source_id, shape, material, depth_from_m, depth_to_m
    FROM   twin.pipe_segment
    WHERE  id = ANY (:ids)
""")


@dataclass(frozen=True)
class Called:
    """What a pipe is called and made of."""

    id: int
    uid: UUID
    name: str | None
    source_id: str | None
    shape: str | None
    material: str | None
    depth_from_m: float | None
    depth_to_m: float | None


@dataclass(frozen=True, eq=False)
class Levelled:
    """Pipes with the ground above them; heights that nobody gave are still NaN."""

    network: Network
    joints: Joints
    called: Mapping[int, Called]
    level: Sequence[Level]
    """How the height of each segment is known."""
    ground_z_m: Floats
    """The ground above each vertex, m; NaN where nothing says."""
    terrain: str | None
    """The raster the ground is from; None: levels of nodes only."""

    def at(self, segment: int, chainage_m: float) -> "Here":
        """Return a pipe at a distance from its first end."""
        segments = self.network.segments
        vertices = slice(segments.starts[segment], segments.starts[segment + 1])
        along = along_m(segments.x[vertices], segments.y[vertices])

        def value(of_vertices: Floats) -> float:
            return float(np.interp(chainage_m, along, of_vertices[vertices]))

        centre = value(segments.centre_z_m)
        half = float(segments.half_height_m[segment])
        return Here(
            x_m=value(segments.x),
            y_m=value(segments.y),
            ground_z_m=value(self.ground_z_m),
            centre_z_m=centre,
            invert_z_m=centre - half,
            crown_z_m=centre + half,
        )


@dataclass(frozen=True)
class Here:
    """A pipe at one place, m; NaN where it is not known."""

    x_m: float
    y_m: float
    ground_z_m: float
    centre_z_m: float
    invert_z_m: float
    crown_z_m: float


def along_m(x: Floats, y: Floats) -> Floats:
    """Return how far each vertex is along its line, m.

    >>> along_m(np.array([0.0, 3.0, 3.0]), np.array([0.0, 4.0, 5.0])).tolist()
    [0.0, 5.0, 6.0]
    """
    return np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])


def called(city: City, ids: Sequence[int]) -> dict[int, Called]:
    """Return what pipes are called, by id."""
    rows = city.session.execute(_CALLED, {"ids": list(ids)}).mappings()
    return {row["id"]: Called(**row) for row in rows}


def levelled(city: City, network: Network) -> Levelled:
    """Return pipes with the ground above them, and heights from their cover where it is all known.

    A pipe whose heights are unknown, but whose cover at both ends is given, lies that far below the
    ground there: below the terrain, or the levels of its nodes.
    """
    segments = network.segments
    joints = join(network, SNAP_M)
    names = called(city, segments.ids.tolist())
    ground = ground_at(city, segments.x, segments.y)
    above = np.where(np.isnan(ground.z_m), _by_nodes(network, joints), ground.z_m)
    centre = segments.centre_z_m.copy()
    level: list[Level] = []
    for at, number in enumerate(segments.ids.tolist()):
        vertices = slice(segments.starts[at], segments.starts[at + 1])
        if segments.level_known[at]:
            level.append("surveyed")
            continue
        crown = _crown(names[number], segments.x[vertices], segments.y[vertices], above[vertices])
        centre[vertices] = crown - segments.half_height_m[at]
        level.append("unknown" if np.isnan(crown).any() else "cover")
    known = replace(segments, centre_z_m=centre)
    return Levelled(replace(network, segments=known), joints, names, level, above, ground.terrain)


def _by_nodes(network: Network, joints: Joints) -> Floats:
    segments = network.segments
    of_vertex = np.repeat(np.arange(segments.count), np.diff(segments.starts))
    far = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(segments.x), np.diff(segments.y)))])
    length = np.where(segments.length_m > 0, segments.length_m, 1.0)
    share = (far - far[segments.first][of_vertex]) / length[of_vertex]
    places = Stations(of_vertex, share, segments.x, segments.y, segments.centre_z_m)
    return ground_by_nodes(network, joints, places)


def _crown(pipe: Called, x: Floats, y: Floats, ground: Floats) -> Floats:
    """Return the crown at each vertex from the cover at both ends; NaN where one is missing."""
    if pipe.depth_from_m is None or pipe.depth_to_m is None:
        return np.full(len(x), np.nan)
    # No cover at both ends is a field that nobody filled in.
    if pipe.depth_from_m == pipe.depth_to_m == 0:
        return np.full(len(x), np.nan)
    along = along_m(x, y)
    ends = ground[0] - pipe.depth_from_m, ground[-1] - pipe.depth_to_m
    return np.asarray(np.interp(along, [0.0, max(along[-1], 1e-9)], ends), float)


def number(value: Any, digits: int = 3) -> float | None:
    """Return a number as an answer holds it: rounded, None for NaN.

    >>> number(1.23456), number(float("nan"))
    (1.235, None)
    """
    return None if np.isnan(value) else round(float(value), digits)
