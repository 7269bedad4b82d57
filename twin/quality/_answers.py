"""What is known of the data's quality, as one document."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from twin.errors import NotFoundError
from twin.quality import rules
from twin.quality._obligations import obligations
from twin.quality._report import Report, report, reports, summary

_RUNS_SHOWN = 20

_PRESENT = text("""
    -- How many findings there are now, by rule and layer.
    SELECT rule, severity, layer, count(*) AS found
    FROM   twin.quality_finding
    GROUP  BY rule, severity, layer
    ORDER  BY rule, layer
""")


def overview(
    session: Session, *, layer: str | None = None, load_id: int | None = None
) -> dict[str, Any]:
    """Return the latest run (of a layer or a load), and what there is to find beside it.

    Raises
    ------
    NotFoundError
        If nobody looked at that load.
    """
    found = reports(session, layer=layer, load_id=load_id, limit=_RUNS_SHOWN)
    if not found and load_id is not None:
        raise NotFoundError(f"nobody looked at load {load_id}; citytwin report quality --load does")
    return _document(session, found[0] if found else None, found)


def one_run(session: Session, run_id: int) -> dict[str, Any]:
    """Return one run, and what there is to find beside it.

    Raises
    ------
    NotFoundError
        If there is no such run.
    """
    return _document(session, report(session, run_id), reports(session, limit=_RUNS_SHOWN))


def _document(session: Session, run: Report | None, others: list[Report]) -> dict[str, Any]:
    asked = obligations()
    return {
        "run": None if run is None else run.as_dict(),
        "summary": None if run is None else summary(run),
        "present": [dict(row) for row in session.execute(_PRESENT).mappings()],
        "runs": [_short(each) for each in others],
        "rules": [rule.described for rule in rules().values()],
        "obligations": {
            "source": asked.source,
            "status": asked.status,
            "note": asked.note._asdict(),
        },
    }


def _short(run: Report) -> dict[str, Any]:
    return {
        "id": run.id,
        "at": run.at,
        "scope": run.scope,
        "layer": run.layer,
        "load_id": run.load_id,
        "rows": sum(run.looked_at.values()),
        "found": run.found,
        "seconds": run.seconds,
    }
