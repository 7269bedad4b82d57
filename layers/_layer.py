"""The contract of a layer: one table of the city as people look at it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, FromClause, Text, case, cast, func, literal_column
from sqlalchemy import inspect as inspect_table

from layers._limits import COUNT, LIMITS, Limit
from twin.errors import HouseRuleError
from twin.model import Located
from twin.words import Words as Words

FieldType = Literal[
    "string", "integer", "number", "boolean", "date-time", "uuid", "strings", "object"
]

_RFC_3339: ColumnElement[str] = literal_column("""'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'""")


class Group(NamedTuple):
    """Layers that a map lists together."""

    id: str
    title: Words


class Drawn(NamedTuple):
    """One line of a legend."""

    colour: str
    label: Words
    shape: Literal["fill", "line", "circle"]


@dataclass(frozen=True, eq=False)
class Field:
    """One property of a feature.

    ``value`` is the SQL expression behind it; without one it is the table's column of that name.
    ``codes`` says what the coded values mean.  A ``grid_code`` is a BeiDou grid code of level 8: a
    filter by it takes the code of any cell around.
    """

    name: str
    title: Words
    type: FieldType
    unit: str | None = None
    in_tiles: bool = False
    value: ColumnElement[Any] | None = None
    codes: Mapping[str, Words] = field(default_factory=dict)
    grid_code: bool = False


@dataclass(frozen=True, eq=False)
class Layer:
    """A named, read-only view of one table of the city.

    Attributes
    ----------
    id : str
        The table's name, and the word for it in URLs, tiles, files and code.
    order : int
        Where it is drawn: higher numbers lie above lower ones.
    minzoom, maxzoom : int
        Zoom levels whose tiles hold the layer; maps enlarge the last one beyond it.
    joined : callable, optional
        Given the table, returns it joined with what computed fields read.
    thinned : callable, optional
        Given a zoom level, returns which rows are worth drawing there; None for all of them.
    limits : tuple of Limit, optional
        How much a tile may carry, lowest level first; if not given, what suits the geometry.
    merged_by : tuple of str
        Up to two fields of the tiles: only features that agree in them are merged in a crowded
        tile, and the merged feature has their values.
    style : tuple of dict
        MapLibre layers, bottom first, without ``source`` and ``source-layer``.
    """

    id: str
    title: Words
    description: Words
    group: Group
    geometry: Literal["polygon", "line", "point", "mixed"]
    table: type[Located]
    fields: tuple[Field, ...]
    order: int
    minzoom: int
    maxzoom: int
    visible: bool
    style: tuple[dict[str, Any], ...]
    legend: tuple[Drawn, ...]
    joined: Callable[[FromClause], FromClause] | None = None
    thinned: Callable[[int], ColumnElement[bool] | None] = lambda zoom: None
    limits: tuple[Limit, ...] | None = None
    merged_by: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a layer that is not called after its table, or names a field twice."""
        if self.id != self.table.__tablename__:
            raise HouseRuleError(
                f"layer {self.id!r} must be called after its table {self.table.__tablename__!r}"
            )
        names = [entry.name for entry in self.fields]
        if len(set(names)) != len(names):
            raise HouseRuleError(f"layer {self.id!r} names a field twice: {names}")
        drawn = {entry.name for entry in self.fields if entry.in_tiles}
        if len(self.merged_by) > 2 or not drawn.issuperset(self.merged_by):
            raise HouseRuleError(
                f"layer {self.id!r} is merged by {self.merged_by}: "
                f"name up to two of its fields in tiles, {sorted(drawn)}"
            )
        if COUNT in drawn:
            raise HouseRuleError(f"{COUNT!r} is what merged features say; layer {self.id!r} has it")
        if self.limits is None:
            object.__setattr__(self, "limits", LIMITS[self.geometry])

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """The fields by name."""
        return {entry.name: entry for entry in self.fields}

    @cached_property
    def rows(self) -> FromClause:
        """The table, with what computed fields need beside it."""
        table: FromClause = inspect_table(self.table).local_table
        return table if self.joined is None else self.joined(table)

    @property
    def key(self) -> ColumnElement[int]:
        """The column of the feature's number."""
        return self.column("id")

    @property
    def place(self) -> ColumnElement[Any]:
        """The indexed geometry column as stored."""
        # Without its GeoAlchemy type, which would wrap every use in a conversion to WKB.
        return literal_column(f"twin.{self.id}.geom")

    @property
    def shape(self) -> ColumnElement[Any]:
        """The geometry as shown: a z that is only a filler is left out."""
        if not hasattr(self.table, "elevation_reference"):
            return self.place
        unknown = self.column("elevation_reference") == "unknown"
        return case((unknown, func.ST_Force2D(self.place)), else_=self.place)

    def column(self, name: str) -> ColumnElement[Any]:
        """Return one column of the table."""
        return inspect_table(self.table).local_table.c[name]

    def value(self, name: str) -> ColumnElement[Any]:
        """Return the SQL expression of a field, in the database's own type."""
        value = self.by_name[name].value
        return self.column(name) if value is None else value

    def shown(self, name: str) -> ColumnElement[Any]:
        """Return the SQL expression of a field as JSON takes it: numbers, words, RFC 3339 times."""
        value = self.value(name)
        match self.by_name[name].type:
            case "date-time":
                # An infinite time becomes null, which means the same: without an end.
                utc = func.timezone(literal_column("'UTC'"), value)
                return func.to_char(utc, _RFC_3339).label(name)
            case "uuid" | "object":
                return cast(value, Text).label(name)
        return value.label(name)
