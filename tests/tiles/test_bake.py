"""Baked tiles are those that the service gives, in files that other programs read."""

from __future__ import annotations

import gzip
import json
import random
import resource
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import mapbox_vector_tile
import numpy as np
import pytest
from pmtiles.reader import MmapSource, Reader, all_tiles
from pmtiles.tile import deserialize_directory, tileid_to_zxy, zxy_to_tileid
from sqlalchemy import Engine, text

from layers import layer_named, layers
from sample_data import make_city
from tiles._at_once import columns_at_once
from tiles._covered import Window, covered
from tiles._hilbert import numbers
from tiles.archives import About, Batch, archives, pmtiles
from tiles.bake import Wish, bake
from tiles.build import build
from tiles.engine import encode
from tiles.grid import Tile
from tiles.live import TileEngine
from twin.crs import LonLatBox
from twin.database import connect
from twin.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError

NAMES = ("region", "road_edge", "building", "waterlogging_point")


@pytest.fixture(scope="module")
def demo(clone: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with clone() as url:  # type: ignore[operator]
        engine = connect(url)
        make_city.build(engine, data_dir=tmp_path_factory.mktemp("demo"), buildings=800)
        yield engine
        engine.dispose()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("columns")


@pytest.fixture(scope="module")
def baked(demo: Engine, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("out") / "town.pmtiles"
    bake(demo, wish(*NAMES, attribution="测绘局"), path, folder=folder)
    return path


def wish(*names: str, **more: object) -> Wish:
    return Wish([layer_named(name) for name in names], **more)  # type: ignore[arg-type]


def tiles_of(path: Path) -> dict[tuple[int, int, int], bytes]:
    with path.open("rb") as file:
        return dict(all_tiles(MmapSource(file)))


def rows_of(path: Path) -> dict[tuple[int, int, int], bytes]:
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT zoom_level, tile_column, tile_row, tile_data FROM tiles")
        return {(z, x, 2**z - 1 - y): data for z, x, y, data in rows}


def test_every_tile_is_the_one_that_is_served(demo: Engine, baked: Path, folder: Path) -> None:
    archived = tiles_of(baked)
    known = layers()
    url = demo.url.render_as_string(hide_password=False)
    with TileEngine(demo, url, folder, known) as engine:
        assert engine.wait_for_columns(timeout_s=120)
        wanted = [known[name] for name in NAMES]
        for address, packed in archived.items():
            assert engine.tile(wanted, Tile(*address)).plain == gzip.decompress(packed), address
        # And none is missing: what surrounds the archive's tiles, and lies between them, is empty.
        for zoom in sorted({z for z, _, _ in archived if z < 17}):
            xs, ys = zip(*((x, y) for z, x, y in archived if z == zoom), strict=True)
            for x in range(max(min(xs) - 1, 0), min(max(xs) + 2, 2**zoom)):
                for y in range(max(min(ys) - 1, 0), min(max(ys) + 2, 2**zoom)):
                    if (zoom, x, y) not in archived:
                        assert engine.tile(wanted, Tile(zoom, x, y)).size == 0, (zoom, x, y)
    assert len(archived) > 50


def test_the_archive_says_what_it_is(demo: Engine, baked: Path) -> None:
    with baked.open("rb") as file:
        reader = Reader(MmapSource(file))
        head, told = reader.header(), reader.metadata()
    archived = tiles_of(baked)
    levels = min(archived)[0], max(archived)[0]
    assert levels[1] == 16
    assert (head["min_zoom"], head["max_zoom"]) == levels == (told["minzoom"], told["maxzoom"])
    assert head["addressed_tiles_count"] == len(archived)
    assert head["tile_contents_count"] == len(set(archived.values()))
    assert head["clustered"]
    assert [each["id"] for each in told["vector_layers"]] == list(NAMES)
    assert told["vector_layers"][2]["fields"]["height_m"] == "Number"
    assert told["attribution"] == "测绘局"
    assert told["name"] == make_city.CITY_NAME
    with demo.connect() as connection:
        newest = connection.scalar(text("SELECT max(seq) FROM twin.change_set"))
    assert told["change_feed_position"].split("-")[0] == str(newest)
    west, south, east, north = map(float, told["bounds"].split(","))
    assert 116 < west < east < 117.5
    assert 23 < south < north < 24
    assert head["min_lon_e7"] == round(west * 1e7)
    assert pmtiles.read(baked).tiles == len(archived)


def test_the_same_city_gives_the_same_bytes(
    demo: Engine, baked: Path, folder: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again.pmtiles"
    bake(demo, wish(*NAMES, attribution="测绘局"), again, folder=folder, threads=1)
    assert again.read_bytes() == baked.read_bytes()


def test_mbtiles_holds_the_same_tiles(
    demo: Engine, baked: Path, folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "town.mbtiles"
    bake(demo, wish(*NAMES), path, folder=folder)
    assert rows_of(path) == tiles_of(baked)
    with sqlite3.connect(path) as connection:
        told = dict(connection.execute("SELECT name, value FROM metadata").fetchall())
        assert connection.execute("PRAGMA application_id").fetchone() == (0x4D504258,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert told["format"] == "pbf"
    assert json.loads(told["json"])["vector_layers"][0]["id"] == "region"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(shutil.which("ogrinfo") is None, reason="no GDAL programs (gdal-bin)")
def test_gdal_reads_the_mbtiles(demo: Engine, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "town.mbtiles"
    bake(demo, wish("building", zooms=(14, 16)), path, folder=folder)
    with demo.connect() as connection:
        one = connection.scalar(text("SELECT name FROM twin.building WHERE id = 1"))
    done = subprocess.run(
        ["ogrinfo", "-ro", "-al", "-geom=NO", str(path), "building"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "using driver `MBTiles'" in done.stdout
    assert f"name (String) = {one}" in done.stdout
    assert "Pseudo-Mercator" in done.stdout


def test_only_tiles_that_meet_the_box_are_baked(
    demo: Engine, baked: Path, folder: Path, tmp_path: Path
) -> None:
    whole = tiles_of(baked)
    with baked.open("rb") as file:
        lon, lat = (
            Reader(MmapSource(file)).header()[f"center_{side}_e7"] for side in ("lon", "lat")
        )
    box = LonLatBox(lon / 1e7 - 1e-4, lat / 1e7 - 1e-4, lon / 1e7 + 1e-4, lat / 1e7 + 1e-4)
    path = tmp_path / "part.pmtiles"
    bake(demo, wish(*NAMES, box=box, zooms=(12, 16)), path, folder=folder)
    part = tiles_of(path)
    assert 5 <= len(part) <= 4 * 5
    assert {zoom for zoom, _, _ in part} == set(range(12, 17))
    assert all(whole[address] == tile for address, tile in part.items())
    with path.open("rb") as file:
        head = Reader(MmapSource(file)).header()
    assert head["min_lon_e7"] == pytest.approx(box.west * 1e7, abs=1)


def test_all_layers_show_the_city_at_one_moment(engine: Engine, tmp_path: Path) -> None:
    """Columns of different ages on the disk, and a writer that goes on: still one state."""
    names = ("building", "region")
    insert = {
        name: text(f"""
            INSERT INTO twin.{name} (source, source_id, name, {column}, geom)
            SELECT 'test', CAST(:n AS text), CAST(:n AS text), '{value}',
                   ST_Multi(ST_Buffer(ST_SetSRID(
                       ST_MakePoint(470000 + :n * 10, 2585000), 4548), 100))
        """)
        for name, column, value in zip(names, ("use", "level"), ("other", "street"), strict=True)
    }
    with engine.begin() as connection:
        for n in range(30):
            connection.execute(insert["building"], {"n": n})
    build(engine, layer_named("building"), _home(engine, tmp_path) / "building")
    stop = threading.Event()

    def edit() -> None:
        n = 1000
        while not stop.is_set():
            with engine.begin() as connection:  # both or none
                for name in names:
                    connection.execute(insert[name], {"n": n})
            n += 1

    thread = threading.Thread(target=edit)
    thread.start()
    try:
        for turn in range(5):
            path = tmp_path / f"{turn}.pmtiles"
            bake(engine, wish(*names, zooms=(14, 14)), path, folder=tmp_path)
            found = [mapbox_vector_tile.decode(gzip.decompress(t)) for t in tiles_of(path).values()]
            held = {
                name: {
                    feature["properties"]["name"]
                    for tile in found
                    for feature in tile.get(name, {}).get("features", [])
                    if int(feature["properties"]["name"]) >= 1000
                }
                for name in names
            }
            assert held["building"] == held["region"]
    finally:
        stop.set()
        thread.join()
    assert len(held["region"]) > 1


def _home(engine: Engine, folder: Path) -> Path:
    columns_at_once(engine, [layer_named("grid_cell")], folder)
    (home,) = (each for each in folder.iterdir() if each.is_dir())
    return home


def test_a_load_while_columns_are_there_is_in_the_archive(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        connection.execute(_HOUSE, {"n": 1})
    bake(engine, wish("building", zooms=(16, 16)), tmp_path / "a.pmtiles", folder=tmp_path)
    with engine.begin() as connection:
        connection.execute(text("SELECT set_config('twin.load_id', '1', true)"))
        connection.execute(_HOUSE, {"n": 40})
    bake(engine, wish("building", zooms=(16, 16)), tmp_path / "b.pmtiles", folder=tmp_path)
    before, after = tiles_of(tmp_path / "a.pmtiles"), tiles_of(tmp_path / "b.pmtiles")
    assert before.keys() < after.keys()


_REGION = text("""
    INSERT INTO twin.region (source, source_id, name, level, geom)
    VALUES ('test', '1', '区', 'county',
            ST_Multi(ST_MakeEnvelope(:west, 2570000, :east, 2600000, 4548)))
""")
_HOUSE = text("""
    INSERT INTO twin.building (source, source_id, name, geom)
    SELECT 'test', CAST(:n AS text), '楼', ST_Multi(ST_Buffer(ST_SetSRID(
               ST_MakePoint(470000 + 100 * :n, 2585000), 4548), 20))
""")


def test_what_covers_much_costs_its_tiles_and_repeats_nothing(
    engine: Engine, tmp_path: Path
) -> None:
    """Inside a large polygon all tiles are the same bytes: kept once, with runs of addresses."""
    with engine.begin() as connection:
        connection.execute(_REGION, {"west": 450_000, "east": 490_000})
    path = tmp_path / "region.pmtiles"
    done = bake(engine, wish("region", zooms=(16, 16)), path, folder=tmp_path)
    assert done.tiles > 3000
    assert done.levels[0].tiles == done.tiles
    with path.open("rb") as file:
        head = Reader(MmapSource(file)).header()
    assert head["addressed_tiles_count"] == done.tiles
    assert head["tile_contents_count"] < 400
    assert head["tile_entries_count"] < done.tiles / 4
    compact = tmp_path / "region.mbtiles"
    bake(engine, wish("region", zooms=(16, 16)), compact, folder=tmp_path)
    assert rows_of(compact) == tiles_of(path)
    with sqlite3.connect(compact) as connection:
        assert connection.execute("SELECT count(*) FROM images").fetchone()[0] < 400


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"zooms": (16, 12)}, "12-16"),
        ({"zooms": (0, 25)}, "0 to 24"),
        ({"box": LonLatBox(10, 50, 11, 51)}, "outside"),
    ],
)
def test_an_impossible_wish_is_refused(
    demo: Engine, folder: Path, tmp_path: Path, more: dict[str, object], said: str
) -> None:
    with pytest.raises(InvalidInputError, match=said):
        bake(demo, wish("building", **more), tmp_path / "a.pmtiles", folder=folder)
    assert list(tmp_path.iterdir()) == []


def test_an_archive_without_tiles_is_not_made(demo: Engine, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="from level 9 on"):
        bake(demo, wish("building", zooms=(0, 3)), tmp_path / "a.pmtiles", folder=folder)
    assert list(tmp_path.iterdir()) == []


def test_too_many_tiles_are_refused_before_any_is_made(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        connection.execute(_REGION, {"west": 440_000, "east": 500_000})
    with pytest.raises(InvalidInputError, match="more than 20,000,000 tiles"):
        bake(engine, wish("region", zooms=(0, 24)), tmp_path / "a.pmtiles", folder=tmp_path / "c")
    assert not (tmp_path / "a.pmtiles").exists()


def test_what_is_there_is_kept_until_the_new_one_is_whole(
    demo: Engine, folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "a.pmtiles"
    path.write_bytes(b"older")
    with pytest.raises(ConflictError, match="--overwrite"):
        bake(demo, wish("building"), path, folder=folder)
    outside = wish("building", box=LonLatBox(10, 50, 11, 51))
    with pytest.raises(InvalidInputError):
        bake(demo, outside, path, folder=folder, overwrite=True)
    assert path.read_bytes() == b"older"
    bake(demo, wish("building"), path, folder=folder, overwrite=True)
    assert tiles_of(path)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("ending", ["pmtiles", "mbtiles"])
def test_without_room_nothing_is_left(
    demo: Engine, folder: Path, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"a.{ending}"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, hard))
    try:
        with pytest.raises(UnavailableError, match="nothing is left"):
            bake(demo, wish("building"), path, folder=folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_without_a_place_for_columns_that_is_said(demo: Engine, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnavailableError, match=r"cannot be kept in .*file/tiles: Not a directory"):
        bake(demo, wish("building"), tmp_path / "a.pmtiles", folder=tmp_path / "file" / "tiles")
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_two_do_not_write_one_archive(demo: Engine, folder: Path, tmp_path: Path) -> None:
    path, refused = tmp_path / "a.pmtiles", []

    def meanwhile(done: int, total: int) -> None:
        if not refused:
            with pytest.raises(ConflictError, match="another process"):
                bake(demo, wish("building"), path, folder=folder)
            refused.append(True)

    bake(demo, wish("building"), path, folder=folder, progress=meanwhile)
    assert refused
    assert tiles_of(path)


def test_what_a_killed_one_has_left_is_no_archive_and_no_hindrance(
    demo: Engine, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / ".a.pmtiles.part").write_bytes(b"x" * 10_000_000)
    bake(demo, wish("building"), tmp_path / "a.pmtiles", folder=folder)
    assert tiles_of(tmp_path / "a.pmtiles")
    assert [each.name for each in tmp_path.iterdir()] == ["a.pmtiles"]


def test_an_interrupted_one_leaves_nothing(demo: Engine, folder: Path, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bake(demo, wish("building"), tmp_path / "a.pmtiles", folder=folder, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_numbers_along_the_curve_are_those_of_pmtiles() -> None:
    rng = np.random.default_rng(5)
    for zoom in range(25):
        x, y = rng.integers(0, 2**zoom, (2, 50))
        expected = [
            zxy_to_tileid(zoom, *place) for place in zip(x.tolist(), y.tolist(), strict=True)
        ]
        assert numbers(zoom, x, y).tolist() == expected


def test_large_archives_have_leaf_directories(tmp_path: Path) -> None:
    rng, zoom = random.Random(3), 12
    ids = np.array(sorted(rng.sample(range(4**zoom), 60_000)), np.int64) + (4**zoom - 1) // 3
    tiles = [gzip.compress(rng.randbytes(rng.randrange(3, 60)), 0, mtime=0) for _ in ids]
    none = np.zeros(len(ids), np.int64)
    path = tmp_path / "many.pmtiles"
    path.touch()
    about = About("many", "", "", LonLatBox(0, 0, 1, 1), (zoom, zoom), (0.5, 0.5, 12), [], {})
    with archives()["pmtiles"].write(path) as writer:
        writer.add(Batch(zoom, none, none, ids, tiles, tiles))
        writer.finish(about)
    with path.open("rb") as file:
        get = MmapSource(file)
        reader = Reader(get)
        head = reader.header()
        root = deserialize_directory(get(head["root_offset"], head["root_length"]))
        assert head["root_offset"] + head["root_length"] <= 16_384
        assert head["leaf_directory_length"] > 0
        assert all(entry.run_length == 0 for entry in root)
        for at in rng.sample(range(len(ids)), 20):
            assert reader.get(*tileid_to_zxy(int(ids[at]))) == tiles[at]
        assert sum(1 for _ in all_tiles(get)) == len(ids)
    size = path.stat().st_size
    assert size == sum(
        [16_384, head["tile_data_length"], head["metadata_length"], head["leaf_directory_length"]]
    )


def test_the_index_finds_every_tile_that_holds_something(demo: Engine, folder: Path) -> None:
    """Level by level from the one tile at the top: a tile is looked at if its parent is covered."""
    for name in ("road_edge", "pipe_segment", "building"):
        layer = layer_named(name)
        moment = columns_at_once(demo, [layer], folder)
        ((columns, state),) = moment.states
        for zoom in range(layer.minzoom, 17):
            everywhere = Window(0, 0, 2**zoom - 1, 2**zoom - 1)
            found = {
                place
                for part in covered(moment.states, zoom, everywhere)
                for place in zip(part.x.tolist(), part.y.tolist(), strict=True)
            }
            xs, ys = zip(*found, strict=True)
            missing = [
                (x, y)
                for x in range(min(xs) - 2, max(xs) + 3)
                for y in range(min(ys) - 2, max(ys) + 3)
                if (x, y) not in found and encode(columns, Tile(zoom, x, y), state)
            ]
            assert not missing, (name, zoom)


def test_large_levels_are_looked_at_in_blocks(
    demo: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = columns_at_once(demo, [layer_named("building")], folder)
    everywhere = Window(0, 0, 2**19 - 1, 2**19 - 1)
    (at_once,) = covered(moment.states, 19, everywhere)
    monkeypatch.setattr("tiles._covered._BLOCK_BITS", 2)
    parts = list(covered(moment.states, 19, everywhere))
    assert len(parts) > 10
    assert np.concatenate([part.ids for part in parts]).tolist() == at_once.ids.tolist()
