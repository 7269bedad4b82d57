"""``citytwin export``: the city as files that need no service."""

import re
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from api.kernels import prepare
from api.settings import Settings
from api.verbs import _city
from api.verbs._verb import Verb, database, say, stoppable
from layers import Layer, layer_named, layers
from layers.filter import parse_box
from tiles.archives import archive_of, require_free
from twin.crs import LonLatBox
from twin.errors import InvalidInputError

_GRID = "WebMercatorQuad"
_ABOUT = ("analysis_feature", "quality_finding")


def _arguments(parser: ArgumentParser) -> None:
    kinds = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    tiles = kinds.add_parser(
        "tiles",
        help="vector tiles in one file, PMTiles or MBTiles",
        description="Bake vector tiles into one file, PMTiles 3 or MBTiles 1.3.",
    )
    # A western box begins with a minus: "-74.1,40.6,…" is a value, not an option.
    tiles._negative_number_matcher = re.compile(r"^-[\d.]")
    tiles.add_argument(
        "out",
        nargs="?",
        default="city",
        metavar="OUT",
        help="OUT.pmtiles or OUT.mbtiles; a bare word is an archive that the service offers under "
        "/archives/ (default: city)",
    )
    tiles.add_argument(
        "--layers", help="with commas; all but the analyses' answers if not given", metavar="NAMES"
    )
    tiles.add_argument(
        "--bbox", help="west,south,east,north in degrees; the whole city if not given"
    )
    tiles.add_argument(
        "--zooms", help="such as 0-16 or 14; those the layers are made for if not given"
    )
    tiles.add_argument("--name", help="what the archive is called; the city's name if not given")
    tiles.add_argument("--attribution", default="", help="who is to be named on a map of it")
    tiles.add_argument("--overwrite", action="store_true", help="replace an archive that is there")
    tiles.add_argument(
        "--tile-matrix-set",
        default=_GRID,
        metavar="GRID",
        help=f"the grid; both formats know {_GRID} alone",
    )
    _city.export_arguments(kinds.add_parser(_city.LAYER, help="CityJSON 2.0 or CityJSONSeq"))


def _run(arguments: Namespace, settings: Settings) -> int:
    if arguments.what == _city.LAYER:
        return _city.export(arguments, settings, _box(arguments.bbox))
    began = time.perf_counter()
    wanted = _layers(arguments.layers)
    box = _box(arguments.bbox)
    zooms = _zooms(arguments.zooms)
    _require_grid(arguments.tile_matrix_set)
    path = _path(arguments.out, settings)
    # Before anything slow is done for it.
    archive_of(path)
    require_free(path, overwrite=arguments.overwrite)
    with stoppable(), database(settings) as engine:
        prepare(say)
        # Only here: the compiler takes a second to be imported.
        from tiles.bake import Wish, bake

        wish = Wish(wanted, box, zooms, arguments.name, attribution=arguments.attribution)
        with _bar() as progress:
            baked = bake(
                engine,
                wish,
                path,
                folder=settings.data_dir / "tiles",
                overwrite=arguments.overwrite,
                progress=progress,
            )
    for level in baked.levels:
        say(
            f"  level {level.zoom:2}: {level.tiles:>9,} tiles {_size(level.bytes):>9}, "
            f"the heaviest {'/'.join(map(str, level.heaviest or ()))} {_size(level.heaviest_bytes)}"
        )
    heavy = baked.heaviest
    print(
        f"{baked.path}: {baked.tiles:,} tiles, {_size(baked.size)}, levels {baked.levels[0].zoom} "
        f"to {baked.levels[-1].zoom}, the heaviest level {heavy.zoom} ({_size(heavy.bytes)}), "
        f"{time.perf_counter() - began:.1f} s"
    )
    return 0


def _layers(names: str | None) -> tuple[Layer, ...]:
    if names is None:
        # What is about the city or its data is not handed on without being asked for.
        return tuple(layer for layer in layers().values() if layer.id not in _ABOUT)
    found = tuple(layer_named(name.strip()) for name in names.split(","))
    if len(set(found)) != len(found):
        raise InvalidInputError(f"--layers {names!r} names a layer twice")
    return found


def _box(words: str | None) -> LonLatBox | None:
    if words is None:
        return None
    box, heights_m = parse_box(words)
    if heights_m is not None:
        raise InvalidInputError(f"--bbox is west,south,east,north, without heights: not {words!r}")
    if box.west >= box.east or box.south >= box.north:
        raise InvalidInputError(f"--bbox is west,south,east,north, and has an area: not {words!r}")
    return box


def _zooms(words: str | None) -> tuple[int, int] | None:
    if words is None:
        return None
    found = re.fullmatch(r"([0-9]{1,3})(?:-([0-9]{1,3}))?", words)
    if found is None:
        raise InvalidInputError(f"--zooms is one level or two, such as 0-16, not {words!r}")
    return int(found[1]), int(found[2] or found[1])


def _require_grid(name: str) -> None:
    if name != _GRID:
        raise InvalidInputError(
            f"PMTiles and MBTiles hold tiles of {_GRID} alone, and a reader would draw those of "
            f"{name!r} in the wrong place; other grids are served live"
        )


def _path(out: str, settings: Settings) -> Path:
    path = Path(out)
    if not out.strip():
        raise InvalidInputError("OUT is empty")
    if path.name != out or path.suffix:
        return path
    if out.startswith("."):
        raise InvalidInputError(f"an archive's name does not begin with a dot: {out!r}")
    settings.archives.mkdir(parents=True, exist_ok=True)
    return settings.archives / f"{out}.pmtiles"


def _size(number: int) -> str:
    """Return bytes as people read them.

    >>> _size(98_300_000), _size(1_240), _size(12)
    ('98.3 MB', '1.2 kB', '12 B')
    """
    for unit, least in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if number >= least:
            return f"{number / least:.1f} {unit}"
    return f"{number} B"


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading the city", total=None)

        def told(done: int, total: int) -> None:
            bar.update(task, description="baking tiles", completed=done, total=total)

        yield told


VERB = Verb("export", "write the city into a file: vector tiles, CityJSON", _arguments, _run)
