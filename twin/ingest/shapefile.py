"""Shapefile (``.shp``), also without ``.dbf`` (no attributes) or ``.prj`` (give ``--crs``).

The length that the header states is compared with the file's, because GDAL reads a truncated file
without a word.  Where no ``.cpg`` names the encoding of the ``.dbf``, its bytes are looked at.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from twin.errors import InvalidInputError
from twin.ingest._features import Features, Reader, Request
from twin.ingest._letters import in_pairs
from twin.ingest._ogr import open_features

_HEADER_BYTES = 100
_SHP_CODE = 9994


@contextmanager
def _open(request: Request) -> Iterator[Features]:
    path = request.path
    _require_whole(path)
    if not path.with_suffix(".shx").exists():
        raise InvalidInputError(
            f"{path.name} came without its index {path.stem}.shx, which is part of a shapefile"
        )
    table = _beside(path, ".dbf")
    encoding = None if table is None else guess_encoding(table)
    with open_features(request, encoding=encoding) as features:
        notes = list(features.notes)
        if table is None:
            notes.append(f"{path.stem}.dbf is missing: geometry only, no attributes")
        if encoding is not None:
            notes.append(f"{table.name if table else ''} names no encoding: read as {encoding}")
        yield replace(features, notes=tuple(notes))


def _require_whole(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES)
    if len(head) < _HEADER_BYTES or struct.unpack(">i", head[:4])[0] != _SHP_CODE:
        raise InvalidInputError(f"{path.name} is not a shapefile")
    stated = 2 * struct.unpack(">i", head[24:28])[0]
    held = path.stat().st_size
    if held < stated:
        raise InvalidInputError(
            f"{path.name} is truncated: it has {held} of the {stated} bytes that it states"
        )


def _beside(path: Path, suffix: str) -> Path | None:
    return next(
        (p for p in (path.with_suffix(suffix), path.with_suffix(suffix.upper())) if p.exists()),
        None,
    )


def guess_encoding(table: Path) -> str | None:
    """Return the encoding of a ``.dbf`` that names none, judged by its bytes; None: as GDAL does.

    UTF-8 hardly ever arises by chance.  Text of GB 18030 in common characters has pairs of bytes
    from A1 up; text in a Western encoding has single ones.
    """
    if _beside(table, ".cpg") is not None:
        return None
    content = table.read_bytes()
    if len(content) < 32 or content[29] != 0:  # byte 29 names a code page
        return None
    body = content[struct.unpack("<H", content[8:10])[0] :]
    if body.isascii():
        return None
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return "GB18030" if in_pairs(body) else None
    return "UTF-8"


READER = Reader(
    id="shapefile",
    title={"zh": "Shapefile", "en": "Shapefile"},
    suffixes=(".shp",),
    features=_open,
)
