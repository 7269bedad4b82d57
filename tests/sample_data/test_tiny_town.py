"""The tiny town's answers, worked in its module's docstring, are what PostGIS finds."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from sample_data import tiny_town
from twin.cluster import Cluster
from twin.database import connect

NOW = datetime(2026, 6, 1, 12, 3, tzinfo=UTC)

_WITHIN = text("""
    SELECT count(*), coalesce(sum(residents_night), 0), coalesce(sum(residents_day), 0)
    FROM   twin.building
    WHERE  ST_DWithin(geom, ST_SetSRID(ST_MakePoint(:x, :y), 4548), :radius_m)
""")


@pytest.fixture(scope="module")
def town(cluster: Cluster) -> Iterator[Engine]:
    engine = connect(cluster.ensure_database("tiny_town_self"))
    tiny_town.build(engine, now=NOW)
    yield engine
    engine.dispose()


@pytest.mark.parametrize(
    ("x", "y", "radius_m", "expected"),
    [
        (0, 0, 28, (0, 0, 0)),
        (0, 0, 29, (1, 1, 10)),
        (0, 0, 64, (3, 7, 60)),
        (100, 100, 30, (4, 676, 270)),
        (100, 100, 70, (10, 4078, 720)),
        (100, 100, 90, (12, 4095, 780)),
    ],
)
def test_residents_within_a_radius(
    town: Engine, x: float, y: float, radius_m: float, expected: tuple[int, int, int]
) -> None:
    place = tiny_town.at(x, y)
    with town.connect() as connection:
        row = connection.execute(_WITHIN, {"x": place.x, "y": place.y, "radius_m": radius_m}).one()
    assert tuple(row) == expected


def test_pipe_lengths_near_the_middle(town: Engine) -> None:
    with town.connect() as connection:
        rows = connection.execute(
            text("""
                SELECT kind, sum(ST_Length(ST_Intersection(
                           ST_Force2D(geom),
                           ST_Buffer(ST_SetSRID(ST_MakePoint(467100, 2584100), 4548), 30, 256)
                       )))
                FROM   twin.pipe_segment GROUP BY kind
            """)
        )
        lengths = {row[0]: row[1] for row in rows}
    assert lengths["gas"] == 0
    assert lengths["water"] == pytest.approx(2 * math.sqrt(30**2 - 2**2), abs=0.01)
    assert lengths["sewer"] == pytest.approx(2 * math.sqrt(30**2 - 2**2), abs=0.01)


def test_the_last_reading_is_now_and_the_street_is_flooded(town: Engine) -> None:
    with town.connect() as connection:
        rows = connection.execute(
            text("SELECT at, depth_m FROM twin.reading ORDER BY at DESC LIMIT 3")
        ).all()
        total = connection.scalar(text("SELECT count(*) FROM twin.reading"))
    rounded = NOW.replace(minute=0)
    assert [(row.at, row.depth_m) for row in rows] == [
        (rounded, 0.70),
        (rounded - timedelta(minutes=5), 0.65),
        (rounded - timedelta(minutes=10), 0.60),
    ]
    assert total == 288


def test_the_feed_saw_one_load_of_each_table(town: Engine) -> None:
    with town.connect() as connection:
        rows = connection.execute(
            text("""
                SELECT feed_layer.name, string_agg(op, '')
                FROM   twin.change JOIN twin.feed_layer ON feed_layer.id = change.layer
                GROUP  BY feed_layer.name
            """)
        ).all()
    ops = {row[0]: row[1] for row in rows}
    assert set("".join(ops.values())) == {"L"}
    assert {"building", "road_edge", "pipe_segment", "resource"} <= set(ops)


def test_the_next_building_gets_the_next_number(town: Engine) -> None:
    with town.begin() as connection:
        number = connection.scalar(
            text(
                "INSERT INTO twin.building (geom) SELECT geom FROM twin.building LIMIT 1 "
                "RETURNING id"
            )
        )
        connection.rollback()
    assert number == 13
