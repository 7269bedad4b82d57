"""``citytwin load``: bring files into the city."""

import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

from api.progress import bar
from api.settings import Settings
from api.verbs import _city, _model, _quality
from api.verbs._verb import Verb, database
from twin.errors import InvalidInputError
from twin.ingest import JUDGED_UP_TO, LAYERS, LoadReport, load

REFUSED_SOME = 3


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("layer", help=f"one of {', '.join((*LAYERS, _model.LAYER, _city.LAYER))}")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="FILE or FILE#LAYER")
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="FIELD=COLUMN",
        help="where a field comes from; =WORD after the = is one word for all, COLUMN*0.001 scales",
    )
    parser.add_argument(
        "--crs", help="the files' frame, where they do not say it or say it wrongly"
    )
    parser.add_argument("--datum", choices=("gcj02", "bd09"), help="degrees of a Chinese map datum")
    parser.add_argument(
        "--heights", help="what the files' heights are above, such as ellipsoidal or EPSG:5737"
    )
    parser.add_argument("--geoid", type=Path, help="the geoid's model, GTX or GeoTIFF")
    parser.add_argument(
        "--source", help="name of the source; the same source again updates its rows"
    )
    parser.add_argument("--dry-run", action="store_true", help="check everything, keep nothing")
    parser.add_argument(
        "--no-quality", action="store_true", help="do not look at the rows by the rules of quality"
    )
    parser.add_argument("--json", action="store_true", help="write the report as JSON")
    # A western place begins with a minus: "-87.6,41.9,0,180" is a value, not an option.
    parser._negative_number_matcher = re.compile(r"^-[\d.]")
    _model.arguments(parser)


def _run(arguments: Namespace, settings: Settings) -> int:
    if arguments.layer == _model.LAYER:
        return _run_model(arguments, settings)
    if arguments.layer == _city.LAYER:
        return _run_city(arguments, settings)
    if arguments.place or arguments.georef:
        raise InvalidInputError("--place and --georef are for building models: citytwin load bim")
    mapping = _mapping(arguments.map)
    with database(settings) as engine, bar() as progress:
        report = load(
            engine,
            arguments.layer,
            arguments.files,
            data_dir=settings.data_dir,
            mapping=mapping,
            crs=arguments.crs,
            datum=arguments.datum,
            source=arguments.source,
            heights=arguments.heights,
            geoid=arguments.geoid,
            dry_run=arguments.dry_run,
            judged_up_to=-1 if arguments.no_quality else JUDGED_UP_TO,
            progress=progress,
        )
    if arguments.no_quality:
        report = replace(report, quality=None)
    elif report.quality is not None and "later" in report.quality:
        _quality.in_background(settings, report.quality["later"])
    if arguments.json:
        sys.stdout.buffer.write(orjson.dumps(report.as_dict(), option=orjson.OPT_INDENT_2) + b"\n")
    else:
        _show(report)
    return REFUSED_SOME if report.rows_rejected else 0


def _run_model(arguments: Namespace, settings: Settings) -> int:
    with database(settings) as engine, bar() as progress:
        verdict = _model.run(arguments, settings, engine, progress)
    (_model.write if arguments.json else _model.show)(verdict)
    return 0


def _run_city(arguments: Namespace, settings: Settings) -> int:
    with database(settings) as engine, bar() as progress:
        verdict = _city.run(arguments, engine, progress)
    (_city.write if arguments.json else _city.show)(verdict)
    return 0


def _mapping(pairs: list[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        name, equals, column = pair.partition("=")
        if not (name and equals and column):
            raise InvalidInputError(f"--map is FIELD=COLUMN, not {pair!r}")
        found[name] = column
    return found


def _show(report: LoadReport) -> None:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in _lines(report):
        table.add_row(name, value)
    Console(soft_wrap=True).print(table)


def _lines(report: LoadReport) -> Iterator[tuple[str, str]]:
    kept = "checked only, nothing kept" if report.dry_run else "kept"
    yield "layer", f"{report.layer} from {', '.join(report.files)} ({report.format}), {kept}"
    yield "source", report.source
    yield "rows read", f"{report.rows_read:,}"
    yield "new", f"{report.loaded:,}"
    yield "changed", f"{report.updated:,}"
    yield "unchanged", f"{report.unchanged:,}"
    for reason, number in report.repaired.items():
        yield "repaired", f"{number:,}  {reason}"
    for reason, number in report.skipped.items():
        yield "passed over", f"{number:,}  {reason}"
    for reason, number in report.rejected.items():
        examples = ", ".join(report.examples.get(reason, []))
        yield (
            "refused",
            f"{number:,}  {reason}" + (f" (for example {examples})" if examples else ""),
        )
    for note in report.notes:
        yield "note", note
    datum = f", datum {report.datum}" if report.datum else ""
    yield "frame", f"found {report.crs_found or 'none'}, used {report.crs_used or 'none'}{datum}"
    yield "time", f"{report.seconds:.2f} s"
    yield from _quality.lines(report.quality)


VERB = Verb("load", "load files into a layer, all or nothing", _arguments, _run)
