"""A model's rows into the city: what is new, what changed, what is gone, by GlobalId."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from twin.bim._placed import Mesh, Row

Connection = psycopg.Connection[Any]

TABLES = ("building", "storey", "space", "element", "opening")
"""In the order in which they lean on one another."""

_JSON = {"psets", "attrs"}
_KEPT_ATTRS = "digest"
_LISTED_FIELDS = 50


@dataclass
class ChangeSet:
    """What a load changed, by table; each entry names a thing and, if changed, its fields."""

    added: dict[str, list[Row]] = field(default_factory=dict)
    removed: dict[str, list[Row]] = field(default_factory=dict)
    changed: dict[str, list[Row]] = field(default_factory=dict)
    unchanged: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the change set as JSON holds it."""
        return {
            table: {
                "added": self.added[table],
                "removed": self.removed[table],
                "changed": self.changed[table],
                "unchanged": self.unchanged[table],
            }
            for table in self.unchanged
        }


def store(
    connection: Connection,
    rows: Mapping[str, list[Row]],
    meshes: Iterable[Mesh],
    *,
    source: str,
    load_id: int,
) -> ChangeSet:
    """Write a model's rows, and return what changed; nothing else of the city is touched.

    Things are the same if source and GlobalId are.  What is as it was is not written, so that the
    history tells of real changes only.
    """
    _put_meshes(connection, meshes)
    changes = ChangeSet()
    for table in TABLES:
        _stage(connection, table, rows[table])
        _compare(connection, table, rows[table], source, changes)
    for table in reversed(TABLES):
        _remove(connection, table, source)
    for table in TABLES:
        _write(connection, table, source, load_id)
    return changes


def _put_meshes(connection: Connection, meshes: Iterable[Mesh]) -> None:
    connection.execute("""
        CREATE TEMP TABLE new_mesh (LIKE twin.bim_mesh) ON COMMIT DROP
    """)
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY new_mesh FROM STDIN (FORMAT binary)") as to,
    ):
        to.set_types(["text", "int4", "int4", "bytea", "bytea"])
        for each in meshes:
            to.write_row(
                (each.digest, each.vertex_count, each.triangle_count, each.vertices, each.triangles)
            )
    connection.execute("""
        INSERT INTO twin.bim_mesh (digest, vertex_count, triangle_count, vertices, triangles)
        SELECT digest, vertex_count, triangle_count, vertices, triangles FROM new_mesh
        ON CONFLICT (digest) DO NOTHING
    """)


_BUILDING = (
    "name", "use", "height_m", "ground_z_m", "storeys", "storeys_below", "built_year", "attrs",
    "geom",
)  # fmt: skip
_PART = ("name", "ifc_class", "cim_level", "psets", "attrs", "digest", "geom")
_SOLID = (
    "mesh", "z_min_m", "z_max_m", "volume_m3", "is_closed", "centre_x_m", "centre_y_m",
    "centre_z_m",
)  # fmt: skip
COLUMNS = {
    "building": _BUILDING,
    "storey": (*_PART, "number", "floor_z_m", "elevation_m", "height_m", "height_from"),
    "space": (*_PART, *_SOLID, "use", "number", "area_m2", "area_from", "plan_area_m2"),
    "element": (
        *_PART, *_SOLID, "predefined_type", "type_name", "tag", "material", "part_of",
        "is_external", "no_geometry",
    ),
    "opening": (
        *_PART, "kind", "host", "filling", "width_m", "height_m", "sill_m", "sill_z_m",
        "is_external",
    ),
}  # fmt: skip
_LINKS = {
    "building": (),
    "storey": ("building",),
    "space": ("building", "storey"),
    "element": ("building", "storey"),
    "opening": ("building", "storey"),
}
"""What a row leans on: the column is called ``<table>_id``, the row names it by GlobalId."""


def _stage(connection: Connection, table: str, rows: list[Row]) -> None:
    """Put rows into a temporary table, links as the GlobalIds they are in the file."""
    columns, links = COLUMNS[table], _LINKS[table]
    named = [*map(sql.Identifier, ("source_id", *columns))]
    chosen = sql.SQL(", ").join(
        [*named, *(sql.SQL("source_id AS {}").format(sql.Identifier(link)) for link in links)]
    )
    connection.execute(
        sql.SQL("""
            CREATE TEMP TABLE {new} ON COMMIT DROP AS SELECT {chosen} FROM twin.{table} LIMIT 0
        """).format(new=sql.Identifier(f"new_{table}"), chosen=chosen, table=sql.Identifier(table))
    )
    copy = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(f"new_{table}"))
    with connection.cursor() as cursor, cursor.copy(copy) as to:
        for row in rows:
            to.write_row([_value(row, name) for name in ("source_id", *columns, *links)])
    for statement in ("CREATE INDEX ON {} (source_id)", "ANALYZE {}"):
        connection.execute(sql.SQL(statement).format(sql.Identifier(f"new_{table}")))


def _value(row: Row, name: str) -> Any:
    value = row[name]
    if name == "attrs" and "psets" not in row:
        # A building has no column for its digest.
        value = value | {_KEPT_ATTRS: row["digest"]}
    return Jsonb(value, dumps=orjson.dumps) if name in _JSON else value


def _digest_of(table: str, alias: str) -> sql.Composable:
    column = "attrs->>'digest'" if table == "building" else "digest"
    return sql.SQL(f"{alias}.{column}")


