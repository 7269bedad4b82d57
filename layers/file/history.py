"""What became of the record of a thing: who changed which fields, and when."""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any

from sqlalchemy import text

from layers import Field, Layer, Words
from layers.file._section import Content, Fact, Row, Section, Table, column, fact
from layers.file._subject import Subject
from twin.history import State, states

_MOST = 20
_GEOMETRY = Words("几何", "Geometry")
_DELETED = Words("删除", "Deleted")
_FOLLOWS = "bd_code"
"""It follows from the geometry."""
_MUCH = 120

_LOAD = text("""
    -- The load that wrote a state.
    SELECT id, source, files FROM twin.load WHERE id = :id
""")


def _ask(subject: Subject) -> Content:
    known = _known(subject)
    more = len(known) > _MOST + 1
    shown = known[-_MOST - 1 :]
    rows: list[Row] = []
    for before, after in pairwise(shown):
        rows = [*_changes(subject.layer, before, after), *rows]
    titles = (
        column("at", "时间", "At", "date-time"),
        column("actor", "修改人", "Changed by"),
        column("field", "字段", "Field"),
        column("before", "原值", "Before", codes=_codes(subject.layer)),
        column("after", "现值", "After", codes=_codes(subject.layer)),
    )
    tables = (Table("changes", Words("修改记录", "Changes"), titles, rows, more),) if rows else ()
    facts = () if more else _begun(subject, known[0])
    return Content((*facts, fact("states", "已知状态数", "States known", len(shown))), tables)


def _known(subject: Subject) -> Sequence[State]:
    """Return the states that were known at the file's moment, the last ones of many."""
    if subject.known is None:
        return states(subject.city, subject.layer.id, subject.id, most=_MOST + 1)
    every = states(subject.city, subject.layer.id, subject.id)
    return [each for each in every if each.seq is None or each.seq <= subject.known.seq]


def _changes(layer: Layer, before: State, after: State) -> list[Row]:
    """Return a line for each field that one commit changed; what was deleted came back."""
    who = (after.since, after.actor)
    found = [
        Row((*who, *_line(layer, name, before, after)))
        for name in after.changed
        if name != _FOLLOWS
    ]
    if before.deleted:
        found.append(Row((before.until, before.ended_by, _said(_DELETED), None, None)))
    return found


def _line(layer: Layer, name: str, before: State, after: State) -> tuple[Any, ...]:
    if name == "geometry":
        return _said(_GEOMETRY), None, None
    entry = layer.by_name.get(name)
    title = name if entry is None else _said(entry.title)
    return title, _short(before.values.get(name)), _short(after.values.get(name))


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


def _begun(subject: Subject, first: State) -> tuple[Fact, ...]:
    found = []
    if first.since is not None:
        found.append(fact("known_since", "首次入库", "Known since", first.since))
    load = None
    if first.load_id is not None:
        load = subject.city.session.execute(_LOAD, {"id": first.load_id}).one_or_none()
    if load is not None:
        said = ", ".join((load.source, *load.files))
        found.append(fact("load", "批量导入", "Came by load", f"{load.id}: {said}"))
    elif first.actor is not None:
        found.append(fact("first_actor", "录入人", "First written by", first.actor))
    return tuple(found)


SECTION = Section("history", Words("变更历史", "History"), 80, _ask)
