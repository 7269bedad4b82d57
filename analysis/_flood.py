"""The water on the roads as the city knows it: readings, rasters, and what vehicles can wade."""

from datetime import datetime
from threading import Lock
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import text

from analysis import _closures as closures
from analysis._closures import Closures, Gauge
from analysis._geometry import read_geometry
from analysis._process import GeoJSON
from analysis._rasters import DepthRaster, depth_raster
from analysis._roads import Bools, Floats, RoadGraph
from twin.database import City

_LIMITS = text("""
    -- The depth at which each class of vehicle stops, as valid at a time.
    SELECT   DISTINCT ON (key) key, depth_m
    FROM     twin.depth_threshold
    WHERE    kind = 'vehicle'
    AND      coalesce(CAST(:at AS timestamptz), now()) >= valid_from
    AND      coalesce(CAST(:at AS timestamptz), now()) < valid_to
    ORDER BY key, valid_from DESC
""")

_GAUGES = text("""
    -- Each waterlogging point with its last good reading by a time, or by now.
    SELECT   point.id, point.name, point.reach_m, point.low_z_m, last.depth_m, last.at,
             ST_X(point.geom) AS x_m, ST_Y(point.geom) AS y_m
    FROM     twin.waterlogging_point AS point
    JOIN     LATERAL (
                 SELECT   reading.depth_m, reading.at
                 FROM     twin.reading
                 WHERE    reading.point_id = point.id AND reading.quality = 'good'
                 AND      reading.depth_m IS NOT NULL
                 AND      (CAST(:at AS timestamptz) IS NULL OR reading.at <= :at)
                 ORDER BY reading.at DESC
                 LIMIT    1
             ) AS last ON true
    WHERE    point.state = 'in_service'
    ORDER BY point.id
""")

_AREAS = ("Polygon", "MultiPolygon")

_Deepest = dict[tuple[str, int, int], tuple[Floats, Bools]]
_deepest: "WeakKeyDictionary[RoadGraph, _Deepest]" = WeakKeyDictionary()
_deepest_lock = Lock()


class Ordered(BaseModel):
    """Roads that are closed by order, to everybody."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    polygons: list[GeoJSON] = Field(default=[], max_length=1000)
    edges: list[int] = Field(default=[], max_length=100_000, description="ids of road_edge")


class Water(BaseModel):
    """Which knowledge of the water counts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    readings: bool = Field(default=True, description="last good readings of waterlogging points")
    raster: str | None = Field(
        default=None, description="name of a depth raster, or latest; null: none"
    )
    at: AwareDatetime | None = Field(default=None, description="null: now")


class ReadingUsed(BaseModel):
    """A reading that counted."""

    point_id: int
    name: str | None
    depth_m: float
    at: datetime


class WaterUsed(BaseModel):
    """What the answer took the water from."""

    readings: list[ReadingUsed] = Field(description="water above zero, deepest first")
    raster: str | None
    raster_at: datetime | None
    edges_without_height: int = Field(
        description="wet edges for which the depth of the point itself was taken"
    )
    edges_without_raster: int = Field(description="edges of which the raster says nothing")


class Known(NamedTuple):
    """What closes the roads, and where it is known from."""

    closures: Closures
    used: WaterUsed


def wading_limits_m(city: City, at: datetime | None) -> dict[str, float]:
    """Return the depth at which each class of vehicle stops, as valid at a time (None: now)."""
    return {row.key: row.depth_m for row in city.session.execute(_LIMITS, {"at": at})}


def known_closures(city: City, graph: RoadGraph, ordered: Ordered, water: Water) -> Known:
    """Return what closes the roads.

    Raises
    ------
    InvalidInputError
        If a closed road is not in the graph, or a closed area is unusable or outside the city.
    NotFoundError
        If there is no such raster.
    """
    areas = [
        read_geometry(document, city.frame, _AREAS, called=f"closures.polygons[{n}]")
        for n, document in enumerate(ordered.polygons)
    ]
    nothing = np.full(graph.edges, closures.DRY)
    gauge_depth_m, guessed = nothing, np.zeros(graph.edges, dtype=np.bool_)
    readings: list[ReadingUsed] = []
    if water.readings:
        gauge_depth_m, guessed, readings = _by_readings(city, graph, water.at)
    raster_depth_m, unknown, raster = nothing, np.zeros(graph.edges, dtype=np.bool_), None
    if water.raster is not None:
        raster = depth_raster(city, water.raster, at=water.at)
        raster_depth_m, unknown = _by_raster(city, graph, raster)
    return Known(
        Closures(
            closures.by_id(graph, ordered.edges),
            closures.by_area(graph, areas),
            gauge_depth_m,
            raster_depth_m,
        ),
        WaterUsed(
            readings=readings,
            raster=raster.name if raster else None,
            raster_at=raster.since if raster else None,
            edges_without_height=int(guessed.sum()),
            edges_without_raster=int(unknown.sum()),
        ),
    )


def _by_readings(
    city: City, graph: RoadGraph, at: datetime | None
) -> tuple[Floats, Bools, list[ReadingUsed]]:
    rows: list[Any] = [row for row in city.session.execute(_GAUGES, {"at": at}) if row.depth_m > 0]
    gauges = [
        Gauge(
            row.x_m,
            row.y_m,
            row.reach_m,
            row.depth_m,
            np.nan if row.low_z_m is None else row.low_z_m,
        )
        for row in rows
    ]
    depth_m, guessed = closures.by_gauges(graph, gauges)
    rows.sort(key=lambda row: (-row.depth_m, row.id))
    used = [
        ReadingUsed(point_id=row.id, name=row.name, depth_m=row.depth_m, at=row.at) for row in rows
    ]
    return depth_m, guessed, used


def _by_raster(city: City, graph: RoadGraph, raster: DepthRaster) -> tuple[Floats, Bools]:
    # One raster and one graph give the same depths until either changes.
    with _deepest_lock:
        held = _deepest.setdefault(graph, {}).get(raster.version)
    if held is None:
        columns, rows = raster.pixels_of_city(city, graph.corners[:, 0], graph.corners[:, 1])
        held = closures.deepest_on(graph, raster.depth_m, columns, rows)
        with _deepest_lock:
            _deepest[graph] = {raster.version: held}
    return held
