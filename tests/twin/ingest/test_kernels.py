"""The compiled loops against GEOS, pyarrow and PostgreSQL's own reading of the bytes."""

import uuid
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from twin.ingest._attrs import to_json
from twin.ingest._copy import SIGNATURE, TRAILER, Column, rows, time_ordered_uuids
from twin.ingest._shapes import LINE, POLYGON, read_wkb, to_geometries, write_ewkb

finite = st.floats(-1e7, 1e7, allow_nan=False, width=64)
corner = st.tuples(st.integers(0, 6), st.integers(0, 6))

WKT = [
    "POINT (1 2)",
    "POINT Z (1 2 3)",
    "LINESTRING (0 0, 1 1, 2 0)",
    "LINESTRING Z (0 0 5, 1 1 6)",
    "POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0), (1 1, 2 1, 2 2, 1 1))",
    "MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)), ((5 5, 9 5, 9 9, 5 5), (6 5.2, 8 5.2, 8 7, 6 5.2)))",
    "MULTIPOLYGON Z (((0 0 1, 1 0 1, 1 1 1, 0 0 1)))",
    "MULTILINESTRING ((0 0, 1 1), (2 2, 3 3, 4 4))",
]  # fmt: skip


def column(geometries: list[Any], **more: Any) -> pa.Array:
    return pa.array([None if g is None else shapely.to_wkb(g, **more) for g in geometries],
                    pa.binary())  # fmt: skip


@pytest.mark.parametrize("flavor", ["iso", "extended"])
@pytest.mark.parametrize("byte_order", [0, 1])
@pytest.mark.parametrize("wkt", WKT)
def test_every_flavour_of_wkb_is_read_alike(wkt: str, byte_order: int, flavor: str) -> None:
    shape = shapely.set_srid(shapely.from_wkt(wkt), 4548)
    shapes = read_wkb(
        column([shape], byte_order=byte_order, flavor=flavor, include_srid=flavor == "extended")
    )
    assert shapes.has_z[0] == shapely.has_z(shape)
    (back,) = to_geometries(shapes, np.array([0]), with_z=bool(shapes.has_z[0]))
    assert shapely.equals_identical(shapely.get_parts(back), shapely.get_parts(shape)).all()


def test_m_is_dropped_and_z_kept() -> None:
    shape = shapely.from_wkt("LINESTRING ZM (0 0 1 9, 1 1 2 9)")
    (back,) = to_geometries(read_wkb(column([shape])), np.array([0]), with_z=True)
    assert shapely.get_coordinates(back, include_z=True).tolist() == [[0, 0, 1], [1, 1, 2]]


def test_rows_without_a_usable_geometry_keep_their_places() -> None:
    shapes = read_wkb(
        column([None, shapely.Point(), shapely.GeometryCollection(), shapely.box(0, 0, 1, 1)])
    )
    assert shapes.kind.tolist() == [0, 1, 7, POLYGON]
    boxes = shapes.boxes()
    assert np.isnan(boxes[:3]).all()
    assert boxes[3].tolist() == [0, 0, 1, 1]


def test_a_slice_of_a_column_is_read_from_its_own_start() -> None:
    whole = column([shapely.Point(n, n) for n in range(10)])
    assert read_wkb(whole.slice(4, 3)).x.tolist() == [4, 5, 6]


@given(st.lists(st.lists(corner, min_size=3, max_size=9), min_size=1, max_size=20))
@settings(max_examples=200, deadline=None)
def test_a_proof_of_validity_never_contradicts_geos(rings: list[list[tuple[int, int]]]) -> None:
    # On a small grid edges touch, overlap and cross in every way there is.
    polygons = np.array([shapely.Polygon(ring) for ring in rings], dtype=object)
    proven = read_wkb(column(list(polygons))).surely_valid()
    assert not (proven & ~shapely.is_valid(polygons)).any()


def test_plain_houses_are_proven_without_geos() -> None:
    random = np.random.default_rng(1)
    corners = random.random((500, 2)) * 1e5 + [470_000, 2_580_000]
    ell = np.array([(0, 0), (12, 0), (12, 5), (6, 5), (6, 9), (0, 9)])
    turned = [
        shapely.affinity.rotate(shapely.Polygon(ell + corner), angle)
        for corner, angle in zip(corners, random.random(500) * 360, strict=True)
    ]
    assert read_wkb(column(turned)).surely_valid().all()


