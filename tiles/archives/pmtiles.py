"""PMTiles 3: one file that is read over HTTP by ranges.

https://github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md
"""

import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from isal import igzip
from numpy.typing import NDArray

from tiles.archives._archive import About, Archive, Batch
from twin.crs import LonLatBox
from twin.errors import InvalidInputError

_HEAD = struct.Struct("<7sB11Q6B4iB2i")
_MAGIC, _VERSION = b"PMTiles", 3
_ROOT_AT, _ROOT_ENDS = _HEAD.size, 16_384
"""The head and the root directory lie in the first 16 KiB, which a client reads at once."""
_GZIP, _MVT = 2, 1
_LEAF = 4096
_LEVEL = 3
_MOST_METADATA = 16 * 2**20


class Entries(NamedTuple):
    """A directory: tiles or leaf directories, shape (n,) each."""

    ids: NDArray[np.int64]
    runs: NDArray[np.int64]
    """How many tiles, one after another, are this one; 0 for a leaf directory."""
    lengths: NDArray[np.int64]
    offsets: NDArray[np.int64]


class _Writer:
    """Writes tiles as they come, and the directories behind them."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._places: dict[bytes, tuple[int, int]] = {}
        self._ids: list[NDArray[np.int64]] = []
        self._offsets: list[int] = []
        self._lengths: list[int] = []
        self._end = self._contents = 0
        file.write(bytes(_ROOT_ENDS))

    def add(self, batch: Batch) -> None:
        """Write tiles; content that was written before is only pointed to."""
        for tile, digest in zip(batch.tiles, batch.digests, strict=True):
            place = None if digest is None else self._places.get(digest)
            if place is None:
                place = self._end, len(tile)
                if digest is not None:
                    self._places[digest] = place
                self._file.write(tile)
                self._end += len(tile)
                self._contents += 1
            self._offsets.append(place[0])
            self._lengths.append(place[1])
        self._ids.append(batch.ids)

    def finish(self, about: About) -> None:
        """Write metadata and directories, and the head last."""
        entries = in_runs(
            np.concatenate(self._ids), np.array(self._lengths), np.array(self._offsets)
        )
        root, leaves = directories(entries, _ROOT_ENDS - _ROOT_AT)
        metadata = _packed(json.dumps(_metadata(about), ensure_ascii=False).encode())
        self._file.write(metadata)
        self._file.write(leaves)
        metadata_at = _ROOT_ENDS + self._end
        west, south, east, north = (round(side * 1e7) for side in about.box)
        lon, lat, zoom = about.center
        head = _HEAD.pack(
            _MAGIC, _VERSION,
            _ROOT_AT, len(root),
            metadata_at, len(metadata),
            metadata_at + len(metadata), len(leaves),
            _ROOT_ENDS, self._end,
            int(entries.runs.sum()), len(entries.ids), self._contents,
            1, _GZIP, _GZIP, _MVT, *about.zooms,
            west, south, east, north, zoom, round(lon * 1e7), round(lat * 1e7),
        )  # fmt: skip
        self._file.seek(0)
        self._file.write(head + root)


@contextmanager
def _write(path: Path) -> Iterator[_Writer]:
    with path.open("r+b", buffering=2**20) as file:
        yield _Writer(file)


def in_runs(
    ids: NDArray[np.int64], lengths: NDArray[np.int64], offsets: NDArray[np.int64]
) -> Entries:
    """Return tiles as a directory: neighbours with the same content are one entry.

    Examples
    --------
    >>> ids, same = np.array([5, 6, 7, 9]), np.array([0, 0, 40, 0])
    >>> in_runs(ids, np.full(4, 40), same).runs.tolist()
    [2, 1, 1]
    """
    begins = np.ones(len(ids), np.bool_)
    begins[1:] = (ids[1:] != ids[:-1] + 1) | (offsets[1:] != offsets[:-1])
    first = np.flatnonzero(begins)
    runs = np.diff(np.append(first, len(ids)))
    return Entries(ids[first], runs, lengths[first], offsets[first])


def directories(entries: Entries, most_bytes: int) -> tuple[bytes, bytes]:
    """Return the root directory, and the leaf directories where the root cannot hold all."""
    root = _directory(entries)
    if len(root) <= most_bytes:
        return root, b""
    size = _LEAF
    while True:
        first = np.arange(0, len(entries.ids), size)
        leaves = [
            _directory(Entries(*(column[at : at + size] for column in entries)))
            for at in first.tolist()
        ]
        lengths = np.array([len(leaf) for leaf in leaves])
        offsets = np.cumsum(lengths) - lengths
        root = _directory(Entries(entries.ids[first], np.zeros_like(lengths), lengths, offsets))
        if len(root) <= most_bytes:
            return root, b"".join(leaves)
        size *= 2


def _directory(entries: Entries) -> bytes:
    """Return a directory as it stands in the file."""
    offsets = entries.offsets + 1
    follows = entries.offsets[1:] == entries.offsets[:-1] + entries.lengths[:-1]
    offsets[1:][follows] = 0
    steps = np.diff(entries.ids, prepend=0)
    count = np.array([len(entries.ids)])
    numbers = np.concatenate([count, steps, entries.runs, entries.lengths, offsets])
    return _packed(varints(numbers))


def varints(numbers: NDArray[np.int64]) -> bytes:
    """Return numbers as protobuf writes them.

    >>> varints(np.array([1, 300])).hex()
    '01ac02'
    """
    sizes = np.ones(len(numbers), np.int64)
    for bits in range(7, 63, 7):
        sizes += numbers >= 1 << bits
    ends = np.cumsum(sizes)
    out = np.empty(int(ends[-1]), np.uint8)
    for at in range(int(sizes.max())):
        has = sizes > at
        more = np.where(sizes[has] > at + 1, 128, 0)
        out[(ends - sizes)[has] + at] = (numbers[has] >> 7 * at) & 127 | more
    return out.tobytes()


def _metadata(about: About) -> dict[str, Any]:
    west, south, east, north = about.box
    return {
        "name": about.name,
        "description": about.description,
        "attribution": about.attribution,
        "type": "overlay",
        "format": "pbf",
        "bounds": f"{west:.7f},{south:.7f},{east:.7f},{north:.7f}",
        "center": ",".join(str(value) for value in about.center),
        "minzoom": about.zooms[0],
        "maxzoom": about.zooms[1],
        "vector_layers": list(about.vector_layers),
        **about.facts,
    }


def _packed(data: bytes) -> bytes:
    packed: bytes = igzip.compress(data, _LEVEL, mtime=0)
    return packed


@dataclass(frozen=True)
class Found:
    """What a PMTiles file says of itself."""

    zooms: tuple[int, int]
    box: LonLatBox
    center: tuple[float, float, int]
    tiles: int
    metadata: dict[str, Any]


def read(path: Path) -> Found:
    """Return what a PMTiles file says of itself.

    Raises
    ------
    InvalidInputError
        If it is no whole file of this format, version 3.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size or head[:7] != _MAGIC or head[7] != _VERSION:
            raise InvalidInputError(f"{path.name} is no PMTiles file of version {_VERSION}")
        told = _HEAD.unpack(head)
        metadata_at, metadata_length, internal = told[4], told[5], told[14]
        size = file.seek(0, 2)
        if any(at + length > size for at, length in zip(told[2:10:2], told[3:10:2], strict=True)):
            raise InvalidInputError(f"{path.name} is cut short")
        file.seek(metadata_at)
        metadata = _json(file.read(min(metadata_length, _MOST_METADATA)), internal, path)
    west, south, east, north = (value / 1e7 for value in told[19:23])
    return Found(
        (told[17], told[18]),
        LonLatBox(west, south, east, north),
        (told[24] / 1e7, told[25] / 1e7, told[23]),
        told[10],
        metadata,
    )


def _json(data: bytes, compression: int, path: Path) -> dict[str, Any]:
    try:
        plain = igzip.decompress(data) if compression == _GZIP else data  # type: ignore[no-untyped-call]
        found = json.loads(plain)
    except (OSError, EOFError, ValueError) as error:
        raise InvalidInputError(f"the metadata of {path.name} cannot be read: {error}") from error
    return found if isinstance(found, dict) else {}


ARCHIVE = Archive("pmtiles", "PMTiles 3", _write)
