"""Ready texts are what PostGIS would have written now, for the same features, in the same order."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from layers import Layer, layer_named, layers, query
from layers.filter import EVERYTHING, Selection
from layers.question import places
from tests.tiles._nasty import fill
from tests.tiles.test_columns import _edit
from tiles._store import TornFileError
from tiles.feature_files import build, fetch, find
from tiles.feature_rows import FILE
from tiles.features import Texts
from tiles.live import TileEngine
from twin.changes import latest, since
from twin.crs import LonLatBox
from twin.database import City, connect, open_city

_SHAPES = layer_named("analysis_feature")
_AROUND = LonLatBox(116.5, 23.2, 116.9, 23.5)


def _same(city: City, layer: Layer, texts: Texts, box: LonLatBox | None, **page: Any) -> int:
    """Assert that a page is the same from texts and from PostGIS; return how many features."""
    selection = EVERYTHING if box is None else Selection(box)
    truth = query.written(city, layer, selection, **page)
    found = texts.page(places(city.frame, box), **page)
    assert bytes(found.written(b"[", b"]")) == truth.written(b"[", b"]")
    assert (found.returned, found.last) == (truth.returned, truth.last)
    assert found.matched == truth.matched
    return found.returned


@pytest.fixture(scope="module")
def shapes(clone: Callable[..., Any], empty_city_template: str) -> Iterator[Engine]:
    """Return an engine on a city with 1500 awkward shapes."""
    with clone(empty_city_template) as url:
        engine = connect(url)
        with engine.begin() as connection:
            fill(connection, np.random.default_rng(11), 1500)
        yield engine
        engine.dispose()


@pytest.fixture(scope="module")
def shapes_texts(shapes: Engine, tmp_path_factory: pytest.TempPathFactory) -> Texts:
    return build(shapes, _SHAPES, tmp_path_factory.mktemp("texts"))


@pytest.fixture(scope="module")
def corners(shapes: Engine) -> list[tuple[float, float]]:
    """Return places of the shapes in degrees, as PostGIS has them."""
    with shapes.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT ST_X(p), ST_Y(p) FROM (SELECT "
                "(ST_DumpPoints(ST_Transform(geom, 4326))).geom AS p FROM twin.analysis_feature"
                ") AS d ORDER BY random() LIMIT 4000"
            )
        )
        return [(float(x), float(y)) for x, y in rows]


def _boxes(corners: list[tuple[float, float]]) -> st.SearchStrategy[LonLatBox]:
    """Boxes of all sizes: anywhere, with sides exactly on places of features, around the world."""
    west, south, east, north = _AROUND
    anywhere = st.tuples(st.floats(west, east), st.floats(south, north))
    place = st.one_of(anywhere, st.sampled_from(corners))
    wide = st.tuples(st.floats(-180, 180), st.floats(-90, 90))

    def between(a: tuple[float, float], b: tuple[float, float], turned: bool) -> LonLatBox:
        low, high = sorted((a[0], b[0]))
        box = LonLatBox(low, min(a[1], b[1]), high, max(a[1], b[1]))
        return box._replace(west=box.east, east=box.west) if turned else box

    near = st.builds(
        lambda a, w, h: LonLatBox(a[0], a[1], a[0] + w, a[1] + h),
        place,
        st.floats(1e-9, 1e-2),
        st.floats(1e-9, 1e-2),
    )
    return st.one_of(
        near,
        st.builds(between, place, place, st.booleans()),
        st.builds(between, wide, st.one_of(wide, place), st.booleans()),
    ).filter(lambda box: box.west != box.east and box.south != box.north)


@settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_any_box_gives_the_features_that_postgis_gives(
    data: st.DataObject, shapes: Engine, shapes_texts: Texts, corners: list[tuple[float, float]]
) -> None:
    box = data.draw(_boxes(corners))
    limit = data.draw(st.sampled_from([1, 3, 100, 10_000]))
    after = data.draw(st.one_of(st.none(), st.integers(-5, 1600)))
    with Session(shapes) as session:
        city = open_city(session)
        _same(city, _SHAPES, shapes_texts, box, limit=limit, after=after)
        truth = query.count(city, _SHAPES, Selection(box))
        assert shapes_texts.count(places(city.frame, box)) == truth


@pytest.mark.parametrize("layer_id", list(layers()))
def test_every_layer_of_the_town_is_written_alike(
    town_engine: Engine, layer_id: str, tmp_path: Path
) -> None:
    layer = layer_named(layer_id)
    texts = build(town_engine, layer, tmp_path)
    with Session(town_engine) as session:
        city = open_city(session)
        count = _same(city, layer, texts, None)
        assert count == query.count(city, layer)
        west, south, east, north = 116.669, 23.352, 116.672, 23.356
        for part in (0.2, 0.5, 0.9):
            box = LonLatBox(
                west, south, west + part * (east - west), south + part * (north - south)
            )
            _same(city, layer, texts, box)
        for row in query.page(city, layer).rows:
            assert texts.one(row[0]) == query.one_written(city, layer, str(row[0])).encode()
        assert texts.one(10**9) is None


def test_a_text_says_what_the_values_say(town_engine: Engine) -> None:
    """The text of PostGIS holds what is read value by value: names, numbers, nulls, nesting."""
    with Session(town_engine) as session:
        city = open_city(session)
        for layer in layers().values():
            rows = query.page(city, layer).rows
            texts = query.written(city, layer).texts
            names = [entry.name for entry in layer.fields]
            for (number, geometry, *values), told in zip(rows, texts, strict=True):
                read = json.loads(told)
                assert list(read) == ["type", "id", "geometry", "properties"]
                assert (read["type"], read["id"]) == ("Feature", number)
                assert read["geometry"] == json.loads(geometry)
                assert list(read["properties"]) == names
                for entry, value in zip(layer.fields, values, strict=True):
                    whole = json.loads(value) if entry.type == "object" and value else value
                    assert read["properties"][entry.name] == whole


def test_what_json_does_not_know_is_null(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO twin.building (name, ground_z_m, attrs, geom) SELECT "
                'E\'“引”\\n\\\\"\\u0001\\u2028\', v, \'{"深": {"a": [1.50, null]}}\', '
                "ST_Multi(ST_MakeEnvelope(467000, 2584000, 467010, 2584010, 4548)) "
                "FROM unnest(ARRAY[1e-9, 1e16, 0.1, 3, NULL, 'NaN', '-Infinity']::float8[]) AS v"
            )
        )
    with Session(engine) as session:
        city = open_city(session)
        told = query.written(city, layer_named("building")).texts
    read = [json.loads(each)["properties"] for each in told]
    assert [each["ground_z_m"] for each in read] == [1e-9, 1e16, 0.1, 3, None, None, None]
    assert {each["name"] for each in read} == {'“引”\n\\"\x01\u2028'}
    assert read[0]["attrs"] == {"深": {"a": [1.5, None]}}


def test_edits_are_followed_to_the_letter(shapes_copy: Engine, tmp_path: Path) -> None:
    engine, rng = shapes_copy, np.random.default_rng(5)
    texts = build(engine, _SHAPES, tmp_path)
    for _ in range(6):
        _edit(engine, rng, 40)
        with engine.connect() as connection, Session(connection) as session:
            changes = since(session, texts.position)
            ids = list({c.feature_id for c in changes if c.feature_id is not None})
            before = texts.page(None, limit=3000)
            kept = bytes(before.written(b"", b""))
            texts.apply(ids, fetch(connection, _SHAPES, ids), changes[-1].position)
            city = open_city(session)
            assert len(texts) == query.count(city, _SHAPES)
            _same(city, _SHAPES, texts, None, limit=3000)
            # What was found before an edit stays what it was.
            assert bytes(before.written(b"", b"")) == kept
            for _ in range(10):
                west, south = rng.uniform(116.63, 116.72), rng.uniform(23.33, 23.38)
                box = LonLatBox(west, south, west + rng.uniform(0, 0.05), south + 0.02)
                _same(city, _SHAPES, texts, box, limit=int(rng.integers(1, 300)))
    fresh = build(engine, _SHAPES, tmp_path)
    whole = [each.page(None, limit=9999).written(b"", b"") for each in (texts, fresh)]
    assert whole[0] == whole[1]
    # The same rows once more change nothing.
    with engine.connect() as connection:
        ids = list(range(1, 50))
        texts.apply(ids, fetch(connection, _SHAPES, ids), texts.position)
    assert (len(texts), texts.page(None, limit=9999).written(b"", b"")) == (len(fresh), whole[1])


@pytest.fixture
def shapes_copy(engine: Engine) -> Engine:
    """Return an engine on a city of the test's own with 600 awkward shapes."""
    with engine.begin() as connection:
        fill(connection, np.random.default_rng(3), 600)
    return engine


