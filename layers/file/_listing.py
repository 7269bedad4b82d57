"""Other features of a layer as a table of a file: some of their fields, and the way to theirs."""

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import ColumnElement, Integer, bindparam, select

from layers._layer import Field, Layer, Words
from layers.file._section import Ref, Row, Table
from layers.file._subject import Subject
from layers.question import Prepared, prepared

NAME = Field("feature", Words("要素", "Feature"), "string")
"""The first column of such a table: what the feature is called."""


def listed(
    subject: Subject,
    layer: Layer,
    names: tuple[str, ...],
    where: ColumnElement[bool],
    values: Mapping[str, Any],
    *,
    title: Words | None = None,
    order: ColumnElement[Any] | None = None,
    most: int = 20,
) -> Table:
    """Return the features of a layer that fulfil a condition, as a table.

    Parameters
    ----------
    subject : Subject
        Whose file it is in: the city, and the moment, that is asked.
    layer : Layer
        Whose features are listed.
    names : tuple of str
        The fields that are shown, after the feature's name.
    where : ColumnElement of bool
        The condition, made once and handed over again: the statement is kept with it.
    values : mapping
        What is bound to it.
    title : Words, optional
        The heading; the layer's own if not given.
    order : ColumnElement, optional
        Their order; by id if not given.
    most : int
        How many at most.
    """
    statement = partial(_statement, layer, names, where, order)
    found = subject.rows(statement, {**values, "most": most + 1})
    return Table(
        layer.id,
        title or layer.title,
        (NAME, *(layer.by_name[name] for name in names)),
        rows_of(layer, found[:most]),
        more=len(found) > most,
    )


def rows_of(layer: Layer, found: Sequence[Sequence[Any]]) -> list[Row]:
    """Return lines of id, name and values as lines of a table."""
    return [Row((row[1] or f"{row[0]}", *row[2:]), Ref(layer.id, row[0], row[1])) for row in found]


@lru_cache(maxsize=128)
def _statement(
    layer: Layer,
    names: tuple[str, ...],
    where: ColumnElement[bool],
    order: ColumnElement[Any] | None,
    past: bool,
) -> Prepared:
    columns = [layer.key, layer.column("name"), *(layer.shown(name) for name in names)]
    held = layer.column("state") != "removed"
    statement = select(*columns).select_from(layer.rows).where(where, held)
    ordered = statement.order_by(*((order,) if order is not None else ()), layer.key)
    return prepared(ordered.limit(bindparam("most", type_=Integer)), past=past)
