"""Things are found by the BeiDou cell they lie in, of any level, through an index."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from layers import layer_named, query
from layers.filter import Selection, parse_values
from layers.question import asked, prepared
from twin.codes.beidou import decode
from twin.database import City, open_city
from twin.errors import InvalidInputError

BUILDING = layer_named("building")

_HOUSES = """
    INSERT INTO twin.building (source_id, geom)
    SELECT n::text, ST_Multi(ST_MakeEnvelope(x, y, x + 8, y + 8, 4548))
    FROM   generate_series(0, 19999) AS n,
           LATERAL (SELECT 450000 + n % 200 * 200 AS x, 2565000 + n / 200 * 200 AS y) AS corner
"""


def within(*codes: str) -> Selection:
    return Selection(values=parse_values(BUILDING, {"bd_code": codes}))


def test_a_prefix_finds_what_lies_in_its_cell(city: City) -> None:
    everything = query.page(city, BUILDING, names=("bd_code",)).rows
    assert len(everything) == 12
    for length in (4, 6, 7, 9, 11, 12, 14, 16):
        for prefix in {row[2][:length] for row in everything}:
            expected = {row[0] for row in everything if row[2].startswith(prefix)}
            assert {row[0] for row in query.page(city, BUILDING, within(prefix)).rows} == expected
            assert query.count(city, BUILDING, within(prefix.lower())) == len(expected)


def test_several_cells_mean_any_of_them(city: City) -> None:
    codes = [row[2] for row in query.page(city, BUILDING, names=("bd_code",)).rows]
    assert query.count(city, BUILDING, within(codes[0], codes[5])) == 2
    assert query.count(city, BUILDING, within("N51H", codes[3])) == 1


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("N50F5", "5 characters"),
        ("N50F564A1961411223", "level 9; things carry level 8: ask for N50F564A19614112"),
        ("N61F", "01 to 60"),
        ("%", "1 characters"),
    ],
)
def test_what_is_no_cell_is_refused_with_the_reason(code: str, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        within(code)


def test_an_index_finds_them_among_many(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text(_HOUSES))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE twin.building"))
    with Session(engine) as session:
        city = open_city(session)
        code = session.scalar(text("SELECT bd_code FROM twin.building WHERE source_id = '7777'"))
        question = asked(city.frame, within(decode(code).parent(6).code))
        statement = prepared(query._count(BUILDING, question.shape))
        plan = session.connection().exec_driver_sql(
            f"EXPLAIN {statement.sql}", {**statement.values, **question.values}
        )
        assert "ix_building_bd_code" in "\n".join(row[0] for row in plan)
        assert query.count(city, BUILDING, within(code)) == 1
