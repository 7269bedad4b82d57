"""The table of names against the model: same columns, same types, same rules."""

import re
from collections import Counter
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from tests.twin.ingest.conftest import rows
from twin.ingest._fields import FIELDS, SURVEY_LINE, SURVEY_POINT, Field, normal
from twin.ingest._links import FIELDS_WITHOUT_COLUMN
from twin.ingest._rows import broken_rules
from twin.ingest._values import convert, parse_number

ROAD_WORDS = {"oneway", "junction", "maxspeed", "layer", "bridge", "tunnel"}
PAIRS = [(layer, field) for layer, fields in FIELDS.items() for field in fields]
TABLES = {"road": "road_edge"}


def name(value: object) -> str:
    return value.column if isinstance(value, Field) else str(value)


def is_column(layer: str, field: Field) -> bool:
    if layer == "road" and field.column in ROAD_WORDS:
        return False
    if layer == "reading" and field.column == "point":
        return False
    return field.column not in FIELDS_WITHOUT_COLUMN


@pytest.fixture(scope="module")
def columns(clone: Any, empty_city_template: str) -> dict[tuple[str, str], tuple[str, bool]]:
    from twin.database import connect

    with clone(empty_city_template) as url:
        engine = connect(url)
        found = rows(
            engine,
            "SELECT table_name, column_name, data_type, is_nullable = 'YES'"
            " FROM information_schema.columns WHERE table_schema = 'twin'",
        )
        engine.dispose()
    return {(table, column): (kind, nullable) for table, column, kind, nullable in found}


@pytest.mark.parametrize(("layer", "field"), PAIRS, ids=name)
def test_a_field_is_a_column_of_its_type(
    layer: str, field: Field, columns: dict[tuple[str, str], tuple[str, bool]]
) -> None:
    if not is_column(layer, field):
        return
    kind, nullable = columns[TABLES.get(layer, layer), field.column]
    assert kind == field.type
    assert nullable or field.required or field.default is not None or layer == "road"


def test_no_two_names_of_one_layer_are_alike_by_chance() -> None:
    surveys = {"points of surveys": SURVEY_POINT, "lines of surveys": SURVEY_LINE}
    for layer, fields in {**FIELDS, **surveys}.items():
        for field in fields:
            spelled = [normal(alias) for alias in (*field.aliases, *field.scaled)]
            assert len(set(spelled)) == len(spelled), (layer, field.column)


_LIMITED = [
    (layer, field) for layer, field in PAIRS if field.low is not None and is_column(layer, field)
]

_MINIMUM = {
    "building": "", "region": ", level", "grid_cell": "", "pipe_segment": ", kind",
    "waterlogging_point": "", "facility": ", kind", "resource": ", kind, vehicle_class",
}  # fmt: skip


@pytest.mark.parametrize(("layer", "field"), _LIMITED, ids=name)
def test_the_loader_refuses_exactly_what_the_database_refuses(
    layer: str, field: Field, engine: Engine
) -> None:
    if layer not in _MINIMUM or field.column == "built_year":
        return  # roads and readings need rows of other tables; years have no rule in the database
    assert field.low is not None
    tries = [field.low - 1, field.low, field.low + 1]
    if field.high is not None:
        tries += [field.high - 1, field.high, field.high + 1]
    for value in tries:
        array = pa.array([value], pa.float64())
        refused = bool(broken_rules(field, array))
        assert refused != accepts(engine, layer, field, value), value


_SHAPES = {
    "pipe_segment": "LINESTRING Z (470000 2580000 0, 470001 2580000 0)",
    "building": "MULTIPOLYGON (((470000 2580000, 470001 2580000, 470001 2580001, 470000 2580000)))",
}


def accepts(engine: Engine, layer: str, field: Field, value: float) -> bool:
    point = "POINT (470000 2580000)"
    area = layer in ("building", "region", "grid_cell")
    shape = _SHAPES["building"] if area else _SHAPES.get(layer, point)
    words = {"level": "county", "kind": "water", "vehicle_class": "car"}
    more = [column.strip() for column in _MINIMUM[layer].split(",") if column.strip()]
    try:
        with engine.begin() as connection:
            connection.execute(
                text(
                    f"INSERT INTO twin.{layer} ({', '.join(['geom', field.column, *more])})"
                    f" VALUES (ST_GeomFromText(:shape, 4548), :value"
                    f"{''.join(', :' + column for column in more)})"
                ),
                {"shape": shape, "value": value, **{column: words[column] for column in more}},
            )
    except IntegrityError:
        return False
    return True


@pytest.mark.parametrize(("layer", "field"), PAIRS, ids=name)
def test_words_mean_something_the_column_may_hold(layer: str, field: Field) -> None:
    if field.closed:
        assert set(field.words.values()) - {""} <= set(field.closed)
        if field.default is not None:
            assert field.default in field.closed


@pytest.mark.parametrize(
    ("written", "number"),
    [("12", 12.0), ("12,5", 12.5), (" 3 层", 3.0), ("DN300", 300.0), ("约 20 米", 20.0),
     ("6'", 1.8288), ("5' 6\"", 1.6764), ("33 ft", 10.0584)],
)  # fmt: skip
def test_numbers_as_people_write_them(written: str, number: float) -> None:
    assert parse_number(written) == pytest.approx(number)


@pytest.mark.parametrize("written", ["tall", "12-15", "1 furlong"])
def test_what_is_no_number_is_not_guessed(written: str) -> None:
    with pytest.raises(ValueError, match=re.escape(written)):
        parse_number(written)


def converted(field: Field, values: pa.Array) -> tuple[list[Any], Counter[str]]:
    repaired: Counter[str] = Counter()
    return convert(values, field, 1.0, repaired).to_pylist(), repaired


def field_of(layer: str, column: str) -> Field:
    return next(field for field in FIELDS[layer] if field.column == column)


def test_whole_numbers_of_a_float_column_become_ids_without_a_point() -> None:
    assert converted(field_of("building", "source_id"), pa.array([1.0, 12345678.0, None])) == (
        ["1", "12345678", None], Counter()
    )  # fmt: skip


def test_years_come_out_of_dates() -> None:
    year = field_of("building", "built_year")
    assert converted(year, pa.array(["2017-12-05", "1998", "C19"])) == (
        [2017, 1998, None], Counter({"built_year: not a number": 1})
    )  # fmt: skip
    days = pa.array(["2017-12-05"]).cast(pa.date32())
    assert converted(year, days)[0] == [2017]


def test_known_words_are_translated_and_others_kept_in_open_fields() -> None:
    use = field_of("building", "use")
    assert converted(use, pa.array(["住宅", "Apartments", "zoo", " ", "OFFICE"]))[0] == [
        "residential", "residential", "zoo", None, "office"
    ]  # fmt: skip


def test_unknown_words_of_closed_fields_are_counted() -> None:
    state = field_of("building", "state")
    assert converted(state, pa.array(["在用", "拆除", "??"])) == (
        ["in_service", "removed", None], Counter({"state: word not known": 1})
    )  # fmt: skip


def test_not_a_number_is_null() -> None:
    height = field_of("building", "height_m")
    assert converted(height, pa.array([1.0, float("nan"), float("inf")]))[0] == [1.0, None, None]
