"""One table from errors to HTTP statuses, and one shape of answer (RFC 9457 problem details)."""

import logging
from http import HTTPStatus

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from twin.caller import GoneError
from twin.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    TwinError,
    UnavailableError,
)

PROBLEM = "application/problem+json"

STATUS: dict[type[Exception], int] = {
    NotFoundError: 404,
    InvalidInputError: 400,
    ConflictError: 409,
    UnavailableError: 503,
    GoneError: 400,  # nobody reads it
    TwinError: 500,
    RequestValidationError: 400,  # OGC API - Features asks for 400 where FastAPI gives 422
    OperationalError: 503,
    NoConnectionError: 503,
    ClientDisconnect: 400,  # nobody reads it
    Exception: 500,
}
_CANCELLED = "57014"
"""PostgreSQL's code of a statement that ran into its time limit."""

_log = logging.getLogger("citytwin")


def problem(
    status: int, detail: str, *, kind: str = "about:blank", headers: dict[str, str] | None = None
) -> Response:
    """Return an error as the caller sees it."""
    title = HTTPStatus(status).phrase
    body = orjson.dumps({"type": kind, "title": title, "status": status, "detail": detail})
    return Response(body, status, media_type=PROBLEM, headers=headers)


def install(app: FastAPI) -> None:
    """Teach the application the table above."""
    for kind in STATUS:
        app.add_exception_handler(kind, _answer)
    app.add_exception_handler(HTTPException, _http)


async def _answer(request: Request, error: Exception) -> Response:
    status = next(code for kind, code in STATUS.items() if isinstance(error, kind))
    if status == 500:
        _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    headers = {"Retry-After": "5"} if status == 503 else None
    return problem(status, _told(error, status), headers=headers)


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers) if error.headers else None
    return problem(error.status_code, error.detail, headers=headers)


def _told(error: Exception, status: int) -> str:
    if isinstance(error, RequestValidationError):
        return "; ".join(f"{each['loc'][-1]}: {each['msg']}" for each in error.errors())
    if isinstance(error, OperationalError):
        if getattr(error.orig, "sqlstate", None) == _CANCELLED:
            return "this took too long and was cancelled; ask for less: a smaller box, a filter"
        return "the database does not answer now"
    if isinstance(error, NoConnectionError):
        return "too many ask at once; ask again in a moment"
    if status == 500:
        return "something went wrong here; the service's log says what"
    return str(error)