@pytest.mark.parametrize("limit", [1, 7, 200])
def test_pages_lead_to_each_feature_once(shapes: Engine, shapes_texts: Texts, limit: int) -> None:
    with Session(shapes) as session:
        frame = open_city(session).frame
        box = LonLatBox(116.66, 23.34, 116.69, 23.37)
        truth = [row[0] for row in query.page(
            open_city(session), _SHAPES, Selection(box), limit=9999
        ).rows]  # fmt: skip
    seen: list[int] = []
    after: int | None = None
    while True:
        found = shapes_texts.page(places(frame, box), after=after, limit=limit)
        page = json.loads(bytes(found.written(b"[", b"]")))
        seen += [feature["id"] for feature in page]
        assert len(page) == found.returned
        if (after := found.last) is None:
            break
        assert len(page) == limit
    assert seen == truth
    assert len(truth) > 300


def test_a_torn_or_foreign_file_is_not_believed(
    shapes: Engine, engine: Engine, tmp_path: Path
) -> None:
    with pytest.raises(TornFileError, match="no texts"):
        find(shapes, _SHAPES, tmp_path)
    build(shapes, _SHAPES, tmp_path)
    assert len(find(shapes, _SHAPES, tmp_path)) == 1500
    with pytest.raises(TornFileError, match="another database"):
        find(engine, _SHAPES, tmp_path)
    with pytest.raises(TornFileError, match="another layer"):
        find(shapes, layer_named("building"), tmp_path)
    file = next(tmp_path.glob(f"*/{FILE}"))
    whole = bytearray(file.read_bytes())
    whole[len(whole) // 2] ^= 1
    file.write_bytes(whole)
    with pytest.raises(TornFileError, match="not as it was written"):
        find(shapes, _SHAPES, tmp_path)
    file.write_bytes(whole[:-70])
    with pytest.raises(TornFileError):
        find(shapes, _SHAPES, tmp_path)
    build(shapes, _SHAPES, tmp_path)
    assert len(find(shapes, _SHAPES, tmp_path)) == 1500
    assert len(list(tmp_path.glob(f"*/{FILE}"))) == 1


_HOUSE = "ST_Multi(ST_MakeEnvelope({x}, {y}, {x} + 30, {y} + 20, 4548))"
_BUILDING = layer_named("building")


@pytest.fixture
def street(engine: Engine) -> Engine:
    """Return an engine on a city with 300 houses in a row, 40 m apart, and a sensor."""
    house = _HOUSE.format(x="460000 + n * 40", y="2580000")
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO twin.building (name, storeys, geom) "
                f"SELECT n || '号', 1, {house} FROM generate_series(0, 299) AS n"
            )
        )
        connection.execute(
            text(
                "INSERT INTO twin.waterlogging_point (name, kind, geom) VALUES "
                "('点', 'road', ST_SetSRID(ST_MakePoint(460000, 2580000), 4548))"
            )
        )
    return engine


