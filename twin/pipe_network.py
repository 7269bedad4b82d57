"""The city's pipes as arrays, and the ground above them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from sqlalchemy import Row, text

from twin.crs import CityBox, LonLatBox
from twin.database import City
from twin.errors import InvalidInputError, NotFoundError
from twin.raster import find, sample_city
from twin.topology.depths import Stations, ground_by_nodes
from twin.topology.joints import Joints
from twin.topology.network import (
    KINDS,
    NONE,
    Floats,
    Ints,
    Network,
    Nodes,
    Segments,
    centre_z_m,
    kind_numbers,
)

_SEGMENTS = text("""
    -- Pipes of some kinds that are or will be in the ground: all, some, those in a box.
    SELECT   id, kind, from_node_id, to_node_id, width_m, height_m, pressure_pa, voltage_v,
             coalesce(shape, '') = 'duct' OR coalesce(n_ducts, 1) > 1 AS conduit,
             coalesce(flow_dir, 1) AS flow, device IS NOT NULL AS device, elevation_reference,
             ST_AsBinary(geom) AS wkb
    FROM     twin.pipe_segment
    WHERE    state <> 'removed'
    AND      kind = ANY (:kinds)
    AND      (CAST(:ids AS bigint[]) IS NULL OR id = ANY (:ids))
    AND      (CAST(:min_x AS float8) IS NULL
              OR geom && ST_MakeEnvelope(:min_x, :min_y, :max_x, :max_y, :srid))
    ORDER BY id
""")

_NODES = text("""
    -- Nodes of these kinds there, and those of any kind that a pipe names.
    SELECT   id, kind, ground_z_m, coalesce(invert_z_m, ground_z_m - depth_m) AS invert_z_m,
             coalesce(appurtenance, '') AS appurtenance, coalesce(feature, '') AS feature,
             ST_X(geom) AS x, ST_Y(geom) AS y
    FROM     twin.pipe_node
    WHERE    id = ANY (:named)
    OR       (state <> 'removed' AND kind = ANY (:kinds)
              AND (CAST(:min_x AS float8) IS NULL
                   OR geom && ST_MakeEnvelope(:min_x, :min_y, :max_x, :max_y, :srid)))
    ORDER BY id
