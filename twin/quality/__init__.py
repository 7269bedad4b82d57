"""What is wrong with the data: one file a rule, and the runs that ask them.

A rule says what the data should be and where that is written; a run asks every rule that concerns
the rows in its scope, and what they find becomes features of the city: ``quality_finding``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.discover import discover
from twin.quality._report import Report, report, reports, summary
from twin.quality._rule import Finding, Parameter, Rule
from twin.quality._scope import Scope

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

__all__ = [
    "Finding",
    "Parameter",
    "Report",
    "Rule",
    "Scope",
    "check",
    "judged",
    "one_run",
    "overview",
    "report",
    "reports",
    "rules",
    "summary",
]

_log = logging.getLogger(__name__)


def _silent(stage: str, done: int, total: int | None) -> None:
    """Say nothing."""


@cache
def rules() -> dict[str, Rule]:
    """Return every rule, by id.

    >>> "storey-height" in rules()
    True
    """
    return discover("twin.quality", "RULE", Rule)


def check(
    engine: Engine,
    *,
    layer: str | None = None,
    load_id: int | None = None,
    only: Sequence[str] | None = None,
    data_dir: Path | None = None,
    progress: Callable[[str, int, int | None], None] = _silent,
) -> Report:
    """Look at the data of the city, of one layer, or of one load, and keep what is found.

    What is found replaces what was found before about the same rows by the same rules: findings
    that stay keep their id, those that are gone go into the history.  A rule that fails is told of
    in the report and changes nothing.

    Parameters
    ----------
    engine : Engine
        The city's database.
    layer : str, optional
        One table.
    load_id : int, optional
        Only the rows that this load wrote, as they are now.
    only : sequence of str, optional
        Ids of the rules to ask; default: all that concern the rows; of a load those whose
        ``after_load`` is true.
    data_dir : Path, optional
        Where rasters are kept; rules that need one are skipped without.
    progress : callable
        Told which rule is asked, how many were, and how many there are.

    Raises
    ------
    NotFoundError
        If there is no such layer, load or rule, or no city.
    """
    from twin.quality._check import check as run

    return run(
        engine, layer=layer, load_id=load_id, only=only, data_dir=data_dir, progress=progress
    )


def overview(
    session: Session, *, layer: str | None = None, load_id: int | None = None
) -> dict[str, Any]:
    """Return the latest run (of a layer or a load) as one document, with all that explains it.

    Raises
    ------
    NotFoundError
        If nobody looked at that load.
    """
    from twin.quality._answers import overview as answer

    return answer(session, layer=layer, load_id=load_id)


def one_run(session: Session, run_id: int) -> dict[str, Any]:
    """Return one run as one document, with all that explains it.

    Raises
    ------
    NotFoundError
        If there is no such run.
    """
    from twin.quality._answers import one_run as answer

    return answer(session, run_id)


def judged(
    engine: Engine,
    load_id: int,
    data_dir: Path | None,
    progress: Callable[[str, int, int | None], None] = _silent,
) -> dict[str, Any]:
    """Look at what a load wrote, the load being over, and return what was found in short.

    Whatever goes wrong here goes into the answer: the load stands, and says so.
    """
    try:
        return summary(check(engine, load_id=load_id, data_dir=data_dir, progress=progress))
    except Exception as error:
        _log.exception("load %s was not judged", load_id)
        return {"failed": f"{type(error).__name__}: {str(error).splitlines()[0]}"}
