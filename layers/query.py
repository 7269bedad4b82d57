"""Ask a layer for its features: pages of them, one of them, how many there are.

A page is one SQL statement.  Statements are composed once for each shape of a question and kept;
only values change between two questions of the same shape.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Select, bindparam, func, select

from layers import Field, Layer
from layers.filter import EVERYTHING, Period, Selection
from layers.past import at_moment
from layers.past import values as past_values
from layers.question import Prepared, Shape, asked, conditions, prepared
from layers.text import feature_text, geometry_text
from twin.database import City
from twin.errors import NotFoundError
from twin.history import AsOf, Moment, identify, moment

_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class Page:
    """Features of a layer in the order of their ids.

    Attributes
    ----------
    layer : Layer
        Whose features they are.
    fields : tuple of Field
        The properties asked for, in the order of the values.
    rows : sequence of tuple
        ``(id, geometry as GeoJSON text, value, value, …)``; values are what JSON knows, and
        properties of type ``object`` are JSON text.
    last : int or None
        The id to ask on from; None if nothing follows.
    matched : int or None
        How many features match, where the page holds all of them.
    """

    layer: Layer
    fields: tuple[Field, ...]
    rows: Sequence[tuple[Any, ...]]
    last: int | None
    matched: int | None


class Written(NamedTuple):
    """Features of a layer in the order of their ids, as GeoJSON.

    ``last`` and ``matched`` are as in `Page`.
    """

    texts: Sequence[str]
    last: int | None
    matched: int | None

    @property
    def returned(self) -> int:
        """How many there are."""
        return len(self.texts)

    def written(self, before: bytes, after: bytes) -> bytes:
        """Return the features one after another with commas between, and what stands around."""
        return b"".join((before, ",".join(self.texts).encode(), after))


def page(
    city: City,
    layer: Layer,
    selection: Selection = EVERYTHING,
    *,
    after: int | None = None,
    limit: int = 100,
    names: tuple[str, ...] | None = None,
) -> Page:
    """Return the next features of a layer after an id, in the order of their ids.

    Parameters
    ----------
    city : City
        The open city.
    layer : Layer
        What is asked.
    selection : Selection
        Which features; a feature is in a box if its geometry in degrees touches it.
    after : int, optional
        The id of the last feature of the page before.
    limit : int
        How many at most.
    names : tuple of str, optional
        The properties wanted; all of them by default.
    """
    fields = _fields(layer, names)
    rows, last, matched = _rows(city, layer, selection, (after, limit, names, False))
    return Page(layer, fields, rows, last, matched)


def written(
    city: City,
    layer: Layer,
    selection: Selection = EVERYTHING,
    *,
    after: int | None = None,
    limit: int = 100,
    names: tuple[str, ...] | None = None,
) -> Written:
    """Return the same features as `page`, each as its text."""
    rows, last, matched = _rows(city, layer, selection, (after, limit, names, True))
    return Written([text for _, text in rows], last, matched)


def _rows(
    city: City,
    layer: Layer,
    selection: Selection,
    asked_for: tuple[int | None, int, tuple[str, ...] | None, bool],
) -> tuple[Sequence[tuple[Any, ...]], int | None, int | None]:
    after, limit, names, as_text = asked_for
    question = asked(city.frame, at_moment(city, selection))
    statement = _page(layer, _fields(layer, names), question.shape, after is not None, as_text)
    rows = statement.rows(city.session, question.values | {"after": after, "limit": limit + 1})
    more = len(rows) > limit
    matched = len(rows) if not more and after is None else None
    rows = rows[:limit]
    return rows, rows[-1][0] if more else None, matched


def count(city: City, layer: Layer, selection: Selection = EVERYTHING) -> int:
    """Return how many features of a layer match, exactly."""
    question = asked(city.frame, at_moment(city, selection))
    statement = prepared(_count(layer, question.shape), past=question.shape.past)
    found = statement.rows(city.session, question.values)
    return int(found[0][0])


def counts(city: City, layers: Iterable[Layer]) -> dict[str, int]:
    """Return the number of features of each layer, exactly, in one statement."""
    columns = [_count(layer, Shape()).scalar_subquery().label(layer.id) for layer in layers]
    return dict(city.session.connection().execute(select(*columns)).one()._mapping)


def one(city: City, layer: Layer, key: str, as_of: AsOf | Moment | None = None) -> Page:
    """Return the one feature with an id or a uid, as a page of one.

    Parameters
    ----------
    city : City
        The open city.
    layer : Layer
        What is asked.
    key : str
        The feature's ``id`` or ``uid``.
    as_of : datetime, int or Moment, optional
        The feature as it was known then.

    Raises
    ------
    NotFoundError
        If the layer has, or had, no such feature.
    """
    return Page(layer, layer.fields, _found(city, layer, key, as_of, as_text=False), None, 1)


def one_written(city: City, layer: Layer, key: str, as_of: AsOf | Moment | None = None) -> str:
    """Return the same feature as `one`, as its text."""
    text: str = _found(city, layer, key, as_of, as_text=True)[0][1]
    return text


def require_held(
    city: City, layer: Layer, key: str, period: Period, as_of: Moment | None = None
) -> None:
    """Refuse a feature that did not hold in the world at any time of a period.

    Raises
    ------
    NotFoundError
        If it did not, or if the layer has, or had, no such feature.
    """
    page = one(city, layer, key, as_of)
    values = dict(zip((entry.name for entry in page.fields), page.rows[0][2:], strict=True))
    held = Selection(period=period, values={"uid": (UUID(str(values["uid"])),)}, as_of=as_of)
    if not count(city, layer, held):
        raise NotFoundError(
            f"{layer.id} {key!r} did not hold at that time: it is valid "
            f"from {values['valid_from'] or 'ever'} to {values['valid_to'] or 'ever'}"
        )


def _found(
    city: City, layer: Layer, key: str, as_of: AsOf | Moment | None, *, as_text: bool
) -> Sequence[tuple[Any, ...]]:
    if as_of is None:
        return _found_now(city, layer, key, as_text=as_text)
    known = as_of if isinstance(as_of, Moment) else moment(city.session, as_of)
    # A deleted feature is found by its name too; the histories have an index by number alone.
    given = past_values(known) | {"key": identify(city.session, layer.id, key)}
    rows = _one(layer, "id", as_text, past=True).rows(city.session, given)
    if not rows:
        raise NotFoundError(f"the layer {layer.id!r} had no feature {key!r} at that moment")
    return rows


def _found_now(city: City, layer: Layer, key: str, *, as_text: bool) -> Sequence[tuple[Any, ...]]:
    missing = NotFoundError(f"the layer {layer.id!r} has no feature {key!r}")
    numbered = key.isascii() and key.isdigit()
    if numbered and (len(key) > 19 or int(key) > _LARGEST_ID):
        raise missing
    try:
        value = int(key) if numbered else UUID(key)
    except ValueError:
        raise missing from None
    rows = _one(layer, "id" if numbered else "uid", as_text).rows(city.session, {"key": value})
    if not rows:
        raise missing
    return rows


@cache
def _fields(layer: Layer, names: tuple[str, ...] | None) -> tuple[Field, ...]:
    return layer.fields if names is None else tuple(layer.by_name[name] for name in names)


@lru_cache(maxsize=1024)
def _page(
    layer: Layer, fields: tuple[Field, ...], shape: Shape, goes_on: bool, as_text: bool
) -> Prepared:
    columns = _columns(layer, fields, as_text)
    statement = select(*columns).select_from(layer.rows).where(*conditions(layer, shape))
    if goes_on:
        statement = statement.where(layer.key > bindparam("after", type_=layer.key.type))
    statement = statement.order_by(layer.key).limit(bindparam("limit", type_=Integer))
    return prepared(statement, past=shape.past)


@lru_cache(maxsize=256)
def _count(layer: Layer, shape: Shape) -> Select[Any]:
    # Without a filter the table alone will do: what is joined to it adds no rows.
    rows = layer.key.table if shape == Shape() else layer.rows
    return select(func.count()).select_from(rows).where(*conditions(layer, shape))


@cache
def _one(layer: Layer, name: str, as_text: bool, *, past: bool = False) -> Prepared:
    column = layer.column(name)
    named = column == bindparam("key", type_=column.type)
    columns = _columns(layer, layer.fields, as_text)
    return prepared(select(*columns).select_from(layer.rows).where(named), past=past)


def _columns(layer: Layer, fields: tuple[Field, ...], as_text: bool) -> list[ColumnElement[Any]]:
    if as_text:
        return [layer.key, feature_text(layer, fields)]
    return [
        layer.key,
        geometry_text(layer).label("geometry"),
        *(layer.shown(entry.name) for entry in fields),
    ]
