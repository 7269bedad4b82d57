"""Reading what GDAL reads: one function for all formats that hold features."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from twin.errors import InvalidInputError
from twin.ingest._features import CHUNK_ROWS, Chunk, Features, Request

_HARMLESS = ("user_version", "Measured (M)", "organizePolygons", "several valid")


@contextmanager
def open_features(
    request: Request, *, encoding: str | None = None, strict: bool = True
) -> Iterator[Features]:
    """Open a layer of a file that GDAL reads, and hand out its features in chunks.

    With `strict`, a file that gives fewer features than it states is an error: it is truncated.

    Raises
    ------
    InvalidInputError
        If GDAL cannot read the file, or the layer has to be named and is not.
    """
    path = request.path
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            layer, several = _choose_layer(path, request.sublayer)
            info = pyogrio.read_info(path, layer=layer, force_feature_count=True, encoding=encoding)
            with pyogrio.open_arrow(
                path,
                layer=layer,
                use_pyarrow=True,
                return_fids=True,
                batch_size=CHUNK_ROWS,
                encoding=encoding,
            ) as (meta, source):
                total = None if info["features"] < 0 else int(info["features"])
                yield Features(
                    crs=meta["crs"],
                    columns=tuple(str(name) for name in meta["fields"]),
                    total=total,
                    chunks=_chunks(path, meta, source, total if strict else None),
                    layer_name=layer,
                    prefix=f"{layer}." if several else "",
                    lookup=lambda name: _read_table(path, name),
                    notes=tuple(_worth_saying(said)),
                )
        except (DataSourceError, DataLayerError, pa.ArrowInvalid, OSError) as error:
            raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception | str) -> InvalidInputError:
    """Return the error for a file that cannot be read as what it claims to be."""
    return InvalidInputError(f"{path.name} cannot be read: {str(error).strip() or type(error)}")


def _choose_layer(path: Path, wanted: str | None) -> tuple[str, bool]:
    found = [str(name) for name in pyogrio.list_layers(path)[:, 0]]
    if wanted is not None:
        if wanted not in found:
            raise InvalidInputError(
                f"{path.name} has no layer {wanted!r}; it has {', '.join(found)}"
            )
        return wanted, len(found) > 1
    if not found:
        raise InvalidInputError(f"{path.name} holds no layer")
    if len(found) > 1:
        raise InvalidInputError(
            f"{path.name} holds {len(found)} layers; name one as {path.name}#LAYER: "
            f"{', '.join(found)}"
        )
    return found[0], False


def _chunks(path: Path, meta: dict[str, Any], source: Any, stated: int | None) -> Iterator[Chunk]:
    geometry = meta["geometry_name"] or "wkb_geometry"
    number = meta["fid_column"]
    read = 0
    try:
        for batch in source:
            read += batch.num_rows
            table = pa.Table.from_batches([batch])
            names = table.column_names
            wkb = _plain(table.column(geometry)) if geometry in names else None
            fids = table.column(number).to_numpy().astype(np.int64)
            yield Chunk(
                table.drop_columns([n for n in (geometry, number) if n in names]), wkb, fids
            )
    except (pa.ArrowInvalid, OSError, RuntimeError) as error:
        raise unreadable(path, error) from error
    if stated is not None and read < stated:
        raise InvalidInputError(
            f"{path.name} is truncated: it gives {read} of the {stated} features that it states"
        )


def _plain(column: pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = pa.concat_arrays(whole.chunks)
    return whole.storage if isinstance(whole, pa.ExtensionArray) else whole


def _read_table(path: Path, name: str) -> pa.Table:
    try:
        _, table = pyogrio.read_arrow(path, layer=name, read_geometry=False)
    except (DataSourceError, DataLayerError) as error:
        raise InvalidInputError(f"{path.name} has no table {name!r}") from error
    return table


def _worth_saying(said: list[warnings.WarningMessage]) -> list[str]:
    texts = dict.fromkeys(str(one.message) for one in said)
    return [text for text in texts if not any(word in text for word in _HARMLESS)][:3]
