"""A selection as SQL: which conditions it needs, and the values bound to them.

The conditions depend on a question's shape alone, so that statements are composed once a shape and
kept.  Every room that asks a layer for its features asks with these.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    ClauseElement,
    ColumnElement,
    DateTime,
    Double,
    Integer,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    false,
    func,
    or_,
)
from sqlalchemy.dialects.postgresql import ARRAY, psycopg
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from layers import Layer
from layers._boxes import holds_city, pieces, searches
from layers.filter import Prefix, Selection
from layers.past import rewritten
from layers.past import values as past_values
from layers.text import LONLAT_SRID
from twin.crs import CityBox, Frame, LonLatBox
from twin.history import Moment

_DIALECT = psycopg.dialect()  # type: ignore[no-untyped-call]
_TYPES: dict[str, TypeEngine[Any]] = {
    "string": Text(),
    "strings": Text(),
    "integer": BigInteger(),
    "number": Double(),
    "boolean": Boolean(),
    "date-time": DateTime(timezone=True),
    "uuid": Uuid(),
}


class Shape(NamedTuple):
    """All of a question but its values."""

    boxes: tuple[bool, ...] = ()
    """One entry a piece of the box: whether a piece has an inside that needs no second look."""
    exact: bool = True
    """Whether the exact test follows the index."""
    nowhere: bool = False
    heights: bool = False
    begin: bool = False
    end: bool = False
    names: tuple[str, ...] = ()
    ranges: tuple[tuple[str, int], ...] = ()
    """Which of the names are asked for by ranges of words, and by how many."""
    past: bool = False
    """Whether former states are asked for."""


class Prepared(NamedTuple):
    """A statement as the driver takes it, composed once: its text, and values that never change."""

    sql: str
    values: dict[str, Any]

    def rows(self, session: Session, values: Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
        """Run the statement and return the driver's own rows.

        Composing the text anew, and wrapping each of a thousand rows, would cost a third of a page.
        """
        found = session.connection().exec_driver_sql(self.sql, {**self.values, **values})
        rows: Sequence[tuple[Any, ...]] = found.cursor.fetchall()
        return rows


def prepared(statement: ClauseElement, *, past: bool = False) -> Prepared:
    """Return a statement ready to be run many times, on the city as it is or as it was."""
    written = statement.compile(dialect=_DIALECT)
    sql = rewritten(str(written)) if past else str(written)
    return Prepared(sql, {k: v for k, v in written.params.items() if v is not None})


class Question(NamedTuple):
    """A selection taken apart: its shape, and the values to bind."""

    shape: Shape
    values: dict[str, Any]


def asked(frame: Frame, selection: Selection, *, exact: bool = True) -> Question:
    """Return a selection as a question to a city's tables.

    Parameters
    ----------
    frame : Frame
        The city's frame.
    selection : Selection
        What is asked.
    exact : bool
        False to take whatever the index finds near the box.
    """
    values, ranges = _words(selection.values)
    if selection.heights_m is not None:
        values |= {"low": selection.heights_m[0], "high": selection.heights_m[1]}
    if selection.period is not None:
        ends = {"begin": selection.period.begin, "end": selection.period.end}
        values |= {name: at for name, at in ends.items() if at is not None}
    if selection.as_of is not None:
        assert isinstance(selection.as_of, Moment), "see layers.past.at_moment"
        values |= past_values(selection.as_of)
    where = selection.box is not None and not holds_city(frame, selection.box)
    found = searches(frame, selection.box) if where and selection.box else ()
    for i, piece in enumerate(found):
        values |= _sides(f"around{i}", piece.around) | {"srid": frame.srid}
        values |= _sides(f"box{i}", piece.lonlat) if exact else {}
        values |= _sides(f"inside{i}", piece.inside) if exact and piece.inside else {}
    shape = Shape(
        boxes=tuple(piece.inside is not None for piece in found),
        exact=exact,
        nowhere=where and not found,
        heights=selection.heights_m is not None,
        begin="begin" in values,
        end="end" in values,
        names=tuple(sorted(selection.values)),
        ranges=ranges,
        past=selection.as_of is not None,
    )
    return Question(shape, values)


def places(frame: Frame, box: LonLatBox | None) -> tuple[LonLatBox, ...] | None:
    """Return where a feature must be to be in a box: in one of some boxes; None for anywhere.

    It is what `asked` asks of a feature's geometry in degrees, for those who look for themselves.
    """
    return None if box is None or holds_city(frame, box) else pieces(frame, box)


@lru_cache(maxsize=1024)
def conditions(layer: Layer, shape: Shape) -> tuple[ColumnElement[bool], ...]:
    """Return what a feature of the layer must fulfil."""
    found: list[ColumnElement[bool]] = []
    if shape.nowhere:
        found.append(false())
    if shape.boxes:
        found.append(_touches(layer, shape))
    if shape.heights:
        flat = func.ST_Zmflag(layer.shape) == 0
        highest, lowest = func.ST_ZMax(layer.shape), func.ST_ZMin(layer.shape)
        low, high = (bindparam(name, type_=Double) for name in ("low", "high"))
        found.append(flat | and_(highest >= low, lowest <= high))
    if shape.end:
        begins = layer.column("valid_from")
        found.append(or_(begins.is_(None), begins <= _moment("end")))
    if shape.begin:
        ends = layer.column("valid_to")
        found.append(or_(ends.is_(None), ends > _moment("begin")))
    ranges = dict(shape.ranges)
    found.extend(
        _between(layer, name, ranges[name]) if name in ranges else _holds(layer, name)
        for name in shape.names
    )
    return tuple(found)


def _words(
    wanted: Mapping[str, tuple[Any, ...]],
) -> tuple[dict[str, Any], tuple[tuple[str, int], ...]]:
    """Return the values to bind for fields, and which of them are ranges."""
    values: dict[str, Any] = {}
    ranges: list[tuple[str, int]] = []
    for name, words in sorted(wanted.items()):
        if isinstance(words[0], Prefix):
            ranges.append((name, len(words)))
            for i, word in enumerate(words):
                values |= {f"first{i}_{name}": word.first, f"after{i}_{name}": word.after}
        else:
            values[f"v_{name}"] = list(words)
    return values, tuple(ranges)


def _touches(layer: Layer, shape: Shape) -> ColumnElement[bool]:
    """Return the test against a box in degrees: the index first, the exact test at the rim."""
    lonlat = func.ST_Transform(layer.place, LONLAT_SRID)
    city: ColumnElement[int] = bindparam("srid", type_=Integer)
    pieces = []
    for i, has_inside in enumerate(shape.boxes):
        near = layer.place.op("&&", return_type=Boolean())(_envelope(f"around{i}", city))
        inside = layer.place.op("@", return_type=Boolean())(_envelope(f"inside{i}", city))
        exact = func.ST_Intersects(lonlat, _envelope(f"box{i}", LONLAT_SRID))
        sure = (inside | exact) if has_inside else exact
        pieces.append(near & sure if shape.exact else near)
    return or_(*pieces)


def _envelope(name: str, srid: ColumnElement[int]) -> ColumnElement[Any]:
    corners = [bindparam(f"{name}_{side}", type_=Double) for side in range(4)]
    return func.ST_MakeEnvelope(*corners, srid)


def _sides(name: str, box: CityBox | LonLatBox) -> dict[str, float]:
    return {f"{name}_{side}": value for side, value in enumerate(box)}


def _holds(layer: Layer, name: str) -> ColumnElement[bool]:
    """Return the test of one field: it has, or for a list it shares, one of some values."""
    value, kind = layer.value(name), layer.by_name[name].type
    words: ColumnElement[Any] = bindparam(f"v_{name}", type_=ARRAY(_TYPES[kind]))
    if kind == "strings":
        return value.op("&&", return_type=Boolean())(words)
    return value == any_(words)


def _between(layer: Layer, name: str, count: int) -> ColumnElement[bool]:
    """Return the test of one field: it lies in one of some ranges, in the order of its letters."""
    # These operators are those of the index (text_pattern_ops), whatever the words are.
    value = layer.value(name)
    at_least, before = (value.op(sign, return_type=Boolean()) for sign in ("~>=~", "~<~"))
    return or_(
        *(
            and_(
                at_least(bindparam(f"first{i}_{name}", type_=Text)),
                before(bindparam(f"after{i}_{name}", type_=Text)),
            )
            for i in range(count)
        )
    )


def _moment(name: str) -> ColumnElement[Any]:
    return bindparam(name, type_=DateTime(timezone=True))
