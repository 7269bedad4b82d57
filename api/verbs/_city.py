"""``citytwin load cityjson`` and ``export cityjson``, and what they tell people."""

import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine

from api.settings import Settings
from api.verbs._verb import city
from twin.cityjson import RefusedCityError, Verdict, export_cityjson, load_cityjson
from twin.crs import LonLatBox
from twin.errors import InvalidInputError

LAYER = "cityjson"
_SHOWN = 5


def run(
    arguments: Namespace, engine: Engine, progress: Callable[[str, int, int | None], None]
) -> Verdict:
    """Load one file; a refusal's verdict is written, too, where JSON is asked for."""
    if len(arguments.files) != 1:
        raise InvalidInputError(f"one CityJSON file at a time, not {len(arguments.files)}")
    if arguments.map or arguments.datum or arguments.place or arguments.georef:
        raise InvalidInputError(
            "CityJSON takes --crs, --heights, --geoid, --source; "
            "no --map, --datum, --place, --georef"
        )
    try:
        return load_cityjson(
            engine,
            arguments.files[0],
            crs=arguments.crs,
            heights=arguments.heights,
            geoid=arguments.geoid,
            source=arguments.source,
            dry_run=arguments.dry_run,
            progress=progress,
        )
    except RefusedCityError as error:
        if arguments.json:
            write(error.verdict)
        raise


def write(verdict: Verdict) -> None:
    """Write the verdict as JSON."""
    sys.stdout.buffer.write(orjson.dumps(verdict.as_dict(), option=orjson.OPT_INDENT_2) + b"\n")


def show(verdict: Verdict) -> None:
    """Write the verdict for people."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in _lines(verdict):
        table.add_row(name, value)
    Console(soft_wrap=True).print(table, markup=False)


def _lines(verdict: Verdict) -> Iterator[tuple[str, str]]:
    kept = "checked only, nothing kept" if verdict.dry_run else "kept"
    yield "file", f"{verdict.file} ({verdict.form} {verdict.version}), {kept}"
    yield "source", verdict.source
    crs = verdict.crs
    yield (
        "frame",
        f"found {crs['found'] or 'none'}, used {crs['used']}, axes {crs['axes'] or 'unknown'}; "
        f"heights above {crs['vertical_datum'] or 'what nobody says'}",
    )
    by_type = ", ".join(f"{n:,} {kind}" for kind, n in verdict.objects["by_type"].items())
    yield "objects", f"{verdict.objects['found']:,}: {by_type}"
    for each in verdict.without_geometry:
        shown = ", ".join(each["examples"])
        yield "without", f"{each['count']:,}  {each['reason']} (for example {shown})"
    lods = ", ".join(f"{n:,} of LoD {lod}" for lod, n in verdict.lods.items())
    kinds = ", ".join(f"{n:,} {kind}" for kind, n in verdict.geometries.items())
    yield "geometries", f"{lods or 'none'}; {kinds or 'none'}"
    yield from _surfaces(verdict)
    for name, number in verdict.left_out.items():
        yield "left out", f"{name} (of {number:,} geometries)"
    yield from _changes(verdict.changes)
    for note in verdict.notes:
        yield "note", note
    yield "time", f"{verdict.seconds:.2f} s"


def _surfaces(verdict: Verdict) -> Iterator[tuple[str, str]]:
    surfaces, solids = verdict.surfaces, verdict.solids
    yield "surfaces", f"{surfaces['found']:,}"
    if surfaces["degenerate_count"]:
        named = [f"{one['surface']} of {one['object']}" for one in surfaces["degenerate"][:_SHOWN]]
        more = "" if surfaces["degenerate_count"] <= _SHOWN else ", …"
        yield (
            "degenerate",
            f"{surfaces['degenerate_count']:,} without an area: {', '.join(named)}{more}",
        )
    if surfaces["unlike"]:
        yield "crossing", f"{surfaces['unlike']:,} surfaces cross themselves"
    if solids["found"]:
        yield "solids", f"{solids['closed']:,} of {solids['found']:,} are closed"
    if solids["other_closed"]:
        yield "closed", f"{solids['other_closed']:,} geometries that are no solids are closed"
    if solids["inside_out"]:
        yield "inside out", f"{solids['inside_out']:,} closed shells look inward"


def _changes(changes: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for table, found in changes.items():
        yield table, ", ".join(f"{number:,} {kind}" for kind, number in found["counts"].items())
    for table, found in changes.items():
        for kind in ("added", "removed", "changed"):
            for each in found[kind][:_SHOWN]:
                one = each if isinstance(each, str) else _changed(each)
                yield kind, f"{one} ({table})"
            rest = found["counts"][kind] - _SHOWN
            if found[kind] and rest > 0:
                yield kind, f"… and {rest:,} more ({table}); --json lists more"


def _changed(each: dict[str, Any]) -> str:
    more = ", …" if len(each["fields"]) > _SHOWN else ""
    return f"{each['id']}: {', '.join(each['fields'][:_SHOWN])}{more}"


def export_arguments(parser: ArgumentParser) -> None:
    """Add what an export of city objects is asked."""
    # A western box begins with a minus: "-74.1,40.6,…" is a value, not an option.
    parser._negative_number_matcher = re.compile(r"^-[\d.]")
    parser.add_argument(
        "out", type=Path, metavar="OUT", help="OUT.city.json or OUT.city.jsonl, .gz packs it"
    )
    parser.add_argument(
        "--bbox", help="west,south,east,north in degrees; the whole city if not given"
    )
    parser.add_argument("--lod", help="one level of detail, such as 1.2; all if not given")


def export(arguments: Namespace, settings: Settings, box: LonLatBox | None) -> int:
    """Write a file, and say what is in it."""
    with city(settings) as opened:
        found = export_cityjson(opened, arguments.out, box=box, lod=arguments.lod)
    by_type = ", ".join(f"{number:,} {kind}" for kind, number in sorted(found.by_type.items()))
    print(
        f"{found.path}: {found.objects:,} objects ({by_type or 'none'}), {found.geometries:,} "
        f"geometries, of them {found.blocks:,} blocks of footprint and height and {found.flat:,} "
        f"footprints without a height; {found.bytes:,} bytes"
    )
    return 0