@given(st.lists(st.tuples(finite, finite), min_size=2, max_size=30))
@settings(max_examples=100, deadline=None)
def test_lines_of_any_numbers_come_back_bit_by_bit(points: list[tuple[float, float]]) -> None:
    shapes = read_wkb(column([shapely.LineString(points)]))
    written = write_ewkb(shapes, np.array([0]), srid=4548, multi=False, with_z=True)
    back = shapely.from_wkb(written.to_list()[0])
    assert shapely.get_srid(back) == 4548
    assert shapely.get_coordinates(back).tolist() == [list(point) for point in points]
    assert shapes.kind.tolist() == [LINE]


def test_rows_are_what_postgresql_reads(engine: Engine) -> None:
    texts = ["一号楼", None, "", "x" * 1000]
    columns = [
        Column("a", "integer", pa.array([1, None, -5, 2**31 - 1], pa.int32())),
        Column("b", "double precision", pa.array([0.5, 1e300, None, -0.0])),
        Column("c", "text", pa.array(texts)),
        Column("d", "boolean", pa.array([True, False, None, True])),
        Column("e", "jsonb", pa.array(['{"甲":1}', "{}", None, "[1]"])),
        Column("f", "timestamp with time zone",
               pa.array(["2026-06-01T00:00:00Z", None, "1999-12-31T23:59:59Z", "2000-01-01T00:00Z"])
               .cast(pa.timestamp("us", "UTC"))),
        Column("g", "uuid", time_ordered_uuids(4, now_ms=1_780_000_000_000)),
    ]  # fmt: skip
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute(
            "CREATE TEMP TABLE t (a int, b float8, c text, d bool, e jsonb, f timestamptz, g uuid)"
        )
        with driver.cursor().copy("COPY t FROM STDIN (FORMAT binary)") as copy:
            copy.write(SIGNATURE + rows(columns, 4).tobytes() + TRAILER)
        found = driver.execute("SELECT a, b, c, d, e, extract(epoch FROM f)::float8, g FROM t")
        back = found.fetchall()
    assert [row[0] for row in back] == [1, None, -5, 2**31 - 1]
    assert [row[1] for row in back] == [0.5, 1e300, None, 0.0]
    assert [row[2] for row in back] == texts
    assert [row[3] for row in back] == [True, False, None, True]
    assert [row[4] for row in back] == [{"甲": 1}, {}, None, [1]]
    assert [row[5] for row in back] == [1780272000.0, None, 946684799.0, 946684800.0]
    assert {row[6].version for row in back} == {7}


def test_a_column_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="2 rows instead of 3"):
        rows([Column("a", "text", pa.array(["x", "y"]))], 3)


def test_uuids_rise_over_the_chunks_of_a_load_and_differ_between_loads() -> None:
    chunks = [time_ordered_uuids(300, now_ms=1_780_000_000_000, first=n) for n in (0, 300, 16_384)]
    made = [uuid.UUID(bytes=bytes(row)) for row in np.concatenate(chunks)]
    assert made == sorted(made)
    assert all(one.version == 7 and one.variant == uuid.RFC_4122 for one in made)
    again = time_ordered_uuids(300, now_ms=1_780_000_000_000)
    assert not {bytes(row) for row in again} & {one.bytes for one in made}


texts = st.none() | st.text(max_size=20)
numbers = st.none() | st.floats(allow_nan=False, allow_infinity=False)
wholes = st.none() | st.integers(-(2**53), 2**53)


@given(st.lists(st.tuples(texts, numbers, wholes), min_size=1, max_size=12))
@settings(max_examples=150, deadline=None)
def test_attributes_become_the_json_that_was_meant(values: list[tuple[Any, Any, Any]]) -> None:
    table = pa.table(
        {
            'a "b"': pa.array([v[0] for v in values], pa.string()),
            "数": pa.array([v[1] for v in values], pa.float64()),
            "n": pa.array([v[2] for v in values], pa.int64()),
        }
    )
    for written, (word, number, whole) in zip(
        to_json(table, table.column_names).to_pylist(), values, strict=True
    ):
        meant = {'a "b"': word, "数": number, "n": whole}
        found = orjson.loads(written)
        wanted = {k: v for k, v in meant.items() if v is not None}
        if isinstance(word, str):  # jsonb holds no NUL
            wanted['a "b"'] = word.replace("\0", "")
        assert found == wanted
