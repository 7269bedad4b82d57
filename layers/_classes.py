"""Classes of components and events as the codes of a field: what they are called."""

from sqlalchemy import ColumnElement, func, inspect

from layers._layer import Field, Words
from twin.codes.classes import Theme, class_names
from twin.model.components import Component, Event

_TABLES = {"component": Component, "event": Event}


def kinds(theme: Theme) -> dict[str, Words]:
    """Return what the classes are called, by the last four digits of their codes.

    >>> kinds("component")["0118"].en
    'Street lamp'
    """
    return {key: Words(row.zh, row.en) for key, row in class_names(theme).items() if row.minor}


def kind_field(theme: Theme) -> Field:
    """Return the field that says what a component or event is, in every county alike."""
    code: ColumnElement[str] = inspect(_TABLES[theme]).local_table.c.class_code
    return Field(
        "kind",
        Words("类别", "Kind"),
        "string",
        in_tiles=True,
        # The very expression of the index.
        value=func.twin.kind_of_class(code),
        codes=kinds(theme),
    )
