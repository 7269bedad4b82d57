"""On whole cities, made and found, tiles from columns are those that PostGIS writes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from shapely import box, from_wkb
from shapely.affinity import affine_transform
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from layers import Layer, layers
from tests.tiles._cities import FILLED, MADE, opened, places_of, tiles_at
from tests.tiles._mvt_checker import Feature, polygons
from tests.tiles._same import UNIT, VISIBLE, differences, layer_of
from tiles.build import build
from tiles.encodings.mvt import vector_tile
from tiles.engine import encode
from tiles.grid import Tile
from twin.database import City, open_city

ZOOMS = range(8, 19)
CASES = [
    *(("demo", name) for name in MADE),
    *((city, name) for city, names in FILLED.items() for name in names),
]
_AS_IT_IS = "SELECT ST_AsBinary(ST_Force2D(ST_Transform(geom, 3857))) FROM twin.{} WHERE id = :id"
_SIDE_M = 2 * 20037508.342789244
_DRAWN = box(-64, -64, 4160, 4160)


@pytest.fixture(scope="module")
def city(
    request: pytest.FixtureRequest, clone: object, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    with opened(clone(), request.param, tmp_path_factory.mktemp("city")) as engine:  # type: ignore[operator]
        yield engine


@pytest.mark.parametrize(("city", "name"), CASES, indirect=["city"])
@pytest.mark.parametrize("count", [10, pytest.param(200, marks=pytest.mark.slow)])
def test_columns_and_postgis_draw_the_same_tiles(
    city: Engine, name: str, count: int, tmp_path: Path
) -> None:
    layer: Layer = layers()[name]
    columns, rng = build(city, layer, tmp_path), np.random.default_rng(count)
    tiles, drawn, wrong, needles = 0, 0, list[str](), list[str]()
    with Session(city) as session:
        opened_city = open_city(session)
        places = places_of(city, layer, opened_city.frame)
        for zoom in ZOOMS:
            for tile in tiles_at(places, rng, zoom, count):
                ours, theirs = encode(columns, tile), vector_tile(opened_city, [layer], tile)
                told = _wrong(opened_city, layer, tile, ours, theirs, needles)
                wrong += [f"{tile}: {each}" for each in told]
                tiles, drawn = tiles + bool(ours), drawn + len(layer_of(ours).features)
    assert not wrong, f"{len(wrong)}: {wrong[:20]}"
    each_level = 1 if name in FILLED["house"] else 2  # a single house stands in one tile
    assert tiles > each_level * (18 - max(layer.minzoom, 8))
    assert len(needles) <= drawn / 500, f"{len(needles)} of {drawn}: {needles[:20]}"


def _wrong(
    city: City, layer: Layer, tile: Tile, ours: bytes, theirs: bytes, needles: list[str]
) -> list[str]:
    """Return what differs, but for needles.

    What rounding made narrower than a unit, be it a tip or a hole a few units long, PostGIS's
    polygon clipper takes off at times and at times not, and so does ours, by another rule.  Such a
    polygon is right if it is drawn where the feature itself is.
    """
    strict = differences(ours, theirs)
    if not strict:
        return []
    loose = differences(ours, theirs, needles)
    mine = {feature.id: feature for feature in layer_of(ours).features}
    for each in strict:
        id, colon, _ = each.partition(":")
        if colon and not loose and mine[int(id)].kind == 3:
            needles.append(f"{tile}: {each}")
            if not _is_where_it_is(city, layer, tile, mine[int(id)]):
                loose.append(each)
    return loose


def _is_where_it_is(city: City, layer: Layer, tile: Tile, feature: Feature) -> bool:
    """Return whether a polygon is drawn within a unit of where it is, unrounded."""
    scale = 2**tile.z * 4096 / _SIDE_M
    middle = 2**tile.z * 2048
    to_units = (scale, 0, 0, -scale, middle - tile.x * 4096, middle - tile.y * 4096)
    wkb = city.session.scalar(text(_AS_IT_IS.format(layer.id)), {"id": feature.id})
    true = affine_transform(from_wkb(bytes(wkb)), to_units).intersection(_DRAWN)
    rim = polygons(feature).boundary.intersection(VISIBLE)
    return bool(rim.difference(true.boundary.buffer(UNIT)).is_empty)
