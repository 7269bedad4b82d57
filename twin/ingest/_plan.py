"""Which column of a file becomes which field of a table."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from twin.errors import InvalidInputError
from twin.ingest._features import Features
from twin.ingest._fields import FIELDS, Field, normal

_MAPPED = re.compile(
    r"(?P<column>[^>*]+?)(?:>(?P<table>[^.]+)\.(?P<field>[^*]+))?(?:\*(?P<factor>[-+.\deE]+))?"
)


@dataclass(frozen=True)
class Binding:
    """A field and where its values come from."""

    field: Field
    column: str | None = None
    constant: str | None = None
    factor: float = 1.0
    lookup: pa.Table | None = None
    """Two columns, key and value: the column's values are looked up in it."""

    def values(self, table: pa.Table) -> pa.Array:
        """Return the field's values as the file has them."""
        if self.column is None:
            return pa.repeat(pa.scalar(self.constant, pa.string()), table.num_rows)
        found = table.column(self.column)
        found = found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
        if isinstance(found, pa.ChunkedArray):
            found = pa.concat_arrays(found.chunks)
        if self.lookup is None:
            return found
        keys = self.lookup.column(0).cast(pa.string()).combine_chunks()
        places = pc.index_in(found.cast(pa.string()), value_set=keys)
        return self.lookup.column(1).combine_chunks().take(places)


@dataclass(frozen=True)
class Plan:
    """How the columns of a file are used."""

    bindings: tuple[Binding, ...]
    left: tuple[str, ...]
    """Columns that are no field: they go to ``attrs``."""

    def binding(self, column: str) -> Binding | None:
        """Return where a field comes from, or None if the file does not have it."""
        return next((one for one in self.bindings if one.field.column == column), None)


def make_plan(layer: str, features: Features, mapping: Mapping[str, str]) -> Plan:
    """Return the plan of one file.

    Raises
    ------
    InvalidInputError
        If the mapping names an unknown field or column, or a required field has no column.
    """
    fields = {field.column: field for field in FIELDS[layer]}
    for key in mapping:
        if key not in fields:
            raise InvalidInputError(f"{layer} has no field {key!r}; it has {', '.join(fields)}")
    bindings: list[Binding] = []
    for name, field in fields.items():
        given = mapping.get(name)
        found = _mapped(field, given, features) if given else _aliased(field, features)
        if found is not None:
            bindings.append(found)
        elif field.required and name != "source_id":
            raise InvalidInputError(
                f"{layer} needs {name}, and no column says it: the file has "
                f"{', '.join(features.columns) or 'no columns'}; give --map {name}=COLUMN, "
                f"or one value for all as --map {name}==VALUE"
                + (f" ({', '.join(field.closed)})" if field.closed else "")
            )
    used = {one.column for one in bindings if one.lookup is None and one.column}
    return Plan(tuple(bindings), tuple(c for c in features.columns if c not in used))


def _aliased(field: Field, features: Features) -> Binding | None:
    by_name = {normal(column): column for column in reversed(features.columns)}
    names = [field.column] if features.spoken else [*field.aliases, *field.scaled]
    if field.column == "source_id" and not features.spoken:
        names.insert(1, f"{features.layer_name}_id")
    for name in names:
        column = by_name.get(normal(name))
        if column is not None:
            return Binding(field, column, factor=field.scaled.get(name, 1.0))
    return None


def _mapped(field: Field, given: str, features: Features) -> Binding:
    if given.startswith("="):
        return Binding(field, constant=given[1:])
    found = None if given in features.columns else _MAPPED.fullmatch(given)
    column = found["column"].strip() if found else given
    if column not in features.columns:
        raise InvalidInputError(
            f"the file has no column {column!r}; it has {', '.join(features.columns) or 'none'}"
        )
    units = {normal(name): factor for name, factor in field.scaled.items()}
    source = found["field"] if found and found["field"] else column
    factor = units.get(normal(source), 1.0)
    if found and found["factor"]:
        factor = float(found["factor"])
    table = _lookup(found["table"], found["field"], features) if found and found["table"] else None
    return Binding(field, column, factor=factor, lookup=table)


def _lookup(name: str, value: str, features: Features) -> pa.Table:
    if features.lookup is None:
        raise InvalidInputError(f"a file of this format has no other table {name!r} to look in")
    table = features.lookup(name)
    if value not in table.column_names:
        raise InvalidInputError(
            f"table {name!r} has no column {value!r}; it has {', '.join(table.column_names)}"
        )
    return table.select([table.column_names[0], value])


def names(columns: Sequence[str]) -> str:
    """Return column names for a message."""
    return ", ".join(columns) or "none"
