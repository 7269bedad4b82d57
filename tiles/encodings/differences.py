"""Differences between two moments as Mapbox Vector Tiles 2.1, written by PostGIS."""

from functools import lru_cache

from layers import Layer
from layers.differences import different_sql, require_order
from layers.filter import Selection
from layers.question import Prepared, asked
from tiles.encodings.mvt import BUFFER, EXTENT
from tiles.grid import WEB_MERCATOR, Tile, TileGrid
from twin.crs import LONLAT
from twin.database import City
from twin.history import Moment

_SIDES = ("left", "bottom", "right", "top")

_DRAWN = """
             coalesce(after.name, before.name) AS name,
             ST_AsMVTGeom(
                 ST_Force2D(ST_Transform(coalesce(after.geom, before.geom), {srid})),
                 ST_MakeEnvelope(%(left)s::float8, %(bottom)s::float8, %(right)s::float8,
                                 %(top)s::float8, {srid}),
                 {extent}, {buffer}
             ) AS geom
"""
_TILE = """
    SELECT ST_AsMVT(clipped.*, '{layer}', {extent}, 'geom', 'id')
    FROM   ({different}{near} OFFSET 0) AS clipped
    WHERE  clipped.geom IS NOT NULL
"""
_NEAR = """coalesce(after.geom, before.geom) && ST_MakeEnvelope(
    %(around{i}_0)s::float8, %(around{i}_1)s::float8, %(around{i}_2)s::float8,
    %(around{i}_3)s::float8, %(srid)s::integer
)"""


def difference_tile(
    city: City,
    layer: Layer,
    tile: Tile,
    since: Moment,
    until: Moment,
    *,
    grid: TileGrid = WEB_MERCATOR,
) -> bytes:
    """Return what differs between two moments in one tile; no bytes where nothing does.

    A thing is drawn where it is after, one that was removed where it was, with its ``name``, its
    ``change`` (``added``, ``removed``, ``changed``) and whether it ``moved``.

    Parameters
    ----------
    city : City
        The open city.
    layer : Layer
        What is asked, and what the tile's layer is called after.
    tile : Tile
        The address.
    since, until : Moment
        Before and after.
    grid : TileGrid
        The grid of the address.

    Raises
    ------
    InvalidInputError
        If the first moment lies after the second.
    """
    require_order(since, until)
    ground = grid.ground(tile, city.frame, margin=(BUFFER + 1) / EXTENT)
    if ground is None or tile.z + grid.zoom < layer.minzoom:
        return b""
    question = asked(city.frame, Selection(ground), exact=False)
    if question.shape.nowhere:
        return b""
    sides = dict(zip(_SIDES, grid.box(tile), strict=True))
    values = question.values | sides | {"from_seq": since.seq, "to_seq": until.seq}
    statement = _statement(layer, len(question.shape.boxes), grid.crs)
    return bytes(statement.rows(city.session, values)[0][0] or b"")


@lru_cache(maxsize=256)
def _statement(layer: Layer, pieces: int, crs: str) -> Prepared:
    srid = 4326 if crs == LONLAT else int(crs.removeprefix("EPSG:"))
    near = " OR ".join(_NEAR.format(i=i) for i in range(pieces))
    drawn = _DRAWN.format(srid=srid, extent=EXTENT, buffer=BUFFER)
    tile = _TILE.format(
        layer=layer.id,
        extent=EXTENT,
        different=different_sql(layer, drawn),
        near=f"AND ({near})" if near else "",
    )
    return Prepared(tile, {})
