"""Tiles on other grids follow the city as Mercator's do, and cost nothing until somebody asks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from layers import layers
from tests.tiles._same import differences
from tiles import _layers
from tiles.cache import Address
from tiles.encodings.mvt import vector_tile
from tiles.grid import CITY, Tile, TileGrid, grids
from tiles.live import TileEngine
from twin.changes import latest
from twin.crs import move_points
from twin.database import open_city

_BUILDING = layers()["building"]
_WEST, _SOUTH = 460_000, 2_580_000
_HOUSE = "ST_SetSRID(ST_Multi(ST_MakeEnvelope({x}, {y}, {x} + 30, {y} + 20)), 4548)"
OTHERS = ("WorldCRS84Quad", "CGCS2000Quad", CITY)


@pytest.fixture
def houses(engine: Engine) -> Engine:
    """Return an engine on a city with 100 houses in rows 40 m apart."""
    with engine.begin() as connection:
        for n in range(100):
            place = _HOUSE.format(x=_WEST + n % 10 * 40, y=_SOUTH + n // 10 * 40)
            connection.execute(
                text(f"INSERT INTO twin.building (name, geom) VALUES ('{n}号', {place})")
            )
    return engine


@pytest.fixture
def live(houses: Engine, tmp_path: Path) -> Iterator[TileEngine]:
    """Return an engine whose columns of WebMercatorQuad are made."""
    readers = houses.execution_options(isolation_level="AUTOCOMMIT")
    url = houses.url.render_as_string(hide_password=False)
    with TileEngine(readers, url, tmp_path, {"building": _BUILDING}) as engine:
        assert engine.wait_for_columns(timeout_s=120), engine.status()
        yield engine


def _until(true: object, timeout_s: float = 30) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _caught_up(city: Engine, engine: TileEngine) -> None:
    with Session(city) as session:
        end = latest(session)
    _until(lambda: engine.ready and engine.position >= end)


def _tiles(grid: TileGrid) -> list[Tile]:
    """Return tiles around the houses, at three levels."""
    x, y = move_points(
        np.array([_WEST - 100.0, _WEST + 500.0]),
        np.array([_SOUTH - 100.0, _SOUTH + 500.0]),
        "EPSG:4548",
        grid.crs,
    )
    found = []
    for zoom in (13, 15, 17):
        side = grid.side / 2 ** (zoom - grid.zoom)
        columns, rows = (x - grid.left) // side, (grid.top - y) // side
        found += [
            Tile(zoom - grid.zoom, column, row)
            for column in range(int(columns[0]), int(columns[1]) + 1)
            for row in range(int(rows[1]), int(rows[0]) + 1)
        ]
    return found


def _told(engine: TileEngine, grid: str) -> str:
    (found,) = [each["from"] for each in engine.status()["grids"] if each["grid"] == grid]
    return str(found)


def test_a_city_nobody_asks_for_other_grids_pays_nothing(live: TileEngine, tmp_path: Path) -> None:
    live.tile([_BUILDING], _tiles(live.grids["WebMercatorQuad"])[0])
    assert live.status()["grids"] == []
    assert not list(tmp_path.rglob("*@*"))


@pytest.mark.parametrize("name", OTHERS)
def test_edits_are_seen_on_every_grid(houses: Engine, live: TileEngine, name: str) -> None:
    """Before there are columns and after, an edit renews what shows it and nothing else."""
    grid = live.grids[name]
    tiles = _tiles(grid)
    for wished in ("database", "columns"):
        before = {tile: live.tile([_BUILDING], tile, grid) for tile in tiles}
        if wished == "columns":
            _until(lambda: _told(live, name) == "columns")
            before = {tile: live.tile([_BUILDING], tile, grid) for tile in tiles}
        with houses.begin() as connection:
            there = _HOUSE.format(x=_WEST + 300, y=_SOUTH + 400 + 40 * (wished == "columns"))
            connection.execute(
                text(f"UPDATE twin.building SET geom = {there}, name = :name WHERE id = 21"),
                {"name": f"搬 {wished}"},
            )
        _caught_up(houses, live)
        kept = 0
        with Session(houses) as session:
            city = open_city(session)
            for tile in tiles:
                address = Address(("building",), tile, name)
                cached = live.cache.get(address.key)
                now = live.tile([_BUILDING], tile, grid)
                truth = vector_tile(city, [_BUILDING], tile, grid=grid)
                assert not differences(now.plain, truth), tile
                shows = any(f"搬 {wished}".encode() in each for each in (now.plain, truth))
                if shows:
                    assert cached is None
                    assert before[tile].digest != now.digest
                elif cached is not None and cached is before[tile]:
                    kept += 1
        assert wished == "database" or kept > len(tiles) / 2


def test_a_new_load_is_seen_on_every_grid(houses: Engine, live: TileEngine) -> None:
    grid = live.grids["CGCS2000Quad"]
    tile = _tiles(grid)[0]
    live.tile([_BUILDING], tile, grid)
    _until(lambda: _told(live, "CGCS2000Quad") == "columns")
    with houses.begin() as connection:
        connection.execute(text("SET LOCAL twin.load_id = '7'"))
        connection.execute(text("UPDATE twin.building SET name = '新载'"))
    _caught_up(houses, live)
    assert "新载".encode() in live.tile([_BUILDING], tile, grid).plain
    _until(lambda: _told(live, "CGCS2000Quad") == "columns")
    assert "新载".encode() in live.tile([_BUILDING], tile, grid).plain


def test_columns_nobody_uses_are_given_up_and_come_back(
    houses: Engine, live: TileEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = live.grids["CGCS2000Quad"]
    tile = _tiles(grid)[0]
    live.tile([_BUILDING], tile, grid)
    _until(lambda: _told(live, "CGCS2000Quad") == "columns")
    monkeypatch.setattr(_layers, "GIVEN_UP_S", 0.05)
    _until(lambda: _told(live, "CGCS2000Quad") == "database")
    # Mercator's stay, whatever happens.
    assert live.status()["layers"]["building"]["from"] == "columns"
    live.tile([_BUILDING], tile, grid)
    with houses.begin() as connection:
        connection.execute(text("UPDATE twin.building SET name = '后' WHERE id < 5"))
    _caught_up(houses, live)
    assert "后".encode() in live.tile([_BUILDING], tile, grid).plain
    monkeypatch.setattr(_layers, "GIVEN_UP_S", 900.0)
    with houses.begin() as connection:
        connection.execute(text("UPDATE twin.building SET name = '再' WHERE id < 5"))
    _caught_up(houses, live)
    assert "再".encode() in live.tile([_BUILDING], tile, grid).plain
    _until(lambda: _told(live, "CGCS2000Quad") == "columns")
    assert "再".encode() in live.tile([_BUILDING], tile, grid).plain


def test_a_path_is_read_into_the_grids_own_address(live: TileEngine) -> None:
    tile = Tile(14, 27_005, 6057)
    assert live.address(b"building/CGCS2000Quad/14/27005/6057") == (
        ("building",),
        tile,
        "CGCS2000Quad",
    )
    alias = live.address(b"building/c/15/27005/6057")
    assert alias is not None
    assert alias.key == b"building/CGCS2000Quad/14/27005/6057"
    plain = live.address(b"building/WebMercatorQuad/14/13503/7107")
    assert plain is not None
    assert plain.key == b"building/14/13503/7107"
    assert live.address(b"building/CityQuad/0/0/0") is not None
    for wrong in (
        b"building/CGCS2000Quad/40/0/0",
        b"building/CGCS2000Quad/3/16/0",
        b"building/c/0/0/0",
        b"building/CityQuad/3/8/0",
        b"building/Nope/3/0/0",
        b"dragons/c/3/0/0",
        b"building/c/3/0/0/0",
        b"building/c/3/0",
    ):
        assert live.address(wrong) is None, wrong


def test_the_engine_knows_the_citys_own_grid(houses: Engine, live: TileEngine) -> None:
    with Session(houses) as session:
        frame = open_city(session).frame
    assert live.grids == grids(frame)
    assert live.grids[CITY].crs == "EPSG:4548"
