"""What became of the record of a thing: who changed which fields, and when."""

from functools import cache
from typing import Any

from sqlalchemy import TextClause, text

from layers import Field, Layer, Words
from layers.file._section import Content, Fact, Row, Section, Table, column, fact
from layers.file._subject import Subject

_MOST = 20
_OF_THE_RECORD = frozenset({"id", "uid", "recorded_at", "recorded_by", "load_id", "bd_code"})
"""What tells of the writing of a state, or follows from the geometry."""
_GEOMETRY = Words("几何", "Geometry")
_MUCH = 120

_STATES = """
    -- The present state of a thing and the former ones, the latest first; of the geometry a digest.
    SELECT CAST(NULL AS timestamptz) AS at, NULL AS actor, load_id, recorded_at,
           to_jsonb(present) - 'geom' AS said, md5(ST_AsEWKB(geom)) AS geom
    FROM   twin.{table} AS present
    WHERE  id = :id
    UNION  ALL
    (
        SELECT   past.replaced_at, change_set.actor, past.load_id, past.recorded_at,
                 to_jsonb(past) - '{{geom,history_id,replaced_at,replaced_by,op}}'::text[],
                 md5(ST_AsEWKB(geom))
        FROM     twin.{table}_history AS past
        LEFT     JOIN twin.change_set ON change_set.id = past.replaced_by
        WHERE    past.id = :id
        ORDER BY past.replaced_by DESC
        LIMIT    :most
    )
"""

_LOAD = text("""
    -- The load that wrote a state.
    SELECT id, source, files, loaded_at FROM twin.load WHERE id = :id
""")


def _ask(subject: Subject) -> Content:
    values = {"id": subject.id, "most": _MOST + 1}
    states = subject.city.session.execute(_states(subject.layer.id), values).all()
    present, *former = states
    rows: list[Row] = []
    for after, before in zip(states, former, strict=False):
        rows += _changes(subject.layer, before, after)
    titles = (
        column("at", "时间", "At", "date-time"),
        column("actor", "修改人", "Changed by"),
        column("field", "字段", "Field"),
        column("before", "原值", "Before", codes=_codes(subject.layer)),
        column("after", "现值", "After", codes=_codes(subject.layer)),
    )
    more = len(former) > _MOST
    changes = Table("changes", Words("修改记录", "Changes"), titles, rows, more)
    first = None if more else (former or [present])[-1]
    facts = () if first is None else _begun(subject, first)
    tables = (changes,) if rows else ()
    return Content((*facts, fact("changes", "修改次数", "Changes", len(former))), tables)


@cache
def _states(table: str) -> TextClause:
    # The word is the name of a layer of the catalogue, and never a caller's.
    return text(_STATES.format(table=table).replace("::", "\\:\\:"))


def _changes(layer: Layer, before: Any, after: Any) -> list[Row]:
    """Return a line for each field that one commit changed."""
    found = []
    if before.geom != after.geom:
        found.append(Row((before.at, before.actor, _said(_GEOMETRY), None, None)))
    for name, value in after.said.items():
        if name not in _OF_THE_RECORD and before.said.get(name) != value:
            told = (_short(before.said.get(name)), _short(value))
            found.append(Row((before.at, before.actor, _title(layer, name), *told)))
    return found


def _title(layer: Layer, name: str) -> str:
    entry = layer.by_name.get(name)
    return name if entry is None else _said(entry.title)


def _said(words: Words) -> str:
    return f"{words.zh} {words.en}"


def _short(value: Any) -> Any:
    """Return a value as a line can hold it."""
    if isinstance(value, dict | list):
        value = str(value)
    return value[:_MUCH] + "…" if isinstance(value, str) and len(value) > _MUCH else value


@cache
def _codes(layer: Layer) -> dict[str, Words]:
    fields: tuple[Field, ...] = layer.fields
    return {code: words for entry in fields for code, words in entry.codes.items()}


def _begun(subject: Subject, first: Any) -> tuple[Fact, ...]:
    at = first.recorded_at
    found = [fact("first_recorded_at", "首次入库", "First recorded at", at)]
    load = None
    if first.load_id is not None:
        load = subject.city.session.execute(_LOAD, {"id": first.load_id}).one_or_none()
    if load is not None:
        said = ", ".join((load.source, *load.files))
        found.append(fact("load", "批量导入", "Came by load", f"{load.id}: {said}"))
    return tuple(found)


SECTION = Section("history", Words("变更历史", "History"), 80, _ask)
