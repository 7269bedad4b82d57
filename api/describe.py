"""Analyses and their runs in the words of OGC API - Processes."""

from collections.abc import Iterable
from typing import Any

import orjson
from fastapi import Request

from analysis import Analysis, Run, analyses
from api.links import JSON, OGC, base, here, link
from twin.errors import NotFoundError


def processes(request: Request, found: Iterable[Analysis]) -> dict[str, Any]:
    """Return the list of the analyses."""
    return {"processes": [_summary(request, each) for each in found], "links": here(request)[:1]}


def process(request: Request, analysis: Analysis) -> dict[str, Any]:
    """Return what one analysis asks and answers."""
    inputs = analysis.inputs.model_json_schema()
    required = inputs.get("required", [])
    outputs = analysis.outputs.model_json_schema(mode="serialization")
    return {
        **_summary(request, analysis),
        "source": analysis.source,
        "inputs": {
            name: {
                "title": schema.get("title", name),
                "description": schema.get("description", ""),
                "minOccurs": int(name in required),
                "maxOccurs": 1,
                "schema": _inlined(schema, inputs),
            }
            for name, schema in inputs["properties"].items()
        },
        "outputs": {
            name: {"title": schema.get("title", name), "schema": _inlined(schema, outputs)}
            for name, schema in outputs["properties"].items()
        },
    }


def jobs(request: Request, found: Iterable[Run]) -> dict[str, Any]:
    """Return the list of the runs."""
    return {"jobs": [job(request, each) for each in found], "links": here(request)[:1]}


def job(request: Request, run: Run) -> dict[str, Any]:
    """Return how one run went."""
    url = f"{base(request)}/jobs/{run.id}"
    features = f"{base(request)}/collections/analysis_feature/items?run_id={run.id}"
    done = run.status == "successful"
    return {
        "type": "process",
        "jobID": str(run.id),
        "processID": run.analysis,
        "status": run.status,
        "message": run.message or "",
        "created": run.started_at,
        "started": run.started_at,
        "finished": run.finished_at,
        "inputs": run.inputs,
        "links": [
            link(url, "self", JSON, "This run"),
            *([link(f"{url}/results", f"{OGC}results", JSON, "The answer")] if done else []),
            *(
                link(f"{url}/results/{name}", f"{OGC}results", media, f"Its {name}")
                for name, media in _pictures(run.analysis).items()
                if done
            ),
            *([link(features, "items", "application/geo+json", "Its features")] if done else []),
        ],
    }


def results(run: Run) -> dict[str, Any]:
    """Return the answer of a run.

    Raises
    ------
    NotFoundError
        If the run has none: it failed.
    """
    if run.outputs is None:
        raise NotFoundError(f"the run {run.id} has no answer: it {run.status} ({run.message})")
    return run.outputs


def result(run: Run, name: str) -> tuple[bytes, str]:
    """Return one output of a run and its media type: a picture as it is, all else as JSON.

    Raises
    ------
    NotFoundError
        If the run has no such output, or no answer.
    """
    values = results(run)
    if name not in values:
        raise NotFoundError(
            f"the run {run.id} has no output {name!r}; it has {', '.join(sorted(values))}"
        )
    media = _pictures(run.analysis).get(name)
    return (orjson.dumps(values[name]), JSON) if media is None else (values[name].encode(), media)


def _pictures(analysis_id: str) -> dict[str, str]:
    """Return the outputs of an analysis that are documents of their own, and their media types."""
    analysis = analyses().get(analysis_id)
    if analysis is None:
        return {}
    schema = analysis.outputs.model_json_schema(mode="serialization")
    return {
        name: each["contentMediaType"]
        for name, each in schema["properties"].items()
        if "contentMediaType" in each
    }


def _summary(request: Request, analysis: Analysis) -> dict[str, Any]:
    url = f"{base(request)}/processes/{analysis.id}"
    return {
        "id": analysis.id,
        "title": f"{analysis.title.zh} {analysis.title.en}",
        "description": f"{analysis.description.zh} {analysis.description.en}",
        "titles": analysis.title.model_dump(),
        "descriptions": analysis.description.model_dump(),
        "version": analysis.version,
        "jobControlOptions": ["sync-execute"],
        "outputTransmission": ["value"],
        "links": [
            link(url, "self", JSON, "This analysis"),
            link(f"{url}/execution", f"{OGC}execute", JSON, "Run it"),
        ],
    }


def _inlined(schema: Any, whole: dict[str, Any]) -> Any:
    """Return a schema with what it refers to written into it: a description stands alone."""
    if isinstance(schema, list):
        return [_inlined(part, whole) for part in schema]
    if not isinstance(schema, dict):
        return schema
    reference = schema.get("$ref", "")
    if reference.startswith("#/$defs/"):
        named = whole["$defs"][reference.removeprefix("#/$defs/")]
        schema = {**named, **{k: v for k, v in schema.items() if k != "$ref"}}
    return {name: _inlined(part, whole) for name, part in schema.items()}
