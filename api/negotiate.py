"""Which form of a document a client wants: ``f`` says it, else the ``Accept`` header."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request

from twin.errors import InvalidInputError

F = "f"
"""The query parameter that names a form."""


async def _wants_html(request: Request) -> bool:
    return wants_html(request)


def wants_html(request: Request) -> bool:
    """Return whether a page for people is wanted.

    Raises
    ------
    InvalidInputError
        If ``f`` names no form there is.
    """
    form = request.query_params.get(F)
    if form is not None:
        if form not in ("json", "html"):
            raise InvalidInputError(f"f is json or html, not {form!r}")
        return form == "html"
    quality = _qualities(request.headers.get("accept", "*/*"))
    html = max(quality("text/html"), quality("application/xhtml+xml"))
    json = max(quality("application/json"), quality("application/geo+json"), quality("*/*"))
    return html > 0 and html >= json


async def _json_only(request: Request) -> None:
    if request.query_params.get(F, "json") != "json":
        raise InvalidInputError("this document has the form json only")


def _qualities(accept: str) -> Callable[[str], float]:
    """Return how much a client wants each media type, from 0 to 1."""
    found: dict[str, float] = {}
    for part in accept.split(","):
        media_type, *parameters = (word.strip() for word in part.split(";"))
        weights = [p.partition("=")[2] for p in parameters if p.replace(" ", "").startswith("q=")]
        found[media_type.lower()] = _weight(weights[0]) if weights else 1.0
    return lambda media_type: found.get(media_type, 0.0)


def _weight(word: str) -> float:
    try:
        return min(max(float(word), 0.0), 1.0)
    except ValueError:
        return 0.0


WantsHtml = Annotated[bool, Depends(_wants_html)]
JsonOnly = Depends(_json_only)
