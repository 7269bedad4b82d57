"""Mapbox Vector Tiles 2.1, written by PostGIS.

Everything that serves a tile calls `vector_tile`, and nothing else knows how one is made.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Double, Integer, bindparam, func, literal_column, select

from layers import Layer
from layers.filter import EVERYTHING, Selection
from layers.past import at_moment
from layers.question import Prepared, Shape, asked, conditions, prepared
from tiles.grid import WEB_MERCATOR, Tile, TileGrid
from twin.crs import LONLAT
from twin.database import City

MEDIA_TYPE = "application/vnd.mapbox-vector-tile"
EXTENT = 4096
BUFFER = 64
"""Units beyond the tile's rim that are kept, so that a stroke does not end at it."""
_SIDES = ("left", "bottom", "right", "top")


def vector_tile(
    city: City,
    layers: Sequence[Layer],
    tile: Tile,
    filters: Selection = EVERYTHING,
    *,
    grid: TileGrid = WEB_MERCATOR,
) -> bytes:
    """Return some layers in one tile; no bytes where the tile is empty.

    Parameters
    ----------
    city : City
        The open city.
    layers : sequence of Layer
        What is in the tile, each under its id; a layer is left out below its ``minzoom``.
    tile : Tile
        The address.
    filters : Selection
        Which features, by time and by values; every layer must know the fields.  As of a moment
        they are those that were known then.
    grid : TileGrid
        The grid of the address.

    Notes
    -----
    The tile's ground and its buffer are moved to the city's frame, whatever it is, so that the
    index answers and no rim loses features.  Features are drawn without heights: PostGIS 3.3
    cannot clip lines of mixed dimension.
    """
    ground = grid.ground(tile, city.frame, margin=(BUFFER + 1) / EXTENT)
    if ground is None:
        return b""
    here = replace(at_moment(city, filters), box=ground, heights_m=None)
    question = asked(city.frame, here, exact=False)
    if question.shape.nowhere:
        return b""
    zoom = tile.z + grid.zoom
    if grid == WEB_MERCATOR:
        values = question.values | tile._asdict()
    else:
        values = question.values | dict(zip(_SIDES, grid.box(tile), strict=True))
    parts = [
        _statement(layer, zoom, question.shape, grid.crs).rows(city.session, values)[0][0]
        for layer in layers
        if zoom >= layer.minzoom
    ]
    return b"".join(bytes(part) for part in parts if part)


@lru_cache(maxsize=1024)
def _statement(layer: Layer, zoom: int, shape: Shape, crs: str) -> Prepared:
    """Return the statement that writes one layer of a tile."""
    srid: ColumnElement[int] = literal_column(
        "4326" if crs == LONLAT else crs.removeprefix("EPSG:")
    )
    if crs == WEB_MERCATOR.crs:
        tile = func.ST_TileEnvelope(*(bindparam(name, type_=Integer) for name in "zxy"))
    else:
        tile = func.ST_MakeEnvelope(*(bindparam(name, type_=Double) for name in _SIDES), srid)
    drawn = func.ST_AsMVTGeom(
        func.ST_Force2D(func.ST_Transform(layer.place, srid)),
        tile,
        literal_column(str(EXTENT)),
        literal_column(str(BUFFER)),
    )
    thinned = None if shape.names else layer.thinned(zoom)
    clipped = (
        select(layer.key, drawn.label("geom"), *properties(layer))
        .select_from(layer.rows)
        .where(*conditions(layer, shape), *([] if thinned is None else [thinned]))
        # A fence: without it PostgreSQL would clip everything twice, for the test and the tile.
        .offset(literal_column("0"))
        .subquery("clipped")
    )
    whole_row: ColumnElement[Any] = literal_column("clipped.*")
    encoded = func.ST_AsMVT(
        whole_row,
        literal_column(f"'{layer.id}'"),
        literal_column(str(EXTENT)),
        literal_column("'geom'"),
        literal_column("'id'"),
    )
    statement = select(encoded).select_from(clipped).where(clipped.c.geom.is_not(None))
    return prepared(statement, past=shape.past)


def properties(layer: Layer) -> list[ColumnElement[Any]]:
    """Return what a feature carries in tiles, in the types that PostGIS writes."""
    return [
        # PostGIS takes the keys of a jsonb object apart by itself.
        layer.value(entry.name).label(entry.name)
        if entry.type == "object"
        else layer.shown(entry.name)
        for entry in layer.fields
        if entry.in_tiles
    ]
