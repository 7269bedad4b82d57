"""Parts of a file over HTTP: conditions and ranges (RFC 9110, 13 and 14)."""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import NamedTuple

_ONE = re.compile(r"bytes\s*=\s*([0-9]{0,19})-([0-9]{0,19})", re.IGNORECASE)


class Version(NamedTuple):
    """What a file is at this moment."""

    size: int
    etag: str
    changed: int
    """Seconds since 1970, whole."""


class Part(NamedTuple):
    """Which of a file's bytes to send, and as what; ``status`` is 200, 206, 304, 412 or 416."""

    status: int
    begin: int = 0
    length: int = 0


def asked(headers: Mapping[str, str], version: Version) -> Part:
    """Return what a request gets of a file.

    Parameters
    ----------
    headers : mapping
        The request's head; names in any case if the mapping takes them so.
    version : Version
        The file.

    Notes
    -----
    One range is given as asked for.  Several at once, units other than bytes, and words that are
    no range are passed over, and the whole file is the answer, as the RFC lets a server do.

    Examples
    --------
    >>> file = Version(100, '"a"', 0)
    >>> asked({"range": "bytes=10-19"}, file)
    Part(status=206, begin=10, length=10)
    >>> asked({"range": "bytes=-5"}, file)
    Part(status=206, begin=95, length=5)
    >>> asked({"range": "bytes=100-"}, file).status
    416
    >>> asked({"range": "bytes=10-19", "if-range": '"b"'}, file)
    Part(status=200, begin=0, length=100)
    """
    whole = Part(200, 0, version.size)
    if _changed_since(headers, version):
        return Part(412)
    if _known(headers, version):
        return Part(304)
    found = _ONE.fullmatch(headers.get("range", "").strip())
    if found is None or not _same(headers.get("if-range"), version):
        return whole
    first, last = found.groups()
    if not first and not last:
        return whole
    if not first:
        length = min(int(last), version.size)
        begin, end = version.size - length, version.size
    else:
        begin = int(first)
        end = min(int(last) + 1 if last else version.size, version.size)
        if last and int(last) < begin:
            return whole
    if begin >= end:
        return Part(416)
    return Part(206, begin, end - begin)


def _changed_since(headers: Mapping[str, str], version: Version) -> bool:
    """Return whether the sender asks for another version than this (``If-Match``)."""
    given = headers.get("if-match")
    if given is not None:
        return given.strip() != "*" and version.etag not in _tags(given)
    before = _seconds(headers.get("if-unmodified-since"))
    return before is not None and version.changed > before


def _known(headers: Mapping[str, str], version: Version) -> bool:
    """Return whether the sender has this version (``If-None-Match``)."""
    given = headers.get("if-none-match")
    if given is not None:
        tags = [tag.removeprefix("W/") for tag in _tags(given)]
        return given.strip() == "*" or version.etag in tags
    after = _seconds(headers.get("if-modified-since"))
    return after is not None and version.changed <= after


def _same(given: str | None, version: Version) -> bool:
    """Return whether a range may be taken of this version (``If-Range``)."""
    if given is None:
        return True
    if given.strip().startswith(('"', "W/")):
        return given.strip() == version.etag
    return _seconds(given) == version.changed


def _tags(words: str) -> list[str]:
    return [word.strip() for word in words.split(",")]


def _seconds(word: str | None) -> float | None:
    if word is None:
        return None
    try:
        return parsedate_to_datetime(word).timestamp()
    except (ValueError, OverflowError):
        return None
