"""The lines of a survey: hung between its points, with sizes, levels, pressures and voltages."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from twin.ingest._features import Features, NetworkRequest
from twin.ingest._network import END_WITHOUT_PLACE, chunks
from twin.ingest._survey_levels import Levels, Numbers, levels_of, lowest_at
from twin.ingest._survey_points import Points, floats, kinds_of, name_of, stacked, with_columns
from twin.ingest._survey_tables import DUCTS, FROM, LINE, TO, SurveyTable
from twin.ingest._survey_words import flow_of, is_class, pascals_of, size_of, volts_of

_NO_POINT = "an end point is in no table of points"
_SHOWN = 5


def segments_of(
    tables: list[SurveyTable], points: Points, request: NetworkRequest
) -> tuple[Features, tuple[Numbers, list[str]]]:
    """Return the lines of some tables as features, and the lowest level of theirs at each point.

    A line without geometry of its own whose end point is in no table has no place: it is refused
    by name.  One that has geometry keeps it, and that end is loose.
    """
    made = [_Lines(one, points, request) for one in tables]
    rejected: dict[str, list[str]] = defaultdict(list)
    kept = []
    for one in made:
        whole, shapes = one.shapes(rejected)
        kept.append((one.table().filter(pa.array(whole)), shapes[whole]))
    levels = Levels(
        np.concatenate([one.levels.z for one in made]),
        np.concatenate([one.levels.depth for one in made]),
        [word for one in made for word in one.levels.reference],
        all(one.levels.said for one in made),
        np.concatenate([one.levels.apart for one in made]),
    )
    ends = np.concatenate([one.ends for one in made])
    table = stacked([one for one, _ in kept])
    shapes = np.concatenate([shapes for _, shapes in kept])
    features = Features(
        crs=next((one.crs for one in tables if one.wkb is not None), None) or points.places.crs,
        columns=tuple(table.column_names),
        total=table.num_rows,
        chunks=chunks(table, shapes),
        layer_name="lines",
        notes=_notes(made, levels, request),
        rejected=rejected,
    )
    return features, lowest_at(len(points.names), ends, levels)


class _Lines:
    """The lines of one table."""

    def __init__(self, one: SurveyTable, points: Points, request: NetworkRequest) -> None:
        self.one, self.points = one, points
        self.kinds = kinds_of(one, request)
        self.columns = [one.column(f, request.mapping.get(f.column)) for f in (FROM, TO)]
        self.numbers = [one.words(column) for column in self.columns]
        self.letters = one.letters or ""
        found = [
            [-1 if n is None else _or_none(points.find(n, self.letters)) for n in side]
            for side in self.numbers
        ]
        self.ends: NDArray[np.int64] = np.array(found, np.int64).reshape(2, -1).T
        at = np.where(self.ends >= 0, self.ends, 0)
        ground = np.where(self.ends >= 0, points.ground[at], np.nan)
        self.levels = levels_of(one, self.kinds, ground)
        self.lost: Counter[str] = Counter()
        self.lost_examples: dict[str, list[str]] = defaultdict(list)
        self.size_column = one.column(LINE["size"], request.mapping.get("size_text"))
        self.notes: list[str] = []
        self.names = self._names()

    def _names(self) -> list[str]:
        """Return the lines' names: their own number if it is theirs alone, else their ends."""
        column = self.one.column(LINE["number"])
        own = self.one.words(column)
        if len({name for name in own if name}) < sum(name is not None for name in own):
            self.notes.append(f"{self.one.name}: {column} is shared by lines, so it names none")
            own = [None] * len(own)
        times: Counter[str] = Counter()
        names = []
        for name, a, b in zip(own, *self.numbers, strict=True):
            if name is None:
                first, last = (name_of(n, self.letters) or "?" for n in (a, b))
                name = f"{first}-{last}"
                times[name] += 1
                name += f"#{times[name]}" if times[name] > 1 else ""
            names.append(name)
        return names

    def shapes(self, rejected: dict[str, list[str]]) -> tuple[NDArray[np.bool_], Any]:
        """Return which lines have a place, and the places of all; the others are told by name."""
        count = len(self.ends)
        if self.one.wkb is not None:
            cells = np.array(self.one.wkb.to_pylist(), object)
            return np.ones(count, np.bool_), np.asarray(shapely.from_wkb(cells), object)
        found = (self.ends >= 0).all(1)
        places = self.points.places.shapes[np.where(self.ends >= 0, self.ends, 0)]
        placed = np.asarray(found & ~shapely.is_missing(places).any(axis=1), np.bool_)
        shapes = np.full(count, None, object)
        at = shapely.get_coordinates(places[placed].ravel())
        shapes[placed] = shapely.linestrings(at.reshape(-1, 2, 2))
        for row in np.flatnonzero(~found):
            missing = [
                side[row] or "(empty)"
                for side, end in zip(self.numbers, self.ends[row], strict=True)
                if end < 0
            ]
            rejected[_NO_POINT].append(f"{self.names[row]}: {', '.join(missing)}")
        for row in np.flatnonzero(found & ~placed):
            rejected[END_WITHOUT_PLACE].append(self.names[row])
        return placed, shapes

    def table(self) -> pa.Table:
        """Return what is known of the lines, by the names of ``pipe_segment``."""
        one = self.one
        sizes = self._read(self.size_column, size_of, "size")
        pressures = one.words(one.column(LINE["pressure"]))
        nodes = [[self.points.names[n] if n >= 0 else None for n in side] for side in self.ends.T]
        z, depth = self.levels.z, self.levels.depth
        voltages = self._read(one.column(LINE["voltage"]), volts_of, "voltage")
        flows = self._read(one.column(LINE["flow"]), flow_of, "flow")
        table = one.table.drop_columns(
            [name for name in {*self.columns, self.size_column} if name is not None]
        )
        columns: dict[str, pa.Array] = {
            "source_id": pa.array(self.names),
            "kind": pa.array(self.kinds, pa.string()),
            "from_node": pa.array(nodes[0], pa.string()),
            "to_node": pa.array(nodes[1], pa.string()),
            "size_text": pa.array(one.words(self.size_column), pa.string()),
            "shape": pa.array([s and s.shape for s in sizes], pa.string()),
            "width_m": pa.array([s and s.width_m for s in sizes], pa.float64()),
            "height_m": pa.array([s and s.height_m for s in sizes], pa.float64()),
            "pressure_class": pa.array(
                [p if p and is_class(p) else None for p in pressures], pa.string()
            ),
            "pressure_pa": pa.array([p and pascals_of(p) for p in pressures], pa.float64()),
            "voltage_v": pa.array(voltages, pa.float64()),
            "flow_dir": pa.array(flows, pa.int32()),
            "z_from_m": floats(z[:, 0]), "z_to_m": floats(z[:, 1]),
            "depth_from_m": floats(depth[:, 0]), "depth_to_m": floats(depth[:, 1]),
            "elevation_reference": pa.array(self.levels.reference),
        }  # fmt: skip
        stated = one.numbers(one.column(DUCTS))
        by_size = np.array([s.number if s and s.number else np.nan for s in sizes])
        columns["n_ducts"] = floats(np.where(stated > 0, stated, by_size))
        return with_columns(table, columns)

    def _read(self, column: str | None, reading: Callable[[str], Any], what: str) -> list[Any]:
        """Return what words mean, counting those that are not understood."""
        meanings: dict[str, Any] = {}
        found: list[Any] = []
        for word in self.one.words(column):
            if word is None:
                found.append(None)
                continue
            if word not in meanings:
                meanings[word] = reading(word)
            if meanings[word] is None:
                self.lost[what] += 1
                if word not in self.lost_examples[what]:
                    self.lost_examples[what].append(word)
            found.append(meanings[word])
        return found


