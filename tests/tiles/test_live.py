"""No tile is ever older than what its process knows of the city, and no other tile is touched."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from layers import layers
from tests.tiles._same import differences
from tiles import _following
from tiles._layers import LayerState, Wishes
from tiles.build import build
from tiles.cache import Address
from tiles.encodings.mvt import vector_tile
from tiles.engine import encode
from tiles.grid import Tile
from tiles.live import TileEngine
from twin.changes import latest
from twin.crs import CityBox
from twin.database import open_city

SOME = {name: layers()[name] for name in ("building", "waterlogging_point", "road_edge")}
_HOUSE = """ST_SetSRID(ST_Multi(ST_MakeEnvelope({x}, {y}, {x} + 30, {y} + 20)), 4548)"""
_WEST, _SOUTH = 460_000, 2_580_000


def _engine(engine: Engine, folder: Path, name: str = "") -> TileEngine:
    """Return an engine whose own connections bear a name."""
    readers = engine.execution_options(isolation_level="AUTOCOMMIT")
    named = engine.url.update_query_dict({"application_name": name[:63]} if name else {})
    url = named.render_as_string(hide_password=False)
    return TileEngine(readers, url, folder, SOME, cache_bytes=64 * 2**20)


@pytest.fixture
def houses(engine: Engine) -> Engine:
    """Return an engine on a city with 400 houses in rows 40 m apart, and three sensors."""
    with engine.begin() as connection:
        for n in range(400):
            x, y = _WEST + n % 20 * 40, _SOUTH + n // 20 * 40
            connection.execute(
                text(
                    "INSERT INTO twin.building (name, storeys, geom) "
                    f"VALUES ('{n}号', {n % 9 + 1}, {_HOUSE.format(x=x, y=y)})"
                )
            )
        for n in range(3):
            connection.execute(
                text(
                    "INSERT INTO twin.waterlogging_point (name, kind, geom) VALUES ('点', 'road', "
                    f"ST_SetSRID(ST_MakePoint({_WEST + n * 200}, {_SOUTH}), 4548))"
                )
            )
    return engine


@pytest.fixture
def two(houses: Engine, tmp_path: Path) -> Iterator[tuple[TileEngine, TileEngine]]:
    """Return the engines of two processes on one city and one folder."""
    with _engine(houses, tmp_path) as one, _engine(houses, tmp_path) as other:
        for each in (one, other):
            assert each.wait_for_columns(timeout_s=60), each.status()
        yield one, other


def _caught_up(city: Engine, *engines: TileEngine, timeout_s: float = 10) -> None:
    with Session(city) as session:
        end = latest(session)
    deadline = time.monotonic() + timeout_s
    while any(not each.ready or each.position < end for each in engines):
        assert time.monotonic() < deadline, [each.status() for each in engines]
        time.sleep(0.002)


def _row(lat: float, side: int) -> int:
    return int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * side)


@pytest.fixture
def tiles_here(houses: Engine) -> list[Tile]:
    """Return the tiles that show a house, and those beside them."""
    with Session(houses) as session:
        box = open_city(session).frame.box_to_lonlat(
            CityBox(_WEST - 200, _SOUTH - 200, _WEST + 1000, _SOUTH + 1000)
        )
    found = []
    for z in (10, 13, 15, 17):
        side = 2**z
        columns = [int((lon + 180) / 360 * side) for lon in (box.west, box.east)]
        rows = [_row(lat, side) for lat in (box.north, box.south)]
        found += [
            Tile(z, x, y)
            for x in range(columns[0], columns[1] + 1)
            for y in range(rows[0], rows[1] + 1)
        ]
    return found


def _all(engine: TileEngine, name: str, tiles: list[Tile]) -> dict[Tile, str]:
    return {tile: engine.tile([SOME[name]], tile).digest for tile in tiles}


def _run(city: Engine, *statements: str) -> None:
    with city.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_an_edit_renews_the_tiles_it_shows_in_and_no_other(
    houses: Engine, two: tuple[TileEngine, TileEngine], tiles_here: list[Tile]
) -> None:
    before = [_all(each, "building", tiles_here) for each in two]
    assert before[0] == before[1]
    far = f"{_HOUSE.format(x=_WEST + 700, y=_SOUTH + 700)}"
    _run(houses, f"UPDATE twin.building SET geom = {far}, name = '搬' WHERE id = 21")
    _caught_up(houses, *two)
    for engine, old in zip(two, before, strict=True):
        new = _all(engine, "building", tiles_here)
        with Session(houses) as session:
            city = open_city(session)
            for tile in tiles_here:
                truth = vector_tile(city, [SOME["building"]], tile)
                assert not differences(engine.tile([SOME["building"]], tile).plain, truth)
        changed = {tile for tile in tiles_here if new[tile] != old[tile]}
        shown = {
            tile
            for tile in tiles_here
            if b"\xe6\x90\xac" in engine.tile([SOME["building"]], tile).plain
        }
        assert shown <= changed
        assert 0 < len(changed) < len(tiles_here) / 2
        assert len(shown) >= 3


def test_only_the_tiles_that_show_an_edit_are_made_again(
    houses: Engine, two: tuple[TileEngine, TileEngine], tiles_here: list[Tile]
) -> None:
    engine = two[0]
    _all(engine, "building", tiles_here)
    kept = {tile: engine.cache.get(Address(("building",), tile).key) for tile in tiles_here}
    _run(houses, "UPDATE twin.building SET storeys = 77 WHERE id = 1")
    _caught_up(houses, engine)
    gone = {t for t in tiles_here if engine.cache.get(Address(("building",), t).key) is None}
    again = _all(engine, "building", tiles_here)
    for tile in (each for each in tiles_here if each.z >= SOME["building"].minzoom):
        old = kept[tile]
        assert old is not None
        # Exactly those whose content is another now; where the house is one of those merged, the
        # tile made again is the same.
        another = again[tile] != old.digest
        assert another == (tile in gone) or (tile in gone and tile.z < 13)


def test_many_random_edits_leave_the_tiles_of_a_fresh_build(
    houses: Engine, two: tuple[TileEngine, TileEngine], tiles_here: list[Tile], tmp_path: Path
) -> None:
    dice = random.Random(5)
    stop = threading.Event()
    errors: list[BaseException] = []

    def look(engine: TileEngine) -> None:
        try:
            while not stop.is_set():
                engine.tile([SOME["building"]], dice.choice(tiles_here))
                time.sleep(0.002)
        except BaseException as error:
            errors.append(error)

    lookers = [threading.Thread(target=look, args=(each,)) for each in two]
    for each in lookers:
        each.start()
    for _ in range(200):
        x, y = _WEST + dice.random() * 800, _SOUTH + dice.random() * 800
        place, number = _HOUSE.format(x=x, y=y), dice.randrange(1, 420)
        _run(
            houses,
            dice.choice(
                [
                    f"INSERT INTO twin.building (name, geom) VALUES ('新', {place})",
                    f"UPDATE twin.building SET geom = {place} WHERE id = {number}",
                    f"UPDATE twin.building SET name = 'n{dice.random()}' WHERE id = {number}",
                    f"DELETE FROM twin.building WHERE id = {number}",
                ]
            ),
        )
    stop.set()
    for each in lookers:
        each.join()
    assert not errors
    _caught_up(houses, *two)
    fresh = build(houses, SOME["building"], tmp_path / "fresh")
    for tile in tiles_here:
        truth = encode(fresh, tile)
        for engine in two:
            assert engine.tile([SOME["building"]], tile).plain == truth, tile


def test_a_reading_renews_its_point(houses: Engine, two: tuple[TileEngine, TileEngine]) -> None:
    """New, corrected, deleted, and judged by other thresholds."""
    point = SOME["waterlogging_point"]
    tile = Tile(10, 843, 443)
    seen = [two[0].tile([point], tile).digest]
    for statement in (
        "INSERT INTO twin.reading (point_id, at, depth_m, quality) "
        "SELECT min(id), now(), 0.45, 'good' FROM twin.waterlogging_point",
        "UPDATE twin.reading SET depth_m = 0.05",
        "UPDATE twin.depth_threshold SET depth_m = depth_m / 20 WHERE kind = 'warning'",
        "UPDATE twin.reading SET point_id = point_id + 1",
        "DELETE FROM twin.reading",
    ):
        _run(houses, statement)
        _caught_up(houses, *two)
        with Session(houses) as session:
            truth = vector_tile(open_city(session), [point], tile)
        for engine in two:
            assert not differences(engine.tile([point], tile).plain, truth), statement
        assert two[0].tile([point], tile).digest != seen[-1]
        seen.append(two[0].tile([point], tile).digest)


def test_a_bulk_load_is_shown_at_once_and_then_from_columns(
    houses: Engine, two: tuple[TileEngine, TileEngine], tiles_here: list[Tile]
) -> None:
    _all(two[0], "building", tiles_here)
    _run(
        houses,
        "SET LOCAL twin.load_id = '1'",
        f"INSERT INTO twin.building (name, geom) SELECT '装' || n, "
        f"{_HOUSE.format(x=f'({_WEST} + n)', y=_SOUTH)} FROM generate_series(1, 50) AS n",
    )
    _caught_up(houses, *two)
    for _ in range(2):
        for engine in two:
            with Session(houses) as session:
                city = open_city(session)
                for tile in tiles_here:
                    truth = vector_tile(city, [SOME["building"]], tile)
                    assert not differences(engine.tile([SOME["building"]], tile).plain, truth)
        for engine in two:
            assert engine.wait_for_columns(timeout_s=30)


def test_a_cut_connection_is_caught_up(
    houses: Engine, two: tuple[TileEngine, TileEngine], tiles_here: list[Tile]
) -> None:
    _all(two[0], "building", tiles_here)
    # Only those that follow are cut, as if they had been killed and begun again.
    _run(
        houses,
        "UPDATE twin.building SET name = '断' WHERE id <= 40",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    houses.dispose()
    _caught_up(houses, *two)
    for engine in two:
        for tile in tiles_here:
            with Session(houses) as session:
                truth = vector_tile(open_city(session), [SOME["building"]], tile)
            assert not differences(engine.tile([SOME["building"]], tile).plain, truth)


def test_columns_left_by_a_killed_process_catch_up(
    houses: Engine, tmp_path: Path, tiles_here: list[Tile]
) -> None:
    with _engine(houses, tmp_path) as engine:
        assert engine.wait_for_columns(timeout_s=60)
        _all(engine, "building", tiles_here)
    _run(
        houses,
        "UPDATE twin.building SET name = '后' WHERE id <= 30",
        "DELETE FROM twin.building WHERE id = 35",
    )
    with _engine(houses, tmp_path) as engine:
        assert engine.wait_for_columns(timeout_s=60)
        told = engine.status()["layers"]["building"]
        assert told["tail"] == 30, told
        with Session(houses) as session:
            city = open_city(session)
            for tile in tiles_here:
                truth = vector_tile(city, [SOME["building"]], tile)
                assert not differences(engine.tile([SOME["building"]], tile).plain, truth)


def test_a_tile_many_want_is_made_once(two: tuple[TileEngine, TileEngine]) -> None:
    engine, made = two[0], []
    begun, go_on = threading.Event(), threading.Event()
    address = Address(("building",), Tile(9, 421, 221))

    def make(asked: Address) -> object:
        begun.set()
        go_on.wait(5)
        made.append(asked)
        return engine.make(asked)

    found: list[object] = []
    threads = [
        threading.Thread(target=lambda: found.append(engine.cache.obtain(address, make)))  # type: ignore[arg-type]
        for _ in range(8)
    ]
    for each in threads:
        each.start()
    assert begun.wait(5)
    time.sleep(0.05)
    go_on.set()
    for each in threads:
        each.join()
    assert len(made) == 1
    assert len(found) == 8
    assert len({id(each) for each in found}) == 1


def test_what_a_busy_thread_left_open_is_closed_when_the_engine_stops(
    houses: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A compiler cannot be stopped, and the thread in it must not keep a connection meanwhile."""
    inside, go_on = threading.Event(), threading.Event()

    def busy(_: object) -> None:
        inside.set()
        go_on.wait(60)

    monkeypatch.setattr(_following, "warm", busy)
    monkeypatch.setattr(_following, "END_S", 0.1)
    name = f"builder of {tmp_path.name}"
    with _engine(houses, tmp_path, name) as engine:
        assert inside.wait(60)
        assert _backends(houses, name) > 0
    try:
        end = time.monotonic() + 10
        while left := _backends(houses, name):
            assert time.monotonic() < end, f"{left} connections are left"
            time.sleep(0.02)
        assert [each.name for each in engine.follower._threads if each.is_alive()]
    finally:
        go_on.set()


def _backends(city: Engine, name: str) -> int:
    """Return how many connections of an engine there are."""
    with city.connect() as connection:
        found = connection.scalar(
            text("SELECT count(*) FROM pg_stat_activity WHERE application_name = :name"),
            {"name": name[:63]},
        )
    return int(found or 0)


def test_columns_that_somebody_waits_for_are_made_first() -> None:
    wishes = Wishes()
    states = [LayerState(layer) for layer in layers().values()]
    for state in states:
        wishes.put(state)
    states[5].use()
    states[3].use()
    assert [wishes.get() for _ in range(4)] == [states[3], states[5], states[0], states[1]]
    states[-1].use()
    assert wishes.get() is states[-1]
    wishes.end()
    assert wishes.get() is None
