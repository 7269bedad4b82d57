"""The depth profile of a way along pipes (管线纵断面)."""

from itertools import groupby
from typing import Any, Self
from uuid import UUID

import numpy as np
import shapely
from pydantic import BaseModel, Field, model_validator
from sqlalchemy import text

from analysis._bim import FeatureId, named
from analysis._pipe_levels import SNAP_M, Levelled, levelled, number
from analysis._pipe_route import Step, between, by_place, in_turn
from analysis._pipes import AS_SURVEYED, PAGE, VERSION, Kinds, kinds_asked, lonlats, plan_wkb
from analysis._process import Analysis, Feature, GeoJSON, Given, Inputs, Model, Outputs, Text
from analysis._profile import Crossing, Station, crossings, line_of, stations
from analysis._profile_drawing import draw_profile
from twin.crs import CityBox, Frame
from twin.database import City
from twin.errors import InvalidInputError, NotFoundError
from twin.pipe_network import read_network
from twin.topology import KINDS, Network
from twin.topology.joints import Joints, join

_NODE = text("""
    SELECT id, kind, name FROM twin.pipe_node
    WHERE  id = CAST(:id AS bigint) OR uid = CAST(:uid AS uuid)
""")

_PIPE = text("""
    SELECT id, kind FROM twin.pipe_segment
    WHERE  id = CAST(:id AS bigint) OR uid = CAST(:uid AS uuid)
""")

_NODE_NAMES = text("""
    SELECT id, coalesce(name, source_id, CAST(id AS text)) AS name
    FROM   twin.pipe_node WHERE id = ANY (:ids)
""")

_MOST_PIPES = 500
_BESIDE_M = 1.0


class ProfileInputs(Inputs):
    """A way: from a node to a node, or pipes in their order."""

    from_node: FeatureId | None = None
    to_node: FeatureId | None = None
    segments: list[int | str] | None = Field(
        default=None, min_length=1, max_length=_MOST_PIPES, description="ids or uids, in order"
    )
    kinds: Kinds = None
    step_m: float = Field(default=10.0, ge=0.5, le=1000, description="m between stations at most")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        nodes = (self.from_node is not None, self.to_node is not None)
        if any(nodes) != all(nodes) or any(nodes) == (self.segments is not None):
            raise ValueError("give from_node and to_node, or segments")
        return self


class Place(BaseModel):
    """A station along the way; m above the city's datum, null where it is not known."""

    chainage_m: float
    lonlat: list[float]
    segment_id: int
    node_id: int | None = Field(description="null between nodes, and where ends meet without one")
    node: str | None = Field(description="what the node is called")
    ground_z_m: float | None
    crown_z_m: float | None
    centre_z_m: float | None
    invert_z_m: float | None
    cover_m: float | None = Field(description="from the crown to the ground")


class PipeAlong(BaseModel):
    """A pipe of the way."""

    id: int
    uid: UUID
    name: str | None
    kind: str
    forwards: bool = Field(description="walked from its first end to its last")
    from_chainage_m: float
    to_chainage_m: float
    length_m: float
    width_m: float | None
    height_m: float | None
    material: str | None
    level: str = Field(description="surveyed; cover: ground less the cover at its ends; unknown")
    slope: float | None = Field(description="fall along the way, m/m; negative where it climbs")
    least_cover_m: float | None
    most_cover_m: float | None


class PipeAcross(BaseModel):
    """Another pipe that crosses the way, or hangs on it."""

    id: int
    uid: UUID
    name: str | None
    kind: str
    chainage_m: float
    lonlat: list[float]
    joined: bool = Field(description="hangs on a node of the way")
    width_m: float | None
    height_m: float | None
    level: str
    ground_z_m: float | None
    crown_z_m: float | None
    invert_z_m: float | None
    clearance_m: float | None = Field(description="height between the bodies; negative: a clash")
    limit_m: float | None = Field(description="GB 50289-2016 table 4.1.14, unverified [m]")


class ProfileOutputs(Outputs):
    """The profile as numbers, as GeoJSON and as a picture."""

    length_m: float
    ends_by_place: int = Field(description="ends of the way that name no node")
    terrain: str | None = Field(description="raster of the ground; null: levels of nodes only")
    route: GeoJSON = Field(description="with the height of the pipe's middle where it is known")
    stations: list[Place]
    pipes: list[PipeAlong]
    crossings: list[PipeAcross]
    unknown_m: float = Field(description="length of the way whose height is not known")
    svg: str = Field(
        description="the picture", json_schema_extra={"contentMediaType": "image/svg+xml"}
    )


