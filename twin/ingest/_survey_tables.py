"""Tables of a pipeline survey: read from what they come in, told apart as points and lines.

A table is of lines if it has the numbers of two points, of points if it has one number and a place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyogrio
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError

from twin.errors import InvalidInputError
from twin.ingest import shapefile
from twin.ingest._features import Features, NetworkRequest, Request
from twin.ingest._fields import FIELDS, SURVEY_LINE, SURVEY_POINT, Field, normal
from twin.ingest._ogr import open_features, unreadable
from twin.ingest._survey_words import letters_of_kind
from twin.ingest._values import parse_number, spelled
from twin.ingest.csv_table import read_table

TEXTS, BOOKS, ACCESS = (".csv", ".tsv", ".txt"), (".xlsx", ".ods"), (".mdb", ".accdb")
_UNNAMED, _MOST_TITLES = re.compile(r"Field\d+"), 4
_NAMES_AND_WORDS = ("number", "map_number", "size", "pressure", "voltage", "flow")


def _field(table: str, column: str) -> Field:
    return next(one for one in FIELDS[table] if one.column == column)


FROM, TO = _field("pipe_segment", "from_node"), _field("pipe_segment", "to_node")
KIND, FEATURE = _field("pipe_node", "kind"), _field("pipe_node", "feature")
DUCTS = _field("pipe_segment", "n_ducts")
REFERENCE = _field("pipe_segment", "elevation_reference")
POINT = {one.column: one for one in SURVEY_POINT}
LINE = {one.column: one for one in SURVEY_LINE}


@dataclass(frozen=True)
class SurveyTable:
    """One table, as the file has it."""

    name: str
    table: pa.Table
    wkb: pa.Array | None
    crs: str | None
    notes: tuple[str, ...] = ()

    @property
    def letters(self) -> str | None:
        """The word for a kind in its name, such as ``js``."""
        return letters_of_kind(self.name)

    def column(self, field: Field, given: str | None = None) -> str | None:
        """Return the table's name for a field; `given` is the caller's, and goes before."""
        if given is not None and given in self.table.column_names:
            return given
        mine = {normal(name): name for name in reversed(self.table.column_names)}
        return next((mine[normal(one)] for one in field.aliases if normal(one) in mine), None)

    def words(self, column: str | None) -> list[str | None]:
        """Return a column as words without blanks around them; None where it says nothing."""
        if column is None:
            return [None] * self.table.num_rows
        values = spelled(_whole(self.table.column(column))).cast(pa.string())
        trimmed = pc.utf8_trim_whitespace(values)
        found: list[str | None] = pc.if_else(pc.equal(trimmed, ""), None, trimmed).to_pylist()
        return found

    def numbers(self, column: str | None) -> NDArray[np.float64]:
        """Return a column as numbers, NaN where it gives none, shape (n,)."""
        if column is None:
            return np.full(self.table.num_rows, np.nan)
        values = _whole(self.table.column(column))
        if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
            return np.asarray(values.cast(pa.float64()).to_numpy(zero_copy_only=False), float)
        return np.array([_number(word) for word in values.to_pylist()], float)


def _number(word: str | None) -> float:
    try:
        found = None if word is None or not word.strip() else parse_number(word)
    except ValueError:
        found = None
    return np.nan if found is None else found


def _whole(column: pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks()
    return pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole


def read_tables(request: NetworkRequest) -> list[SurveyTable]:
    """Return every table of a request's files.

    Raises
    ------
    InvalidInputError
        If a file cannot be read as what it is called.
    """
    found: list[SurveyTable] = []
    with_shapes = {path.with_suffix("") for path, _ in request.files if _ends(path, (".shp",))}
    for path, sublayer in request.files:
        if _ends(path, ACCESS):
            raise InvalidInputError(
                f"{path.name} is a database of Access, which cannot be read here: export its "
                "tables (JSPoint, JSLine, …) as CSV or Excel, each by its name"
            )
        if _ends(path, (".dbf",)) and path.with_suffix("") in with_shapes:
            continue
        found += _tables_of(path, sublayer, request.mapping)
    return found


def _tables_of(
    path: Path, sublayer: str | None, mapping: Mapping[str, str]
) -> Iterator[SurveyTable]:
    if _ends(path, TEXTS):
        words = {normal(name) for name in _wordy(mapping)}
        table = read_table(path, also_text=lambda name: normal(name) in words)
        yield SurveyTable(path.stem, table, None, None)
        return
    if _ends(path, (".dbf",)):
        encoding = shapefile.guess_encoding(path)
        yield SurveyTable(path.stem, _plain(path, None, encoding), None, None)
        return
    if _ends(path, (".shp",)):
        assert shapefile.READER.features is not None
        with ExitStack() as stack:
            opened = stack.enter_context(shapefile.READER.features(Request(path, None, "pipe")))
            yield _spatial(path.stem, opened)
        return
    try:
        layers = [str(name) for name in pyogrio.list_layers(path)[:, 0]]
    except (DataSourceError, DataLayerError) as error:
        raise unreadable(path, error) from error
    if sublayer is not None and sublayer not in layers:
        raise InvalidInputError(f"{path.name} has no {sublayer!r}; it has {', '.join(layers)}")
    for layer in layers if sublayer is None else [sublayer]:
        if _ends(path, BOOKS):
            yield SurveyTable(layer, _plain(path, layer, None), None, None)
        else:
            with open_features(Request(path, layer, "pipe")) as features:
                yield _spatial(layer, features)


def _wordy(mapping: Mapping[str, str]) -> Iterator[str]:
    """Return the names of columns that hold words although they may look like numbers."""
    for fields in (POINT, LINE):
        for name in _NAMES_AND_WORDS:
            yield from fields[name].aliases if name in fields else ()
    yield from (*FROM.aliases, *TO.aliases, *mapping.values())


def _plain(path: Path, layer: str | None, encoding: str | None) -> pa.Table:
    options = {"HEADERS": "FORCE"} if _ends(path, BOOKS) else {}
    try:
        _, table = pyogrio.read_arrow(
            path, layer=layer, read_geometry=False, encoding=encoding, **options
        )
    except (DataSourceError, DataLayerError, pa.ArrowInvalid) as error:
        raise unreadable(path, error) from error
    return _headed(table) if _ends(path, BOOKS) else table


def _headed(table: pa.Table) -> pa.Table:
    """Return a sheet under its own header: GDAL passes over one with a title, or of words alone."""
    unnamed = sum(bool(_UNNAMED.fullmatch(name)) for name in table.column_names)
    if 2 * unnamed < max(table.num_columns, 1):
        return table
    for row in range(min(_MOST_TITLES, table.num_rows)):
        cells = [str(column[row].as_py() or "").strip() for column in table.columns]
        if sum(map(bool, cells)) > 1:
            names = [cell or f"column {n}" for n, cell in enumerate(cells, 1)]
            return table.slice(row + 1).rename_columns(names)
    return table


def _spatial(name: str, features: Features) -> SurveyTable:
    chunks = list(features.chunks)
    if not chunks:
        empty = pa.table({column: pa.array([], pa.string()) for column in features.columns})
        return SurveyTable(name, empty, None, features.crs)
    table = pa.concat_tables([chunk.table for chunk in chunks])
    parts = [chunk.wkb for chunk in chunks]
    wkb = None if any(part is None for part in parts) else pa.concat_arrays(parts)
    if wkb is not None and wkb.null_count == len(wkb):
        wkb = None
    return SurveyTable(name, table, wkb, features.crs, features.notes)


def _ends(path: Path, suffixes: tuple[str, ...]) -> bool:
    return path.name.lower().endswith(suffixes)


def told_apart(
    tables: list[SurveyTable], mapping: Mapping[str, str]
) -> tuple[list[SurveyTable], list[SurveyTable], list[str]]:
    """Return the tables of points, those of lines, and what is to be said of the others.

    Raises
    ------
    InvalidInputError
        If there are no points, or no lines, saying what was missed in which table.
    """
    points, lines, others = [], [], []
    for one in tables:
        if not one.table.num_rows:
            others.append(f"{one.name} is empty")
        elif one.column(FROM, mapping.get("from_node")) and one.column(TO, mapping.get("to_node")):
            lines.append(one)
        elif one.column(POINT["number"], mapping.get("source_id")) and has_place(one, mapping):
            points.append(one)
        else:
            others.append(f"{one.name} has {', '.join(one.table.column_names) or 'no columns'}")
    if not points or not lines:
        names = ", ".join(f"{one.name} ({one.table.num_rows} rows)" for one in (*points, *lines))
        missed = "points" if not points else "lines"
        wanted = (
            f"a table of points has their number ({POINT['number'].aliases[0]}, 物探点号), X and Y"
            if not points
            else f"a table of lines has the numbers of two points ({FROM.aliases[3]} and "
            f"{TO.aliases[3]}, 起点点号 and 终点点号)"
        )
        raise InvalidInputError(
            f"no table of {missed} among the files; there is {names or 'none that is known'}. "
            f"{wanted}; both kinds of table belong into one load"
            + (f". Not recognised: {'; '.join(others)}" if others else "")
        )
    return points, lines, [f"passed over: {one}" for one in others]


def has_place(one: SurveyTable, mapping: Mapping[str, str]) -> bool:
    """Return whether a table has geometry or a pair of columns of coordinates."""
    if one.wkb is not None:
        return True
    return any(
        one.column(POINT[a], mapping.get(a)) and one.column(POINT[b], mapping.get(b))
        for a, b in (("easting", "northing"), ("x", "y"), ("lon", "lat"))
    )
