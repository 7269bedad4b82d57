"""Which features of a layer are asked for: by box, by time, by the values of their fields."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from layers import Field, Layer
from twin.codes.beidou import prefix_range
from twin.crs import LonLatBox
from twin.errors import InvalidInputError
from twin.history import AsOf, Moment

_LARGEST_INTEGER = 2**63 - 1
_OPEN = ("", "..")


@dataclass(frozen=True)
class Period:
    """A span of time; None is without end.  An instant begins and ends at the same time."""

    begin: datetime | None
    end: datetime | None


class Prefix(NamedTuple):
    """Words with a common beginning, as a range in the order of their letters."""

    first: str
    after: str
    """The first word that no longer begins so."""


@dataclass(frozen=True)
class Selection:
    """What is asked of a layer.

    Attributes
    ----------
    box : LonLatBox, optional
        Degrees; west may be greater than east for a box across the antimeridian.
    heights_m : tuple of float, optional
        Lowest and highest z, m, in the city's vertical datum; tested where a feature has heights.
    period : Period, optional
        The feature was valid at some time of it.
    values : mapping
        Field name to the values it may have, already of the field's type; of grid codes to
        `Prefix`.
    as_of : datetime, int or Moment, optional
        The city is asked as it was known then: at a time, or after the commit of that number.
    """

    box: LonLatBox | None = None
    heights_m: tuple[float, float] | None = None
    period: Period | None = None
    values: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    as_of: AsOf | Moment | None = None


EVERYTHING = Selection()


def parse_box(text: str) -> tuple[LonLatBox, tuple[float, float] | None]:
    """Return the box and the heights that four or six numbers name.

    Parameters
    ----------
    text : str
        ``west,south,east,north`` or ``west,south,low,east,north,high``, degrees and metres.

    Raises
    ------
    InvalidInputError
        If it is something else, or not a place on Earth.

    Examples
    --------
    >>> parse_box("116.6,23.3,116.7,23.4")
    (LonLatBox(west=116.6, south=23.3, east=116.7, north=23.4), None)
    >>> parse_box("170,-20,0,-170,-10,50")[1]
    (0.0, 50.0)
    """
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (4, 6) or not all(map(math.isfinite, numbers)):
        raise InvalidInputError(
            f"bbox is west,south,east,north in degrees (or six numbers with heights in metres), "
            f"not {text!r}"
        )
    half = len(numbers) // 2
    box = LonLatBox(numbers[0], numbers[1], numbers[half], numbers[half + 1])
    west, south, east, north = box
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
        raise InvalidInputError(
            f"bbox {text!r} is no box on Earth: west,south,east,north in degrees, longitude first, "
            "longitudes in -180..180, latitudes in -90..90, south not above north"
        )
    if half == 2:
        return box, None
    low, high = numbers[2], numbers[5]
    if low > high:
        raise InvalidInputError(f"bbox {text!r} has its lowest height above its highest")
    return box, (low, high)


def parse_period(text: str) -> Period:
    """Return the span of time that a text names.

    Parameters
    ----------
    text : str
        An RFC 3339 time, a date (the whole day, UTC), or two of them with ``/`` between; ``..`` or
        nothing is an open end.

    Examples
    --------
    >>> parse_period("2026-01-01T00:00:00Z/..")
    Period(begin=datetime.datetime(2026, 1, 1, 0, 0, tzinfo=datetime.timezone.utc), end=None)
    """
    first, slash, last = text.partition("/")
    if not slash:
        last = first
    if not slash and first in _OPEN:
        raise InvalidInputError(_no_time(text))
    begin = None if first in _OPEN else _time(first, text)[0]
    end = None if last in _OPEN else _time(last, text)[1]
    if begin is not None and end is not None and begin > end:
        raise InvalidInputError(f"datetime {text!r} ends before it begins")
    return Period(begin, end)


def parse_as_of(text: str, *, name: str = "asOf") -> AsOf:
    """Return the moment of knowing that a text names.

    Parameters
    ----------
    text : str
        An RFC 3339 time, or ``seq:`` and the number of a commit.
    name : str
        What the caller calls it.

    Raises
    ------
    InvalidInputError
        If it is neither.

    Examples
    --------
    >>> parse_as_of("2026-06-01T03:00:00+08:00").isoformat()
    '2026-06-01T03:00:00+08:00'
    >>> parse_as_of("seq:4711")
    4711
    """
    number = text.removeprefix("seq:")
    if number != text and number.isascii() and number.isdigit() and len(number) <= 18:
        return int(number)
    try:
        first, last = _moment(text)
        if first == last:
            return first
    except (ValueError, OverflowError):
        pass
    raise InvalidInputError(
        f"{name} is a time such as 2026-06-01T08:00:00Z (or +08:00), or seq: and the number of a "
        f"commit; not {text!r}"
    )


def parse_values(layer: Layer, given: Mapping[str, Sequence[str]]) -> dict[str, tuple[Any, ...]]:
    """Return filters of a layer, each value in its field's type.

    Parameters
    ----------
    layer : Layer
        The layer whose fields they are.
    given : mapping
        Field name to the words written for it; more than one means any of them.

    Raises
    ------
    InvalidInputError
        If the layer has no such field to filter by, or a word is none of its type.
    """
    found = {}
    for name, words in given.items():
        known = layer.by_name.get(name)
        if known is None or known.type not in _READERS:
            raise InvalidInputError(
                f"the layer {layer.id!r} has no property {name!r} to filter by; "
                f"there are {', '.join(queryable(layer))}"
            )
        found[name] = tuple(_value(known, word) for word in words)
    return found


def parse_names(layer: Layer, text: str) -> tuple[str, ...]:
    """Return the properties that a list with commas names; none of them for an empty one.

    Raises
    ------
    InvalidInputError
        If the layer has no such property, or one is named twice.
    """
    names = tuple(name for name in text.split(",") if name)
    unknown = [name for name in names if name not in layer.by_name]
    if unknown:
        raise InvalidInputError(
            f"the layer {layer.id!r} has no property {unknown[0]!r}; "
            f"there are {', '.join(layer.by_name)}"
        )
    if len(set(names)) != len(names):
        raise InvalidInputError(f"properties {text!r} names one twice")
    return names


def queryable(layer: Layer) -> tuple[str, ...]:
    """Return the names of the fields one can filter by."""
    return tuple(entry.name for entry in layer.fields if entry.type in _READERS)


def _value(known: Field, word: str) -> Any:
    if known.grid_code:
        return Prefix(*prefix_range(word))
    try:
        return _READERS[known.type](word)
    except ValueError:
        raise InvalidInputError(
            f"the property {known.name!r} is of type {known.type}; {word!r} is not"
        ) from None


def _string(word: str) -> str:
    if "\0" in word:
        raise ValueError
    return word


def _integer(word: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,19}", word) or abs(int(word)) > _LARGEST_INTEGER:
        raise ValueError
    return int(word)


def _number(word: str) -> float:
    number = float(word)
    if not math.isfinite(number):
        raise ValueError
    return number


def _boolean(word: str) -> bool:
    if word.lower() not in ("true", "false", "1", "0"):
        raise ValueError
    return word.lower() in ("true", "1")


def _instant(word: str) -> datetime:
    return _moment(word)[0]


def _moment(word: str) -> tuple[datetime, datetime]:
    """Return the first and last moment that a time or a date names."""
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", word):
        day = datetime.fromisoformat(word).replace(tzinfo=UTC)
        return day, day + timedelta(days=1, microseconds=-1)
    # In an address a plus sign that was not escaped arrives as a space.
    word = re.sub(r" (\d{2}:\d{2})$", r"+\1", word)
    if not re.fullmatch(
        r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", word
    ):
        raise ValueError
    moment = datetime.fromisoformat(word.upper())
    return moment, moment


def _time(word: str, whole: str) -> tuple[datetime, datetime]:
    try:
        return _moment(word)
    except (ValueError, OverflowError):
        raise InvalidInputError(_no_time(whole)) from None


def _no_time(text: str) -> str:
    return (
        f"datetime is a time such as 2026-06-01T08:00:00Z (or +08:00), a date, or two of them "
        f"with / between, .. for an open end; not {text!r}"
    )


_READERS: dict[str, Callable[[str], Any]] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date-time": _instant,
    "uuid": UUID,
    "strings": _string,
}