def run(city: City, inputs: ProfileInputs) -> ProfileOutputs:
    """Return the depth profile of a way along pipes.

    Raises
    ------
    NotFoundError
        If there is no such node or pipe, or no pipes lead from one node to the other.
    InvalidInputError
        If the pipes named are not joined one after the other.
    """
    network, joints, steps = _way(city, inputs)
    if len(steps) > _MOST_PIPES:
        raise InvalidInputError(
            f"the way has {len(steps)} pipes; {_MOST_PIPES} is the most: choose a nearer node"
        )
    pipes, own = _around(city, network, steps)
    places = stations(pipes, own, inputs.step_m)
    across = crossings(pipes, own)
    names = _node_names(city, pipes, places)
    title = f"{_called(names, places[0])} → {_called(names, places[-1])}"
    outputs = ProfileOutputs(
        model=_MODEL,
        inputs=_given(inputs),
        length_m=number(places[-1].chainage_m) or 0.0,
        ends_by_place=by_place(joints, steps),
        terrain=pipes.terrain,
        route=_route(city.frame, places),
        stations=_places(city.frame, pipes, names, places),
        pipes=_along(pipes, own, places),
        crossings=_crossed(city.frame, pipes, across),
        unknown_m=sum(
            pipes.network.segments.length_m[step.segment]
            for step in own
            if pipes.level[step.segment] == "unknown"
        ),
        svg=draw_profile(pipes, own, places, across, names, title),
    )
    return outputs.draw(
        [
            Feature(
                "profile", plan_wkb(line_of(places)), title, None, {"length_m": outputs.length_m}
            ),
            *(_drawn(pipes, each) for each in across),
        ]
    )


def _way(city: City, inputs: ProfileInputs) -> tuple[Network, Joints, list[Step]]:
    """Return the network that holds the way, and the way."""
    if inputs.segments is not None:
        rows = [named(city, _PIPE, "pipe_segment", each) for each in inputs.segments]
        network = read_network(city, ids=[row["id"] for row in rows])
        joints = join(network, SNAP_M)
        at = np.searchsorted(network.segments.ids, [row["id"] for row in rows])
        return network, joints, in_turn(network, joints, at.tolist())
    assert inputs.from_node is not None
    assert inputs.to_node is not None
    ends = [named(city, _NODE, "pipe_node", each) for each in (inputs.from_node, inputs.to_node)]
    if ends[0]["id"] == ends[1]["id"]:
        raise InvalidInputError("from_node and to_node are the same node")
    kinds = kinds_asked(inputs.kinds) if inputs.kinds else {end["kind"] for end in ends}
    network = read_network(city, kinds)
    joints = join(network, SNAP_M)
    numbers = np.searchsorted(network.nodes.ids, [end["id"] for end in ends])
    for end, at in zip(ends, numbers.tolist(), strict=True):
        if at >= len(network.nodes.ids) or network.nodes.ids[at] != end["id"]:
            raise NotFoundError(f"no pipe of {', '.join(sorted(kinds))} hangs on node {end['id']}")
    return network, joints, between(network, joints, *numbers.tolist())


def _around(city: City, network: Network, steps: list[Step]) -> tuple[Levelled, list[Step]]:
    """Return all pipes about a way with their heights, and the way among them."""
    segments = network.segments
    ids = segments.ids[[step.segment for step in steps]]
    bounds = np.array([segments.lines[step.segment].bounds for step in steps])
    low, high = bounds[:, :2].min(axis=0) - _BESIDE_M, bounds[:, 2:].max(axis=0) + _BESIDE_M
    pipes = levelled(city, read_network(city, KINDS, box=CityBox(*low, *high)))
    at = np.searchsorted(pipes.network.segments.ids, ids)
    joints = pipes.joints
    own = []
    for step, there in zip(steps, at.tolist(), strict=True):
        # Walked backwards, it begins at the joint that its last vertex hangs on.
        first, last = int(joints.tail[there]), int(joints.head[there])
        swapped = step.forwards == bool(joints.turned[there])
        start, end = (last, first) if swapped else (first, last)
        own.append(Step(there, step.forwards, start, end))
    return pipes, own


def _node_names(city: City, pipes: Levelled, places: list[Station]) -> dict[int, str]:
    """Return what the nodes along the way are called, by joint."""
    ids = pipes.network.nodes.ids
    at = [each.joint for each in places if each.joint is not None and each.joint < len(ids)]
    rows = city.session.execute(_NODE_NAMES, {"ids": ids[at].tolist() if at else []})
    called = {row.id: row.name for row in rows}
    return {joint: called[int(ids[joint])] for joint in at}


def _called(names: dict[int, str], place: Station) -> str:
    return names.get(-1 if place.joint is None else place.joint, "·")


def _route(frame: Frame, places: list[Station]) -> dict[str, Any]:
    """Return the way as GeoJSON, with the height of the pipe's middle if it is known throughout."""
    where = lonlats(frame, [(each.here.x_m, each.here.y_m) for each in places])
    heights = [number(each.here.centre_z_m) for each in places]
    if None not in heights:
        where = [[*place, z] for place, z in zip(where, heights, strict=True) if z is not None]
    return {"type": "LineString", "coordinates": where}


