"""What of the city goes into a file: city objects with their families, and other buildings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from sqlalchemy import RowMapping, text

from twin.crs import CityBox
from twin.database import City

CHUNK = 1_000

Row = dict[str, Any]

_OBJECTS = text("""
    -- City objects that reach into a box, each with all that it is part of and all its parts.
    -- A group is none of its members' parts or wholes here: it would bring all the others along.
    WITH RECURSIVE kin AS (
        SELECT o.id, o.source, o.source_id, o.parents || o.children AS near
        FROM   twin.city_object AS o
        WHERE  o.state <> 'removed'
        AND    (CAST(:everywhere AS boolean) OR ST_Intersects(
                   o.geom, ST_MakeEnvelope(:min_x_m, :min_y_m, :max_x_m, :max_y_m, :srid)
               ))
        UNION
        SELECT o.id, o.source, o.source_id, o.parents || o.children
        FROM   kin
               CROSS JOIN LATERAL unnest(kin.near) AS relative (called)
               JOIN twin.city_object AS o ON o.source_id = relative.called AND o.source = kin.source
        WHERE  o.object_type <> 'CityObjectGroup' AND o.state <> 'removed'
    )
    SELECT o.id, o.uid, o.source, o.source_id, o.object_type, o.parents, o.children, o.attrs, o.told
    FROM   twin.city_object AS o
    WHERE  o.id IN (SELECT id FROM kin)
    ORDER  BY o.id
""")
_GEOMETRIES = text("""
    SELECT g.city_object_id, g.geometry_type, g.lod, g.centre_x_m, g.centre_y_m, g.centre_z_m,
           m.vertices, m.triangles, m.rings, m.shells, m.face_surface, m.surfaces, m.vertex_count
    FROM   twin.city_geometry AS g JOIN twin.city_mesh AS m ON m.digest = g.mesh
    WHERE  g.city_object_id = ANY(:ids) AND (CAST(:lod AS text) IS NULL OR g.lod = :lod)
    ORDER  BY g.city_object_id, g.position
""")
_BUILDINGS = text("""
    -- Buildings that no city object models: their footprint, and how high they rise as far as
    -- anybody knows.
    SELECT b.id, b.uid, b.source, b.source_id, b.name, b.use, b.storeys, b.storeys_below,
           b.built_year, b.ground_z_m, ST_AsBinary(b.geom) AS footprint,
           coalesce(b.height_m, model.top_z_m - coalesce(b.ground_z_m, model.floor_z_m),
                    3 * nullif(b.storeys, 0)) AS height_m,
           CASE WHEN b.height_m IS NOT NULL THEN 'height'
                WHEN model.top_z_m IS NOT NULL THEN 'storeys of its model'
                WHEN b.storeys > 0 THEN '3 m a storey' END AS height_from,
           coalesce(b.ground_z_m, model.floor_z_m) AS floor_z_m
    FROM   twin.building AS b
           LEFT JOIN LATERAL (
               SELECT max(floor_z_m + coalesce(height_m, 3)) AS top_z_m,
                      min(floor_z_m) AS floor_z_m
               FROM   twin.storey AS s WHERE s.building_id = b.id
           ) AS model ON true
    WHERE  b.state <> 'removed'
    AND    NOT EXISTS (SELECT FROM twin.city_object AS o WHERE o.building_id = b.id)
    AND    (CAST(:everywhere AS boolean) OR ST_Intersects(
               b.geom, ST_MakeEnvelope(:min_x_m, :min_y_m, :max_x_m, :max_y_m, :srid)
           ))
    ORDER  BY b.id
""")


def _within(city: City, box: CityBox | None) -> dict[str, Any]:
    bounds = city.frame.extent if box is None else box
    return {"everywhere": box is None, "srid": city.frame.srid, **bounds._asdict()}


def objects(city: City, box: CityBox | None) -> list[Row]:
    """Return the city objects that reach into a box, with their families."""
    found = city.session.execute(_OBJECTS, _within(city, box)).mappings()
    return [_parsed(row, "attrs", "told") for row in found]


def buildings(city: City, box: CityBox | None) -> list[Row]:
    """Return the buildings that reach into a box and that no city object models."""
    return [dict(row) for row in city.session.execute(_BUILDINGS, _within(city, box)).mappings()]


def geometries(city: City, ids: Sequence[int], lod: str | None) -> dict[int, list[Row]]:
    """Return the geometries of objects, by object, with their meshes."""
    found: dict[int, list[Row]] = {}
    for row in city.session.execute(_GEOMETRIES, {"ids": list(ids), "lod": lod}).mappings():
        found.setdefault(row["city_object_id"], []).append(_parsed(row, "shells", "surfaces"))
    return found


def chunks(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Yield pieces of a sequence that a question takes at once."""
    for begin in range(0, len(rows), CHUNK):
        yield rows[begin : begin + CHUNK]


def _parsed(row: RowMapping, *names: str) -> Row:
    """Return a row with its JSON read, which comes as text."""
    found = dict(row)
    return found | {
        name: orjson.loads(found[name]) for name in names if isinstance(found[name], str)
    }
