"""What of the city lies within a distance of something.

Distances are plan distances in metres, measured exactly between the stored geometries; a circle is
only approximated (256 corners, 0.008 % of the radius) where a length or an area inside is measured.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import shapely
from pydantic import BaseModel, Field
from sqlalchemy import TextClause, text

from twin.crs import CityGeometry
from twin.database import City

_BUILDINGS = text("""
    -- Buildings whose footprint comes within reach, nearest first, and sums for each ring.
    WITH incident AS MATERIALIZED (
        SELECT ST_GeomFromWKB(:incident, CAST(:srid AS integer)) AS geom
    ),
    reached AS MATERIALIZED (
        SELECT building.id, building.residents_day, building.residents_night,
               ST_Distance(building.geom, incident.geom) AS distance_m
        FROM   twin.building, incident
        WHERE  ST_DWithin(building.geom, incident.geom, :reach_m)
        AND    building.state NOT IN ('planned', 'removed')
    ),
    sums AS (
        SELECT   ring.radius_m, count(reached.id) AS buildings,
                 coalesce(sum(reached.residents_day), 0) AS residents_day,
                 coalesce(sum(reached.residents_night), 0) AS residents_night,
                 count(reached.id) FILTER (WHERE residents_day IS NULL) AS unknown_day,
                 count(reached.id) FILTER (WHERE residents_night IS NULL) AS unknown_night
        FROM     unnest(CAST(:radii AS double precision[])) AS ring (radius_m)
        LEFT     JOIN reached ON reached.distance_m <= ring.radius_m
        GROUP BY ring.radius_m
    ),
    nearest AS (
        SELECT id, distance_m FROM reached ORDER BY distance_m, id LIMIT :most
    ),
    listed AS (
        SELECT nearest.distance_m, building.id, building.uid, building.name, building.use,
               building.storeys, building.residents_day, building.residents_night,
               encode(ST_AsBinary(building.geom), 'hex') AS wkb
        FROM   nearest JOIN twin.building ON building.id = nearest.id
    )
    SELECT (SELECT json_agg(sums ORDER BY radius_m) FROM sums) AS sums,
           (SELECT json_agg(listed ORDER BY distance_m, id) FROM listed) AS listed
""")

_FACILITIES = text("""
    WITH incident AS MATERIALIZED (
        SELECT ST_GeomFromWKB(:incident, CAST(:srid AS integer)) AS geom
    )
    SELECT   facility.id, facility.uid, facility.name, facility.kind, facility.capacity,
             facility.phone, ST_Distance(facility.geom, incident.geom) AS distance_m,
             ST_AsBinary(facility.geom) AS wkb
    FROM     twin.facility, incident
    WHERE    ST_DWithin(facility.geom, incident.geom, :reach_m)
    AND      facility.state NOT IN ('planned', 'removed')
    ORDER BY distance_m, facility.id
""")

_PIPES = text("""
    -- Length inside by kind; a segment that lies wholly inside is not cut.  The lengths stand for
    -- themselves, else the sort by kind would carry the zone along with every row.
    WITH zone AS MATERIALIZED (
        SELECT ST_Buffer(
            ST_GeomFromWKB(:incident, CAST(:srid AS integer)), :reach_m, 'quad_segs=64'
        ) AS geom
    ),
    inside AS MATERIALIZED (
        SELECT pipe_segment.kind,
               CASE WHEN ST_Covers(zone.geom, pipe_segment.geom)
                    THEN ST_Length(pipe_segment.geom)
                    ELSE ST_Length(ST_Intersection(ST_Force2D(pipe_segment.geom), zone.geom))
               END AS length_m
        FROM   twin.pipe_segment, zone
        WHERE  ST_Intersects(pipe_segment.geom, zone.geom)
        AND    pipe_segment.state NOT IN ('planned', 'removed')
    )
    SELECT   kind, count(*) AS segments, sum(length_m) AS length_m
    FROM     inside GROUP BY kind ORDER BY kind
