"""After any number of edits, tiles are byte for byte those of a city read anew."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session

from layers import Layer, layers
from tests.tiles._cities import opened, places_of, tiles_at
from tests.tiles._same import differences
from tiles.build import build, fetch
from tiles.cache import Address
from tiles.columns import Columns
from tiles.encodings.mvt import vector_tile
from tiles.engine import encode
from tiles.grid import Tile
from tiles.live import TileEngine
from twin.changes import latest, since
from twin.database import open_city
from twin.errors import UnavailableError

EDITED = ("building", "pipe_segment", "waterlogging_point", "facility", "grid_cell")
"""Polygons, lines with heights, points, and layers with few and with many features."""
ZOOMS = range(8, 19)
_AT_ONCE = 97
"""Edits in one transaction, at most."""

_COLUMNS = text("""
    -- What a copy of a row takes over: all but what tells it from the row it was copied from.
    SELECT string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position)
    FROM   information_schema.columns
    WHERE  table_schema = 'twin' AND table_name = :table AND is_generated = 'NEVER'
           AND column_name NOT IN ('id', 'uid', 'source_id', 'geom', 'recorded_at', 'recorded_by')
""")
_MOVES = (
    "ST_Translate(geom, :dx, :dy)",
    "ST_Translate(geom, :dx / 400.0, :dy / 400.0)",
    "ST_Translate(ST_Scale(ST_Translate(geom, -ST_XMin(geom), -ST_YMin(geom)), :by, :by), "
    "ST_XMin(geom), ST_YMin(geom))",
)


@pytest.fixture(scope="module")
def demo(clone: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with opened(clone(), "demo", tmp_path_factory.mktemp("demo"), buildings=1500) as engine:  # type: ignore[operator]
        yield engine


class Editor:
    """Edits a layer's features at random, in transactions of random size."""

    def __init__(self, engine: Engine, layer: Layer, seed: int) -> None:
        self.layer, self.table = layer, f"twin.{layer.table.__tablename__}"
        self.random = np.random.default_rng(seed)
        self.number = 0
        with engine.connect() as connection:
            self.copied = connection.scalar(_COLUMNS, {"table": layer.table.__tablename__})
            self.alive = int(connection.scalar(text(f"SELECT count(*) FROM {self.table}")))
        self.least = self.alive // 2

    def edit(self, connection: Connection, count: int) -> int:
        """Edit in the caller's transaction; return how many features were edited."""
        ids = connection.scalars(
            text(f"SELECT id FROM {self.table} ORDER BY random() LIMIT :n"),
            {"n": count},
        ).all()
        return sum(self._one(connection, int(id)) for id in ids)

    def _one(self, connection: Connection, id: int) -> int:
        random, what = self.random, self.random.random()
        self.number += 1
        values = {
            "id": id,
            "number": self.number,
            "name": None if random.random() < 0.1 else f"改{self.number % 53}号",
            "dx": float(random.normal() * 200),
            "dy": float(random.normal() * 200),
            "by": float(random.choice([0.3, 0.9, 1.0, 1.3])),
        }
        move = _MOVES[random.integers(len(_MOVES))]
        # A layer that dies out tells nothing any more.
        if what < 0.25 or (what >= 0.75 and self.alive <= self.least):
            self.alive += 1
            statement = (
                f"INSERT INTO {self.table} ({self.copied}, source_id, geom) "
                f"SELECT {self.copied}, 'made-' || :number, {_MOVES[0]} "
                f"FROM {self.table} WHERE id = :id"
            )
        elif what < 0.5:
            statement = f"UPDATE {self.table} SET geom = {move} WHERE id = :id"
        elif what < 0.65:
            statement = f"UPDATE {self.table} SET name = :name WHERE id = :id"
        elif what < 0.75:
            statement = f"UPDATE {self.table} SET name = :name, geom = {move} WHERE id = :id"
        else:
            self.alive -= 1
            statement = f"DELETE FROM {self.table} WHERE id = :id"
        return connection.execute(text(statement), values).rowcount


