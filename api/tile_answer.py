"""What is answered to whoever asks for a tile; every way a tile leaves the service uses this."""

from collections.abc import Sequence

from api.codings import PLAIN
from api.edge import EVERYWHERE
from tiles.cache import Made
from tiles.encodings.mvt import MEDIA_TYPE

Head = Sequence[tuple[bytes, bytes]]


class Sheet:
    """A tile as one kind of client gets it.

    Attributes
    ----------
    etag : str
        Names these very bytes: each coding has its own.
    status : int
        200, or 204 if the tile is empty.
    head, unchanged : tuple of (name, value)
        The head, and that for a client that has the tile already.
    body : bytes or None
        What is sent; None if it is made for each anew.
    head_bytes, unchanged_bytes : bytes
        What follows the date in the head, ready to be written.
    length : int
        Bytes of the body.
    """

    __slots__ = (
        *("body", "etag", "head", "head_bytes", "length"),
        *("status", "unchanged", "unchanged_bytes"),
    )

    def __init__(self, made: Made, coding: str) -> None:
        self.etag = f'"{made.digest}-{coding}"' if coding else f'"{made.digest}"'
        self.status = 200 if made.size else 204
        self.unchanged: Head = (
            (b"etag", self.etag.encode()),
            (b"cache-control", b"no-cache"),
            (b"vary", b"Accept-Encoding"),
        )
        self.body = made.form(coding) if coding else None
        self.length = made.size if self.body is None else len(self.body)
        coded = ((b"content-encoding", coding.encode()),) if coding else ()
        told = (
            (b"content-length", str(self.length).encode()),
            (b"content-type", MEDIA_TYPE.encode()),
        )
        self.head: Head = (*self.unchanged, *coded, *told) if made.size else self.unchanged
        self.head_bytes, self.unchanged_bytes = written(self.head), written(self.unchanged)


def sheet(made: Made, coding: str) -> Sheet:
    """Return a tile for clients that take a coding, and keep it with the tile.

    The first time it may take as long as the tile takes to be compressed.
    """
    kept: Sheet | None = made.kept.get(coding)
    if kept is None:
        kept = made.kept[coding] = Sheet(made, coding)
    return kept


def body_of(made: Made, found: Sheet) -> bytes:
    """Return the bytes that a sheet is about."""
    return made.plain if found.body is None else found.body


def is_ready(made: Made, coding: str) -> bool:
    """Return whether a tile is there in a coding."""
    return coding == PLAIN or coding in made.forms


def is_known(etag: str, given: str) -> bool:
    """Return whether an ``If-None-Match`` says its sender has it already (RFC 9110, 13.1.2)."""
    if given == etag:
        return True
    if not given:
        return False
    known = [word.strip().removeprefix("W/") for word in given.split(",")]
    return given.strip() == "*" or etag in known


def written(head: Head) -> bytes:
    """Return the rest of an answer's head, from behind the date to the empty line."""
    return b"".join(b"%b: %b\r\n" % entry for entry in (*head, *EVERYWHERE)) + b"\r\n"
