"""Requests for tiles and features, read without a parser where they are plain."""

import re
from typing import NamedTuple

from api.codings import chosen

_LINE = re.compile(
    rb"(GET|HEAD) /tiles/"
    rb"([a-z_,]{1,400}/(?:[A-Za-z][0-9A-Za-z]{0,30}/)?[0-9]{1,2}/[0-9]{1,9}/[0-9]{1,9})"
    rb"(?:\.mvt|\.pbf)?(?:\?v=[0-9a-z]{1,40})? HTTP/1\.1\r\n"
)
_ITEMS = re.compile(
    rb"(GET|HEAD) (/collections/[a-z_]{1,64}/items)"
    rb"(?:\?([!$%&'()*+,\-./0-9:;=?@A-Z_a-z~]{0,2000}))? HTTP/1\.1\r\n"
)
_HEADER = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)\r\n")
_KNOWN = re.compile(rb"(?im)^if-none-match:[ \t]*([\t\x20-\x7e\x80-\xff]*)\r\n")
_NOT_OURS = frozenset(
    (
        *(b"content-length", b"transfer-encoding", b"expect", b"upgrade", b"http2-settings"),
        b"if-none-match",  # taken out before; a second one is none of ours
    )
)
_ONCE = (b"accept-encoding", b"host", b"connection")
_LONGEST_BLOCK = 8192


class Head(NamedTuple):
    """The header lines of a plain request."""

    coding: str | None
    """What its sender takes; None if there is nothing that he does."""
    headers: list[tuple[bytes, bytes]]
    """As ASGI has them."""
    forwarded: bool
    """Whether a proxy says who sent it."""


class PlainItems(NamedTuple):
    """A plain request for a page of features."""

    line: bytes
    """As it was sent, to the end of the line."""
    bodiless: bool
    path: bytes
    query: bytes
    block: bytes
    """The header lines."""


class Plain(NamedTuple):
    """A plain request for a tile."""

    line: bytes
    """As it was sent, to the end of the line."""
    bodiless: bool
    key: bytes
    """What stands behind ``/tiles/``."""
    known: str
    """``If-None-Match``."""
    block: bytes
    """The other header lines."""


def read_request(data: bytes, at: int, end: int) -> Plain | None:
    """Return the request for a tile at a place; None if it asks anything else.

    Parameters
    ----------
    data : bytes
        What came in.
    at, end : int
        Where the request begins, and where its header lines end.
    """
    line = _LINE.match(data, at, end)
    if line is None:
        return None
    block = data[line.end() : end]
    known = ""
    if (given := _KNOWN.search(block)) is not None:
        known = given[1].decode("latin-1").strip()
        block = block[: given.start()] + block[given.end() :]
    return Plain(line[0], line[1] == b"HEAD", line[2], known, block)


def read_items_request(data: bytes, at: int, end: int) -> PlainItems | None:
    """Return the request for a page of features at a place; None if it asks anything else."""
    line = _ITEMS.match(data, at, end)
    if line is None:
        return None
    return PlainItems(line[0], line[1] == b"HEAD", line[2], line[3] or b"", data[line.end() : end])


def read_head(block: bytes) -> Head | None:
    r"""Return some header lines, read; None if they are not plain.

    >>> read_head(b"Host: a\r\nAccept-Encoding: gzip, br\r\n").coding
    'gzip'
    >>> read_head(b"Host: a\r\nContent-Length: 5\r\n") is None
    True
    """
    if len(block) > _LONGEST_BLOCK:
        return None
    found: dict[bytes, bytes] = {}
    headers: list[tuple[bytes, bytes]] = []
    at = 0
    while at < len(block):
        match = _HEADER.match(block, at)
        if match is None:
            return None
        name, value = match[1].lower(), match[2].strip()
        if name in _NOT_OURS or (name in found and name in _ONCE):
            return None
        found[name] = value
        headers.append((name, value))
        at = match.end()
    if found.get(b"connection", b"keep-alive").lower() != b"keep-alive" or b"host" not in found:
        return None
    coding = chosen(found.get(b"accept-encoding", b"").decode("latin-1"))
    return Head(coding, headers, any(name.startswith(b"x-forwarded-") for name in found))
