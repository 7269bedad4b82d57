"""Which fields a row must have, by a data file, and how many rows have them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from geoalchemy2 import Geometry
from sqlalchemy import String, inspect, text
from sqlalchemy.orm import Session

from twin.errors import HouseRuleError
from twin.model import located_tables
from twin.quality._scope import Scope
from twin.words import Words

_FILE = Path(__file__).parent / "obligations.toml"


class Obligation(NamedTuple):
    """What is asked of one field."""

    field: str
    kind: Literal["M", "C", "O"]
    condition: str | None
    """When a C field must be there, in SQL over the row."""


class Obligations(NamedTuple):
    """All that is asked, and where that is from."""

    source: str
    status: str
    note: Words
    tables: Mapping[str, tuple[Obligation, ...]]


@cache
def obligations() -> Obligations:
    """Return what the data file asks of every table.

    >>> [each.kind for each in obligations().tables["building"] if each.field == "height_m"]
    ['M']

    Raises
    ------
    HouseRuleError
        If the file names a table or a field that there is not.
    """
    said = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    source, status, note = said.pop("source"), said.pop("status"), Words(**said.pop("note"))
    found = {table: _of_table(table, fields) for table, fields in said.items()}
    return Obligations(source, status, note, found)


def _of_table(table: str, said: Mapping[str, Any]) -> tuple[Obligation, ...]:
    if table not in located_tables():
        raise HouseRuleError(f"{_FILE.name}: there is no table {table!r}")
    asked = (
        *(Obligation(name, "M", None) for name in said["mandatory"]),
        *(Obligation(name, "C", when) for name, when in said.get("conditional", {}).items()),
        *(Obligation(name, "O", None) for name in said["optional"]),
    )
    columns = inspect(located_tables()[table]).columns
    for each in asked:
        if each.field not in columns:
            raise HouseRuleError(f"{_FILE.name}: {table} has no field {each.field!r}")
    return asked


def filled(table: str, field: str) -> str:
    """Return the SQL condition under which a row has a field; ``unknown`` is a word for nothing.

    >>> filled("building", "height_m")
    '(height_m IS NOT NULL)'
    >>> filled("building", "use")
    "(coalesce(btrim(use), '') NOT IN ('', 'unknown'))"
    """
    kind = inspect(located_tables()[table]).columns[field].type
    if isinstance(kind, Geometry):
        return f"(NOT ST_IsEmpty({field}))"
    if isinstance(kind, String):
        return f"(coalesce(btrim({field}), '') NOT IN ('', 'unknown'))"
    return f"({field} IS NOT NULL)"


def completeness(session: Session, scope: Scope) -> dict[str, Any]:
    """Return, by table in scope, its rows and for each field how many rows have it.

    A field's ``rows`` are those that should have it: all, or those of its condition.
    """
    found = {}
    for table in scope.tables:
        asked = obligations().tables.get(table, ())
        counts = session.execute(text(_counting(table, asked, scope)), scope.values).one()
        rows = counts[0]
        fields = {}
        for number, each in enumerate(asked):
            of, has = counts[1 + 2 * number], counts[2 + 2 * number]
            fields[each.field] = {
                "obligation": each.kind,
                "condition": each.condition,
                "rows": of,
                "filled": has,
                "percent": None if not of else round(100 * has / of, 2),
            }
        found[table] = {"rows": rows, "fields": fields}
    return found


def _counting(table: str, asked: tuple[Obligation, ...], scope: Scope) -> str:
    """Return the statement that counts a table's rows, and two numbers for each field."""
    counted = ["count(*)"]
    for each in asked:
        has, when = filled(table, each.field), each.condition or "true"
        counted += [
            f"count(*) FILTER (WHERE {when})",
            f"count(*) FILTER (WHERE ({when}) AND {has})",
        ]
    return _COUNTING.replace("COUNTED", ", ".join(counted)).replace("ROWS", scope.rows(table))


_COUNTING = "SELECT COUNTED FROM ROWS AS t"


def missing(table: str) -> str:
    """Return the statement of a rule that finds the rows of a table without a field they must have.

    Its ``about`` holds the names of the missing fields, its ``value`` how many they are.
    """
    tests = [
        f"CASE WHEN ({each.condition or 'true'}) AND NOT {filled(table, each.field)} "
        f"THEN '{each.field}' END"
        for each in obligations().tables[table]
        if each.kind != "O"
    ]
    return _MISSING.replace("TESTS", ", ".join(tests))


_MISSING = """
    SELECT feature_id, value, jsonb_build_object('fields', fields) AS about
    FROM   (
        SELECT t.id AS feature_id, concat_ws(', ', TESTS) AS fields,
               num_nonnulls(TESTS) AS value
        FROM   {rows} AS t
    ) AS row
    WHERE  value > 0
"""
