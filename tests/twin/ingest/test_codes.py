"""Loaded things carry the codes that the database would give them."""

from collections.abc import Callable
from pathlib import Path

import geopandas
import numpy as np
import pyogrio
import pytest
import shapely
from sqlalchemy import Engine, text

from tests.twin.ingest.conftest import Load, houses, one, rows
from twin.ingest import load
from twin.model import located_tables

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


HOUSE = """
    INSERT INTO twin.building (source_id, bd_code, cell_id, geom)
    VALUES (:id, :bd_code, :cell, ST_Multi(ST_MakeEnvelope(:x, 2580000, :x + 10, 2580010, 4548)))
"""


def house(engine: Engine, name: str, x: float, cell: str | None = None) -> None:
    with engine.begin() as connection:
        given = {"id": name, "bd_code": "nonsense", "x": x, "cell": cell}
        connection.execute(text(HOUSE), given)


def change(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement))


def in_cells(engine: Engine) -> dict[str, str | None]:
    return dict(rows(engine, "SELECT source_id, cell_id FROM twin.building"))


def test_the_database_corrects_codes_that_are_written(engine: Engine) -> None:
    house(engine, "a", 470_000)
    assert one(engine, _OTHERWISE.format(table="building")) == 0
    before = one(engine, "SELECT count(*) FROM twin.change")
    change(engine, "UPDATE twin.building SET bd_code = 'N00A', cell_id = NULL")
    assert one(engine, _OTHERWISE.format(table="building")) == 0
    assert one(engine, "SELECT count(*) FROM twin.change") == before, "nothing changed"
    change(engine, "UPDATE twin.building SET geom = ST_Translate(geom, 50, 0)")
    assert one(engine, _OTHERWISE.format(table="building")) == 0
    assert one(engine, "SELECT count(*) FROM twin.building_history") == 1


def test_a_load_number_alone_buys_no_trust(engine: Engine) -> None:
    house(engine, "a", 470_000)
    change(engine, "UPDATE twin.building SET load_id = 1, bd_code = 'N00A'")
    assert one(engine, _OTHERWISE.format(table="building")) == 0


def test_cells_that_change_take_their_things_along(engine: Engine) -> None:
    for name, x in (("a", 470_000), ("b", 470_100), ("far", 480_000)):
        house(engine, name, x, cell="said")
    assert in_cells(engine) == {"a": "said", "b": "said", "far": "said"}
    change(
        engine,
        """
        INSERT INTO twin.grid_cell (code, geom) VALUES
        ('440507001001001', ST_Multi(ST_MakeEnvelope(469900, 2579900, 470050, 2580100, 4548))),
        ('440507001001002', ST_Multi(ST_MakeEnvelope(470050, 2579900, 470200, 2580100, 4548)))
        """,
    )
    one_two = {"a": "440507001001001", "b": "440507001001002", "far": "said"}
    assert in_cells(engine) == one_two
    change(
        engine,
        """
        UPDATE twin.grid_cell SET geom =
            ST_Multi(ST_MakeEnvelope(469900, 2579900, 470200, 2580100, 4548))
        WHERE  code = '440507001001001'
        """,
    )
    # Where cells overlap the smallest code counts.
    assert in_cells(engine)["b"] == "440507001001001"
    change(engine, "UPDATE twin.grid_cell SET code = '440507001001009' WHERE code LIKE '%001'")
    assert in_cells(engine) == {"a": "440507001001009", "b": "440507001001002", "far": "said"}
    change(engine, "UPDATE twin.grid_cell SET state = 'removed' WHERE code LIKE '%002'")
    assert in_cells(engine)["b"] == "440507001001009"
    change(engine, "DELETE FROM twin.grid_cell")
    assert in_cells(engine) == {"a": None, "b": None, "far": "said"}


def test_cells_loaded_after_the_things_find_them(
    loads: Load, engine: Engine, tmp_path: Path
) -> None:
    loads("building", saved(houses(), tmp_path / "houses.gpkg"))
    west = shapely.box(469_990, 2_579_990, 470_050, 2_580_050)
    loads("grid_cell", saved(cells(["440507001001001"], west), tmp_path / "cells.gpkg"))
    assert in_cells(engine) == {"a": "440507001001001", "b": None, "c": None}
    assert one(engine, "SELECT cell_id FROM twin.grid_cell") == "440507001001001"


def test_codes_in_files_are_checked_where_they_are_chinese(loads: Load, tmp_path: Path) -> None:
    boxes = [shapely.box(x, 2_580_000, x + 100, 2_580_100) for x in range(470_000, 470_400, 100)]
    codes = ["440507001001001", "4.40507001001E+14", "44050700100", "990507001001004"]
    report = loads("grid_cell", saved(cells(codes, *boxes), tmp_path / "cells.gpkg"))
    assert report.loaded == 1
    assert sorted(report.rejected) == [
        "code refused: it has 11 digits, not 14 or 15",
        "code refused: it was a floating-point number on the way and its digits are lost; "
        "a code is text",
        "code refused: no province has the number 99",
    ]


def test_every_located_table_is_kept(engine: Engine) -> None:
    kept = rows(
        engine,
        "SELECT relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
        "WHERE tgname = 'codes_insert'",
    )
    carriers = {name for name, one in located_tables().items() if one.carries_codes}
    assert {name for (name,) in kept} == carriers


def test_nanshan_carries_codes_of_its_own_square(
    city_of: Callable[..., Engine], real_data: Path, tmp_path: Path
) -> None:
    engine = city_of(4547, (113.7, 22.3, 114.2, 22.7))
    files = real_data / "china"
    building = load(engine, "building", [files / "nanshan-building.geojson"], data_dir=tmp_path)
    assert building.loaded == 5438
    load(engine, "road", [files / "nanshan-road1.geojson"], data_dir=tmp_path)
    for table in ("building", "road_edge"):
        assert one(engine, f"SELECT count(*) FROM twin.{table}") > 0
        assert one(engine, _OTHERWISE.format(table=table)) == 0
        # N49F: 108 to 114° E, 20 to 24° N.
        assert one(engine, f"SELECT bool_and(bd_code ~ '^N49FB[45]') FROM twin.{table}")
