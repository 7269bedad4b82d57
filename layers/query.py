"""Ask a layer for its features: pages of them, one of them, how many there are.

A page is one SQL statement.  Statements are composed once for each shape of a question and kept;
only values change between two questions of the same shape.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    bindparam,
    func,
    literal_column,
    select,
)

from layers import Field, Layer
from layers.filter import EVERYTHING, Selection
from layers.question import LONLAT_SRID, Prepared, Shape, asked, conditions, prepared
from twin.database import City
from twin.errors import NotFoundError

_DECIMALS: ColumnElement[int] = literal_column("7")
"""A unit of the last decimal of a degree is a centimetre on the ground."""
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
    question = asked(city.frame, selection)
    fields = _fields(layer, names)
    statement = _page(layer, fields, question.shape, after is not None)
    rows = statement.rows(city.session, question.values | {"after": after, "limit": limit + 1})
    more = len(rows) > limit
    matched = len(rows) if not more and after is None else None
    rows = rows[:limit]
    return Page(layer, fields, rows, rows[-1][0] if more else None, matched)


def count(city: City, layer: Layer, selection: Selection = EVERYTHING) -> int:
    """Return how many features of a layer match, exactly."""
    question = asked(city.frame, selection)
    found = prepared(_count(layer, question.shape)).rows(city.session, question.values)
    return int(found[0][0])


def counts(city: City, layers: Iterable[Layer]) -> dict[str, int]:
    """Return the number of features of each layer, exactly, in one statement."""
    columns = [_count(layer, Shape()).scalar_subquery().label(layer.id) for layer in layers]
    return dict(city.session.connection().execute(select(*columns)).one()._mapping)


def one(city: City, layer: Layer, key: str) -> Page:
    """Return the one feature with an id or a uid, as a page of one.

    Raises
    ------
    NotFoundError
        If the layer has no such feature.
    """
    missing = NotFoundError(f"the layer {layer.id!r} has no feature {key!r}")
    numbered = key.isascii() and key.isdigit()
    if numbered and (len(key) > 19 or int(key) > _LARGEST_ID):
        raise missing
    try:
        value = int(key) if numbered else UUID(key)
    except ValueError:
        raise missing from None
    rows = _one(layer, "id" if numbered else "uid").rows(city.session, {"key": value})
    if not rows:
        raise missing
    return Page(layer, layer.fields, rows, None, 1)


@cache
def _fields(layer: Layer, names: tuple[str, ...] | None) -> tuple[Field, ...]:
    return layer.fields if names is None else tuple(layer.by_name[name] for name in names)


@lru_cache(maxsize=1024)
def _page(layer: Layer, fields: tuple[Field, ...], shape: Shape, goes_on: bool) -> Prepared:
    columns = _columns(layer, fields)
    statement = select(*columns).select_from(layer.rows).where(*conditions(layer, shape))
    if goes_on:
        statement = statement.where(layer.key > bindparam("after", type_=layer.key.type))
    return prepared(statement.order_by(layer.key).limit(bindparam("limit", type_=Integer)))


@lru_cache(maxsize=256)
def _count(layer: Layer, shape: Shape) -> Select[Any]:
    # Without a filter the table alone will do: what is joined to it adds no rows.
    rows = layer.key.table if shape == Shape() else layer.rows
    return select(func.count()).select_from(rows).where(*conditions(layer, shape))


@cache
def _one(layer: Layer, name: str) -> Prepared:
    column = layer.column(name)
    named = column == bindparam("key", type_=column.type)
    return prepared(select(*_columns(layer, layer.fields)).select_from(layer.rows).where(named))


def _columns(layer: Layer, fields: tuple[Field, ...]) -> list[ColumnElement[Any]]:
    lonlat = func.ST_Transform(layer.shape, LONLAT_SRID)
    return [
        layer.key,
        func.ST_AsGeoJSON(lonlat, _DECIMALS).label("geometry"),
        *(layer.shown(entry.name) for entry in fields),
    ]