def _compare(
    connection: Connection, table: str, rows: list[Row], source: str, changes: ChangeSet
) -> None:
    """Tell what will be new, gone, changed; nothing is written yet."""
    names = {"new": sql.Identifier(f"new_{table}"), "table": sql.Identifier(table)}
    class_of = sql.SQL("attrs->>'ifc_class'" if table == "building" else "ifc_class")
    gone = connection.execute(
        sql.SQL("""
            SELECT source_id, name, {class_of} FROM twin.{table}
            WHERE  source = %s AND source_id IS NOT NULL
            AND    NOT EXISTS (SELECT FROM {new} WHERE {new}.source_id = {table}.source_id)
            ORDER  BY source_id
        """).format(class_of=class_of, **names),
        [source],
    ).fetchall()
    former = connection.execute(
        sql.SQL("""
            SELECT now.source_id, now.digest_now = now.digest_then, now.then
            FROM   (
                SELECT {new}.source_id, {digest_new} AS digest_now, {digest_old} AS digest_then,
                       to_jsonb(former) - 'geom' || jsonb_build_object(
                           'geom', encode(ST_AsEWKB(former.geom), 'hex')
                       ) AS then
                FROM   {new} JOIN twin.{table} AS former
                       ON former.source = %s AND former.source_id = {new}.source_id
            ) AS now
        """).format(
            digest_new=_digest_of(table, f"new_{table}"),
            digest_old=_digest_of(table, "former"),
            **names,
        ),
        [source],
    ).fetchall()
    by_name = {row["source_id"]: row for row in rows}
    there = {name for name, _, _ in former}
    changes.added[table] = [_told(row) for row in rows if row["source_id"] not in there]
    changes.removed[table] = [
        {"guid": guid, "name": name, "ifc_class": kind} for guid, name, kind in gone
    ]
    changes.changed[table] = [
        _told(by_name[name]) | {"fields": _fields(table, by_name[name], then)}
        for name, same, then in former
        if not same
    ]
    changes.unchanged[table] = sum(1 for _, same, _ in former if same)


def _told(row: Row) -> Row:
    kind = row["ifc_class"] if "ifc_class" in row else row["attrs"].get("ifc_class")
    return {"guid": row["source_id"], "name": row["name"], "ifc_class": kind}


def _fields(table: str, row: Row, then: Row) -> list[str]:
    """Return which fields differ; of a property set, which properties."""
    found: list[str] = []
    for name in COLUMNS[table]:
        if name == "digest":
            continue
        new, old = row[name], then[name]
        if name == "geom":
            new, old = new.lower(), old.lower()
        if name == "attrs":
            old = {key: value for key, value in old.items() if key != _KEPT_ATTRS}
        if new == old:
            continue
        found += _inside(name, new, old) if name in _JSON else [name]
    return (found or ["building or storey"])[:_LISTED_FIELDS]


def _inside(name: str, new: Row, old: Row) -> list[str]:
    """Return the paths of two levels of JSON that differ."""
    found = []
    for key in sorted({*new, *old}):
        a, b = new.get(key), old.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            found += [f"{name}.{key}.{one}" for one in sorted({*a, *b}) if a.get(one) != b.get(one)]
        elif a != b:
            found.append(f"{name}.{key}")
    return found


def _remove(connection: Connection, table: str, source: str) -> None:
    connection.execute(
        sql.SQL("""
            DELETE FROM twin.{table} WHERE source = %s AND source_id IS NOT NULL
            AND NOT EXISTS (SELECT FROM {new} WHERE {new}.source_id = {table}.source_id)
        """).format(table=sql.Identifier(table), new=sql.Identifier(f"new_{table}")),
        [source],
    )


def _write(connection: Connection, table: str, source: str, load_id: int) -> None:
    """Update what differs, insert what is new."""
    parts = _parts(table)
    given = {"source": source, "load": load_id}
    connection.execute(
        sql.SQL("""
            UPDATE twin.{table} AS t
            SET    (load_id, {names}) = (
                       SELECT %(load)s, {values} FROM {staged} WHERE new.source_id = t.source_id
                   )
            WHERE  t.source = %(source)s AND t.id IN (
                SELECT former.id FROM {staged}
                JOIN   twin.{table} AS former
                       ON former.source = %(source)s AND former.source_id = new.source_id
                WHERE  {differs}
            )
        """).format(**parts),
        given,
    )
    connection.execute(
        sql.SQL("""
            INSERT INTO twin.{table} (source, source_id, load_id, {names})
            SELECT %(source)s, new.source_id, %(load)s, {values} FROM {staged}
            WHERE  NOT EXISTS (
                SELECT FROM twin.{table} AS former
                WHERE  former.source = %(source)s AND former.source_id = new.source_id
            )
        """).format(**parts),
        given,
    )


def _parts(table: str) -> dict[str, sql.Composable]:
    """Return the pieces that the statements of a table are composed of."""
    columns, links = COLUMNS[table], _LINKS[table]
    staged = [sql.SQL("{} AS new").format(sql.Identifier(f"new_{table}"))]
    values = [sql.SQL("new.{}").format(sql.Identifier(name)) for name in columns]
    differs = [
        sql.SQL("{} IS DISTINCT FROM {}").format(
            _digest_of(table, "new"), _digest_of(table, "former")
        )
    ]
    for link in links:
        names = {"link": sql.Identifier(link), "column": sql.Identifier(f"{link}_id")}
        staged.append(
            sql.SQL(
                "LEFT JOIN twin.{link} ON {link}.source = %(source)s "
                "AND {link}.source_id = new.{link}"
            ).format(**names)
        )
        values.append(sql.SQL("{link}.id").format(**names))
        differs.append(sql.SQL("{link}.id IS DISTINCT FROM former.{column}").format(**names))
    named = [*columns, *(f"{link}_id" for link in links)]
    return {
        "table": sql.Identifier(table),
        "names": sql.SQL(", ").join(map(sql.Identifier, named)),
        "values": sql.SQL(", ").join(values),
        "staged": sql.SQL(" ").join(staged),
        "differs": sql.SQL(" OR ").join(differs),
    }
