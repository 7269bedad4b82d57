from datetime import UTC, datetime
from uuid import UUID

import pytest

from layers import layer_named
from layers.filter import parse_box, parse_names, parse_period, parse_values, queryable
from twin.crs import LonLatBox
from twin.errors import InvalidInputError

BUILDING = layer_named("building")


def test_a_box_has_four_numbers_or_six_with_heights() -> None:
    assert parse_box("1,2,3,4") == (LonLatBox(1, 2, 3, 4), None)
    assert parse_box("1,2,-5,3,4,60") == (LonLatBox(1, 2, 3, 4), (-5, 60))


def test_a_box_may_cross_the_antimeridian() -> None:
    assert parse_box("170,-20,-170,-10")[0] == LonLatBox(170, -20, -170, -10)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1,2,3",
        "1,2,3,4,5",
        "a,b,c,d",
        "1,2,3,nan",
        "1,2,inf,4",
        "23.3,116.6,23.4,116.7",  # latitude first
        "467000,2584000,467200,2584200",  # metres
        "1,4,3,2",
        "1,2,9,3,4,0",
    ],
)
def test_what_is_no_box_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="bbox"):
        parse_box(text)


def test_a_time_is_an_instant_an_interval_or_a_day() -> None:
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    instant = parse_period("2026-06-01T12:00:00Z")
    assert (instant.begin, instant.end) == (noon, noon)
    assert parse_period("2026-06-01T20:00:00+08:00") == instant
    # A plus sign that was not escaped arrives as a space.
    assert parse_period("2026-06-01T20:00:00 08:00") == instant
    day = parse_period("2026-06-01")
    assert day.begin == datetime(2026, 6, 1, tzinfo=UTC)
    assert day.end == datetime(2026, 6, 1, 23, 59, 59, 999999, tzinfo=UTC)
    assert parse_period("2026-06-01T12:00:00Z/..").end is None
    assert parse_period("/2026-06-01T12:00:00Z").begin is None
    assert parse_period("../..").begin is None


@pytest.mark.parametrize(
    "text",
    ["", "..", "now", "2026", "2026-13-01", "12:00", "2026-06-01T12:00:00", "a/b", "1/2/3",
     "2026-06-02/2026-06-01"],
)  # fmt: skip
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="datetime"):
        parse_period(text)


def test_words_become_values_of_their_fields_types() -> None:
    uid = "7a1f8f0e-2b52-5c53-9d0c-6f2b0a4a4548"
    given = {
        "use": ["office", "school"],
        "storeys": ["3"],
        "height_m": ["1e1"],
        "uid": [uid],
        "valid_from": ["2026-06-01T12:00:00Z"],
    }
    assert parse_values(BUILDING, given) == {
        "use": ("office", "school"),
        "storeys": (3,),
        "height_m": (10.0,),
        "uid": (UUID(uid),),
        "valid_from": (datetime(2026, 6, 1, 12, tzinfo=UTC),),
    }
    assert parse_values(layer_named("grid_cell"), {"flood_prone": ["true", "0"]}) == {
        "flood_prone": (True, False)
    }


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("storeys", "three"),
        ("storeys", "3.5"),
        ("storeys", "9223372036854775808"),
        ("storeys", "1" * 5000),
        ("storeys", "٣"),
        ("height_m", "tall"),
        ("height_m", "nan"),
        ("uid", "1"),
        ("valid_from", "yesterday"),
        ("name", "a\0b"),
    ],
)
def test_a_word_of_the_wrong_type_is_refused(name: str, word: str) -> None:
    with pytest.raises(InvalidInputError, match=name):
        parse_values(BUILDING, {name: [word]})


def test_an_unknown_property_lists_those_there_are() -> None:
    with pytest.raises(InvalidInputError, match=r"'colour'.*height_m"):
        parse_values(BUILDING, {"colour": ["red"]})


def test_nested_attributes_are_no_filter() -> None:
    assert "attrs" not in queryable(BUILDING)
    with pytest.raises(InvalidInputError, match="attrs"):
        parse_values(BUILDING, {"attrs": ["{}"]})


def test_properties_are_chosen_by_name() -> None:
    assert parse_names(BUILDING, "use,name") == ("use", "name")
    assert parse_names(BUILDING, "") == ()
    with pytest.raises(InvalidInputError, match=r"'colour'.*height_m"):
        parse_names(BUILDING, "use,colour")
    with pytest.raises(InvalidInputError, match="twice"):
        parse_names(BUILDING, "use,use")
