"""City objects into the city: what is new, what changed, what is gone, by source and id.

Rows come in batches and wait in temporary tables; nothing of the city is touched before all of the
file was read, and then everything in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, field, fields
from typing import Any

import orjson
import psycopg
from psycopg import sql

from twin.cityjson._rows import Mesh, Row, hex_of

Connection = psycopg.Connection[Any]

LISTED = 200
"""Things named of each kind of change in each table; all are counted."""

COLUMNS = {
    "building": (
        ("name", "text"), ("height_m", "float8"), ("ground_z_m", "float8"), ("storeys", "int4"),
        ("storeys_below", "int4"), ("built_year", "int4"), ("attrs", "jsonb"), ("geom", "geometry"),
    ),
    "city_object": (
        ("name", "text"), ("object_type", "text"), ("parents", "text[]"), ("children", "text[]"),
        ("lods", "text"), ("cim_level", "int2"), ("z_min_m", "float8"), ("z_max_m", "float8"),
        ("height_m", "float8"), ("volume_m3", "float8"), ("volume_from", "text"),
        ("no_geometry", "text"), ("told", "jsonb"), ("attrs", "jsonb"), ("geom", "geometry"),
    ),
    "city_geometry": (
        ("object_type", "text"), ("lod", "text"), ("position", "int4"), ("geometry_type", "text"),
        ("cim_level", "int2"), ("template", "int4"), ("mesh", "text"), ("surface_count", "int4"),
        ("degenerate_count", "int4"), ("z_min_m", "float8"), ("z_max_m", "float8"),
        ("area_m2", "float8"), ("volume_m3", "float8"), ("is_closed", "bool"),
        ("footprint_from", "text"), ("centre_x_m", "float8"), ("centre_y_m", "float8"),
        ("centre_z_m", "float8"), ("attrs", "jsonb"), ("geom", "geometry"),
    ),
}  # fmt: skip
"""What a load writes, by table, in the order in which they lean on one another."""

_LINKS = {
    "building": None,
    "city_object": ("building_id", "building"),
    "city_geometry": ("city_object_id", "city_object"),
}
"""The column by which a row leans on another table; the staged row names that one's source_id."""

_JSON = {"attrs", "told"}