""")

ENDS = frozenset(
    {
        "source", "outfall", "tank", "hydrant", "pump", "meter", "substation", "transformer",
        "regulator", "gully",
    }
)  # fmt: skip
"""Appurtenances at which a network may end."""
OUTLETS = frozenset({"outfall", "pump", "tank"})
"""Appurtenances at which gravity flow may end."""
END_FEATURES = (
    "起点", "终点", "起始", "终止", "端点", "预留", "堵头", "管帽", "出地", "上杆", "入户", "户出",
    "进水口", "出水口", "排放口", "排出口", "非普查", "cap", "plug", "end", "start", "outfall",
)  # fmt: skip
"""What is written of a point at which a network ends (特征)."""
OUTLET_FEATURES = ("出水口", "排放口", "排出口", "outfall", "wwtp")


def read_network(
    city: City,
    kinds: Collection[str] = KINDS,
    *,
    box: CityBox | None = None,
    ids: Collection[int] | None = None,
) -> Network:
    """Return pipes of some kinds: all, those that reach into a box, or some of them.

    Raises
    ------
    InvalidInputError
        If there is no such kind of pipe.
    """
    wanted = [KINDS[number] for number in kind_numbers(list(kinds))]
    corners = box or (None, None, None, None)
    values: dict[str, Any] = dict(zip(("min_x", "min_y", "max_x", "max_y"), corners, strict=True))
    values |= {"kinds": wanted, "srid": city.frame.srid}
    values["ids"] = None if ids is None else list(ids)
    segments = city.session.execute(_SEGMENTS, values).all()
    named = {end for row in segments for end in (row.from_node_id, row.to_node_id) if end}
    nodes = _nodes(city.session.execute(_NODES, values | {"named": sorted(named)}).all())
    return Network(nodes, _segments(segments, nodes.ids))


def _nodes(rows: Sequence[Row[Any]]) -> Nodes:
    features = [row.feature.casefold() for row in rows]
    return Nodes(
        ids=np.array([row.id for row in rows], np.int64),
        kind=kind_numbers([row.kind for row in rows]),
        x=np.array([row.x for row in rows], float),
        y=np.array([row.y for row in rows], float),
        ground_z_m=np.array([row.ground_z_m for row in rows], float),
        invert_z_m=np.array([row.invert_z_m for row in rows], float),
        may_end=_are(rows, ENDS, features, END_FEATURES),
        outlet=_are(rows, OUTLETS, features, OUTLET_FEATURES),
    )


def _are(
    rows: Sequence[Row[Any]], fittings: frozenset[str], features: list[str], words: tuple[str, ...]
) -> Any:
    return np.array(
        [
            row.appurtenance in fittings or any(word in feature for word in words)
            for row, feature in zip(rows, features, strict=True)
        ],
        np.bool_,
    )


def _segments(rows: Sequence[Row[Any]], node_ids: Ints) -> Segments:
    columns = list(zip(*rows, strict=True)) if rows else [()] * 13
    (ids, kinds, first, last, wide, tall, pressure, voltage, conduit, flow, device,
     references, wkb) = columns  # fmt: skip
    shapes = shapely.from_wkb([bytes(each) for each in wkb])
    starts = np.concatenate([[0], np.cumsum(shapely.get_num_coordinates(shapes))]).astype(np.int64)
    places = shapely.get_coordinates(shapes, include_z=True)
    width, height = np.array(wide, float), np.array(tall, float)
    high = np.where(np.isnan(height), width, height)
    return Segments(
        ids=np.array(ids, np.int64),
        kind=kind_numbers(list(kinds)),
        starts=starts,
        x=places[:, 0].copy(),
        y=places[:, 1].copy(),
        centre_z_m=centre_z_m(places[:, 2], starts, list(references), high),
        from_node=_numbers(first, node_ids),
        to_node=_numbers(last, node_ids),
        width_m=width,
        height_m=height,
        conduit=np.array(conduit, np.bool_),
        pressure_pa=np.array(pressure, float),
        voltage_v=np.array(voltage, float),
        flow=np.array(flow, np.int64),
        device=np.array(device, np.bool_),
    )


def _numbers(ids: Iterable[int | None], node_ids: Ints) -> Ints:
    """Return ids of nodes as their numbers in the arrays, -1 for none."""
    given = np.array([NONE if each is None else each for each in ids], np.int64)
    at = np.searchsorted(node_ids, given)
    return np.where(given == NONE, NONE, at).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Ground:
    """The level of the ground at places, and where it is from."""

    z_m: Floats
    """NaN where nothing says."""
    terrain: str | None
    """The raster; None where the city has none."""


def ground_at(city: City, x_m: Floats, y_m: Floats) -> Ground:
    """Return the terrain at places of the city; NaN everywhere where the city has no terrain."""
    nowhere = Ground(np.full(len(x_m), np.nan), None)
    if city.data_dir is None or not len(x_m):
        return nowhere
    try:
        terrain = find(city.session, city.data_dir, "terrain")
    except NotFoundError:
        return nowhere
    return Ground(sample_city(terrain, city.frame, x_m, y_m), terrain.name)


def ground_above(city: City, network: Network, joints: Joints, along: Stations) -> Ground:
    """Return the ground above pipes: the terrain, else straight between the levels of nodes."""
    terrain = ground_at(city, along.x, along.y)
    by_nodes = ground_by_nodes(network, joints, along)
    return Ground(np.where(np.isnan(terrain.z_m), by_nodes, terrain.z_m), terrain.terrain)


def box_of(city: City, bounds: Sequence[float] | None) -> CityBox | None:
    """Return a box in metres from west, south, east, north in degrees; None stays None.

    Raises
    ------
    InvalidInputError
        If it is not four numbers in that order, or lies outside the city.
    """
    if bounds is None:
        return None
    if len(bounds) != 4:
        raise InvalidInputError(
            f"a box is west, south, east, north in degrees, not {len(bounds)} numbers"
        )
    return city.frame.box_to_city(LonLatBox(*bounds))
