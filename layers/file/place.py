"""Where a thing is: coordinates, how large, and a plan of what is around it."""

from typing import Any

from sqlalchemy import text

from layers import Words
from layers.file._section import Content, Drawing, Fact, Section, Shape, fact
from layers.file._subject import Place, Subject

_NEAR_M, _FAR_M = 60.0, 400.0
_MOST = 600

_DRAWN = text("""
    -- What lies in a square, as SVG paths in metres about its middle.  In a large square only the
    -- great roads: more would be black.
    WITH view AS (
        SELECT ST_MakeEnvelope(:x - :half, :y - :half, :x + :half, :y + :half, :srid) AS box
    ), shown AS (
        SELECT 'building' AS layer, shape FROM (
            SELECT geom AS shape FROM twin.building, view
            WHERE  NOT :large AND geom && box AND state <> 'removed' LIMIT :most
        ) AS building
        UNION  ALL
        SELECT CASE WHEN great THEN 'road_edge' ELSE 'lane' END, shape FROM (
            SELECT road_class IN ('motorway', 'trunk', 'primary', 'secondary') AS great,
                   ST_Force2D(geom) AS shape
            FROM   twin.road_edge, view
            WHERE  geom && box AND state <> 'removed'
                   AND (NOT :large OR road_class IN ('motorway', 'trunk', 'primary', 'secondary'))
            LIMIT  :most
        ) AS road
        UNION  ALL
        SELECT 'pipe_' || kind, shape FROM (
            SELECT kind, ST_Force2D(geom) AS shape FROM twin.pipe_segment, view
            WHERE  NOT :large AND geom && box AND state <> 'removed' LIMIT :most
        ) AS pipe
        UNION  ALL
        SELECT 'waterlogging_point', shape FROM (
            SELECT geom AS shape FROM twin.waterlogging_point, view
            WHERE  geom && box AND state <> 'removed' LIMIT :most
        ) AS water
        UNION  ALL
        SELECT 'subject', CAST(:place AS geometry)
    ), moved AS (
        SELECT layer, ST_Translate(ST_ClipByBox2D(shape, box), -:x, -:y) AS shape FROM shown, view
    )
    SELECT layer,
           CASE WHEN GeometryType(shape) = 'POINT'
                THEN format('M%sh0', translate(ST_AsSVG(shape, 1, 2), 'xy="', ''))
                ELSE ST_AsSVG(shape, 1, 2) END AS path
    FROM   moved
    WHERE  NOT ST_IsEmpty(shape)
""")


def _ask(subject: Subject) -> Content:
    place = subject.place
    if place is None:
        return Content()
    return Content(_facts(subject, place), drawings=(_drawing(subject, place),))


def _facts(subject: Subject, place: Place) -> tuple[Fact, ...]:
    frame = subject.city.frame
    found = [
        fact("lon", "经度", "Longitude", round(place.lon, 7), unit="°"),
        fact("lat", "纬度", "Latitude", round(place.lat, 7), unit="°"),
        fact("x_m", f"东坐标 EPSG:{frame.srid}", "Easting", round(place.x_m, 3), unit="m"),
        fact("y_m", f"北坐标 EPSG:{frame.srid}", "Northing", round(place.y_m, 3), unit="m"),
    ]
    if place.length_m:
        found.append(
            fact("length_m", "平面长度", "Plan length", round(place.length_m, 2), unit="m")
        )
    if place.area_m2:
        found.append(fact("area_m2", "平面面积", "Plan area", round(place.area_m2, 2), unit="m²"))
    return tuple(found)


def _drawing(subject: Subject, place: Place) -> Drawing:
    half_m = max(_NEAR_M, 0.6 * place.extent_m + 20.0)
    values: dict[str, Any] = {
        "x": place.x_m,
        "y": place.y_m,
        "half": half_m,
        "srid": subject.city.frame.srid,
        "large": half_m > _FAR_M,
        "most": _MOST,
        "place": place.geometry,
    }
    rows = subject.ask(_DRAWN, values).all()
    return Drawing(half_m, [Shape(row.layer, row.path) for row in rows])


SECTION = Section("place", Words("位置", "Place"), 5, _ask)