@dataclass
class Changes:
    """What a load changed, by table: how many, and the first `LISTED` by name."""

    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    named: dict[str, dict[str, list[Any]]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the change set as JSON holds it."""
        return {
            table: {"counts": counts, **self.named[table]} for table, counts in self.counts.items()
        }


class Store:
    """Takes rows in batches, and writes them when all are there."""

    def __init__(self, connection: Connection, srid: int) -> None:
        self.connection, self.srid = connection, srid
        for table, columns in COLUMNS.items():
            self.connection.execute(
                sql.SQL("CREATE TEMP TABLE {} ({}) ON COMMIT DROP").format(
                    _staged(table),
                    sql.SQL(", ").join(
                        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind))
                        for name, kind in (("source_id", "text"), ("leans_on", "text"), *columns)
                    ),
                )
            )
        self.connection.execute("CREATE TEMP TABLE new_mesh (LIKE twin.city_mesh) ON COMMIT DROP")

    def meshes(self, several: Iterable[Mesh]) -> None:
        """Take meshes; of equal ones only one is kept."""
        kinds = ["text", "int4", "int4", "int4", "bytea", "bytea", "bytea", "bytea", "jsonb",
                 "bytea", "jsonb"]  # fmt: skip
        names = sql.SQL(", ").join(sql.Identifier(one.name) for one in fields(Mesh))
        copy = sql.SQL("COPY new_mesh ({}) FROM STDIN (FORMAT binary)").format(names)
        with self.connection.cursor() as cursor, cursor.copy(copy) as to:
            to.set_types(kinds)
            for each in several:
                to.write_row(astuple(each))

    def rows(self, table: str, rows: Sequence[Row], leans_on: Sequence[str | None]) -> None:
        """Take rows of a table, and the source_id of what each leans on."""
        names = [name for name, _ in COLUMNS[table]]
        with (
            self.connection.cursor() as cursor,
            cursor.copy(sql.SQL("COPY {} FROM STDIN").format(_staged(table))) as to,
        ):
            for row, link in zip(rows, leans_on, strict=True):
                values = [self._value(name, row.get(name)) for name in names]
                to.write_row((row["source_id"], link, *values))

    def _value(self, name: str, value: Any) -> Any:
        if name in _JSON:
            return orjson.dumps(value).decode()
        return hex_of(value, self.srid) if name == "geom" else value

    def write(self, source: str, load_id: int) -> Changes:
        """Write all, and return what changed; things are the same if source and source_id are."""
        self.connection.execute("""
            INSERT INTO twin.city_mesh SELECT DISTINCT ON (digest) * FROM new_mesh
            ON CONFLICT (digest) DO NOTHING
        """)
        changes = Changes()
        for table in COLUMNS:
            for statement in ("CREATE INDEX ON {} (source_id)", "ANALYZE {}"):
                self.connection.execute(sql.SQL(statement).format(_staged(table)))
        for table in reversed(COLUMNS):
            changes.named[table] = {"removed": self._removed(table, source)}
        for table in COLUMNS:
            self._written(table, source, load_id, changes)
        return changes

    def _removed(self, table: str, source: str) -> list[Any]:
        gone = self.connection.execute(
            sql.SQL("""
                DELETE FROM twin.{table} AS t WHERE t.source = %s AND t.source_id IS NOT NULL
                AND NOT EXISTS (SELECT FROM {staged} AS new WHERE new.source_id = t.source_id)
                RETURNING t.source_id
            """).format(table=sql.Identifier(table), staged=_staged(table)),
            [source],
        ).fetchall()
        return sorted(name for (name,) in gone)

    def _written(self, table: str, source: str, load_id: int, changes: Changes) -> None:
        """Update what differs, insert what is new, and count both."""
        parts = _parts(table)
        given = {"source": source, "load": load_id}
        run = self.connection.execute
        run(sql.SQL(_COMPARED).format(**parts), given)
        changed = run(sql.SQL("SELECT source_id, fields FROM {compared}").format(**parts))
        found = sorted(changed.fetchall())
        run(sql.SQL(_UPDATED).format(**parts), given)
        added = [name for (name,) in run(sql.SQL(_INSERTED).format(**parts), given)]
        total = run(sql.SQL("SELECT count(*) FROM {new}").format(**parts)).fetchone()
        assert total is not None
        named = changes.named[table]
        changes.counts[table] = {
            "added": len(added),
            "removed": len(named["removed"]),
            "changed": len(found),
            "unchanged": total[0] - len(added) - len(found),
        }
        named["removed"] = named["removed"][:LISTED]
        # Of a first load everything is new, and naming it would say nothing.
        named["added"] = sorted(added)[:LISTED] if len(added) < total[0] else []
        named["changed"] = [{"id": name, "fields": fields} for name, fields in found[:LISTED]]


_COMPARED = """
    -- Which things differ, and in what; of JSON, in which of its members.
    CREATE TEMP TABLE {compared} ON COMMIT DROP AS
    SELECT former.id, new.source_id, difference.fields
    FROM   {staged}
           JOIN twin.{table} AS former
           ON former.source = %(source)s AND former.source_id = new.source_id
           CROSS JOIN LATERAL (
               SELECT array_remove({differences}, NULL) AS fields
           ) AS difference
    WHERE  cardinality(difference.fields) > 0
"""
_UPDATED = """
    UPDATE twin.{table} AS t
    SET    (load_id, {names}) = (
               SELECT %(load)s, {values} FROM {staged} WHERE new.source_id = t.source_id
           )
    WHERE  t.id IN (SELECT id FROM {compared})
"""
_INSERTED = """
    INSERT INTO twin.{table} (source, source_id, load_id, {names})
    SELECT %(source)s, new.source_id, %(load)s, {values}
    FROM   {staged}
    WHERE  NOT EXISTS (
        SELECT FROM twin.{table} AS former
        WHERE  former.source = %(source)s AND former.source_id = new.source_id
    )
    RETURNING source_id
"""
_MEMBERS = """
    ARRAY(
        SELECT {prefix} || key FROM jsonb_object_keys(new.{column} || former.{column}) AS key
        WHERE  new.{column} -> key IS DISTINCT FROM former.{column} -> key ORDER BY key
    )
"""


def _staged(table: str) -> sql.Identifier:
    return sql.Identifier(f"new_{table}")


def _parts(table: str) -> dict[str, sql.Composable]:
    """Return the pieces that the statements of a table are composed of."""
    columns = [name for name, _ in COLUMNS[table]]
    values: list[sql.Composable] = [
        sql.SQL("new.{}").format(sql.Identifier(name)) for name in columns
    ]
    plain: list[sql.Composable] = [
        sql.SQL("CASE WHEN new.{0} IS DISTINCT FROM former.{0} THEN {1} END").format(
            sql.Identifier(name), sql.Literal(name)
        )
        for name in columns
        if name not in _JSON
    ]
    staged: list[sql.Composable] = [sql.SQL("{} AS new").format(_staged(table))]
    names = list(columns)
    link = _LINKS[table]
    if link is not None:
        column, other = link
        staged.append(
            sql.SQL(
                "LEFT JOIN twin.{other} AS link ON link.source = %(source)s "
                "AND link.source_id = new.leans_on"
            ).format(other=sql.Identifier(other))
        )
        plain.append(
            sql.SQL("CASE WHEN link.id IS DISTINCT FROM former.{0} THEN {1} END").format(
                sql.Identifier(column), sql.Literal(column)
            )
        )
        names.append(column)
        values.append(sql.SQL("link.id"))
    members: list[sql.Composable] = [
        sql.SQL(_MEMBERS).format(prefix=sql.Literal(f"{name}."), column=sql.Identifier(name))
        for name in columns
        if name in _JSON
    ]
    differences = sql.SQL(" || ").join(
        [sql.SQL("ARRAY[{}]::text[]").format(sql.SQL(", ").join(plain)), *members]
    )
    return {
        "table": sql.Identifier(table),
        "new": _staged(table),
        "compared": sql.Identifier(f"compared_{table}"),
        "names": sql.SQL(", ").join(map(sql.Identifier, names)),
        "values": sql.SQL(", ").join(values),
        "staged": sql.SQL(" ").join(staged),
        "differences": differences,
    }
