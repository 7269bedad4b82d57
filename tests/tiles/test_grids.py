"""Tiles on other grids than Mercator's: the same addresses as others, and the same features."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import morecantile
import numpy as np
import pytest
from pyproj import Transformer
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from layers import layer_named
from tests.tiles._mvt_checker import read
from tests.tiles._nasty import MIDDLE
from tests.tiles._same import differences
from tiles.build import build
from tiles.encodings.mvt import BUFFER, EXTENT, vector_tile
from tiles.engine import dirty_tiles, encode
from tiles.grid import (
    CGCS2000,
    CITY,
    WEB_MERCATOR,
    WORLD_CRS84,
    Tile,
    TileGrid,
    city_grid,
    grid_named,
    grids,
    parse_tile,
)
from tiles.matrix_set import definition
from twin.crs import CityBox, Frame
from twin.database import connect, create_city, open_city
from twin.errors import InvalidInputError, NotFoundError
from twin.ingest import load

SHENZHEN = Frame(4547, CityBox(495_000, 2_490_000, 535_000, 2_530_000))
"""CGCS2000 / 3-degree Gauss-Kruger CM 114E."""
SHANTOU = Frame(4548, CityBox(440_000, 2_560_000, 500_000, 2_610_000))
JAKARTA = Frame(32748, CityBox(680_000, 9_290_000, 720_000, 9_330_000))
GRIDS = ("WebMercatorQuad", "WorldCRS84Quad", "CGCS2000Quad", CITY)


def _set(grid: TileGrid, name: str | None = None) -> morecantile.TileMatrixSet:
    document = definition(grid, name or grid.id, "http://127.0.0.1/tileMatrixSets/x")
    return morecantile.TileMatrixSet.model_validate_json(json.dumps(document))


@pytest.mark.parametrize("grid", [WEB_MERCATOR, WORLD_CRS84])
def test_registered_grids_are_defined_as_the_register_has_them(grid: TileGrid) -> None:
    ours = definition(grid, grid.id, "")
    theirs = json.loads(morecantile.tms.get(grid.id).model_dump_json(by_alias=True))
    assert ours["uri"].split("/")[-1] == grid.id
    for mine, other in zip(ours["tileMatrices"], theirs["tileMatrices"], strict=False):
        for name in ("id", "matrixWidth", "matrixHeight", "tileWidth", "tileHeight"):
            assert mine[name] == other[name]
        for name in ("scaleDenominator", "cellSize", "pointOfOrigin"):
            assert mine[name] == pytest.approx(other[name], rel=1e-9)


@pytest.mark.parametrize("frame", [SHENZHEN, SHANTOU, JAKARTA])
@pytest.mark.parametrize("name", GRIDS)
def test_tiles_lie_where_morecantile_puts_them(name: str, frame: Frame) -> None:
    """The definition alone, with its axes as the authority orders them, leads to our tiles."""
    grid = grids(frame)[name]
    known, rng = _set(grid), np.random.default_rng(5)
    to_grid = Transformer.from_crs("OGC:CRS84", grid.crs, always_xy=True)
    west, south, east, north = frame.lonlat_extent()
    for level in range(0, grid.last + 1, 2):
        # The box in degrees around the city is larger than the city.
        lon = west + rng.uniform(0.1, 0.9) * (east - west)
        lat = south + rng.uniform(0.1, 0.9) * (north - south)
        x, y = to_grid.transform(lon, lat)
        side = grid.side / 2**level
        ours = Tile(level, int((x - grid.left) // side), int((grid.top - y) // side))
        assert known.tile(lon, lat, level) == (ours.x, ours.y, level)
        assert grid.box(ours) == pytest.approx(tuple(known.xy_bounds(ours.x, ours.y, level)))
        assert parse_tile(*map(str, ours), grid) == ours


def test_tianditu_counts_levels_from_one() -> None:
    """In its matrices of `c`, level 1 is 2 by 1 squares of 180 degrees; so is our level 0."""
    grid = grid_named("c", None)
    assert grid is CGCS2000
    assert parse_tile("1", "1", "0", grid, name="c") == (0, 1, 0)
    # Its level 14 has 0.703125 / 2**13 degrees a pixel, of 256 in a tile.
    lon, lat, size = 116.68, 23.36, 0.703125 / 2**13 * 256
    column, row = int((lon + 180) / size), int((90 - lat) / size)
    west, south, east, north = grid.box(parse_tile("14", str(column), str(row), grid, name="c"))
    assert west <= lon < east
    assert south <= lat < north
    alias = _set(grid, "c")
    assert alias.tile(lon, lat, 14) == (column, row, 14)
    with pytest.raises(NotFoundError, match="1 to 24"):
        parse_tile("0", "0", "0", grid, name="c")
    mercator = grid_named("w", None)
    assert parse_tile("14", "13503", "7107", mercator, name="w") == (14, 13503, 7107)


def test_the_citys_grid_is_decided_by_its_extent_and_stays_as_it_grows() -> None:
    grid = city_grid(SHANTOU)
    assert (grid.left, grid.top, grid.side) == (425_984, 2_621_440, 131_072)
    assert grid.crs == "EPSG:4548"
    low_x, low_y, high_x, high_y = SHANTOU.extent
    grown = Frame(4548, CityBox(low_x - 2000, low_y, high_x + 5000, high_y + 1000))
    assert city_grid(grown) == grid
    # As fine as Mercator where it is: level 0 shows the city as large as level 8 does.
    assert grid.zoom == 8
    assert grid.last == 16


@pytest.mark.parametrize("frame", [SHENZHEN, SHANTOU, JAKARTA])
def test_the_citys_grid_holds_the_city(frame: Frame) -> None:
    grid = city_grid(frame)
    low_x, low_y, high_x, high_y = frame.extent
    assert grid.left <= low_x
    assert high_x <= grid.left + grid.side
    assert grid.top - grid.side <= low_y
    assert high_y <= grid.top
    assert np.log2(grid.side) == int(np.log2(grid.side))


@pytest.mark.parametrize("grid", [WORLD_CRS84, CGCS2000])
def test_two_squares_side_by_side_have_twice_as_many_columns(grid: TileGrid) -> None:
    assert parse_tile("0", "1", "0", grid) == (0, 1, 0)
    assert parse_tile("3", "15", "7", grid) == (3, 15, 7)
    for z, x, y in (("0", "2", "0"), ("0", "0", "1"), ("3", "16", "0"), ("24", "0", "0")):
        with pytest.raises(NotFoundError):
            parse_tile(z, x, y, grid)
    with pytest.raises(InvalidInputError, match="whole numbers"):
        parse_tile("3", "1.5", "0", grid)


def test_a_grid_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(NotFoundError, match="WebMercatorQuad, WorldCRS84Quad, CGCS2000Quad"):
        grid_named("UTM31WGS84Quad", None)
    with pytest.raises(NotFoundError):
        grid_named(CITY, None)
    assert grid_named(CITY, SHANTOU).crs == "EPSG:4548"


@pytest.fixture(scope="module", params=[SHENZHEN, SHANTOU], ids=["EPSG:4547", "EPSG:4548"])
def loaded(
    request: pytest.FixtureRequest,
    clone: Callable[..., object],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Engine]:
    """Return an engine on a city whose points came from a file in EPSG:4490, 15 m apart."""
    frame: Frame = request.param
    folder = tmp_path_factory.mktemp("loaded")
    west, south, east, north = frame.lonlat_extent()
    middle_lon, middle_lat = (west + east) / 2, (south + north) / 2
    rng = np.random.default_rng(8)
    along = (np.arange(60) - 30) * 15 / 110_000
    places = [
        (middle_lon + x + rng.uniform(0, 5e-5), middle_lat + y + rng.uniform(0, 5e-5))
        for x in along
        for y in along
    ]
    features = [
        {
            "type": "Feature",
            "properties": {"name": str(n), "kind": "x"},
            "geometry": {"type": "Point", "coordinates": place},
        }
        for n, place in enumerate(places)
    ]
    file = folder / "points.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    with clone() as url:  # type: ignore[attr-defined]
        engine = connect(url)
        create_city(engine, "城", frame)
        report = load(engine, "facility", [file], data_dir=folder, crs="EPSG:4490")
        assert report.rows_rejected == 0
        yield engine
        engine.dispose()


_AROUND = {
    "WebMercatorQuad": "ST_TileEnvelope(:z, :x, :y)",
    # A square of 360 degrees whose upper half is the world: its next level is ours.
    "WorldCRS84Quad": "ST_TileEnvelope(:z + 1, :x, :y, ST_MakeEnvelope(-180, -270, 180, 90, 4326))",
    "CGCS2000Quad": "ST_TileEnvelope(:z + 1, :x, :y, ST_MakeEnvelope(-180, -270, 180, 90, 4490))",
    CITY: "ST_TileEnvelope(:z, :x, :y, ST_MakeEnvelope(:left, :top - :side, :left + :side, :top,"
    " :srid))",
}
_COUNTED = """
    -- The points of a tile, of its buffer, and of the last unit before the buffer's rim.
    WITH tile AS (SELECT {around} AS ground),
         place AS (
             SELECT id, ST_Transform(geom, ST_SRID(ground)) AS geom, ground,
                    (ST_XMax(ground) - ST_XMin(ground)) / 4096 AS unit
             FROM   twin.facility, tile
         )
    SELECT id, ST_Intersects(geom, ground) AS inside,
           NOT ST_Intersects(geom, ST_Expand(ground, 63 * unit)) AS rim
    FROM   place WHERE ST_Intersects(geom, ST_Expand(ground, 65 * unit))
