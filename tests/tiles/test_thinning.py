"""Crowded tiles: what is merged is counted, and the counts add up to PostGIS's features."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from layers import Limit, layer_named, layers
from sample_data import make_city
from tests.tiles._mvt_checker import Layer, read
from tests.tiles._nasty import MIDDLE
from tests.tiles._same import layer_of
from tests.tiles.test_columns import _edit
from tests.tiles.test_engine import tiles_around
from tiles.build import build, fetch
from tiles.columns import Columns
from tiles.encodings.mvt import vector_tile
from tiles.engine import encode, encoded
from tiles.grid import Tile
from tiles.limits import UNLIMITED, Limits, limits_of
from tiles.report import heaviest, left_out, report, weigh
from twin.changes import latest, since
from twin.crs import CityBox
from twin.database import City, connect, open_city

DRAWN = 300


def always(name: str) -> Limits:
    """Return limits that make every tile crowded."""
    return Limits((Limit(24, 0, DRAWN, 8),), layers()[name].merged_by)


def counted(tile: Layer) -> int:
    return sum(int(f.properties["count"]) if f.id is None else 1 for f in tile.features)


@pytest.fixture(scope="module")
def demo(clone: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with clone() as url:  # type: ignore[operator]
        engine = connect(url)
        make_city.build(engine, data_dir=tmp_path_factory.mktemp("demo"), buildings=1500)
        yield engine
        engine.dispose()


@pytest.mark.parametrize(
    "name", ["building", "grid_cell", "road_edge", "pipe_segment", "facility", "region"]
)
def test_counts_add_up_to_what_postgis_draws(demo: Engine, name: str, tmp_path: Path) -> None:
    layer, limits = layer_named(name), always(name)
    columns, merged = build(demo, layer, tmp_path), 0
    with Session(demo) as session:
        city = open_city(session)
        for tile in tiles_around(city, np.random.default_rng(5), 2):
            if not layer.minzoom <= tile.z <= 14:
                continue
            made, account = encoded(columns, tile, limits=limits)
            ours, theirs = layer_of(made), layer_of(vector_tile(city, [layer], tile))
            assert read(made)[1] == [], tile
            assert counted(ours) == account.features == len(theirs.features), (tile, account)
            assert len(ours.features) == account.drawn <= max(DRAWN, account.drawn)
            _are_themselves(ours, theirs)
            merged += account.merged
    assert merged or name in ("facility", "region", "grid_cell")


def _are_themselves(ours: Layer, theirs: Layer) -> None:
    """What stands for itself has its own attributes; what is merged, those they agree in."""
    known = {f.id: f.properties for f in theirs.features}
    for each in ours.features:
        if each.id is None:
            assert each.properties["count"] > 1
        else:
            assert each.properties == known[each.id]


def test_awkward_shapes_are_counted_too(nasty: Engine, tmp_path: Path) -> None:
    name = "analysis_feature"
    layer, limits = layer_named(name), always(name)
    columns, told, drawn, merged = build(nasty, layer, tmp_path), 0, 0, 0
    around = CityBox(MIDDLE[0] - 3000, MIDDLE[1] - 3000, MIDDLE[0] + 3000, MIDDLE[1] + 3000)
    with Session(nasty) as session:
        city = open_city(session)
        for tile in tiles_around(city, np.random.default_rng(6), 2, around):
            made, account = encoded(columns, tile, limits=limits)
            assert counted(layer_of(made)) == account.features
            told, merged = told + account.features, merged + account.merged
            drawn += len(layer_of(vector_tile(city, [layer], tile)).features)
    # About slivers PostGIS decides by its own snapping.
    assert abs(told - drawn) <= drawn / 500, (told, drawn)
    assert merged > 200


def test_merged_features_agree_in_the_fields_they_show(demo: Engine, tmp_path: Path) -> None:
    columns = build(demo, layer_named("building"), tmp_path)
    tile = heaviest(columns, 11)[0]
    merged, whole = (
        layer_of(encode(columns, tile, limits=limits)) for limits in (always("building"), UNLIMITED)
    )
    uses: dict[Any, int] = {}
    for each in whole.features:
        uses[each.properties.get("use")] = uses.get(each.properties.get("use"), 0) + 1
    for each in merged.features:
        uses[each.properties.get("use")] -= each.properties["count"] if each.id is None else 1
    assert set(uses.values()) == {0}
    assert {frozenset(f.properties) for f in merged.features if f.id is None} == {
        frozenset({"use", "count"})
    }


def test_edits_merge_as_a_fresh_build_does(nasty: Engine, tmp_path: Path) -> None:
    layer, limits = layer_named("analysis_feature"), always("analysis_feature")
    columns, rng = build(nasty, layer, tmp_path / "edited"), np.random.default_rng(29)
    for _ in range(4):
        _edit(nasty, rng, 60)
        with nasty.connect() as connection, Session(connection) as session:
            changes = [c for c in since(session, columns.position) if c.layer == layer.id]
            ids = sorted({c.feature_id for c in changes if c.feature_id is not None})
            columns.apply(ids, fetch(connection, layer, ids), latest(session))
    fresh = build(nasty, layer, tmp_path / "fresh")
    with Session(nasty) as session:
        city = open_city(session)
    seen = 0
    for tile in tiles_around(city, rng, 4):
        made, account = encoded(columns, tile, limits=limits)
        assert made == encode(fresh, tile, limits=limits), tile
        seen += account.merged
    assert seen > 100


def test_without_crowds_tiles_are_what_they_were(demo: Engine, tmp_path: Path) -> None:
    columns = build(demo, layer_named("building"), tmp_path)
    for zoom in (12, 13, 14, 16):
        for tile in heaviest(columns, zoom):
            assert encode(columns, tile) == encode(columns, tile, limits=UNLIMITED)
    assert all(limits_of(name).at(14) is None for name in layers())


_INSERT = text("""
    INSERT INTO twin.analysis_feature (name, run_id, analysis, role, attrs, geom)
    VALUES ('x', :run, 'test', 'ring', '{}', ST_GeomFromText(:wkt, 4548))
