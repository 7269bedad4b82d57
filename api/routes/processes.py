"""OGC API - Processes, Part 1 (OGC 18-062r2): analyses as processes, their runs as jobs."""

from fastapi import APIRouter, Request, Response

from analysis import analyses, execute, load_run, runs
from api import describe
from api.dependencies import (
    AnalysisParam,
    CityParam,
    InputsParam,
    JobLimitParam,
    Nothing,
    OnlyFormat,
    RunIdParam,
    WorkingCityParam,
)
from api.links import JSON, base
from api.negotiate import JsonOnly
from api.render import answer, respond

router = APIRouter()


@router.get("/processes", dependencies=[OnlyFormat, JsonOnly])
async def processes(request: Request) -> Response:
    """Return the analyses, clause 7.9."""
    return answer(request, describe.processes(request, analyses().values()))


@router.get("/processes/{process_id}", dependencies=[OnlyFormat, JsonOnly])
async def process(request: Request, analysis: AnalysisParam) -> Response:
    """Return what one analysis asks and answers, clause 7.10."""
    return answer(request, describe.process(request, analysis))


@router.post("/processes/{process_id}/execution", dependencies=[Nothing])
def execution(
    request: Request, city: WorkingCityParam, analysis: AnalysisParam, inputs: InputsParam
) -> Response:
    """Run one analysis, store the answer and return it, clause 7.11."""
    outputs = execute(city, analysis, inputs)
    headers = {"Link": f'<{base(request)}/jobs/{outputs.run_id}>; rel="monitor"'}
    return respond(request, outputs.model_dump_json().encode(), JSON, headers=headers)


@router.get("/jobs", dependencies=[JsonOnly])
def jobs(request: Request, city: CityParam, limit: JobLimitParam) -> Response:
    """Return the stored runs, latest first, clause 12."""
    return answer(request, describe.jobs(request, runs(city, most=limit)))


@router.get("/jobs/{job_id}", dependencies=[OnlyFormat, JsonOnly])
def job(request: Request, city: CityParam, run_id: RunIdParam) -> Response:
    """Return one stored run, clause 7.12."""
    return answer(request, describe.job(request, load_run(city, run_id)))


@router.get("/jobs/{job_id}/results", dependencies=[OnlyFormat, JsonOnly])
def results(request: Request, city: CityParam, run_id: RunIdParam) -> Response:
    """Return the answer of a stored run, word for word, clause 7.13."""
    return answer(request, describe.results(load_run(city, run_id)))


@router.get("/jobs/{job_id}/results/{output_id}", dependencies=[OnlyFormat])
def result(request: Request, city: CityParam, run_id: RunIdParam, output_id: str) -> Response:
    """Return one output of a stored run: a picture as it is, all else as JSON."""
    return respond(request, *describe.result(load_run(city, run_id), output_id))
