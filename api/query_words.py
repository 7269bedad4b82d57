"""The words of a query string: what each parameter may say, and cursors of pages."""

import base64
import binascii
from collections.abc import Collection

from fastapi import Request

from twin.errors import InvalidInputError

DEFAULT_LIMIT = 100
MAXIMUM_LIMIT = 10_000


def require_known(request: Request, possible: Collection[str]) -> None:
    """Refuse a query parameter that the address does not know: a misspelt filter filters nothing.

    Raises
    ------
    InvalidInputError
        The message lists what is possible.
    """
    unknown = [name for name in request.query_params if name not in possible]
    if unknown:
        shown = ", ".join(possible) or "none"
        raise InvalidInputError(f"unknown query parameter {unknown[0]!r}; possible are: {shown}")


def write_cursor(last: int) -> str:
    """Return a word that stands for the place after a feature; callers need not understand it.

    >>> read_cursor(write_cursor(4711))
    4711
    """
    return base64.urlsafe_b64encode(str(last).encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> int:
    """Return the id of the feature after which to go on."""
    try:
        number = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (ValueError, binascii.Error):
        number = ""
    if not number.removeprefix("-").isdigit() or len(number) > 18:
        raise InvalidInputError(
            f"cursor {cursor[:40]!r} is none of ours; take it from a page's link rel=next"
        )
    return int(number)


def others(request: Request, own: Collection[str]) -> dict[str, list[str]]:
    """Return the parameters that are not among an address's own, each with all its values."""
    query = request.query_params
    return {name: query.getlist(name) for name in query if name not in own}


def single(request: Request, name: str) -> str | None:
    """Return the value of a parameter that may be given once."""
    given = request.query_params.getlist(name)
    if len(given) > 1:
        raise InvalidInputError(f"{name} is given {len(given)} times; give it once")
    return given[0] if given else None


def limit(word: str | None) -> int:
    """Return the page size; more than the maximum means the maximum, as OGC 17-069r4 asks."""
    if word is None:
        return DEFAULT_LIMIT
    if not (word.isascii() and word.isdigit()) or not word.strip("0"):
        raise InvalidInputError(f"limit is a whole number from 1 to {MAXIMUM_LIMIT}, not {word!r}")
    return min(int(word[:9]), MAXIMUM_LIMIT)


def yes(word: str | None, name: str) -> bool:
    """Return whether a word says true."""
    if word not in (None, "true", "false"):
        raise InvalidInputError(f"{name} is true or false, not {word!r}")
    return word == "true"
