"""What a building is made of: storeys, spaces, elements and openings, with counts and areas."""

from typing import Any

from sqlalchemy import text

from layers import Words, layer_named
from layers.file._section import Content, Ref, Row, Section, Table, column, fact
from layers.file._subject import Subject

_MOST = 60

_STOREYS = text("""
    -- The storeys of a building, the lowest first, and what is in each; last what is in none.
    SELECT storey.id, storey.name, storey.number, storey.floor_z_m, storey.height_m,
           space.count AS spaces, space.area_m2, element.count AS elements,
           opening.count AS openings, opening.external AS openings_outside
    FROM   (SELECT id, name, number, floor_z_m, height_m FROM twin.storey
            WHERE  building_id = :id AND state <> 'removed'
            UNION ALL SELECT NULL, NULL, NULL, NULL, NULL) AS storey
    LEFT   JOIN (
               SELECT storey_id, count(*), sum(coalesce(area_m2, plan_area_m2)) AS area_m2
               FROM   twin.space WHERE building_id = :id AND state <> 'removed' GROUP BY storey_id
           ) AS space ON space.storey_id IS NOT DISTINCT FROM storey.id
    LEFT   JOIN (
               SELECT storey_id, count(*) FROM twin.element
               WHERE  building_id = :id AND state <> 'removed' GROUP BY storey_id
           ) AS element ON element.storey_id IS NOT DISTINCT FROM storey.id
    LEFT   JOIN (
               SELECT storey_id, count(*), count(*) FILTER (WHERE is_external) AS external
               FROM   twin.opening WHERE building_id = :id AND state <> 'removed' GROUP BY storey_id
           ) AS opening ON opening.storey_id IS NOT DISTINCT FROM storey.id
    WHERE  storey.id IS NOT NULL
           OR space.count > 0 OR element.count > 0 OR opening.count > 0
    ORDER  BY storey.number, storey.id
""")

_SPACES = text("""
    -- The rooms of a building or of one storey, by storey and number.
    SELECT   space.id, space.name, space.number, space.use, space.area_m2, space.area_from,
             storey.name AS storey
    FROM     twin.space LEFT JOIN twin.storey ON storey.id = space.storey_id
    WHERE    (space.building_id = :building_id OR space.storey_id = :storey_id)
             AND space.state <> 'removed'
    ORDER BY storey.number, space.number, space.name, space.id
    LIMIT    :most
""")

_CLASSES = text("""
    -- The elements of a building or of one storey by class.
    SELECT   ifc_class, count(*), sum(volume_m3) AS volume_m3
    FROM     twin.element
    WHERE    (building_id = :building_id OR storey_id = :storey_id) AND state <> 'removed'
    GROUP BY ifc_class
    ORDER BY count(*) DESC, ifc_class
    LIMIT    :most
""")


def _ask(subject: Subject) -> Content:
    whole = subject.layer.id == "building"
    storeys = _storeys(subject) if whole else None
    if whole and storeys is not None and not storeys.rows:
        return Content()
    which = {
        "building_id": subject.id if whole else None,
        "storey_id": None if whole else subject.id,
        "most": _MOST + 1,
    }
    tables = [] if storeys is None else [storeys]
    tables += [_spaces(subject, which), _classes(subject, which)]
    facts = () if storeys is None else _sums(storeys)
    return Content(facts, tuple(table for table in tables if table.rows))


def _storeys(subject: Subject) -> Table:
    columns = (
        column("storey", "楼层", "Storey"),
        column("floor_z_m", "楼面高程", "Floor level", "number", unit="m"),
        column("height_m", "层高", "Height", "number", unit="m"),
        column("spaces", "房间", "Spaces", "integer"),
        column("area_m2", "房间面积", "Area of spaces", "number", unit="m²"),
        column("elements", "构件", "Elements", "integer"),
        column("openings", "门窗洞口", "Openings", "integer"),
        column("openings_outside", "通向室外", "To the outside", "integer"),
    )
    rows = []
    for row in subject.ask(_STOREYS, {"id": subject.id}).mappings():
        name = row["name"] or (row["number"] if row["id"] else "不属于楼层 In no storey")
        ref = Ref("storey", row["id"], row["name"]) if row["id"] else None
        counts = [row[key] or 0 for key in ("elements", "openings", "openings_outside")]
        rows.append(
            Row(
                (
                    name,
                    _rounded(row["floor_z_m"], 3),
                    _rounded(row["height_m"], 3),
                    row["spaces"] or 0,
                    _rounded(row["area_m2"], 2),
                    *counts,
                ),
                ref,
            )
        )
    return Table("storeys", Words("楼层", "Storeys"), columns, rows)


def _sums(storeys: Table) -> tuple[Any, ...]:
    def total(place: int) -> int:
        return sum(row.values[place] or 0 for row in storeys.rows)

    return (
        fact(
            "storeys_modelled", "楼层", "Storeys", sum(row.ref is not None for row in storeys.rows)
        ),
        fact("spaces", "房间", "Spaces", total(3)),
        fact("spaces_area_m2", "房间面积", "Area of spaces", round(float(total(4)), 2), unit="m²"),
        fact("elements", "构件", "Elements", total(5)),
        fact("openings", "门窗洞口", "Openings", total(6)),
    )


def _spaces(subject: Subject, which: dict[str, Any]) -> Table:
    fields = layer_named("space").by_name
    columns = (
        fields["name"],
        fields["number"],
        column("storey", "楼层", "Storey"),
        fields["use"],
        fields["area_m2"],
        fields["area_from"],
    )
    found = subject.ask(_SPACES, which).mappings().all()
    rows = [
        Row(tuple(row[entry.name] for entry in columns), Ref("space", row["id"], row["name"]))
        for row in found[:_MOST]
    ]
    return Table("spaces", Words("房间", "Spaces"), columns, rows, more=len(found) > _MOST)


def _classes(subject: Subject, which: dict[str, Any]) -> Table:
    columns = (
        layer_named("element").by_name["ifc_class"],
        column("count", "数量", "Number", "integer"),
        column("volume_m3", "闭合实体体积", "Volume of closed solids", "number", unit="m³"),
    )
    found = subject.ask(_CLASSES, which).mappings().all()
    rows = [
        Row((row["ifc_class"], row["count"], _rounded(row["volume_m3"], 3)))
        for row in found[:_MOST]
    ]
    return Table("element_classes", Words("构件类别", "Elements by class"), columns, rows)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


SECTION = Section(
    "building",
    Words("楼层、房间与构件", "Storeys, spaces and elements"),
    40,
    _ask,
    frozenset({"building", "storey"}),
)
