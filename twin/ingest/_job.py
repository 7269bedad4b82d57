"""One load, from what was asked to what is known on the way."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from twin.crs import LONLAT, Frame, parse_crs, successor
from twin.datum import Datum
from twin.errors import InvalidInputError
from twin.ingest import _kernels as kernels
from twin.ingest._bytes import Ragged
from twin.ingest._codes import Cells, CodeKeeper
from twin.ingest._features import Features, Reader
from twin.ingest._tally import Tally
from twin.ingest._target import Connection

_MOST_RUNS = 16

Progress = Callable[[str, int, int | None], None]
"""Told what is being done, how far it is, and how far it goes if that is known."""


@dataclass
class Job:
    """One load of one layer: what was asked, and what is known on the way."""

    layer: str
    files: Sequence[tuple[Path, str | None, Reader]]
    """Path, layer inside the file, and the format's reader."""
    data_dir: Path
    mapping: Mapping[str, str]
    crs: str | None
    datum: Datum | None
    source: str
    dry_run: bool
    progress: Progress
    heights: str | None = None
    """What the files' heights are above; None where nobody says."""
    geoid: Path | None = None
    """The geoid's model, if heights must be moved by it."""
    connection: Connection = field(init=False)
    frame: Frame = field(init=False)
    vertical_datum: str = field(init=False)
    load_id: int = field(init=False)
    tally: Tally = field(default_factory=Tally)
    crs_found: str | None = None
    crs_used: str | None = None
    started_ms: int = field(default_factory=lambda: time.time_ns() // 1_000_000)
    made: int = 0
    """How many features were written so far; counts the uids."""
    seen: Seen = field(default_factory=lambda: Seen())
    new_files: list[Path] = field(default_factory=list)
    """Files that this load wrote: to be taken away if it fails."""
    old_files: list[Path] = field(default_factory=list)
    """Files that this load replaces: to be taken away if it succeeds."""

    @cached_property
    def codes(self) -> CodeKeeper:
        """Who gives the rows their codes; the cells are read when the first row needs them."""
        cells = None if self.layer == "grid_cell" else Cells.of(self.connection)
        return CodeKeeper(self.frame.name, cells)

    def frame_of(self, features: Features) -> str:
        """Return the frame that a file's coordinates are in, as PROJ knows it.

        Raises
        ------
        InvalidInputError
            If neither the file nor the caller says it.
        """
        if self.datum is not None:
            self.crs_used = f"EPSG:4326 ({self.datum} undone)"
            return LONLAT
        stated = self.crs or features.crs
        self.crs_found = self.crs_found or features.crs
        if stated is None:
            raise InvalidInputError(
                "the file does not say which coordinate frame it is in; give --crs, for example "
                f"--crs EPSG:4326 for degrees or --crs {self.frame.name} for the city's own"
            )
        crs = parse_crs(stated)
        heir = successor(crs)
        if heir is not None:
            self.tally.note(f"{_called(crs)} is deprecated; read as its successor {_called(heir)}")
            self.tally.repaired["deprecated frame"] += 1
            crs = heir
        self.crs_used = _called(crs)
        return self.crs_used if crs.to_authority() else str(crs.to_wkt())

    def after(self, *, kept: bool) -> None:
        """Take away the files that nobody needs any more, the transaction being over."""
        for path in self.old_files if kept else self.new_files:
            path.unlink(missing_ok=True)

    def reader_says(self, features: Features) -> None:
        """Take over what the reader has to tell."""
        for note in features.notes:
            self.tally.note(note)
        for reason, ids in features.rejected.items():
            self.tally.reject(reason, ids)
            self.tally.rows_read += len(ids)


class Seen:
    """The source ids a load has met, to find those that come twice."""

    def __init__(self) -> None:
        self._runs: list[NDArray[np.uint64]] = []

    def repeats(self, ids: pa.Array) -> NDArray[np.bool_]:
        """Return which ids were there before, in this chunk or an earlier one, shape (n,)."""
        hashes = kernels.hashes(*Ragged.of(ids))
        _, first = np.unique(hashes, return_index=True)
        again = np.ones(len(hashes), np.bool_)
        again[first] = False
        for run in self._runs:
            at = np.minimum(np.searchsorted(run, hashes), len(run) - 1)
            again |= run[at] == hashes
        self._runs.append(np.sort(hashes))
        if len(self._runs) > _MOST_RUNS:
            self._runs = [np.sort(np.concatenate(self._runs))]
        return again


def _called(crs: Any) -> str:
    authority = crs.to_authority()
    return ":".join(authority) if authority else str(crs.name)
