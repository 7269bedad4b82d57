"""Answers of analyses that name a thing, or whose rings reach it."""

from sqlalchemy import text

from layers import Words, layer_named
from layers.file._section import Content, Ref, Row, Section, Table, column
from layers.file._subject import Subject

_MOST = 12
_ALSO = {"pipe_segment": "pipe_id", "road_edge": "edge_id"}
"""What analyses call a thing, where it is not its layer's name."""

_WITHOUT = ("analysis_feature", "region")
"""What no answer is about: answers themselves, and areas that hold them all."""

_FOUND = text("""
    -- What analyses drew at a thing and about it, the latest run first.
    SELECT   drawn.id, drawn.name, drawn.analysis, drawn.role, drawn.run_id, run.started_at
    FROM     twin.analysis_feature AS drawn
    JOIN     twin.analysis_run AS run ON run.id = drawn.run_id
    WHERE    drawn.geom && CAST(:place AS geometry)
             AND (
                 drawn.attrs ->> :named = :id OR drawn.attrs ->> :called = :id
                 OR drawn.role = :layer AND drawn.attrs ->> 'id' = :id
                 OR drawn.role = 'ring' AND ST_Intersects(drawn.geom, CAST(:place AS geometry))
             )
    ORDER BY run.started_at DESC, drawn.id
    LIMIT    :most
""")


def _ask(subject: Subject) -> Content:
    if subject.place is None or subject.layer.id in _WITHOUT:
        return Content()
    name = subject.layer.id
    values = {
        "place": subject.place.geometry,
        "id": str(subject.id),
        "layer": name,
        "named": f"{name}_id",
        "called": _ALSO.get(name, f"{name}_id"),
        "most": _MOST + 1,
    }
    layer = layer_named("analysis_feature")
    columns = (
        layer.by_name["analysis"],
        layer.by_name["role"],
        layer.by_name["name"],
        column("started_at", "时间", "At", "date-time"),
        layer.by_name["run_id"],
    )
    found = subject.ask(_FOUND, values).all()
    rows = [
        Row(
            (row.analysis, row.role, row.name, row.started_at, str(row.run_id)),
            Ref(layer.id, row.id, row.name),
        )
        for row in found[:_MOST]
    ]
    return Content(tables=(Table("results", layer.title, columns, rows, len(found) > _MOST),))


SECTION = Section("analyses", Words("分析结果", "Results of analyses"), 60, _ask)
