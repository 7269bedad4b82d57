"""What is answered to whoever asks for a tile; every way a tile leaves the service uses this."""

from typing import NamedTuple

from api.edge import EVERYWHERE
from tiles.cache import Made
from tiles.encodings.mvt import MEDIA_TYPE

Head = tuple[tuple[bytes, bytes], ...]


class Answer(NamedTuple):
    """A tile as one kind of client gets it, but for its body."""

    etag: str
    status: int
    head: Head
    unchanged: Head
    """The head for a client that has it already."""


def answer(made: Made, *, gzip: bool) -> Answer:
    """Return a tile for clients that read gzip, or for those that do not.

    The tag is strong: it names these very bytes, so the compressed tile has another than the plain
    one.  Whoever asks again says what it has: a tile is only ever as old as the answer.
    """
    kept = made.kept.get(gzip)
    if kept is not None:
        found: Answer = kept
        return found
    etag = f'"{made.digest}-gzip"' if gzip else f'"{made.digest}"'
    unchanged = (
        (b"etag", etag.encode()),
        (b"cache-control", b"no-cache"),
        (b"vary", b"Accept-Encoding"),
    )
    coded = ((b"content-encoding", b"gzip"),) if gzip else ()
    length = len(made.packed) if gzip else made.size
    told = (
        (b"content-length", str(length).encode()),
        (b"content-type", MEDIA_TYPE.encode()),
    )
    head = (*unchanged, *coded, *told) if made.size else unchanged
    answered = made.kept[gzip] = Answer(etag, 200 if made.size else 204, head, unchanged)
    return answered


def body_of(made: Made, *, gzip: bool) -> bytes:
    """Return a tile's bytes for clients that read gzip, or for those that do not."""
    return made.packed if gzip else made.plain


def reads_gzip(accepted: str) -> bool:
    """Return whether an ``Accept-Encoding`` says that its sender reads gzip.

    >>> reads_gzip("br, gzip;q=0.5"), reads_gzip("gzip;q=0, br"), reads_gzip("")
    (True, False, False)
    """
    for part in accepted.lower().split(","):
        coding, _, parameters = part.strip().partition(";")
        if coding.strip() in ("gzip", "*"):
            return parameters.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def is_known(etag: str, given: str) -> bool:
    """Return whether an ``If-None-Match`` says its sender has it already (RFC 9110, 13.1.2)."""
    if given == etag:
        return True
    if not given:
        return False
    known = [word.strip().removeprefix("W/") for word in given.split(",")]
    return given.strip() == "*" or etag in known


def on_the_wire(made: Made, *, gzip: bool, known: str, bodiless: bool) -> tuple[int, bytes, bytes]:
    """Return status, what follows the ``Date`` in the head, and the body, ready to be written."""
    told = answer(made, gzip=gzip)
    if known and is_known(told.etag, known):
        return 304, _written(made, (gzip, 304), told.unchanged), b""
    head = _written(made, (gzip, told.status), told.head)
    return told.status, head, b"" if bodiless else body_of(made, gzip=gzip)


def _written(made: Made, key: tuple[bool, int], head: Head) -> bytes:
    kept = made.kept.get(key)
    if kept is None:
        lines = (b"%b: %b\r\n" % entry for entry in (*head, *EVERYWHERE))
        kept = made.kept[key] = b"".join(lines) + b"\r\n"
    written: bytes = kept
    return written