"""


@pytest.mark.parametrize("name", GRIDS)
def test_points_in_the_buffer_are_kept_on_every_grid(
    loaded: Engine, name: str, tmp_path: Path
) -> None:
    """PostGIS itself counts what lies beside a tile; columns and statement both have it."""
    layer = layer_named("facility")
    with Session(loaded) as session:
        city = open_city(session)
        grid = grids(city.frame)[name]
        columns = build(loaded, layer, tmp_path, grid=grid)
        lon, lat = np.mean(np.array(city.frame.lonlat_extent()).reshape(2, 2), axis=0)
        x, y = Transformer.from_crs("OGC:CRS84", grid.crs, always_xy=True).transform(lon, lat)
        level = 17 - grid.zoom
        side = grid.side / 2**level
        middle = Tile(level, int((x - grid.left) // side), int((grid.top - y) // side))
        beside = 0
        for dx in (-1, 0, 1):
            for dy in (-1, 0, 1):
                tile = Tile(level, middle.x + dx, middle.y + dy)
                values = {**tile._asdict(), **grid._asdict(), "srid": city.frame.srid}
                question = text(_COUNTED.format(around=_AROUND[name]))
                found = session.execute(question, values).all()
                sure = {row.id for row in found if not row.rim}
                maybe = {row.id for row in found if row.rim}
                beside += sum(not row.inside and not row.rim for row in found)
                for written in (
                    encode(columns, tile),
                    vector_tile(city, [layer], tile, grid=grid),
                ):
                    drawn = {each.id for part in read(written)[0] for each in part.features}
                    assert sure <= drawn <= sure | maybe, tile
    assert beside > 20


@pytest.mark.parametrize("name", GRIDS[1:])
def test_awkward_shapes_are_drawn_on_every_grid_as_postgis_draws_them(
    nasty: Engine, name: str, tmp_path: Path
) -> None:
    layer = layer_named("analysis_feature")
    drawn, wrong, slivers = 0, [], list[str]()
    rng = np.random.default_rng(4)
    with Session(nasty) as session:
        city = open_city(session)
        grid = grids(city.frame)[name]
        columns = build(nasty, layer, tmp_path, grid=grid)
        to_grid = Transformer.from_crs("EPSG:4548", grid.crs, always_xy=True)
        for zoom in range(max(8, grid.zoom), 19):
            for _ in range(3):
                level = zoom - grid.zoom
                place = to_grid.transform(*(v + rng.uniform(-3000, 3000) for v in MIDDLE))
                side = grid.side / 2**level
                tile = Tile(
                    level,
                    int((place[0] - grid.left) // side),
                    int((grid.top - place[1]) // side),
                )
                ours = encode(columns, tile)
                drawn += sum(len(each.features) for each in read(ours)[0])
                theirs = vector_tile(city, [layer], tile, grid=grid)
                wrong += [f"{tile}: {each}" for each in differences(ours, theirs, slivers)]
    assert not wrong, f"{len(wrong)}: {wrong[:20]}"
    assert drawn > 5000
    assert len(slivers) < drawn / 100, slivers


def test_an_edit_in_the_east_dirties_tiles_of_the_second_square(
    nasty: Engine, tmp_path: Path
) -> None:
    layer = layer_named("analysis_feature")
    columns = build(nasty, layer, tmp_path, grid=CGCS2000)
    box = next(filter(None, map(columns.world.shares, columns.snapshot.base.boxes)))
    found = dirty_tiles(None, box, range(5), CGCS2000.across)
    # 116 degrees east lie in the second of the two squares.
    assert {Tile(0, 1, 0), Tile(1, 3, 0)} == {tile for tile in found if tile.z < 2}


def test_the_buffer_is_as_wide_as_it_says() -> None:
    """65 of 4096 units: one beyond the buffer, since rounding brings a feature into it."""
    margin = (BUFFER + 1) / EXTENT
    wide = CGCS2000.ground(Tile(10, 1000, 300), SHANTOU, margin=margin)
    bare = CGCS2000.ground(Tile(10, 1000, 300), SHANTOU)
    assert wide is not None
    assert bare is not None
    assert (bare.west - wide.west) / (180 / 2**10) == pytest.approx(65 / 4096)