def _places(
    frame: Frame, pipes: Levelled, names: dict[int, str], stations: list[Station]
) -> list[Place]:
    where = lonlats(frame, [(each.here.x_m, each.here.y_m) for each in stations])
    pairs = zip(stations, where, strict=True)
    return [_place(pipes, names, each, lonlat) for each, lonlat in pairs]


def _place(pipes: Levelled, names: dict[int, str], each: Station, lonlat: list[float]) -> Place:
    here, nodes = each.here, pipes.network.nodes.ids
    is_node = each.joint is not None and each.joint < len(nodes)
    return Place(
        chainage_m=round(each.chainage_m, 3),
        lonlat=lonlat,
        segment_id=int(pipes.network.segments.ids[each.segment]),
        node_id=int(nodes[each.joint]) if is_node else None,
        node=names.get(each.joint) if each.joint is not None else None,
        ground_z_m=number(here.ground_z_m),
        crown_z_m=number(here.crown_z_m),
        centre_z_m=number(here.centre_z_m),
        invert_z_m=number(here.invert_z_m),
        cover_m=number(here.ground_z_m - here.crown_z_m),
    )


def _along(pipes: Levelled, steps: list[Step], places: list[Station]) -> list[PipeAlong]:
    segments = pipes.network.segments
    walked = [list(group) for _, group in groupby(places, key=lambda each: each.segment)]
    found = []
    for step, group in zip(steps, walked, strict=True):
        at = step.segment
        called = pipes.called[int(segments.ids[at])]
        length = float(segments.length_m[at])
        fall = group[0].here.centre_z_m - group[-1].here.centre_z_m
        cover = np.array([each.here.ground_z_m - each.here.crown_z_m for each in group])
        known = not np.isnan(cover).any()
        found.append(
            PipeAlong(
                id=called.id,
                uid=called.uid,
                name=called.name,
                kind=KINDS[segments.kind[at]],
                forwards=step.forwards,
                from_chainage_m=round(group[0].chainage_m, 3),
                to_chainage_m=round(group[-1].chainage_m, 3),
                length_m=round(length, 3),
                width_m=number(segments.width_m[at]),
                height_m=number(segments.height_m[at]),
                material=called.material,
                level=pipes.level[at],
                slope=number(fall / length, 5) if length > 0 else None,
                least_cover_m=number(cover.min()) if known else None,
                most_cover_m=number(cover.max()) if known else None,
            )
        )
    return found


def _crossed(frame: Frame, pipes: Levelled, across: list[Crossing]) -> list[PipeAcross]:
    where = lonlats(frame, [(each.here.x_m, each.here.y_m) for each in across])
    pairs = zip(across, where, strict=True)
    return [PipeAcross(**_told(pipes, each), lonlat=lonlat) for each, lonlat in pairs]


def _told(pipes: Levelled, each: Crossing) -> dict[str, Any]:
    segments = pipes.network.segments
    called = pipes.called[int(segments.ids[each.segment])]
    return {
        "id": called.id,
        "uid": str(called.uid),
        "name": called.name,
        "kind": KINDS[segments.kind[each.segment]],
        "chainage_m": round(each.chainage_m, 3),
        "joined": each.joined,
        "width_m": number(segments.width_m[each.segment]),
        "height_m": number(segments.height_m[each.segment]),
        "level": pipes.level[each.segment],
        "ground_z_m": number(each.here.ground_z_m),
        "crown_z_m": number(each.here.crown_z_m),
        "invert_z_m": number(each.here.invert_z_m),
        "clearance_m": None if each.joined else number(each.gap_m),
        "limit_m": number(each.limit_m),
    }


def _drawn(pipes: Levelled, each: Crossing) -> Feature:
    told = _told(pipes, each)
    point = shapely.Point(each.here.x_m, each.here.y_m)
    return Feature("pipe", plan_wkb(point), told["name"], told["kind"], told)


def _given(inputs: ProfileInputs) -> dict[str, Given]:
    units = {"step_m": "m"}
    values = inputs.model_dump()
    return {name: Given(value=value, unit=units.get(name)) for name, value in values.items()}


_MODEL = Model(
    name="shortest way along the pipes; heights as surveyed, else from the cover, else unknown",
    standard=PAGE,
    version=VERSION,
    uncertainty=AS_SURVEYED,
)

ANALYSIS = Analysis(
    id="pipe-profile",
    title=Text(zh="管线纵断面", en="Depth profile of pipes"),
    description=Text(
        zh="沿管线的里程、地面、管顶、管内底、覆土、坡度，以及相交管线的高程；数表、GeoJSON 与图。",
        en="Chainage, ground, crown, invert, cover and slope along pipes, and what crosses them at "
        "which height: as a table, GeoJSON and a picture.",
    ),
    inputs=ProfileInputs,
    outputs=ProfileOutputs,
    run=run,
    source=PAGE,
    version=VERSION,
)
