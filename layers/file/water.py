"""The water at a waterlogging point: its last day, and the depths that mean something."""

from typing import Any

from sqlalchemy import text

from layers import Words
from layers.catalogue.waterlogging_point import LEVELS
from layers.file._section import Content, Curve, Mark, Row, Section, Table, column, fact
from layers.file._subject import Subject

_VEHICLES = {
    "car": Words("轿车", "Car"),
    "suv": Words("越野车", "Off-road car"),
    "bus": Words("公交车", "Bus"),
    "lorry": Words("货车", "Lorry"),
    "ambulance": Words("救护车", "Ambulance"),
    "fire_engine": Words("消防车", "Fire engine"),
    "pump_truck": Words("排水泵车", "Pump truck"),
}
_KINDS = {"warning": Words("预警级别", "Warning level"), "vehicle": Words("车辆涉水", "Can wade")}

_READINGS = text("""
    -- The readings of the 24 hours before the last one, the first one first.
    WITH last AS (
        SELECT at FROM twin.reading WHERE point_id = :id ORDER BY at DESC LIMIT 1
    )
    SELECT   reading.at, reading.depth_m, reading.quality
    FROM     twin.reading
    WHERE    reading.point_id = :id
             AND reading.at >= (SELECT at FROM last) - interval '24 hours'
             AND reading.at <= (SELECT at FROM last)
    ORDER BY reading.at
    LIMIT    20000
""")

_THRESHOLDS = text("""
    -- The depths that meant something at a moment, now if there is none.
    SELECT   kind, key, depth_m, source
    FROM     twin.depth_threshold
    WHERE    valid_from <= coalesce(CAST(:at AS timestamptz), now())
             AND valid_to > coalesce(CAST(:at AS timestamptz), now())
    ORDER BY kind DESC, depth_m, key
""")


def _ask(subject: Subject) -> Content:
    readings = subject.ask(_READINGS, {"id": subject.id}).all()
    at = readings[-1].at if readings else None
    thresholds = subject.ask(_THRESHOLDS, {"at": at}).all()
    marks = [
        Mark(row.key, LEVELS.get(row.key, Words(row.key, row.key)), row.depth_m)
        for row in thresholds
        if row.kind == "warning"
    ]
    curves: tuple[Curve, ...] = ()
    if readings:
        points = [(row.at, _depth(row)) for row in readings]
        title = Words("最近一次读数前 24 小时水深", "Depth in the 24 hours before the last reading")
        curves = (Curve("depth_m", title, "m", points, marks),)
    return Content(_facts(readings), (_table(thresholds),), curves)


def _depth(row: Any) -> float | None:
    return None if row.quality == "missing" else row.depth_m


def _facts(readings: Any) -> tuple[Any, ...]:
    """Return what the day was like; the present depth is among the attributes."""
    depths = [depth for depth in map(_depth, readings) if depth is not None]
    if not depths:
        return ()
    return (
        fact("readings", "读数", "Readings", len(readings)),
        fact("missing", "缺测", "Missing", len(readings) - len(depths)),
        fact("deepest_m", "24 小时最大水深", "Deepest in 24 hours", max(depths), unit="m"),
    )


def _table(thresholds: Any) -> Table:
    columns = (
        column("kind", "用途", "What for", codes=_KINDS),
        column("key", "级别或车辆", "Level or vehicle", codes={**LEVELS, **_VEHICLES}),
        column("depth_m", "达到水深", "From a depth of", "number", unit="m"),
        column("source", "依据", "Set by"),
    )
    rows = [Row((row.kind, row.key, row.depth_m, row.source)) for row in thresholds]
    return Table("thresholds", Words("当时有效的阈值", "Thresholds in force"), columns, rows)


SECTION = Section("water", Words("水情", "Water"), 42, _ask, frozenset({"waterlogging_point"}))
