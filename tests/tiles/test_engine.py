"""Tiles from columns are those of PostGIS."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from layers import Layer, layer_named
from sample_data import make_city
from tests.tiles._cities import MADE
from tests.tiles._mvt_checker import read
from tests.tiles._nasty import MIDDLE
from tests.tiles._same import differences
from tiles.build import build
from tiles.encodings.mvt import vector_tile
from tiles.engine import compressed, encode
from tiles.grid import Tile
from twin.crs import CityBox
from twin.database import City, connect, open_city

ZOOMS = range(8, 19)


def tiles_around(
    city: City, rng: np.random.Generator, count: int, extent: CityBox | None = None
) -> Iterator[Tile]:
    """Yield random tiles of each level that have something to do with an extent."""
    west, south, east, north = city.frame.box_to_lonlat(extent or city.frame.extent)
    for zoom in ZOOMS:
        for _ in range(count):
            lon, lat = rng.uniform(west, east), rng.uniform(south, north)
            y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
            yield Tile(zoom, int((lon + 180) / 360 * 2**zoom), int(y * 2**zoom))


def test_awkward_shapes_are_drawn_as_postgis_draws_them(nasty: Engine, tmp_path: Path) -> None:
    layer = layer_named("analysis_feature")
    columns = build(nasty, layer, tmp_path)
    around = CityBox(MIDDLE[0] - 3000, MIDDLE[1] - 3000, MIDDLE[0] + 3000, MIDDLE[1] + 3000)
    drawn, wrong, slivers = 0, [], list[str]()
    with Session(nasty) as session:
        city = open_city(session)
        for tile in tiles_around(city, np.random.default_rng(3), 4, around):
            ours = encode(columns, tile)
            drawn += sum(len(each.features) for each in read(ours)[0])
            found = differences(ours, vector_tile(city, [layer], tile), slivers)
            wrong += [f"{tile}: {each}" for each in found]
    assert not wrong, f"{len(wrong)}: {wrong[:20]}"
    assert drawn > 10_000
    assert len(slivers) < drawn / 100, slivers


@pytest.fixture(scope="module")
def demo(clone: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with clone() as url:  # type: ignore[operator]
        engine = connect(url)
        make_city.build(engine, data_dir=tmp_path_factory.mktemp("demo"), buildings=2000)
        yield engine
        engine.dispose()


@pytest.mark.parametrize("name", MADE)
def test_the_demo_city_is_drawn_as_postgis_draws_it(
    demo: Engine, name: str, tmp_path: Path
) -> None:
    layer: Layer = layer_named(name)
    columns = build(demo, layer, tmp_path)
    some, slivers = 0, list[str]()
    with Session(demo) as session:
        city = open_city(session)
        for tile in tiles_around(city, np.random.default_rng(11), 8):
            ours, theirs = encode(columns, tile), vector_tile(city, [layer], tile)
            # Below level 12 a house is a few units wide.
            told = slivers if tile.z < 12 else None
            assert differences(ours, theirs, told) == [], tile
            some += bool(ours)
    assert some > 4
    assert len(slivers) < 20, slivers


def test_a_tile_compresses_to_the_same_bytes_every_time(nasty: Engine, tmp_path: Path) -> None:
    columns = build(nasty, layer_named("analysis_feature"), tmp_path)
    tile = encode(columns, Tile(11, 1687, 887))
    assert tile
    assert compressed(tile) == compressed(tile)
    assert len(compressed(tile)) < len(tile)
