"""``citytwin load bim``: a building model into the city, and the verdict for people."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator

import orjson
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine

from api.settings import Settings
from api.verbs import _quality
from twin.bim import Limits, RefusedModelError, Verdict, load_model
from twin.errors import InvalidInputError

LAYER = "bim"
_SHOWN = 5


def arguments(parser: ArgumentParser) -> None:
    """Add what only building models are asked."""
    parser.add_argument(
        "--place",
        metavar="LON,LAT,ROTATION,HEIGHT",
        help="bim: where the model's zero is, its y axis clockwise from north, its height in m; "
        "what is left empty is as the file says",
    )
    parser.add_argument(
        "--georef", metavar="ID", help="bim: which of the file's georeferences, where they differ"
    )


def run(
    arguments: Namespace,
    settings: Settings,
    engine: Engine,
    progress: Callable[[str, int, int | None], None],
) -> Verdict:
    """Load one model; a refusal's verdict is written, too, where JSON is asked for."""
    if len(arguments.files) != 1:
        raise InvalidInputError(f"one model at a time, not {len(arguments.files)}")
    if arguments.map or arguments.datum:
        raise InvalidInputError(
            "a building model takes --place, --georef, --crs; no --map, --datum"
        )
    try:
        return load_model(
            engine,
            arguments.files[0],
            place=arguments.place,
            georeference=arguments.georef,
            crs=arguments.crs,
            source=arguments.source,
            limits=Limits(
                memory_bytes=settings.bim_memory_bytes,
                cpu_s=settings.bim_time_s,
                wall_s=2 * settings.bim_time_s,
            ),
            dry_run=arguments.dry_run,
            quality=not arguments.no_quality,
            data_dir=settings.data_dir,
            progress=progress,
        )
    except RefusedModelError as error:
        if arguments.json:
            write(error.verdict)
        raise


def write(verdict: Verdict) -> None:
    """Write the verdict as JSON."""
    sys.stdout.buffer.write(
        orjson.dumps(verdict.as_dict(), option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS)
        + b"\n"
    )


def show(verdict: Verdict) -> None:
    """Write the verdict for people."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in _lines(verdict):
        table.add_row(name, value)
    Console(soft_wrap=True).print(table, markup=False)


def _lines(verdict: Verdict) -> Iterator[tuple[str, str]]:
    kept = "checked only, nothing kept" if verdict.dry_run else "kept"
    made = ", ".join((str(verdict.schema), *verdict.application))
    yield "model", f"{verdict.file} ({made}), {kept}"
    yield "source", verdict.source
    unit = verdict.units["length_m"]
    yield "unit", f"{unit:g} m; {verdict.counts['IfcPropertySet']:,} property sets"
    found = verdict.elements
    yield "elements", f"{found['found']:,}, {found['with_geometry']:,} with geometry"
    for each in found["without_geometry"]:
        yield "without", f"{each['count']:,}  {each['reason']}"
    for storey in sorted(verdict.storeys, key=lambda each: each["floor_z_m"]):
        high = f"{storey['height_m']:.2f} m high" if storey["height_m"] else "height unknown"
        yield (
            "storey",
            f"{storey['name'] or storey['guid']}: floor at {storey['floor_z_m']:.2f} m, {high}, "
            f"{storey['elements']:,} elements, {storey['spaces']:,} spaces",
        )
    spaces = verdict.spaces
    yield "spaces", f"{spaces['found']:,}, {spaces['area_m2']:,.1f} m²"
    openings = ", ".join(f"{number:,} {kind}s" for kind, number in verdict.openings.items())
    yield "openings", openings or "none"
    yield from _place(verdict)
    yield from _changes(verdict)
    for note in verdict.notes:
        yield "note", note
    yield "time", f"{verdict.seconds:.2f} s"
    yield from _quality.lines(verdict.quality)


def _place(verdict: Verdict) -> Iterator[tuple[str, str]]:
    georeference = verdict.georeference or {}
    for each in georeference.get("found", ()):
        yield (
            f"LoGeoRef {each['level']}",
            each["says"] + (f" – {each['why_not']}" * bool(each["why_not"])),
        )
    used = georeference.get("used")
    if used is not None:
        stand = used["stand"]
        yield (
            "stands",
            f"by {used['id']}: middle at {used['lonlat'][0]}, {used['lonlat'][1]}, turned in the "
            f"grid {stand['turn_deg']:.3f}° counterclockwise, zero at {stand['lift_m']:.3f} m",
        )


def _changes(verdict: Verdict) -> Iterator[tuple[str, str]]:
    for table, counts in verdict.change_counts().items():
        yield table, ", ".join(f"{number:,} {kind}" for kind, number in counts.items())
    for table, kinds in verdict.changes.items():
        if not kinds["unchanged"] and not kinds["removed"] and not kinds["changed"]:
            continue  # A first load: everything is new.
        for kind in ("added", "removed", "changed"):
            for each in kinds[kind][:_SHOWN]:
                fields = f": {', '.join(each['fields'][:_SHOWN])}" if "fields" in each else ""
                yield kind, f"{each['ifc_class']} {each['name'] or each['guid']} ({table}){fields}"
            if len(kinds[kind]) > _SHOWN:
                yield kind, f"… and {len(kinds[kind]) - _SHOWN:,} more ({table}); --json lists all"
