"""Loaded things carry the codes that the database would give them."""

from collections.abc import Callable
from pathlib import Path

import geopandas
import numpy as np
import pyogrio
import pytest
import shapely
from sqlalchemy import Engine

from tests.twin.ingest.conftest import Load, one
from twin.ingest import load

JAKARTA = (106.6, -6.4, 107.0, -6.0)

_OTHERWISE = """
    SELECT count(*) FROM twin.{table}
    WHERE  bd_code IS DISTINCT FROM twin.bd_code_at(twin.representative(geom))
    OR     cell_id IS DISTINCT FROM twin.cell_at(twin.representative(geom))
"""


def saved(frame: geopandas.GeoDataFrame, file: Path) -> Path:
    pyogrio.write_dataframe(frame, file)
    return file


def cells(codes: list[str], *boxes: shapely.Geometry) -> geopandas.GeoDataFrame:
    return geopandas.GeoDataFrame({"id": codes, "code": codes}, geometry=list(boxes), crs=4548)


def odd_shapes(count: int) -> geopandas.GeoDataFrame:
    """Return areas with several parts, holes and slanting sides, some with straight ones."""
    random = np.random.default_rng(4)
    areas = []
    for number in range(count):
        corner = 450_000 + random.random(2) * 30_000 + (0, 2_115_000)
        angle = np.sort(random.random(9)) * 2 * np.pi
        radius = 5 + 40 * random.random(9)
        ring = corner + radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
        area = shapely.make_valid(shapely.Polygon(ring))
        if number % 3 == 0:
            area = area.difference(shapely.Point(corner).buffer(3))
        if number % 4 == 0:
            area = area.union(shapely.box(*(corner + 60), *(corner + 75.5)))
        areas.append(
            shapely.multipolygons(
                [p for p in shapely.get_parts(area) if p.geom_type == "Polygon" and p.area > 0.01]
            )
        )
    return geopandas.GeoDataFrame({"id": range(count)}, geometry=areas, crs=4548)


def test_a_load_gives_the_codes_that_the_database_gives(
    loads: Load, engine: Engine, tmp_path: Path
) -> None:
    side = 1500
    grid = [
        shapely.box(x, y, x + side, y + side)
        for y in range(2_565_000, 2_590_000, side)
        for x in range(452_000, 478_000, side)
    ]
    codes = [f"440507001{k // 900 + 1:03d}{k % 900 + 1:03d}" for k in range(len(grid))]
    loads("grid_cell", saved(cells(codes, *grid), tmp_path / "cells.gpkg"))
    loads("building", saved(odd_shapes(3000), tmp_path / "odd.gpkg"))
    assert one(engine, "SELECT count(*) FROM twin.building WHERE cell_id IS NOT NULL") > 1500
    assert one(engine, "SELECT count(*) FROM twin.building WHERE cell_id IS NULL") > 100
    for table in ("building", "grid_cell"):
        assert one(engine, _OTHERWISE.format(table=table)) == 0


@pytest.mark.parametrize("layer", ["building", "road"])
def test_real_places_carry_the_codes_that_the_database_gives(
    city_of: Callable[..., Engine], real_data: Path, tmp_path: Path, layer: str
) -> None:
    engine = city_of(32748, JAKARTA)
    name = {"building": "jakarta_OSM_building.shp", "road": "jakarta_roads.shp"}[layer]
    load(engine, layer, [real_data / "jakarta_flood" / name], data_dir=tmp_path)
    for table in ("building",) if layer == "building" else ("road_edge", "road_node"):
        assert one(engine, f"SELECT count(*) FROM twin.{table}") > 10_000
        assert one(engine, _OTHERWISE.format(table=table)) == 0
        assert one(engine, f"SELECT count(*) FROM twin.{table} WHERE bd_code !~ '^S48B'") == 0
