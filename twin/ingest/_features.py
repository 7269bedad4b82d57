"""What a format's file defines: a reader, and what a reader hands over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from twin.crs import Frame
from twin.datum import Datum

CHUNK_ROWS = 16_384
"""Small enough that the server begins early and a chunk stays in the processor's cache."""


@dataclass(frozen=True)
class Request:
    """What is asked of a reader."""

    path: Path
    sublayer: str | None
    """The layer inside a file of several, ``FILE#layer``."""
    layer: str
    """What the features are to become: a table's name, or ``road``."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """The caller's mapping of fields to columns, for formats that look for coordinates in some."""


@dataclass(frozen=True)
class Chunk:
    """Some features: their attributes, their geometries as WKB, their numbers in the file."""

    table: pa.Table
    wkb: pa.Array | None
    fids: NDArray[np.int64]
    refs: pa.Array | None = None
    """For ways of a network: lists of the numbers of the vertices, one for each."""


@dataclass(frozen=True)
class Features:
    """A file's features, opened."""

    crs: str | None
    """The frame the file says it is in, authority code or WKT."""
    columns: tuple[str, ...]
    total: int | None
    chunks: Iterator[Chunk]
    layer_name: str
    prefix: str = ""
    """Goes before a feature's number where it has no id of its own."""
    lookup: Callable[[str], pa.Table] | None = None
    """Reads a table without geometry of the same file."""
    notes: tuple[str, ...] = ()
    rejected: Mapping[str, list[str]] = field(default_factory=dict)
    """Features that the reader itself had to refuse, filled while it reads: reason and ids."""
    spoken: bool = False
    """The columns are called as the table's fields; no other name is looked for in them."""


@dataclass(frozen=True)
class NetworkRequest:
    """What is asked of a reader of pipe networks."""

    files: tuple[tuple[Path, str | None], ...]
    """Paths, and the layer inside each, ``FILE#layer``."""
    frame: Frame
    """The city's: tables of coordinates show by it which column is east."""
    crs: str | None
    datum: Datum | None
    mapping: Mapping[str, str]


@dataclass(frozen=True)
class Network:
    """The nodes of a pipe network, and what hangs between them."""

    nodes: Features
    """For ``pipe_node``: points."""
    segments: Features
    """For ``pipe_segment``: lines; ``from_node`` and ``to_node`` are the nodes' ``source_id``."""
    hint: str = ""
    """What the file says of its frame without naming it, for the question which one it is."""
    took: frozenset[str] = frozenset()
    """Keys of the caller's mapping that the reader itself has used."""


@dataclass(frozen=True)
class Reader:
    """A format that can be loaded."""

    id: str
    title: Mapping[str, str]
    """In Chinese (``zh``) and English (``en``)."""
    suffixes: tuple[str, ...]
    """How its files end, in small letters; the longest that fits wins."""
    features: Callable[[Request], AbstractContextManager[Features]] | None = None
    """Opens a file of features."""
    raster: Callable[[Path], str] | None = None
    """Returns what rasterio can open for a file that is a raster."""
    network: Callable[[NetworkRequest], Network] | None = None
    """Reads files that hold a pipe network."""
    claims: Callable[[Path], bool] | None = None
    """Whether a file with one of the suffixes is of this format, where several share a suffix."""
