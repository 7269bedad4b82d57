"""What a management cell or a region holds: things and people in the cell, parts of the region."""

from functools import cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, bindparam, text

from layers import Layer, Words, layer_named
from layers.file._listing import listed
from layers.file._section import Content, Fact, Row, Section, Table, column, fact
from layers.file._subject import Subject

_KIND = {
    "building": "use",
    "facility": "kind",
    "waterlogging_point": "kind",
    "component": "kind",
    "event": "status",
    "road_edge": "road_class",
    "pipe_segment": "kind",
}
_MOST = 40

_HELD = text("""
    -- What lies in a cell, by layer and kind: things whose code of the cell it is, lengths inside.
    WITH cell AS (SELECT CAST(:place AS geometry) AS geom)
    SELECT 'building' AS layer, use AS kind, count(*) AS count, sum(residents_night) AS measure,
           sum(residents_day) AS day
    FROM   twin.building AS thing, cell
    WHERE  thing.geom && cell.geom AND cell_id = :code AND state <> 'removed'
    GROUP  BY use
    UNION  ALL
    SELECT 'facility', kind, count(*), NULL, NULL
    FROM   twin.facility AS thing, cell
    WHERE  thing.geom && cell.geom AND cell_id = :code AND state <> 'removed'
    GROUP  BY kind
    UNION  ALL
    SELECT 'waterlogging_point', kind, count(*), NULL, NULL
    FROM   twin.waterlogging_point AS thing, cell
    WHERE  thing.geom && cell.geom AND cell_id = :code AND state <> 'removed'
    GROUP  BY kind
    UNION  ALL
    SELECT 'component', twin.kind_of_class(class_code), count(*), NULL, NULL
    FROM   twin.component AS thing, cell
    WHERE  thing.geom && cell.geom AND cell_id = :code AND state <> 'removed'
    GROUP  BY twin.kind_of_class(class_code)
    UNION  ALL
    SELECT 'event', status, count(*), NULL, NULL
    FROM   twin.event AS thing, cell
    WHERE  thing.geom && cell.geom AND cell_id = :code AND state <> 'removed'
    GROUP  BY status
    UNION  ALL
    SELECT 'road_edge', road_class, count(*),
           sum(ST_Length(ST_Intersection(ST_Force2D(thing.geom), cell.geom))), NULL
    FROM   twin.road_edge AS thing, cell
    WHERE  ST_Intersects(thing.geom, cell.geom) AND state <> 'removed'
    GROUP  BY road_class
    UNION  ALL
    SELECT 'pipe_segment', kind, count(*),
           sum(ST_Length(ST_Intersection(ST_Force2D(thing.geom), cell.geom))), NULL
    FROM   twin.pipe_segment AS thing, cell
    WHERE  ST_Intersects(thing.geom, cell.geom) AND state <> 'removed'
    GROUP  BY kind
    ORDER  BY layer, count DESC, kind
""")


def _ask(subject: Subject) -> Content:
    return _of_region(subject) if subject.layer.id == "region" else _of_cell(subject)


def _of_cell(subject: Subject) -> Content:
    if subject.place is None:
        return Content()
    values = {"place": subject.place.geometry, "code": subject.values["code"]}
    found: dict[str, list[Any]] = {name: [] for name in _KIND}
    for row in subject.ask(_HELD, values):
        found[row.layer].append(row)
    tables = tuple(_table(layer_named(name), rows) for name, rows in found.items() if rows)
    return Content(_people(found["building"]), tables)


def _people(buildings: list[Any]) -> tuple[Fact, ...]:
    if not buildings:
        return ()
    return (
        fact("buildings", "建筑物", "Buildings", sum(row.count for row in buildings), unit="栋"),
        fact(
            "residents_night",
            "夜间人数",
            "People at night",
            sum(row.measure or 0 for row in buildings),
        ),
        fact("residents_day", "白天人数", "People by day", sum(row.day or 0 for row in buildings)),
    )


def _table(layer: Layer, found: list[Any]) -> Table:
    columns = [layer.by_name[_KIND[layer.id]], column("count", "数量", "Number", "integer")]
    measured = layer.geometry == "line"
    if measured:
        columns.append(column("length_m", "区内长度", "Length inside", "number", unit="m"))
    rows = [
        Row((row.kind, row.count, *((round(row.measure, 1),) if measured else ()))) for row in found
    ]
    return Table(layer.id, layer.title, tuple(columns), rows)


def _of_region(subject: Subject) -> Content:
    values = {"region": subject.id}
    parts = listed(
        subject,
        layer_named("region"),
        ("level", "code", "population"),
        _part_of("region", "parent_id"),
        values,
        title=Words("下级区划", "Regions in it"),
        order=layer_named("region").column("code"),
        most=_MOST,
    )
    cells = listed(
        subject,
        layer_named("grid_cell"),
        ("code", "responsible_person", "responsible_phone", "population"),
        _part_of("grid_cell", "region_id"),
        values,
        order=layer_named("grid_cell").column("code"),
        most=_MOST,
    )
    return Content(tables=tuple(table for table in (parts, cells) if table.rows))


@cache
def _part_of(layer: str, column_name: str) -> ColumnElement[bool]:
    return layer_named(layer).column(column_name) == bindparam("region", type_=BigInteger)


SECTION = Section(
    "contents", Words("内有", "What it holds"), 43, _ask, frozenset({"grid_cell", "region"})
)