""")
_STEP = st.integers(-3, 3)
_RING = st.lists(st.tuples(_STEP, _STEP), min_size=3, max_size=7, unique=True)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rings=st.lists(_RING, min_size=4, max_size=40))
def test_tiny_polygons_of_any_form_are_counted(
    engine: Engine, tmp_path: Path, rings: list[list[tuple[int, int]]]
) -> None:
    """Corners on the tile's own units: the hardest case for what rounding leaves."""
    layer, tile = layer_named("analysis_feature"), Tile(12, 3374, 1774)
    with engine.connect() as connection, connection.begin() as outer:
        run = connection.scalar(
            text("INSERT INTO twin.analysis_run (analysis, inputs) VALUES ('t', '{}') RETURNING id")
        )
        for number, ring in enumerate(rings):
            middle = MIDDLE[0] + number % 7 * 90.0, MIDDLE[1] + number // 7 * 90.0
            places = [(middle[0] + 2.2 * u, middle[1] + 2.2 * v) for u, v in [*ring, ring[0]]]
            wkt = f"POLYGON(({','.join(f'{x} {y}' for x, y in places)}))"
            connection.execute(_INSERT, {"run": run, "wkt": wkt})
        outer.commit()
    with Session(engine) as session:
        city = open_city(session)
        made, account = encoded(_built(engine, tmp_path), tile, limits=always(layer.id))
        theirs = layer_of(vector_tile(city, [layer], tile)).features
        assert counted(layer_of(made)) == account.features
        assert abs(account.features - len(theirs)) <= max(1, len(theirs) // 50)


def _built(engine: Engine, folder: Path) -> Columns:
    return build(engine, layer_named("analysis_feature"), folder)


def test_the_report_names_the_heaviest_and_what_to_do(
    demo: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = build(demo, layer_named("building"), tmp_path)
    rows = report([columns], [10, 12, 14])
    assert [row.tile.z for row in rows] == [10, 12, 14]
    for row in rows:
        made = encode(columns, row.tile)
        assert row.bytes == len(made)
        assert row.account.features == counted(layer_of(made))
        assert row.bytes > sum(row.fields.values()) + row.geometry > row.bytes / 2
        assert row.advice == ()
    (merged,) = left_out(rows)
    assert merged["level"] == 10
    assert merged["merged"] > merged["merged_into"] > 0
    monkeypatch.setattr("tiles.report.HEAVY_BYTES", 1000)
    advice = [each.en for each in weigh(columns, rows[2].tile).advice]
    assert any("set a limit for level 14" in each for each in advice)
    assert any("leave the field" in each for each in advice)


def test_no_tile_is_heavier_than_the_heaviest(demo: Engine, tmp_path: Path) -> None:
    columns = build(demo, layer_named("building"), tmp_path)
    (row,) = report([columns], [13])
    with Session(demo) as session:
        city: City = open_city(session)
    for tile in tiles_around(city, np.random.default_rng(2), 40):
        if tile.z == 13:
            assert weigh(columns, tile).packed <= row.packed * 1.05
