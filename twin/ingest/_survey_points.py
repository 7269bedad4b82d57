"""The points of a survey: their names, kinds, places and ground, over all of its tables."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from twin.errors import InvalidInputError
from twin.ingest._features import Features, NetworkRequest
from twin.ingest._network import chunks
from twin.ingest._survey_levels import GRAVITY, Numbers
from twin.ingest._survey_places import Places, places_of
from twin.ingest._survey_tables import FEATURE, KIND, POINT, SurveyTable
from twin.ingest._survey_words import kind_of, letters_of_kind
from twin.ingest._words import PIPE_KINDS, SURVEY_KINDS

_AUXILIARY = "辅助"
_LETTERS = {
    "water": "js", "storm": "ys", "sewer": "ws", "combined": "hs", "gas": "rq", "power": "dl",
    "telecom": "tx", "heat": "rl", "industrial": "gy",
}  # fmt: skip


@dataclass
class Points:
    """All points of a survey, in the order of the tables."""

    table: pa.Table
    """What the tables say of them, without their places."""
    names: list[str]
    """Names in the source, shape (n,); "" where there is none."""
    kinds: list[str | None]
    ground: Numbers
    well_depth: Numbers
    places: Places
    by_number: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    """For each number, the letters of the tables that have it, and the first row there."""
    notes: list[str] = field(default_factory=list)

    def find(self, number: str, letters: str) -> int | None:
        """Return the row of a point that a line of a table names, of its own table first.

        Only where one table alone has the number is a point of another kind meant.
        """
        tables = self.by_number.get(number, {})
        if letters in tables:
            return tables[letters]
        return next(iter(tables.values())) if len(tables) == 1 else None

    def features(self, levels: tuple[Numbers, list[str]], notes: Sequence[str]) -> Features:
        """Return the points as features, each at the level of the lowest line that meets it."""
        z, reference = levels
        wells = np.isnan(z) & np.isfinite(self.ground - self.well_depth)
        wells &= np.array([kind in GRAVITY for kind in self.kinds], bool)
        z = np.where(wells, self.ground - self.well_depth, z)
        reference = ["invert" if well else one for one, well in zip(reference, wells, strict=True)]
        invert = np.where([one == "invert" for one in reference], z, np.nan)
        table = with_columns(self.table, {
            "source_id": pa.array(self.names), "kind": pa.array(self.kinds, pa.string()),
            "ground_z_m": floats(self.ground), "z_m": floats(z),
            "invert_z_m": floats(invert), "depth_m": floats(self.ground - z),
            "elevation_reference": pa.array(reference),
        })  # fmt: skip
        return Features(
            crs=self.places.crs,
            columns=tuple(table.column_names),
            total=table.num_rows,
            chunks=chunks(table, self.places.shapes),
            layer_name="points",
            notes=(*notes, self.places.note, *self.notes),
        )


def nodes_of(tables: list[SurveyTable], request: NetworkRequest) -> Points:
    """Return the points of some tables.

    Raises
    ------
    InvalidInputError
        If their places are not clear, or what flows in them is not said.
    """
    points = Points(
        table=stacked([_without_places(one, request) for one in tables]),
        names=[],
        kinds=[kind for one in tables for kind in kinds_of(one, request)],
        ground=np.concatenate([one.numbers(one.column(POINT["ground"])) for one in tables]),
        well_depth=np.concatenate([one.numbers(one.column(POINT["well_depth"])) for one in tables]),
        places=places_of(tables, request),
    )
    for one in tables:
        letters = one.letters or ""
        for number in one.words(one.column(POINT["number"], request.mapping.get("source_id"))):
            if number is not None:
                points.by_number[number].setdefault(letters, len(points.names))
            points.names.append(name_of(number, letters))
    features = [word for one in tables for word in one.words(one.column(FEATURE))]
    auxiliary = sum(_AUXILIARY in (word or "") for word in features)
    if auxiliary:
        points.notes.append(f"{auxiliary} auxiliary points (辅助点) among the nodes")
    counts = Counter(str(kind) for kind in points.kinds)
    points.notes.append(
        "points by kind: " + ", ".join(f"{kind} {number}" for kind, number in counts.items())
    )
    return points


def name_of(number: str | None, letters: str) -> str:
    """Return a point's name in the source: numbers of several tables must not meet.

    >>> name_of("JS12", "js"), name_of("12", "js"), name_of("12", "给水"), name_of("12", "")
    ('JS12', 'JS.12', 'JS.12', '12')
    """
    if number is None:
        return ""
    code = letters if letters.isascii() else _LETTERS[SURVEY_KINDS[letters]]
    has_letters = any(letter.isalpha() for letter in number)
    if not code or code in number.casefold() or (has_letters and letters_of_kind(number)):
        return number
    return f"{code.upper()}.{number}"


def kinds_of(one: SurveyTable, request: NetworkRequest) -> list[str | None]:
    """Return what flows in each row of a table: by its column, else by the table's name.

    Raises
    ------
    InvalidInputError
        If neither says it.
    """
    given = request.mapping.get("kind", "")
    if given.startswith("="):
        return [given[1:]] * one.table.num_rows
    by_name = kind_of(one.name)
    column = one.column(KIND, given or None)
    if column is None and by_name is None:
        raise InvalidInputError(
            f"what kind of pipes {one.name} holds is said by neither its name (JS, YS, WS, RQ, DL, "
            f"TX, RL, GY or in Chinese) nor a column ({', '.join(KIND.aliases)}); give "
            f"--map kind==WORD ({', '.join(KIND.closed)})"
        )
    meanings = {
        word: kind_of(word) or PIPE_KINDS.get(word.casefold()) or _own(word)
        for word in set(one.words(column))
        if word is not None
    }
    return [meanings.get(word or "") or by_name for word in one.words(column)]


def _own(word: str) -> str | None:
    return word.casefold() if word.casefold() in KIND.closed else None


def _without_places(one: SurveyTable, request: NetworkRequest) -> pa.Table:
    names = ("number", "easting", "northing", "x", "y", "lon", "lat", "ground")
    taken = {one.column(POINT[name], request.mapping.get(name)) for name in names}
    return one.table.drop_columns([name for name in one.table.column_names if name in taken])


def stacked(tables: list[pa.Table]) -> pa.Table:
    """Return tables under one another; a column that differs in kind becomes words."""
    kinds: dict[str, set[pa.DataType]] = defaultdict(set)
    for one in tables:
        for column in one.schema:
            kinds[column.name].add(column.type)
    mixed = {name for name, found in kinds.items() if len(found) > 1}
    plain = [
        pa.table({
            name: one.column(name).cast(pa.string()) if name in mixed else one.column(name)
            for name in one.column_names
        })
        if one.column_names
        else pa.table({"": pa.nulls(one.num_rows, pa.string())})
        for one in tables
    ]  # fmt: skip
    return pa.concat_tables(plain, promote_options="default").combine_chunks()


def with_columns(table: pa.Table, columns: dict[str, pa.Array]) -> pa.Table:
    """Return a table with columns set before its own, in place of those of the same name."""
    own = {name: table.column(name) for name in table.column_names if name not in columns}
    return pa.table({**columns, **own})


def floats(values: NDArray[np.float64]) -> pa.Array:
    """Return numbers with null in place of NaN."""
    return pa.array(values, pa.float64(), from_pandas=True)
