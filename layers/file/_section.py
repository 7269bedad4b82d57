"""What a section of a feature's file is made of: facts, tables, curves, drawings.

A section is data, so that JSON and the page are written from the same thing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from layers._layer import Field, Words
from layers.file._subject import Subject


class Ref(NamedTuple):
    """Another feature that is named."""

    layer: str
    id: int
    name: str | None = None


class Fact(NamedTuple):
    """One value with its title, unit and meaning."""

    field: Field
    value: Any
    ref: Ref | None = None


class Row(NamedTuple):
    """One line of a table, and the feature it is about."""

    values: tuple[Any, ...]
    ref: Ref | None = None


@dataclass(frozen=True)
class Table:
    """Lines under one heading; ``more`` says that there are others beyond them."""

    name: str
    title: Words
    columns: tuple[Field, ...]
    rows: Sequence[Row]
    more: bool = False


class Mark(NamedTuple):
    """A level that a curve is held against."""

    code: str
    title: Words
    value: float


@dataclass(frozen=True)
class Curve:
    """Values over time; None where nothing was measured."""

    name: str
    title: Words
    unit: str
    points: Sequence[tuple[datetime, float | None]]
    marks: Sequence[Mark] = ()


class Shape(NamedTuple):
    """One thing of a drawing: what it is, and an SVG path in metres about the middle, y down."""

    what: str
    path: str


@dataclass(frozen=True)
class Drawing:
    """A plan of what is around, north above; it reaches ``half_m`` to every side."""

    half_m: float
    shapes: Sequence[Shape]


@dataclass(frozen=True)
class Content:
    """What a section has to say; without anything it is left out."""

    facts: tuple[Fact, ...] = ()
    tables: tuple[Table, ...] = ()
    curves: tuple[Curve, ...] = ()
    drawings: tuple[Drawing, ...] = ()
    notes: tuple[Words, ...] = ()

    def __bool__(self) -> bool:
        """Return whether there is anything to show."""
        tables = any(table.rows for table in self.tables)
        return bool(self.facts or tables or self.curves or self.drawings)


@dataclass(frozen=True)
class Section:
    """One chapter of every file, or of the files of some layers.

    Attributes
    ----------
    id : str
        Its name in JSON, and its anchor on the page.
    order : int
        Where it stands: lower numbers come first.
    ask : callable
        Given the subject, returns what there is to say.
    layers : frozenset of str, optional
        The layers whose features have it; all of them if not given.
    """

    id: str
    title: Words
    order: int
    ask: Callable[[Subject], Content]
    layers: frozenset[str] | None = None


def fact(name: str, zh: str, en: str, value: Any, **more: Any) -> Fact:
    """Return a fact that is no field of a layer; its type follows from the value.

    >>> fact("area_m2", "面积", "Area", 12.5, unit="m²").field.unit
    'm²'
    """
    ref = more.pop("ref", None)
    return Fact(column(name, zh, en, _type(value), **more), value, ref)


def column(name: str, zh: str, en: str, kind: str = "string", **more: Any) -> Field:
    """Return the heading of a table's column."""
    return Field(name, Words(zh, en), kind, **more)  # type: ignore[arg-type]


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, datetime):
        return "date-time"
    return "number" if isinstance(value, float) else "string"
