"""ASCII grid (``.asc``), with its frame in a ``.prj`` beside it or given with ``--crs``."""

from pathlib import Path

from twin.errors import InvalidInputError
from twin.ingest._features import Reader

_HEAD_BYTES = 2048


def _open(path: Path) -> str:
    """Return the path of a whole grid: GDAL fills what is missing at the end with zeros."""
    words: dict[str, str] = {}
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES).decode("ascii", errors="replace").splitlines()
    for line in head:
        key, _, value = line.strip().partition(" ")
        if not key[:1].isalpha():
            break
        words[key.lower()] = value.strip()
    if not {"ncols", "nrows"} <= words.keys():
        raise InvalidInputError(f"{path.name} is not an ASCII grid: no ncols and nrows at its head")
    stated = int(words["ncols"]) * int(words["nrows"])
    held = sum(len(line.split()) for line in _body(path, len(words)))
    if held != stated:
        raise InvalidInputError(
            f"{path.name} is truncated: it has {held} of the {stated} values that it states"
        )
    return str(path)


def _body(path: Path, header_lines: int) -> list[bytes]:
    return path.read_bytes().splitlines()[header_lines:]


READER = Reader(
    id="ascii-grid",
    title={"zh": "ASCII 网格", "en": "ASCII grid"},
    suffixes=(".asc",),
    raster=_open,
)