@pytest.fixture
def following(street: Engine, tmp_path: Path) -> Iterator[TileEngine]:
    readers = street.execution_options(isolation_level="AUTOCOMMIT")
    url = street.url.render_as_string(hide_password=False)
    some = {name: layers()[name] for name in ("building", "waterlogging_point")}
    with TileEngine(readers, url, tmp_path, some) as engine:
        assert engine.wait_for_texts(timeout_s=120), engine.status()
        yield engine


def told(city: Engine, engine: TileEngine, timeout_s: float = 20) -> None:
    """Wait until an engine knows all that was committed."""
    with Session(city) as session:
        end = latest(session)
    deadline = time.monotonic() + timeout_s
    while not engine.ready or engine.position < end:
        assert time.monotonic() < deadline, engine.status()
        time.sleep(0.002)


def _agrees(city: Engine, engine: TileEngine, layer: Layer) -> None:
    looked = engine.features(layer, None)
    assert looked is not None, engine.status()
    with Session(city) as session:
        _same(open_city(session), layer, looked.texts, None, limit=5000)


def test_texts_follow_the_city(street: Engine, following: TileEngine) -> None:
    with street.begin() as connection:
        connection.execute(text("UPDATE twin.building SET name = '改' WHERE id % 7 = 0"))
        connection.execute(text("DELETE FROM twin.building WHERE id % 11 = 0"))
    told(street, following)
    _agrees(street, following, _BUILDING)
    assert following.feature(_BUILDING, "11") is None
    # A reading changes its point.
    with street.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO twin.reading (point_id, at, depth_m, quality) "
                "SELECT id, now(), 0.5, 'good' FROM twin.waterlogging_point"
            )
        )
    told(street, following)
    _agrees(street, following, layer_named("waterlogging_point"))
    found = following.feature(layer_named("waterlogging_point"), "1")
    assert found is not None
    assert json.loads(found)["properties"]["depth_m"] == 0.5


