"""Columns are whole or made anew, and follow edits exactly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from layers import layer_named
from tests.tiles._mvt_checker import read
from tests.tiles._nasty import fill, row, shapes
from tests.tiles.test_engine import tiles_around
from tiles._store import TornFileError
from tiles.build import build, fetch, find, open_or_build
from tiles.columns import FILE, Columns
from tiles.engine import dirty_tiles, encode
from tiles.grid import CGCS2000, Tile
from tiles.warm import warm
from twin.changes import latest, since
from twin.database import open_city

_NEW = text("""
    INSERT INTO twin.analysis_feature (name, run_id, analysis, role, attrs, geom)
    VALUES (:name, :run, 'test', :role, CAST(:attrs AS jsonb), ST_GeomFromText(:wkt, 4548))
""")
_CHANGED = text("""
    UPDATE twin.analysis_feature
    SET    name = :name, role = :role, attrs = CAST(:attrs AS jsonb),
           geom = ST_GeomFromText(:wkt, 4548)
    WHERE  id = :id
""")
_GONE = text("DELETE FROM twin.analysis_feature WHERE id = :id")
_LAYER = layer_named("analysis_feature")
_WORLD = Tile(0, 0, 0)


def _edit(engine: Engine, rng: np.random.Generator, count: int) -> None:
    """Insert, change and delete features at random, in one transaction."""
    kinds = shapes(rng)
    with engine.begin() as connection:
        ids = list(connection.scalars(text("SELECT id FROM twin.analysis_feature")))
        for number in range(count):
            values = row(rng, int(rng.integers(1000)), next(kinds))
            id = ids[rng.integers(len(ids))]
            what = rng.random()
            if what < 0.3:
                connection.execute(_NEW, values)
            elif what < 0.8:
                connection.execute(_CHANGED, values | {"id": id})
            else:
                connection.execute(_GONE, {"id": id})
            assert number >= 0


def _content(tile: bytes) -> dict[int | None, tuple[object, ...]]:
    layers, wrong = read(tile)
    assert [each for each in wrong if "twice" in each] == []
    return {
        feature.id: (feature.kind, sorted(feature.properties.items()), feature.parts)
        for layer in layers
        for feature in layer.features
    }


def test_edited_columns_draw_what_fresh_ones_draw(nasty: Engine, tmp_path: Path) -> None:
    columns, rng = build(nasty, _LAYER, tmp_path / "edited"), np.random.default_rng(23)
    before = columns.snapshot
    drawn_before = _content(encode(columns, Tile(11, 1687, 887)))
    dirty: set[Tile] = set()
    for _ in range(12):
        _edit(nasty, rng, 40)
        with nasty.connect() as connection, Session(connection) as session:
            changes = [c for c in since(session, columns.position) if c.layer == _LAYER.id]
            ids = sorted({c.feature_id for c in changes if c.feature_id is not None})
            rows, position = fetch(connection, _LAYER, ids), latest(session)
        for touched in columns.apply(ids, rows, position):
            dirty |= dirty_tiles(touched.before, touched.after, range(8, 19))
    fresh = build(nasty, _LAYER, tmp_path / "fresh")
    assert columns.tail_length > 300
    assert len(columns) == len(fresh)
    assert columns.position == fresh.position
    with Session(nasty) as session:
        city = open_city(session)
    seen = 0
    for tile in (*tiles_around(city, rng, 6), *sorted(dirty)[::97]):
        assert encode(columns, tile) == encode(fresh, tile), tile
        now, then = _content(encode(columns, tile)), _content(encode(columns, tile, before))
        assert tile in dirty or now == then, tile
        seen += len(now)
    assert seen > 1000
    # Who looks at the state of before still sees it.
    assert _content(encode(columns, Tile(11, 1687, 887), before)) == drawn_before


def test_a_torn_or_foreign_file_is_made_anew(nasty: Engine, tmp_path: Path) -> None:
    whole = build(nasty, _LAYER, tmp_path)
    file = tmp_path / (tmp_path / "current").read_text() / FILE
    good = file.read_bytes()
    assert encode(find(nasty, _LAYER, tmp_path), _WORLD) == encode(whole, _WORLD)
    rng = np.random.default_rng(1)
    cuts = [good[:n] for n in (0, 10, 100, len(good) // 2, len(good) - 1)]
    flips = []
    for at in rng.integers(0, len(good), 40):
        changed = bytearray(good)
        changed[at] ^= 1 << int(rng.integers(8))
        flips.append(bytes(changed))
    for bad in (*cuts, *flips, good + b"more"):
        file.unlink()
        file.write_bytes(bad)
        try:
            reopened = Columns.open(file.parent)
        except TornFileError:
            continue
        # Between the arrays there are bytes that mean nothing.
        assert encode(reopened, _WORLD) == encode(whole, _WORLD)
    file.unlink()
    with pytest.raises(TornFileError, match="cannot be opened"):
        find(nasty, _LAYER, tmp_path)
    assert encode(open_or_build(nasty, _LAYER, tmp_path), _WORLD) == encode(whole, _WORLD)


def test_columns_of_another_database_are_not_served(
    nasty: Engine, clone: object, empty_city_template: str, tmp_path: Path
) -> None:
    from twin.database import connect

    build(nasty, _LAYER, tmp_path)
    with clone(empty_city_template) as url:  # type: ignore[operator]
        other = connect(url)
        with pytest.raises(TornFileError, match="another database"):
            find(other, _LAYER, tmp_path)
        assert len(open_or_build(other, _LAYER, tmp_path)) == 0
        other.dispose()


def test_a_build_while_the_city_changes_is_one_state_of_it(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        fill(connection, np.random.default_rng(2), 50)
    columns = build(engine, _LAYER, tmp_path)
    with Session(engine) as session:
        assert columns.position == latest(session)
        assert list(since(session, columns.position)) == []
    assert len(columns) == 50


def test_an_empty_layer_has_columns_and_empty_tiles(engine: Engine, tmp_path: Path) -> None:
    columns = build(engine, _LAYER, tmp_path)
    assert len(columns) == 0
    assert encode(columns, _WORLD) == b""


def test_warming_compiles_what_encoding_needs() -> None:
    from tiles._mvt_kernel import finish, write_layer

    warm()
    before = len(write_layer.signatures), len(finish.signatures)  # type: ignore[attr-defined]
    warm()
    assert before == (1, 1)
    assert before == (len(write_layer.signatures), len(finish.signatures))  # type: ignore[attr-defined]


def test_other_grids_hold_the_same_features(nasty: Engine, tmp_path: Path) -> None:
    """At the level where they are as fine, both grids draw every point of the city."""
    mercator = build(nasty, _LAYER, tmp_path / "mercator")
    cgcs = build(nasty, _LAYER, tmp_path / "cgcs", grid=CGCS2000)
    with pytest.raises(TornFileError, match="another grid"):
        find(nasty, _LAYER, tmp_path / "cgcs")
    # 116.67 E, 23.36 N in the tiles of 180 degrees at level 0, and in the Mercator square.
    east = Tile(9, int((116.67 + 180) / 180 * 2**9), int((90 - 23.36) / 180 * 2**9))
    ours, theirs = _content(encode(cgcs, east)), _content(encode(mercator, _WORLD))
    points = {each for each, (kind, *_) in ours.items() if kind == 1}
    assert len(points) > 100
    assert points <= {each for each, (kind, *_) in theirs.items() if kind == 1}
    assert ours.keys() > points
