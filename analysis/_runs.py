"""Run an analysis and keep the question and the answer; the only door to a stored result."""

import json
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from pydantic import BaseModel, ValidationError
from sqlalchemy import text
from sqlalchemy.orm import Session

from analysis._process import Analysis, Feature, Inputs, Outputs
from twin.changes import act_as, latest
from twin.database import City
from twin.errors import InvalidInputError, NotFoundError, TwinError

_STORE = text("""
    INSERT INTO twin.analysis_run
        (id, analysis, inputs, outputs, status, message, feed_seq, started_at, finished_at)
    VALUES
        (:id, :analysis, CAST(:inputs AS jsonb), CAST(:outputs AS jsonb), :status, :message,
         :feed_seq, :started_at, clock_timestamp())
""")

_AS_ONE = text("""
    -- The features of a run come as one load: the change feed has one entry for them, not one each.
    WITH one AS (
        INSERT INTO twin.load (layer, source, files)
        VALUES ('analysis_feature', :source, '[]') RETURNING id
    )
    SELECT set_config('twin.load_id', CAST(one.id AS text), true), one.id FROM one
""")

_DRAW = text("""
    INSERT INTO twin.analysis_feature
        (run_id, analysis, load_id, role, name, class_code, attrs, geom)
    SELECT :run_id, :analysis, :load_id, drawn.role, drawn.name, drawn.class_code, drawn.attrs,
           ST_SetSRID(CAST(drawn.wkb AS geometry), CAST(:srid AS integer))
    FROM   json_to_recordset(CAST(:drawn AS json)) AS drawn (
               role text, name text, class_code text, attrs jsonb, wkb text
           )
""")

_NOW = text("SELECT clock_timestamp()")

_RUN = text("""
    SELECT id, analysis, inputs, outputs, status, message, feed_seq, started_at, finished_at
    FROM   twin.analysis_run
    WHERE  id = :id
""")

_RUNS = text("""
    SELECT   id, analysis, inputs, NULL AS outputs, status, message, feed_seq, started_at,
             finished_at
    FROM     twin.analysis_run
    WHERE    CAST(:analysis AS text) IS NULL OR analysis = :analysis
    ORDER BY started_at DESC, id
    LIMIT    :most
""")


class Run(BaseModel):
    """One question and its answer, as stored."""

    id: UUID
    analysis: str
    inputs: dict[str, Any]
    outputs: dict[str, Any] | None
    status: str
    message: str | None
    feed_seq: int | None
    started_at: datetime
    finished_at: datetime | None


def parse_inputs(analysis: Analysis, values: Mapping[str, Any]) -> Inputs:
    """Return the inputs of an analysis from what a caller wrote.

    Raises
    ------
    InvalidInputError
        If a value is missing, of the wrong kind, out of range, or not asked for.
    """
    try:
        return analysis.inputs.model_validate(dict(values))
    except ValidationError as error:
        wrong = "; ".join(_told(each) for each in error.errors(include_url=False))
        possible = ", ".join(analysis.inputs.model_fields)
        raise InvalidInputError(f"{analysis.id}: {wrong} (inputs: {possible})") from error


def execute(city: City, analysis: Analysis, inputs: Mapping[str, Any]) -> Outputs:
    """Run an analysis, store the run and its features in one transaction, and return the answer.

    Parameters
    ----------
    city : City
        The session is committed, or rolled back if the analysis fails.
    analysis : Analysis
        What is asked.
    inputs : mapping
        As a caller wrote them: JSON values by name.

    Raises
    ------
    InvalidInputError
        If the inputs cannot be used; if they have not even the right form, no run is stored.
    TwinError
        What the analysis raised; the run is stored as failed with its message.
    """
    question = parse_inputs(analysis, inputs)
    run: dict[str, Any] = {
        "id": uuid4(),
        "analysis": analysis.id,
        "inputs": question.model_dump_json(exclude_unset=True),
        # What the answer saw is this or later: the city may change while it is read.
        "feed_seq": latest(city.session).seq,
        "started_at": city.session.scalar(_NOW),
    }
    began = time.perf_counter()
    try:
        outputs = analysis.run(city, question)
    except Exception as error:
        city.session.rollback()
        _store_failure(city.session, run, error)
        raise
    outputs.run_id = run["id"]
    outputs.analysis = analysis.id
    outputs.features_url = f"/collections/analysis_feature/items?run_id={run['id']}"
    outputs.elapsed_s = round(time.perf_counter() - began, 6)
    _store_success(city, run, outputs)
    return outputs


def load_run(city: City, run_id: UUID) -> Run:
    """Return one stored run.

    Raises
    ------
    NotFoundError
        If there is none of that id.
    """
    row = city.session.execute(_RUN, {"id": run_id}).mappings().one_or_none()
    if row is None:
        raise NotFoundError(f"there is no run {run_id}")
    return Run.model_validate(dict(row))


def runs(city: City, *, analysis: str | None = None, most: int = 100) -> Sequence[Run]:
    """Return the stored runs, the latest first, without their answers."""
    rows = city.session.execute(_RUNS, {"analysis": analysis, "most": most}).mappings()
    return [Run.model_validate(dict(row)) for row in rows]


def _store_success(city: City, run: Mapping[str, Any], outputs: Outputs) -> None:
    session = city.session
    act_as(session, f"analysis/{run['analysis']}")
    answer = outputs.model_dump_json()
    done = {"outputs": answer, "status": "successful", "message": None}
    session.execute(_STORE, {**run, **done})
    if outputs.features:
        _draw(city, run, outputs.features)
    session.commit()


def _draw(city: City, run: Mapping[str, Any], features: Sequence[Feature]) -> None:
    source = f"{run['analysis']} {run['id']}"
    load_id = city.session.execute(_AS_ONE, {"source": source}).one().id
    values = {
        "run_id": run["id"],
        "analysis": run["analysis"],
        "load_id": load_id,
        "srid": city.frame.srid,
        "drawn": _written(features),
    }
    city.session.execute(_DRAW, values)


def _store_failure(session: Session, run: Mapping[str, Any], error: Exception) -> None:
    message = str(error) if isinstance(error, TwinError) else f"{type(error).__name__}: {error}"
    session.execute(_STORE, {**run, "outputs": None, "status": "failed", "message": message})
    session.commit()


def _written(features: Sequence[Feature]) -> str:
    rows = [
        {
            "role": each.role,
            "name": each.name,
            "class_code": each.class_code,
            "attrs": each.attrs,
            "wkb": each.wkb.hex(),
        }
        for each in features
    ]
    return json.dumps(rows, ensure_ascii=False)


def _told(error: Mapping[str, Any]) -> str:
    place = ".".join(str(part) for part in error["loc"]) or "inputs"
    given = "" if error["type"] == "missing" else f", not {str(error['input'])[:80]!r}"
    return f"{place}: {error['msg']}{given}"
