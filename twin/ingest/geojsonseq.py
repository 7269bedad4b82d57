"""GeoJSON text sequences (``.geojsonl``, ``.geojsons``, ``.ndjson``): one feature a line.

GDAL passes over a line that it cannot read.  So the records are counted beforehand: a file that
ends within a record is truncated, and records that gave no feature are counted as refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import orjson

from twin.errors import InvalidInputError
from twin.ingest._features import Chunk, Features, Reader, Request
from twin.ingest._ogr import open_features

_RECORD_SEPARATOR = b"\x1e"
_NO_FEATURE = "a record that is no feature"


@contextmanager
def _open(request: Request) -> Iterator[Features]:
    records, last = _count_records(request.path)
    try:
        orjson.loads(last)
    except orjson.JSONDecodeError as error:
        raise InvalidInputError(
            f"{request.path.name} is truncated or no sequence of JSON: its last record is not whole"
        ) from error
    rejected: dict[str, list[str]] = {}
    with open_features(request, strict=False) as features:

        def chunks() -> Iterator[Chunk]:
            read = 0
            for chunk in features.chunks:
                read += chunk.table.num_rows
                yield chunk
            if read < records:
                rejected[_NO_FEATURE] = ["?"] * (records - read)

        yield replace(features, total=records, chunks=chunks(), rejected=rejected)


def _count_records(path: Path) -> tuple[int, bytes]:
    """Return how many records a file has, and the last of them."""
    with path.open("rb") as file:
        separated = file.read(1) == _RECORD_SEPARATOR
        file.seek(0)
        if separated:
            found = [one for one in file.read().split(_RECORD_SEPARATOR) if one.strip()]
            return len(found), found[-1] if found else b""
        number, last = 0, b""
        for line in file:
            if line.strip():
                number, last = number + 1, line
        return number, last


READER = Reader(
    id="geojsonseq",
    title={"zh": "GeoJSON 序列", "en": "GeoJSON sequence"},
    suffixes=(".geojsonl", ".geojsons", ".geojsonseq", ".ndjson"),
    features=_open,
)
