"""A run: every rule that concerns the rows in scope is asked, each for itself."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from twin.database import City, open_city
from twin.errors import NotFoundError
from twin.quality import rules
from twin.quality._found import gather
from twin.quality._obligations import completeness
from twin.quality._report import Report, begin, end, report
from twin.quality._rule import Rule
from twin.quality._scope import Scope, scope_of
from twin.quality._store import store

_log = logging.getLogger(__name__)

# Runs take turns: each replaces what former ones found.
_TURN = text("SELECT pg_advisory_xact_lock(hashtext('twin.quality'))")


def check(
    engine: Engine,
    *,
    layer: str | None,
    load_id: int | None,
    only: Sequence[str] | None,
    data_dir: Path | None,
    progress: Callable[[str, int, int | None], None],
) -> Report:
    """Run as `twin.quality.check` says."""
    started = time.monotonic()
    with Session(engine) as session, session.begin():
        city = open_city(session, data_dir=data_dir)
        session.execute(_TURN)
        scope = scope_of(session, layer=layer, load_id=load_id)
        wanted = _wanted(scope, only)
        run_id = begin(session, scope.kind, scope.layer, scope.load_id)
        counted = completeness(session, scope)
        told = {}
        for number, rule in enumerate(wanted):
            progress(rule.title.en, number, len(wanted))
            told[rule.id] = _ask(city, scope, rule, run_id)
        end(
            session,
            run_id,
            round(time.monotonic() - started, 3),
            looked_at={table: each["rows"] for table, each in counted.items()},
            rules=told,
            completeness=counted,
        )
        return report(session, run_id)


def _wanted(scope: Scope, only: Sequence[str] | None) -> list[Rule]:
    """Return the rules to ask: those about tables in scope."""
    known = rules()
    unknown = set(only or ()) - set(known)
    if unknown:
        raise NotFoundError(
            f"there is no rule {sorted(unknown)[0]!r}; there are {', '.join(known)}"
        )
    return [
        rule
        for rule in known.values()
        if (rule.id in only if only is not None else rule.concerns(scope))
    ]


def _ask(city: City, scope: Scope, rule: Rule, run_id: int) -> dict[str, Any]:
    """Ask one rule, and return what is told of it; what it breaks is undone, and its own fault."""
    started = time.monotonic()
    told: dict[str, Any]
    if rule.whole:
        scope = Scope("city", rule.tables)
    try:
        with city.session.begin_nested():
            gathered = gather(city, scope, rule)
            told = {**gathered._asdict(), **store(city.session, scope, rule, run_id)._asdict()}
    except NotFoundError as error:
        told = {"skipped": str(error)}
    except Exception as error:
        _log.exception("the rule %s failed", rule.id)
        told = {"failed": f"{type(error).__name__}: {str(error).splitlines()[0]}"}
    return {"severity": rule.severity, **told, "seconds": round(time.monotonic() - started, 4)}