def test_a_bulk_load_sends_readers_to_postgis_until_texts_hold_it(
    street: Engine, following: TileEngine
) -> None:
    house = _HOUSE.format(x="460000 + n * 40", y="2590000")
    with street.begin() as connection:
        connection.execute(text("SET LOCAL twin.load_id = '1'"))
        connection.execute(
            text(
                "INSERT INTO twin.building (name, geom) "
                f"SELECT n || '楼', {house} FROM generate_series(0, 499) AS n"
            )
        )
    told(street, following)
    looked = following.features(_BUILDING, None)
    assert looked is None or len(looked.texts) == 800
    assert following.wait_for_texts(timeout_s=60), following.status()
    _agrees(street, following, _BUILDING)


def test_texts_left_by_another_process_catch_up(street: Engine, tmp_path: Path) -> None:
    url = street.url.render_as_string(hide_password=False)
    readers = street.execution_options(isolation_level="AUTOCOMMIT")
    for name in ("前", "后"):
        with street.begin() as connection:
            connection.execute(text(f"UPDATE twin.building SET name = '{name}' WHERE id <= 30"))
        with TileEngine(readers, url, tmp_path, {"building": _BUILDING}) as engine:
            assert engine.wait_for_texts(timeout_s=60), engine.status()
            _agrees(street, engine, _BUILDING)
            told = engine.status()["features"]["building"]
    assert told["tail"] == 30


def test_no_reader_sees_less_than_the_engine_wastold(street: Engine, following: TileEngine) -> None:
    """While one edits, others page through: what was told before they asked is in every page."""
    done, wrong = threading.Event(), []
    known = dict.fromkeys(range(1, 301), 1)

    def read(seed: int) -> None:
        some = random.Random(seed)
        while not done.is_set():
            floor = dict(known)
            limit, after, seen = some.choice([7, 50, 1000]), None, []
            while True:
                looked = following.features(_BUILDING, None)
                if looked is None:
                    wrong.append("no texts")
                    return
                found = looked.page(after=after, limit=limit)
                page = json.loads(bytes(found.written(b"[", b"]")))
                seen += [(each["id"], each["properties"]["storeys"]) for each in page]
                if (after := found.last) is None:
                    break
            ids = [id for id, _ in seen]
            if ids != list(range(1, 301)):
                wrong.append(f"{len(ids)} features, {len(set(ids))} of them different")
            wrong.extend(f"{id}: {n} < {floor[id]}" for id, n in seen if n < floor.get(id, 0))

    readers = [threading.Thread(target=read, args=(seed,)) for seed in range(3)]
    for each in readers:
        each.start()
    edits = random.Random(9)
    for turn in range(2, 42):
        chosen = edits.sample(range(1, 301), 5)
        with street.begin() as connection:
            connection.execute(
                text("UPDATE twin.building SET storeys = :turn WHERE id = ANY(:ids)"),
                {"turn": turn, "ids": chosen},
            )
        told(street, following)
        known.update(dict.fromkeys(chosen, turn))
    done.set()
    for each in readers:
        each.join()
    assert not wrong, wrong[:5]
    _agrees(street, following, _BUILDING)