def _follow(engine: Engine, columns: Columns, layer: Layer) -> int:
    """Bring columns up to the feed's end, as the engine does but without ever making them anew."""
    done = 0
    with engine.connect() as connection, Session(connection) as session:
        while changes := since(session, columns.position):
            ids = sorted({c.feature_id for c in changes if c.layer == layer.id and c.feature_id})
            columns.apply(ids, fetch(connection, layer, ids), changes[-1].position)
            done += len(ids)
    return done


@pytest.mark.parametrize("edits", [1_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_edited_tiles_are_those_of_a_fresh_city(demo: Engine, edits: int, tmp_path: Path) -> None:
    some = {name: layers()[name] for name in EDITED}
    random, done = np.random.default_rng(edits), 0
    editors = [Editor(demo, layer, seed) for seed, layer in enumerate(some.values())]
    followed = {name: build(demo, layer, tmp_path / name) for name, layer in some.items()}
    with Session(demo) as session:
        frame = open_city(session).frame
    tiles = {
        name: [
            tile
            for zoom in ZOOMS
            for tile in tiles_at(places_of(demo, layer, frame), random, zoom, 12)
        ]
        for name, layer in some.items()
    }
    url = demo.url.render_as_string(hide_password=False)
    readers = demo.execution_options(isolation_level="AUTOCOMMIT")
    with TileEngine(readers, url, tmp_path / "live", layers(), cache_bytes=2**28) as live:
        assert live.wait_for_columns(timeout_s=120), live.status()
        while done < edits:
            editor = editors[random.choice(len(editors), p=(0.5, 0.2, 0.1, 0.1, 0.1))]
            with demo.begin() as connection:
                done += editor.edit(connection, int(random.integers(1, _AT_ONCE)))
            if random.random() < 0.3:
                # Tiles are looked at meanwhile, so that there are kept ones to be dropped.
                for tile in tiles[editor.layer.id][:: int(random.integers(5, 50))]:
                    # On a busy machine the engine may say that it has heard nothing for long.
                    with suppress(UnavailableError):
                        live.tile([editor.layer], tile)
            if random.random() < 0.2:
                for name, layer in some.items():
                    _follow(demo, followed[name], layer)
        for name, layer in some.items():
            _follow(demo, followed[name], layer)
        _await(demo, live)
        for name, layer in some.items():
            # Where features were, and where they went.
            now = places_of(demo, layer, frame)
            looked_at = {
                *tiles[name],
                *(tile for zoom in ZOOMS for tile in tiles_at(now, random, zoom, 12)),
            }
            _compare(demo, layer, followed[name], live, sorted(looked_at), tmp_path / f"new-{name}")
    assert done >= edits
    assert followed["building"].tail_length > edits / 4


def _compare(
    engine: Engine,
    layer: Layer,
    followed: Columns,
    live: TileEngine,
    tiles: list[Tile],
    folder: Path,
) -> None:
    fresh = build(engine, layer, folder)
    assert len(followed) == len(fresh)
    drawn = 0
    with Session(engine) as session:
        city = open_city(session)
        for tile in tiles:
            expected = encode(fresh, tile)
            assert encode(followed, tile) == expected, (layer.id, tile)
            assert live.make(Address((layer.id,), tile)).plain == expected, (layer.id, tile)
            assert _obtained(live, layer, tile) == expected, (layer.id, tile)
            drawn += bool(expected)
        for tile in tiles[::9]:
            found = differences(encode(fresh, tile), vector_tile(city, [layer], tile))
            assert found == [], (layer.id, tile)
    assert drawn > len(tiles) / 4


def _obtained(live: TileEngine, layer: Layer, tile: Tile) -> bytes:
    """Return what the engine keeps of a tile, when it hears of the city."""
    deadline = time.monotonic() + 120
    while not live.ready:
        assert time.monotonic() < deadline, live.status()
        time.sleep(0.01)
    return live.tile([layer], tile).plain


def _await(engine: Engine, live: TileEngine) -> None:
    with Session(engine) as session:
        end = latest(session)
    deadline = time.monotonic() + 120
    while not live.ready or live.position < end:
        assert time.monotonic() < deadline, live.status()
        time.sleep(0.01)
