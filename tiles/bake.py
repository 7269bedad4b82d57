"""Bake the city's tiles into one file: the same tiles that the service would give now."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice
from pathlib import Path

from sqlalchemy import Engine

from layers import Layer
from tiles._at_once import Moment, columns_at_once
from tiles._covered import Addresses, State, covered
from tiles._ground import common, held, shown, window
from tiles.archives import About, Batch, archive_of, whole
from tiles.described import vector_layer
from tiles.engine import compressed, encode
from tiles.grid import MAXZOOM, Tile
from twin.changes import Position
from twin.crs import LonLatBox
from twin.errors import InvalidInputError, NotFoundError, UnavailableError

GRID = "WebMercatorQuad"
"""The only grid that PMTiles and MBTiles know."""
MOST_TILES = 20_000_000
_BATCH = 64
_AHEAD = 8
"""Batches under way for each thread: enough to be busy while one is written."""
_REPEATED_BYTES = 4096
"""What repeats is the inside of large polygons, which is short; longer tiles are not looked at."""
_MIDDLE_ZOOM = 13


@dataclass
class Level:
    """What one level of an archive holds; bytes as they are sent."""

    zoom: int
    tiles: int = 0
    bytes: int = 0
    heaviest: Tile | None = None
    heaviest_bytes: int = 0

    def take(self, batch: Batch) -> None:
        """Count tiles."""
        sizes = [len(tile) for tile in batch.tiles]
        self.tiles += len(sizes)
        self.bytes += sum(sizes)
        most = max(sizes)
        if most > self.heaviest_bytes:
            at = sizes.index(most)
            self.heaviest = Tile(batch.zoom, int(batch.x[at]), int(batch.y[at]))
            self.heaviest_bytes = most


@dataclass(frozen=True)
class Baked:
    """What was written."""

    path: Path
    size: int
    position: Position
    levels: Sequence[Level]

    @property
    def tiles(self) -> int:
        """How many addresses have a tile."""
        return sum(level.tiles for level in self.levels)

    @property
    def heaviest(self) -> Level:
        """The level that takes the most bytes."""
        return max(self.levels, key=lambda level: level.bytes)


@dataclass(frozen=True)
class Wish:
    """What to bake.

    Attributes
    ----------
    layers : sequence of Layer
        In the order in which they lie in a tile.
    box : LonLatBox, optional
        Tiles that meet it, whole; the whole city if not given.
    zooms : tuple of int, optional
        The first and the last level; those the layers are made for if not given.
    name, description, attribution : str, optional
        What the archive says of itself; the city's and the layers' names if not given.
    """

    layers: Sequence[Layer]
    box: LonLatBox | None = None
    zooms: tuple[int, int] | None = None
    name: str | None = None
    description: str | None = None
    attribution: str = ""


Progress = Callable[[int, int], None]
"""Told how many addresses were looked at, and of how many."""


def _quiet(done: int, total: int) -> None:
    """Tell nobody."""


@dataclass
class _Oven:
    """The layers at one moment, and the levels that were made of them."""

    states: Sequence[State]
    levels: dict[int, Level] = field(default_factory=dict)

    def bake(self, zoom: int, part: Addresses) -> Batch | None:
        """Make some tiles; None if all are empty."""
        kept, tiles = [], []
        for at, (x, y) in enumerate(zip(part.x.tolist(), part.y.tolist(), strict=True)):
            tile = Tile(zoom, x, y)
            made = b"".join([encode(columns, tile, state) for columns, state in self.states])
            if made:
                kept.append(at)
                tiles.append(compressed(made))
        if not kept:
            return None
        digests = [
            blake2b(tile, digest_size=16).digest() if len(tile) <= _REPEATED_BYTES else None
            for tile in tiles
        ]
        return Batch(zoom, part.x[kept], part.y[kept], part.ids[kept], tiles, digests)


def bake(
    engine: Engine,
    wish: Wish,
    path: Path,
    *,
    folder: Path,
    overwrite: bool = False,
    threads: int | None = None,
    progress: Progress = _quiet,
) -> Baked:
    """Write the tiles of some layers into an archive.

    Parameters
    ----------
    engine : Engine
        The city's database.
    wish : Wish
        Which tiles.
    path : Path
        The archive; its ending says which format.  It appears when it is whole.
    folder : Path
        Where the service keeps its columns.
    overwrite : bool
        Whether an archive that is there is replaced.
    threads : int, optional
        How many work side by side; as many as there are processors if not given.
    progress : callable
        Told how far it is.

    Raises
    ------
    InvalidInputError
        If the box lies outside the city, the levels are not possible, or the tiles are too many.
    NotFoundError
        If there is nothing in the box on these levels.
    ConflictError
        If the archive is there already.
    UnavailableError
        If it cannot be written; nothing is left of it then.

    Notes
    -----
    All tiles show the city at one position of the change feed, which the archive names.  Each is,
    byte for byte, what the service gives for its address from the same columns.
    """
    archive = archive_of(path)
    zooms = _zooms(wish)
    with whole(path, overwrite=overwrite) as part:
        moment = _moment(engine, wish, folder)
        box = _bounds(wish, moment)
        work = list(_addresses(moment.states, wish.box, zooms))
        oven, workers = _Oven(moment.states), threads or len(os.sched_getaffinity(0))
        with archive.write(part) as writer:
            for batch in _baked(oven, work, workers, progress):
                writer.add(batch)
                oven.levels.setdefault(batch.zoom, Level(batch.zoom)).take(batch)
            if not oven.levels:
                raise NotFoundError(_nothing(wish, zooms))
            writer.finish(_about(wish, moment, box, sorted(oven.levels)))
    levels = [oven.levels[zoom] for zoom in sorted(oven.levels)]
    return Baked(path, path.stat().st_size, moment.position, levels)


def _moment(engine: Engine, wish: Wish, folder: Path) -> Moment:
    try:
        return columns_at_once(engine, wish.layers, folder)
    except OSError as error:
        raise UnavailableError(
            f"the layers cannot be kept in {folder}: {error.strerror or error}"
        ) from error


def _baked(
    oven: _Oven, work: Sequence[tuple[int, Addresses]], threads: int, progress: Progress
) -> Iterator[Batch]:
    """Yield batches in their order while threads make those that come next."""
    total, done = sum(len(each.ids) for _, each in work), 0
    parts = _parts(work)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="oven")
    waiting: deque[tuple[int, Future[Batch | None]]] = deque()
    try:
        while True:
            for zoom, part in islice(parts, _AHEAD * threads - len(waiting)):
                waiting.append((len(part.ids), pool.submit(oven.bake, zoom, part)))
            if not waiting:
                return
            count, future = waiting.popleft()
            batch = future.result()
            done += count
            progress(done, total)
            if batch is not None:
                yield batch
    finally:
        pool.shutdown(cancel_futures=True)


def _parts(work: Sequence[tuple[int, Addresses]]) -> Iterator[tuple[int, Addresses]]:
    for zoom, found in work:
        for at in range(0, len(found.ids), _BATCH):
            yield zoom, Addresses(*(column[at : at + _BATCH] for column in found))


def _addresses(
    states: Sequence[State], box: LonLatBox | None, zooms: tuple[int, int]
) -> Iterator[tuple[int, Addresses]]:
    count = 0
    for zoom in range(zooms[0], zooms[1] + 1):
        for found in covered(states, zoom, window(box, zoom)):
            count += len(found.ids)
            if count > MOST_TILES:
                raise InvalidInputError(
                    f"down to level {zoom} these are more than {MOST_TILES:,} tiles; "
                    "ask for a smaller box or fewer levels"
                )
            yield zoom, found


def _zooms(wish: Wish) -> tuple[int, int]:
    first = min(layer.minzoom for layer in wish.layers)
    low, high = wish.zooms or (first, max(layer.maxzoom for layer in wish.layers))
    if low > high:
        raise InvalidInputError(
            f"levels go from the lowest to the highest: {high}-{low}, not {low}-{high}"
        )
    if not 0 <= low <= high <= MAXZOOM:
        raise InvalidInputError(f"there are levels 0 to {MAXZOOM}, not {low}-{high}")
    return low, high


def _nothing(wish: Wish, zooms: tuple[int, int]) -> str:
    where = "the city" if wish.box is None else "this box"
    names = ", ".join(f"{layer.id} (from level {layer.minzoom} on)" for layer in wish.layers)
    return f"{where} has nothing on levels {zooms[0]} to {zooms[1]} of {names}"


def _bounds(wish: Wish, moment: Moment) -> LonLatBox:
    """Return where the archive's features are: in the box that is asked for."""
    around = held(moment.states)
    if wish.box is None and around is not None:
        return around
    limits = moment.frame.lonlat_extent()
    if wish.box is None:
        return limits
    if common(wish.box, limits) is None:
        raise InvalidInputError(
            f"the box {shown(wish.box)} lies outside {moment.city}, which is in {shown(limits)}"
        )
    # A tile is whole: its features may lie in it and yet beside the box.
    return (None if around is None else common(wish.box, around)) or wish.box


def _about(wish: Wish, moment: Moment, box: LonLatBox, zooms: Sequence[int]) -> About:
    low, high = zooms[0], zooms[-1]
    lon, lat = (box.west + box.east) / 2, (box.south + box.north) / 2
    titles = " · ".join(f"{layer.title.zh} {layer.title.en}" for layer in wish.layers)
    position = moment.position
    return About(
        moment.city if wish.name is None else wish.name,
        titles if wish.description is None else wish.description,
        wish.attribution,
        box,
        (low, high),
        (round(lon, 7), round(lat, 7), min(max(low, _MIDDLE_ZOOM), high)),
        [_within(vector_layer(layer), low, high) for layer in wish.layers],
        {
            "generator": "citytwin",
            "tile_matrix_set": GRID,
            "change_feed_position": f"{position.seq}-{position.id}",
        },
    )


def _within(described: dict[str, object], low: int, high: int) -> dict[str, object]:
    first = described["minzoom"]
    assert isinstance(first, int)
    return described | {"minzoom": min(max(first, low), high), "maxzoom": high}
