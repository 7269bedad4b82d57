"""Vector tiles of the tiny town, decoded by readers that are not ours."""

import json
import math
import shutil
import subprocess
from pathlib import Path
from typing import Any

import mapbox_vector_tile
import numpy as np
import pytest
from sqlalchemy import text

from layers import layer_named, layers
from layers.filter import Selection
from tiles.encodings.mvt import BUFFER, EXTENT, vector_tile
from tiles.grid import Tile, lonlat_box
from twin.crs import LONLAT, move_points
from twin.database import City

ALL = tuple(layers().values())


def _place(x_m: float, y_m: float) -> tuple[float, float]:
    lon, lat = move_points(
        np.array([467_000.0 + x_m]), np.array([2_584_000.0 + y_m]), "EPSG:4548", LONLAT
    )
    return float(lon[0]), float(lat[0])


def _tile(zoom: int, x_m: float = 100, y_m: float = 100) -> Tile:
    lon, lat = _place(x_m, y_m)
    x, y = _position(lon, lat, zoom)
    return Tile(zoom, math.floor(x), math.floor(y))


def _position(lon: float, lat: float, zoom: int) -> tuple[float, float]:
    """Return where a place lies in the grid, in tiles."""
    n = 2**zoom
    return (
        (lon + 180) / 360 * n,
        (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * n,
    )


def _decoded(tile: bytes) -> dict[str, Any]:
    decoded: dict[str, Any] = mapbox_vector_tile.decode(
        tile, default_options={"y_coord_down": True}
    )
    return decoded


def _one(city: City, tile: Tile, *names: str) -> list[dict[str, Any]]:
    (name,) = names
    found = _decoded(vector_tile(city, [layer_named(name)], tile))
    return list(found[name]["features"]) if name in found else []


def test_a_tile_holds_the_buildings_with_their_ids_and_attributes(city: City) -> None:
    found: dict[int, Any] = {}
    for dx in (-1, 0, 1):
        for dy in (-1, 0, 1):
            middle = _tile(16)
            for each in _one(city, Tile(16, middle.x + dx, middle.y + dy), "building"):
                found[each["id"]] = each["properties"]
    assert sorted(found) == list(range(1, 13))
    assert found[12] == {
        "name": "12号楼",
        "use": "office",
        "height_m": 36.0,
        "storeys": 12,
        "residents_day": 120,
        "residents_night": 2048,
    }


def test_a_point_lands_where_mercator_puts_it(city: City) -> None:
    tile = _tile(16, 100, 50)
    (point,) = _one(city, tile, "waterlogging_point")
    x, y = _position(*_place(100, 50), 16)
    expected = [(x - tile.x) * EXTENT, (y - tile.y) * EXTENT]
    assert point["geometry"]["coordinates"] == pytest.approx(expected, abs=1)
    assert point["properties"]["level"] == "red"
    assert point["properties"]["depth_m"] == 0.7


def test_several_layers_in_one_tile_are_the_layers_one_by_one(city: City) -> None:
    tile = _tile(16)
    whole = _decoded(vector_tile(city, ALL, tile))
    single = {}
    for layer in ALL:
        single |= _decoded(vector_tile(city, [layer], tile))
    assert whole == single
    assert {"region", "grid_cell", "building", "road_edge", "pipe_segment"} <= set(whole)


def test_an_empty_tile_has_no_bytes(city: City) -> None:
    middle = _tile(16)
    assert vector_tile(city, ALL, Tile(16, middle.x + 100, middle.y)) == b""
    assert vector_tile(city, ALL, Tile(16, 0, 0)) == b""
    assert vector_tile(city, [layer_named("analysis_feature")], middle) == b""


def test_a_layer_is_left_out_below_its_first_level(city: City) -> None:
    building = layer_named("building")
    assert _one(city, _tile(building.minzoom), "building")
    assert vector_tile(city, [building], _tile(building.minzoom - 1)) == b""


@pytest.mark.parametrize("zoom", range(25))
def test_every_level_can_be_asked_for(city: City, zoom: int) -> None:
    decoded = _decoded(vector_tile(city, ALL, _tile(zoom, 100, 110)))
    # 200 m are less than a unit of the tile's grid before level 5.
    assert ("region" in decoded) == (zoom >= 5)


def test_features_just_beyond_the_rim_are_kept_for_their_strokes(city: City) -> None:
    """A road that ends beside the tile, within the buffer, is in it; one farther away is not."""
    tile = _tile(17)
    ground = lonlat_box(tile)
    width_m = 40_075_016.7 / 2**17 * math.cos(math.radians(ground.south))
    buffer_m = width_m * BUFFER / EXTENT
    corner_x, corner_y = move_points(
        np.array([ground.east]), np.array([(ground.south + ground.north) / 2]), LONLAT, "EPSG:4548"
    )
    insert = text(
        "INSERT INTO twin.facility (kind, name, geom) "
        "VALUES ('x', :name, ST_SetSRID(ST_MakePoint(:x, :y), 4548))"
    )
    for name, share in (("inside", -0.5), ("near", 0.6), ("far", 1.5)):
        x = float(corner_x[0]) + share * buffer_m
        city.session.execute(insert, {"name": name, "x": x, "y": float(corner_y[0])})
    names = {each["properties"]["name"] for each in _one(city, tile, "facility")}
    assert {"inside", "near"} <= names
    assert "far" not in names


def test_filters_hold_in_tiles(city: City) -> None:
    tile = _tile(15)
    selection = Selection(values={"kind": ("gas",)})
    found = _decoded(vector_tile(city, [layer_named("pipe_segment")], tile, selection))
    assert [each["properties"]["kind"] for each in found["pipe_segment"]["features"]] == ["gas"]


def test_lines_of_mixed_dimension_are_clipped(city: City) -> None:
    """PostGIS 3.3 raises on clipped lines with heights unless they are flattened first."""
    for zoom in (14, 16, 18, 20, 22):
        for x_m, y_m in ((100, 100), (98, 150), (98, 100), (50, 198)):
            vector_tile(city, [layer_named("pipe_segment")], _tile(zoom, x_m, y_m))


def test_small_streets_wait_for_a_near_view(city: City) -> None:
    classes = {each["properties"]["road_class"] for each in _one(city, _tile(10), "road_edge")}
    assert classes == {"primary"}
    assert len(_one(city, _tile(12), "building")) == 12


def test_attributes_of_results_stand_beside_their_role(city: City) -> None:
    run = city.session.scalar(
        text("INSERT INTO twin.analysis_run (analysis, inputs) VALUES ('x', '{}') RETURNING id")
    )
    city.session.execute(
        text(
            "INSERT INTO twin.analysis_feature (run_id, analysis, role, attrs, geom) "
            "SELECT :run, 'x', 'building', '{\"ring\": 2, \"share\": 0.5}', geom "
            "FROM twin.building WHERE id = 3"
        ),
        {"run": run},
    )
    layer = layer_named("analysis_feature")
    one = Selection(values={"run_id": (run,)})
    found = _decoded(vector_tile(city, [layer], _tile(16, 50, 70), one))
    (feature,) = found["analysis_feature"]["features"]
    assert feature["properties"]["ring"] == 2
    assert feature["properties"]["share"] == 0.5
    assert feature["properties"]["role"] == "building"
    other = Selection(values={"run_id": ("00000000-0000-0000-0000-000000000000",)})
    assert vector_tile(city, [layer], _tile(16, 50, 70), other) == b""


def test_gdal_reads_the_same_tile(city: City, tmp_path: Path) -> None:
    if shutil.which("ogrinfo") is None:
        pytest.skip("gdal-bin is not installed")
    tile = _tile(16, 60, 60)
    folder = tmp_path / "16" / str(tile.x)
    folder.mkdir(parents=True)
    path = folder / f"{tile.y}.mvt"
    path.write_bytes(vector_tile(city, ALL, tile))
    listed = subprocess.run(
        ["ogr2ogr", "-f", "GeoJSON", "/vsistdout/", f"MVT:{path}", "building", "-oo", "CLIP=NO"],
        capture_output=True,
        text=True,
        check=True,
    )
    names = {each["properties"]["name"] for each in json.loads(listed.stdout)["features"]}
    ours = {each["properties"]["name"] for each in _one(city, tile, "building")}
    assert names == ours
    assert names
