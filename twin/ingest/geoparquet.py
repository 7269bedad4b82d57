"""GeoParquet (``.parquet``, ``.geoparquet``): geometry as WKB, described in the file's metadata."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from twin.crs import LONLAT
from twin.errors import InvalidInputError
from twin.ingest._features import CHUNK_ROWS, Chunk, Features, Reader, Request
from twin.ingest._ogr import unreadable


@contextmanager
def _open(request: Request) -> Iterator[Features]:
    try:
        file = pq.ParquetFile(request.path)
    except (pa.ArrowInvalid, OSError) as error:
        raise unreadable(request.path, error) from error
    with file:
        described = (file.schema_arrow.metadata or {}).get(b"geo")
        if described is None:
            raise InvalidInputError(
                f"{request.path.name} is Parquet without the metadata of GeoParquet: "
                "no column says that it is a geometry"
            )
        geo = orjson.loads(described)
        primary = geo["primary_column"]
        column = geo["columns"][primary]
        if column.get("encoding", "WKB") != "WKB":
            raise InvalidInputError(
                f"{request.path.name} has geometry encoded as {column['encoding']}; "
                "only WKB is read"
            )
        others = [name for name in file.schema_arrow.names if name not in geo["columns"]]
        yield Features(
            crs=_crs(column),
            columns=tuple(name for name in others if name != "bbox"),
            total=file.metadata.num_rows,
            chunks=_chunks(request, file, primary, others),
            layer_name=request.path.stem,
        )


def _crs(column: dict[str, Any]) -> str | None:
    """Return the frame: degrees where the file says nothing, none where it says null."""
    if "crs" not in column:
        return LONLAT
    projjson = column["crs"]
    if projjson is None:
        return None
    name = projjson.get("id")
    return f"{name['authority']}:{name['code']}" if name else orjson.dumps(projjson).decode()


def _chunks(
    request: Request, file: pq.ParquetFile, primary: str, others: list[str]
) -> Iterator[Chunk]:
    first = 0
    try:
        for batch in file.iter_batches(CHUNK_ROWS, columns=[primary, *others]):
            table = pa.Table.from_batches([batch])
            wkb = batch.column(primary)
            wkb = wkb.storage if isinstance(wkb, pa.ExtensionArray) else wkb
            fids = np.arange(first, first + len(wkb))
            first += len(wkb)
            yield Chunk(table.drop_columns([primary]), wkb, fids)
    except (pa.ArrowInvalid, OSError) as error:
        raise unreadable(request.path, error) from error


READER = Reader(
    id="geoparquet",
    title={"zh": "GeoParquet", "en": "GeoParquet"},
    suffixes=(".parquet", ".geoparquet"),
    features=_open,
)
