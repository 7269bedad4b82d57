"""CSV (``.csv``, ``.tsv``, ``.txt``) with coordinates in two columns or as WKT in one.

Degrees are taken from columns called lon and lat, longitude and latitude, 经度 and 纬度; metres
from x and y, easting and northing, 东坐标 and 北坐标, whose frame must be given with ``--crs``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import shapely
from numpy.typing import NDArray

from twin.crs import LONLAT
from twin.errors import InvalidInputError
from twin.ingest._features import CHUNK_ROWS, Chunk, Features, Reader, Request
from twin.ingest._fields import normal
from twin.ingest._ogr import unreadable

_LON = ("lon", "lng", "longitude", "long", "经度", "x_lon", "point_x")
_LAT = ("lat", "latitude", "纬度", "y_lat", "point_y")
_X = ("x", "easting", "x_m", "东坐标", "横坐标", "coord_x")
_Y = ("y", "northing", "y_m", "北坐标", "纵坐标", "coord_y")
_WKT = ("wkt", "geom", "geometry", "the_geom", "几何")


@dataclass(frozen=True)
class _Place:
    """Where a row's geometry stands, and its frame if the columns' names say it."""

    columns: tuple[str, ...]
    crs: str | None


@contextmanager
def _open(request: Request) -> Iterator[Features]:
    table = read_table(request.path)
    columns = tuple(table.column_names)
    place = None if request.layer == "reading" else _find_place(columns, request.path)
    held = () if place is None else place.columns
    yield Features(
        crs=place.crs if place else None,
        columns=tuple(name for name in columns if name not in held),
        total=table.num_rows,
        chunks=_chunks(table, place),
        layer_name=request.path.stem,
    )


def read_table(path: Path, *, also_text: Callable[[str], bool] = lambda _: False) -> pa.Table:
    """Return a table in UTF-8 or GB 18030; the columns that `also_text` picks stay words."""
    content = path.read_bytes()
    if b"\0" in content[:4096]:
        raise InvalidInputError(f"{path.name} is not a text file")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = content.decode("gb18030")
        except UnicodeDecodeError as error:
            raise unreadable(path, "neither UTF-8 nor GB 18030") from error
    head = text.split("\n", 1)[0]
    separator = max(",;\t|", key=head.count)
    try:
        return pa_csv.read_csv(
            pa.BufferReader(text.encode()),
            parse_options=pa_csv.ParseOptions(delimiter=separator, newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(
                strings_can_be_null=True, column_types=_as_text(head, separator, also_text)
            ),
        )
    except pa.ArrowInvalid as error:
        raise unreadable(path, error) from error


def _as_text(
    head: str, separator: str, also_text: Callable[[str], bool]
) -> Mapping[str, pa.DataType]:
    """Codes keep their leading zeros: columns that look like codes are read as text."""
    names = [name.strip().strip('"') for name in head.strip().split(separator)]
    return {
        name: pa.string()
        for name in names
        if also_text(name)
        or any(word in normal(name) for word in ("code", "id", "编", "代码", "phone", "电话"))
    }


def _find_place(columns: tuple[str, ...], path: Path) -> _Place:
    by_name = {normal(name): name for name in reversed(columns)}

    def first(names: tuple[str, ...]) -> str | None:
        return next((by_name[normal(n)] for n in names if normal(n) in by_name), None)

    for east, north, crs in ((_LON, _LAT, LONLAT), (_X, _Y, None)):
        pair = first(east), first(north)
        if pair[0] and pair[1]:
            return _Place((pair[0], pair[1]), crs)
    wkt = first(_WKT)
    if wkt:
        return _Place((wkt,), None)
    raise InvalidInputError(
        f"{path.name} has no coordinates: no columns lon and lat (经度, 纬度), x and y, or wkt; "
        f"it has {', '.join(columns)}"
    )


def _chunks(table: pa.Table, place: _Place | None) -> Iterator[Chunk]:
    for first in range(0, table.num_rows, CHUNK_ROWS):
        part = table.slice(first, CHUNK_ROWS)
        fids = np.arange(first + 1, first + 1 + part.num_rows)
        if place is None:
            yield Chunk(part, None, fids)
            continue
        rest = part.drop_columns(list(place.columns))
        yield Chunk(rest, _geometry(part, place.columns), fids)


def _geometry(table: pa.Table, columns: tuple[str, ...]) -> pa.Array:
    if len(columns) == 1:
        words = table.column(columns[0]).to_pylist()
        shapes = shapely.from_wkt(words, on_invalid="ignore")
    else:
        x, y = (_numbers(table.column(name)) for name in columns)
        sound = np.isfinite(x) & np.isfinite(y)
        shapes = np.full(len(x), None, dtype=object)
        shapes[sound] = shapely.points(x[sound], y[sound])
    return pa.array(list(shapely.to_wkb(shapes)), pa.binary())


def _numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    if pa.types.is_string(column.type):
        sound = pc.match_substring_regex(column, r"^\s*[-+]?\d+(\.\d+)?\s*$")
        column = pc.utf8_trim_whitespace(pc.if_else(sound, column, None))
    return np.asarray(column.cast(pa.float64()).to_numpy(), float)


READER = Reader(
    id="csv",
    title={"zh": "带坐标的 CSV 表", "en": "CSV with coordinates"},
    suffixes=(".csv", ".tsv", ".txt"),
    features=_open,
)
