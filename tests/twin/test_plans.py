"""The questions that are asked all day use an index."""

import pytest
from sqlalchemy import Engine, text

from twin import changes

_FILL = """
    INSERT INTO twin.building (source_id, geom)
    SELECT n::text, ST_Multi(ST_MakeEnvelope(x, y, x + 10, y + 10, 4548))
    FROM   generate_series(1, 20000) AS n,
           LATERAL (SELECT 450000 + n % 200 * 20 AS x, 2565000 + n / 200 * 20 AS y) AS corner;
    UPDATE twin.building SET name = 'x' WHERE id <= 5000;
    INSERT INTO twin.waterlogging_point (geom)
    SELECT ST_SetSRID(ST_MakePoint(450000 + n, 2565000), 4548) FROM generate_series(1, 50) AS n;
    INSERT INTO twin.reading (point_id, at, depth_m)
    SELECT id, '2026-07-01'::timestamptz + n * interval '5 minutes', 0.1
    FROM   twin.waterlogging_point, generate_series(1, 300) AS n;
"""


@pytest.fixture
def filled(engine: Engine) -> Engine:
    for statement in _FILL.split(";")[:-1]:
        with engine.begin() as connection:
            connection.execute(text(statement))
    # A feed that many transactions wrote, not one.
    with engine.begin() as connection:
        connection.execute(
            text("""
                WITH sets AS (
                    INSERT INTO twin.change_set (at, actor)
                    SELECT now(), 'x' FROM generate_series(1, 5000) RETURNING id
                )
                INSERT INTO twin.change (change_set_id, layer, op, feature_id)
                SELECT id, 1, 'I', 1 FROM sets, generate_series(1, 5)
            """)
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    return engine


@pytest.mark.parametrize(
    "question",
    [
        "SELECT * FROM twin.building WHERE geom && ST_MakeEnvelope(450000, 2565000, 450100, "
        "2565100, 4548)",
        "SELECT * FROM twin.building WHERE id > 12000 ORDER BY id LIMIT 100",
        "SELECT * FROM twin.building WHERE source = 'citytwin' AND source_id = '77'",
        "SELECT * FROM twin.building WHERE uid = '00000000-0000-7000-8000-000000000000'",
        "SELECT * FROM twin.building_history WHERE id = 7 AND replaced_by > 1",
        "SELECT * FROM twin.reading WHERE point_id = 7 ORDER BY at DESC LIMIT 1",
        str(changes._SINCE_OF_ALL)
        .replace(":seq", "4990")
        .replace(":id", "0")
        .replace(":most", "100"),
    ],
)
def test_an_index_answers(filled: Engine, question: str) -> None:
    with filled.connect() as connection:
        plan = "\n".join(connection.scalars(text(f"EXPLAIN {question}".replace("::", "\\:\\:"))))
    large = ("Seq Scan on building", "Seq Scan on change", "Seq Scan on reading")
    assert not any(scan in plan for scan in large), plan