""")

_ROADS = text("""
    WITH zone AS MATERIALIZED (
        SELECT ST_Buffer(
            ST_GeomFromWKB(:incident, CAST(:srid AS integer)), :reach_m, 'quad_segs=64'
        ) AS geom
    ),
    inside AS MATERIALIZED (
        SELECT road_edge.road_class,
               CASE WHEN ST_Covers(zone.geom, road_edge.geom)
                    THEN ST_Length(road_edge.geom)
                    ELSE ST_Length(ST_Intersection(ST_Force2D(road_edge.geom), zone.geom))
               END AS length_m
        FROM   twin.road_edge, zone
        WHERE  ST_Intersects(road_edge.geom, zone.geom)
        AND    road_edge.state NOT IN ('planned', 'removed')
    )
    SELECT   road_class, count(*) AS edges, sum(length_m) AS length_m
    FROM     inside GROUP BY road_class ORDER BY road_class
""")

_CELLS = text("""
    -- Cells of which some area lies inside, the most affected first.
    WITH zone AS MATERIALIZED (
        SELECT ST_Buffer(
            ST_GeomFromWKB(:incident, CAST(:srid AS integer)), :reach_m, 'quad_segs=64'
        ) AS geom
    ),
    touched AS (
        SELECT grid_cell.id, grid_cell.uid, grid_cell.code, grid_cell.name,
               grid_cell.responsible_person, grid_cell.responsible_phone,
               grid_cell.population, region.name AS region,
               CASE WHEN ST_Covers(zone.geom, grid_cell.geom) THEN 1.0
                    ELSE ST_Area(ST_Intersection(grid_cell.geom, zone.geom))
                         / nullif(ST_Area(grid_cell.geom), 0)
               END AS share
        FROM   twin.grid_cell
        LEFT   JOIN twin.region ON region.id = grid_cell.region_id, zone
        WHERE  ST_Intersects(grid_cell.geom, zone.geom)
        AND    grid_cell.state NOT IN ('planned', 'removed')
    )
    SELECT * FROM touched WHERE share > 0 ORDER BY share DESC, id
""")

_WATERLOGGING = text("""
    -- Waterlogging points within reach, with the last depth that was measured well.
    WITH incident AS MATERIALIZED (
        SELECT ST_GeomFromWKB(:incident, CAST(:srid AS integer)) AS geom
    )
    SELECT   point.id, point.uid, point.name, point.kind,
             ST_Distance(point.geom, incident.geom) AS distance_m,
             last.depth_m, last.at AS depth_at
    FROM     incident
    JOIN     twin.waterlogging_point AS point
             ON ST_DWithin(point.geom, incident.geom, :reach_m)
    LEFT     JOIN LATERAL (
                 SELECT   reading.depth_m, reading.at
                 FROM     twin.reading
                 WHERE    reading.point_id = point.id AND reading.quality = 'good'
                 AND      reading.depth_m IS NOT NULL
                 ORDER BY reading.at DESC
                 LIMIT    1
             ) AS last ON true
    WHERE    point.state NOT IN ('planned', 'removed')
    ORDER BY distance_m, point.id
""")

_RINGS = text("""
    -- Only drawn: 256 corners a circle.
    SELECT   ST_AsBinary(ST_Buffer(
                 ST_GeomFromWKB(:incident, CAST(:srid AS integer)), ring.radius_m, 'quad_segs=64'
             )) AS wkb
    FROM     unnest(CAST(:radii AS double precision[])) WITH ORDINALITY AS ring (radius_m, place)
    ORDER BY ring.place
