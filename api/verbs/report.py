"""``citytwin report``: what the city's tiles weigh, and what is wrong with its data."""

from argparse import ArgumentParser, Namespace

from api.kernels import prepare
from api.settings import Settings
from api.verbs import _quality
from api.verbs._verb import Verb, database, say
from api.weights import asked_of


def _arguments(parser: ArgumentParser) -> None:
    kinds = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    tiles = kinds.add_parser(
        "tiles",
        help="the heaviest tiles",
        description="Tell the heaviest tile of each layer and level, and what to do about it.",
    )
    tiles.add_argument("--layers", metavar="NAMES", help="with commas; all if not given")
    tiles.add_argument("--zooms", help="such as 9-16 or 12; those of each layer if not given")
    quality = kinds.add_parser(
        "quality",
        help="what is wrong with the data",
        description="Look at the data by rules, keep what is found, and tell it in short.",
    )
    _quality.arguments(quality)


def _run(arguments: Namespace, settings: Settings) -> int:
    if arguments.what == "quality":
        return _quality.run(arguments, settings)
    asked = asked_of(arguments.layers, arguments.zooms)
    with database(settings) as engine:
        prepare(say)
        # Only here: the compiler takes a second to be imported.
        from tiles._at_once import columns_at_once
        from tiles.report import HEAVY_BYTES, report

        moment = columns_at_once(engine, asked.layers, settings.data_dir / "tiles")
        rows = report([columns for columns, _ in moment.states], asked.zooms)
    print(
        f"{'layer':20}{'tile':>20}{'features':>10}{'drawn':>8}{'merged':>9}"
        f"{'gzip kB':>10}{'kB':>10}{'ms':>8}  dearest field"
    )
    for each in rows:
        dearest = next(iter(each.fields.items()), ("", 0))
        print(
            f"{each.layer:20}{'/'.join(map(str, each.tile)):>20}{each.account.features:>10,}"
            f"{each.account.drawn:>8,}{each.account.merged:>9,}{each.packed / 1000:>10,.1f}"
            f"{each.bytes / 1000:>10,.1f}{each.seconds * 1000:>8,.1f}  "
            f"{dearest[0]} {dearest[1] / 1000:,.1f} kB"
        )
        for words in each.advice:
            print(f"    {words.zh} · {words.en}")
    heavy = sum(each.packed > HEAVY_BYTES for each in rows)
    print(f"{heavy} of {len(rows)} are heavier than {HEAVY_BYTES / 1000:.0f} kB compressed")
    return 0


VERB = Verb("report", "tell what tiles weigh and what is wrong with the data", _arguments, _run)