def _or_none(row: int | None) -> int:
    return -1 if row is None else row


def _notes(made: list[_Lines], levels: Levels, request: NetworkRequest) -> tuple[str, ...]:
    """Return what the report should say of the lines."""
    notes = [note for one in made for note in one.notes]
    if not levels.said and "elevation_reference" not in request.mapping:
        notes.append(
            "管高位置 is not said: levels and depths are taken as inverts of gravity pipes and "
            "tops of all others (CJJ 61, unverified); --map elevation_reference==top|invert|centre "
            "overrules"
        )
    rows = np.flatnonzero(levels.apart)
    if len(rows):
        names = [name for one in made for name in one.names]
        shown = ", ".join(names[row] for row in rows[:_SHOWN])
        notes.append(
            f"{len(rows)} lines whose level, depth and ground disagree by more than 5 cm; the "
            f"level is kept: {shown}"
        )
    lost: Counter[str] = sum((one.lost for one in made), Counter())
    for what, number in lost.items():
        words = dict.fromkeys(word for one in made for word in one.lost_examples[what])
        notes.append(
            f"{what} not understood in {number} lines, kept as it is written: "
            + ", ".join(list(words)[:_SHOWN])
        )
    dangling = sum(int((one.ends < 0).any(1).sum()) for one in made if one.one.wkb is not None)
    if dangling:
        notes.append(f"{dangling} lines with geometry of their own keep a loose end")
    return tuple(notes)