""")


class BuildingReached(BaseModel):
    """A building whose footprint comes within reach."""

    id: int
    uid: UUID
    name: str | None
    use: str | None
    storeys: int | None
    residents_day: int | None = Field(description="persons at 14:00; null: not known")
    residents_night: int | None = Field(description="persons at 02:00; null: not known")
    distance_m: float = Field(description="footprint to incident, plan")
    ring: int = Field(description="the innermost ring it is in; 0 is the innermost of all")


class FacilityReached(BaseModel):
    """A facility within reach."""

    id: int
    uid: UUID
    name: str | None
    kind: str
    distance_m: float
    capacity: int | None
    phone: str | None


class PipesInside(BaseModel):
    """The pipes of one kind inside."""

    kind: str
    segments: int
    length_m: float


class RoadsInside(BaseModel):
    """The roads of one class inside."""

    road_class: str
    edges: int
    length_m: float


class CellTouched(BaseModel):
    """A management grid cell of which a share lies inside, and who answers for it."""

    id: int
    uid: UUID
    code: str | None
    name: str | None
    share: float = Field(description="of the cell's area, 0 to 1")
    population: int | None
    responsible_person: str | None
    responsible_phone: str | None
    region: str | None = Field(description="its community")


class WaterloggingReached(BaseModel):
    """A waterlogging point within reach."""

    id: int
    uid: UUID
    name: str | None
    kind: str | None
    distance_m: float
    depth_m: float | None = Field(description="last good reading")
    depth_at: datetime | None


class RingSum(NamedTuple):
    """What lies within one radius, inner rings included."""

    buildings: int
    residents_day: int
    residents_night: int
    unknown_day: int
    """Buildings inside whose residents by day are not known."""
    unknown_night: int


class Buildings(NamedTuple):
    """The buildings within reach."""

    sums: list[RingSum]
    """One for each radius; complete, however many buildings are listed."""
    nearest: list[BuildingReached]
    footprints: list[bytes]
    """WKB of the buildings listed, metres."""


def buildings_within(
    city: City, incident: CityGeometry, radii_m: Sequence[float], *, most: int
) -> Buildings:
    """Return the buildings that come within the largest radius, the nearest of them by name.

    Parameters
    ----------
    city : City
    incident : CityGeometry
        Metres, in the city's frame.
    radii_m : sequence of float
        Ascending.
    most : int
        How many to list; the sums count all.
    """
    values = {**_where(city, incident, radii_m[-1]), "radii": list(radii_m), "most": most}
    row = city.session.execute(_BUILDINGS, values).one()
    listed = row.listed or []
    sums = [RingSum(**{name: each[name] for name in RingSum._fields}) for each in row.sums]
    nearest = [BuildingReached(**each, ring=_ring(each["distance_m"], radii_m)) for each in listed]
    return Buildings(sums, nearest, [bytes.fromhex(each["wkb"]) for each in listed])


def facilities_within(
    city: City, incident: CityGeometry, reach_m: float
) -> tuple[list[FacilityReached], list[bytes]]:
    """Return the facilities within reach, nearest first, and their places as WKB."""
    found = _rows(city, _FACILITIES, incident, reach_m)
    return [FacilityReached(**each) for each in found], [bytes(each["wkb"]) for each in found]


def pipes_within(city: City, incident: CityGeometry, reach_m: float) -> list[PipesInside]:
    """Return how much pipe of each kind lies within reach."""
    return [PipesInside(**each) for each in _rows(city, _PIPES, incident, reach_m)]


def roads_within(city: City, incident: CityGeometry, reach_m: float) -> list[RoadsInside]:
    """Return how much road of each class lies within reach."""
    return [RoadsInside(**each) for each in _rows(city, _ROADS, incident, reach_m)]


def cells_within(city: City, incident: CityGeometry, reach_m: float) -> list[CellTouched]:
    """Return the grid cells of which some area lies within reach, the most affected first."""
    return [CellTouched(**each) for each in _rows(city, _CELLS, incident, reach_m)]


def waterlogging_within(
    city: City, incident: CityGeometry, reach_m: float
) -> list[WaterloggingReached]:
    """Return the waterlogging points within reach, nearest first."""
    return [WaterloggingReached(**each) for each in _rows(city, _WATERLOGGING, incident, reach_m)]


def ring_areas(city: City, incident: CityGeometry, radii_m: Sequence[float]) -> list[bytes]:
    """Return what lies within each radius as a polygon to draw, WKB, metres."""
    values = {**_where(city, incident, radii_m[-1]), "radii": list(radii_m)}
    return [bytes(wkb) for wkb in city.session.scalars(_RINGS, values)]


def _ring(distance_m: float, radii_m: Sequence[float]) -> int:
    # The outermost ring catches a distance that rounding put a hair beyond it.
    inside = (n for n, radius_m in enumerate(radii_m) if distance_m <= radius_m)
    return next(inside, len(radii_m) - 1)


def _rows(
    city: City, question: TextClause, incident: CityGeometry, reach_m: float
) -> Sequence[Mapping[str, Any]]:
    found = city.session.execute(question, _where(city, incident, reach_m)).mappings()
    return [dict(row) for row in found]


def _where(city: City, incident: CityGeometry, reach_m: float) -> dict[str, Any]:
    return {"incident": shapely.to_wkb(incident), "srid": city.frame.srid, "reach_m": reach_m}
