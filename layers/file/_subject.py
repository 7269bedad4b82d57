"""The feature that a file is about: its values, where it is, and whose land that is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from typing import Any, NamedTuple

from sqlalchemy import Result, TextClause, bindparam, func, not_, select, text

from layers import Layer, query
from layers.past import values as past_values
from layers.question import Prepared, prepared
from layers.text import LONLAT_SRID
from twin.database import City
from twin.history import Moment

_HOME = text("""
    -- The cell that a thing lies in, and the regions around it from the smallest on.
    WITH RECURSIVE cell AS (
        SELECT   id, code, name, responsible_person, responsible_phone, region_id
        FROM     twin.grid_cell
        WHERE    code = :cell AND state <> 'removed'
        ORDER BY id
        LIMIT    1
    ), first AS (
        SELECT CASE WHEN :parent THEN CAST(:region_id AS bigint) ELSE coalesce(
            (SELECT region_id FROM cell),
            (SELECT   id FROM twin.region
             WHERE    ST_Intersects(geom, CAST(:centre AS geometry)) AND state <> 'removed'
             ORDER BY array_position(
                          ARRAY['community', 'street', 'county', 'city', 'province'], level
                      ), ST_Area(geom), id
             LIMIT    1)
        ) END AS id
    ), chain AS (
        SELECT region.id, region.name, region.code, region.level, region.parent_id, 0 AS step
        FROM   twin.region JOIN first USING (id)
        UNION ALL
        SELECT region.id, region.name, region.code, region.level, region.parent_id, step + 1
        FROM   chain JOIN twin.region ON region.id = chain.parent_id
        WHERE  step < 8
    )
    SELECT   'cell' AS what, id, name, code, NULL AS level, responsible_person, responsible_phone,
             -1 AS step
    FROM     cell
    UNION    ALL
    SELECT   'region', id, name, code, level, NULL, NULL, step
    FROM     chain
    ORDER BY step
""")


class Place(NamedTuple):
    """Where a feature is.  Geometries are in the city's frame, as hexadecimal EWKB, without z."""

    geometry: str
    centre: str
    """The point that stands for it."""
    x_m: float
    y_m: float
    lon: float
    lat: float
    extent_m: float
    """The longer side of its box."""
    length_m: float
    area_m2: float


@dataclass(frozen=True)
class Subject:
    """The feature that a file is about."""

    city: City
    layer: Layer
    id: int
    values: dict[str, Any]
    """Its properties by name, as JSON holds them."""
    geojson: str | None
    """Its geometry in degrees."""
    place: Place | None
    """None where it has no geometry."""
    distance_m: float
    """How far "around" reaches."""
    known: Moment | None = None
    """The moment that the file is of; None for the city as it is."""

    def ask(self, statement: TextClause, values: Mapping[str, Any]) -> Result[Any]:
        """Run a statement about the city as it is; of a former moment, as it was."""
        session = self.city.session
        if self.known is None:
            return session.execute(statement, values)
        asked = {**values, **past_values(self.known)}
        return session.connection().exec_driver_sql(_in_the_past(statement).sql, asked)

    def rows(
        self, statement: Callable[[bool], Prepared], values: Mapping[str, Any]
    ) -> Sequence[tuple[Any, ...]]:
        """Run a statement that is made for the city as it is, or (True) as it was."""
        then = {} if self.known is None else past_values(self.known)
        return statement(self.known is not None).rows(self.city.session, {**values, **then})

    @property
    def name(self) -> str | None:
        """What people call it."""
        return self.values.get("name")

    @cached_property
    def home(self) -> tuple[dict[str, Any], ...]:
        """The cell it lies in (``what`` = cell), then its regions, the smallest first."""
        if self.place is None:
            return ()
        region = {"region": "parent_id", "grid_cell": "region_id"}.get(self.layer.id)
        values = {
            "cell": self.values.get("cell_id"),
            "parent": region is not None,
            "region_id": self.values[region] if region else None,
            "centre": self.place.centre,
        }
        rows = self.ask(_HOME, values).mappings()
        return tuple(dict(row) for row in rows)

    @property
    def cell(self) -> dict[str, Any] | None:
        """The management grid cell it lies in."""
        return next((row for row in self.home if row["what"] == "cell"), None)

    @property
    def regions(self) -> tuple[dict[str, Any], ...]:
        """The regions around it, the smallest first."""
        return tuple(row for row in self.home if row["what"] == "region")


def subject_of(
    city: City, layer: Layer, key: str, distance_m: float, known: Moment | None
) -> Subject:
    """Return the feature with an id or a uid.

    Raises
    ------
    NotFoundError
        If the layer has, or had, no such feature.
    """
    page = query.one(city, layer, key, known)
    number, geojson, *values = page.rows[0]
    named = dict(zip((entry.name for entry in page.fields), values, strict=True))
    bare = Subject(city, layer, number, named, geojson, None, distance_m, known)
    rows = bare.rows(partial(_where, layer), {"key": number})
    return replace(bare, place=Place(*rows[0])) if rows else bare


@cache
def _in_the_past(statement: TextClause) -> Prepared:
    return prepared(statement, past=True)


@cache
def _where(layer: Layer, past: bool) -> Prepared:
    """Return the question where a feature is; no row where it has no geometry."""
    flat = func.ST_Force2D(layer.place)
    point = func.twin.representative(layer.place)
    lonlat = func.ST_Transform(point, LONLAT_SRID)
    wide = func.ST_XMax(layer.place) - func.ST_XMin(layer.place)
    tall = func.ST_YMax(layer.place) - func.ST_YMin(layer.place)
    columns = (
        *(func.encode(func.ST_AsEWKB(shape), "hex") for shape in (flat, point)),
        *(axis(shape) for shape in (point, lonlat) for axis in (func.ST_X, func.ST_Y)),
        func.greatest(wide, tall),
        func.ST_Length(flat),
        func.ST_Area(flat),
    )
    there = not_(func.ST_IsEmpty(layer.place))
    key = bindparam("key", type_=layer.key.type)
    return prepared(select(*columns).where(layer.key == key, there), past=past)
