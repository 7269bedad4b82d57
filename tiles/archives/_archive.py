"""What a format of archives is."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from twin.crs import LonLatBox


class Batch(NamedTuple):
    """Tiles of one level, in the order of their numbers along the Hilbert curve."""

    zoom: int
    x: NDArray[np.int64]
    y: NDArray[np.int64]
    """Rows counted from the north, shape (n,) like all here."""
    ids: NDArray[np.int64]
    tiles: Sequence[bytes]
    """Each compressed with gzip; none is empty."""
    digests: Sequence[bytes | None]
    """A name for each tile's content: the same content has the same name, none is like no other."""


@dataclass(frozen=True)
class About:
    """What an archive says of itself."""

    name: str
    description: str
    attribution: str
    box: LonLatBox
    zooms: tuple[int, int]
    """The first and the last level that it has tiles of."""
    center: tuple[float, float, int]
    """Longitude, latitude and level to look at it first."""
    vector_layers: Sequence[dict[str, Any]]
    facts: dict[str, Any]
    """Further entries of the archive's metadata."""


class Writer(Protocol):
    """Writes one archive."""

    def add(self, batch: Batch) -> None:
        """Take tiles; batches come in the order of their tiles' numbers."""
        ...

    def finish(self, about: About) -> None:
        """Write what is known last."""
        ...


@dataclass(frozen=True)
class Archive:
    """A format: its files' ending, its name, and how one is written into a file that is empty."""

    id: str
    title: str
    write: Callable[[Path], AbstractContextManager[Writer]]
