"""What a run saw, for people and for programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from twin.errors import NotFoundError


@dataclass(frozen=True)
class Report:
    """One run: what was looked at, what each rule found, and which fields are filled."""

    id: int
    at: datetime
    scope: str
    """``city``, ``layer`` or ``load``."""
    layer: str | None
    load_id: int | None
    seconds: float | None
    looked_at: dict[str, int]
    """Rows by table."""
    rules: dict[str, dict[str, Any]]
    """By rule: ``found``, ``kept``, ``new``, ``changed``, ``unchanged``, ``gone``, ``seconds``;
    or ``skipped`` or ``failed`` with the reason."""
    completeness: dict[str, Any]
    """By table: ``rows``, and by field ``obligation``, ``rows``, ``filled``, ``percent``."""

    @property
    def found(self) -> int:
        """How many findings there are."""
        return sum(each.get("found", 0) for each in self.rules.values())

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON holds it."""
        return {**asdict(self), "found": self.found}


def summary(report: Report) -> dict[str, Any]:
    """Return a run in short: how much was found by which rule, and what is not complete.

    ``incomplete`` has the mandatory and conditional fields, by table, that not all rows have which
    should: the percentage of those that do.
    """
    found = {rule: told["found"] for rule, told in report.rules.items() if told.get("found")}
    by_severity: dict[str, int] = {}
    for rule, number in found.items():
        severity = report.rules[rule]["severity"]
        by_severity[severity] = by_severity.get(severity, 0) + number
    return {
        "run": report.id,
        "rows": sum(report.looked_at.values()),
        "found": report.found,
        "by_severity": by_severity,
        "by_rule": dict(sorted(found.items(), key=lambda each: -each[1])),
        "not_asked": {
            rule: why
            for rule, told in report.rules.items()
            if (why := told.get("failed") or told.get("skipped"))
        },
        "incomplete": {
            table: lacking
            for table, told in report.completeness.items()
            if (lacking := _lacking(told["fields"]))
        },
        "seconds": report.seconds,
    }


def _lacking(fields: dict[str, dict[str, Any]]) -> dict[str, float]:
    return {
        name: each["percent"]
        for name, each in fields.items()
        if each["obligation"] != "O" and each["filled"] < each["rows"]
    }


_ONE = text("""
    SELECT id, at, scope, layer, load_id, seconds, looked_at, rules, completeness
    FROM   twin.quality_run WHERE id = :id
""")

_LATEST = text("""
    -- The latest runs of a layer or a load, or all; a load's layer is that it came under.
    SELECT id, at, scope, layer, load_id, seconds, looked_at, rules, completeness
    FROM   twin.quality_run
    WHERE  (CAST(:layer AS text) IS NULL OR layer = :layer OR looked_at ? :layer)
    AND    (CAST(:load_id AS integer) IS NULL OR load_id = :load_id)
    ORDER  BY id DESC
    LIMIT  :limit
""")


def report(session: Session, run_id: int) -> Report:
    """Return one run.

    Raises
    ------
    NotFoundError
        If there is no such run.
    """
    row = session.execute(_ONE, {"id": run_id}).mappings().one_or_none()
    if row is None:
        raise NotFoundError(f"there is no quality run {run_id}")
    return Report(**row)


def reports(
    session: Session, *, layer: str | None = None, load_id: int | None = None, limit: int = 20
) -> list[Report]:
    """Return the latest runs, those of a layer or a load if one is given."""
    values = {"layer": layer, "load_id": load_id, "limit": limit}
    return [Report(**row) for row in session.execute(_LATEST, values).mappings()]


_BEGIN = text("""
    INSERT INTO twin.quality_run (scope, layer, load_id) VALUES (:scope, :layer, :load_id)
    RETURNING id
""")

_END = text("""
    UPDATE twin.quality_run
    SET    seconds = :seconds, looked_at = CAST(:looked_at AS jsonb),
           rules = CAST(:rules AS jsonb), completeness = CAST(:completeness AS jsonb)
    WHERE  id = :id
""")


def begin(session: Session, scope: str, layer: str | None, load_id: int | None) -> int:
    """Note that a run begins, and return its number."""
    values = {"scope": scope, "layer": layer, "load_id": load_id}
    return int(session.execute(_BEGIN, values).scalar_one())


def end(session: Session, run_id: int, seconds: float, **told: dict[str, Any]) -> None:
    """Note what a run saw."""
    values = {name: orjson.dumps(value).decode() for name, value in told.items()}
    session.execute(_END, {"id": run_id, "seconds": seconds, **values})
