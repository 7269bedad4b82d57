"""``citytwin code``: read, check and make codes of places and things."""

import re
import sys
from argparse import ArgumentParser, Namespace
from typing import Any

import orjson

from api.settings import Settings
from api.verbs._verb import Verb, city
from twin.codes import answers
from twin.codes.beidou import HELD_LEVEL
from twin.codes.communities import cells_of


def _arguments(parser: ArgumentParser) -> None:
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    beidou = kinds.add_parser("beidou", help="BeiDou grid code (GB/T 39409): CODE, or LON LAT")
    beidou._negative_number_matcher = re.compile(r"^-[\d.]")
    beidou.add_argument("place", nargs="+", metavar="CODE | LON LAT")
    beidou.add_argument("--level", type=int, default=HELD_LEVEL, help="1 to 10 (8)")
    beidou.add_argument("--datum", choices=("gcj02", "bd09"), help="what the degrees are of")
    cover = kinds.add_parser("cover", help="the BeiDou cells that cover an area")
    cover.add_argument("area", help="WKT or a GeoJSON geometry, degrees, longitude first")
    cover.add_argument("--level", type=int, default=HELD_LEVEL, help="1 to 10 (8)")
    cover.add_argument("--whole", action="store_true", help="whole cells by the coarsest code")
    cut = kinds.add_parser("cut", help="cut a community of the city into management grid cells")
    cut.add_argument("region", help="code of the community, 12 digits")
    cut.add_argument("--size", type=float, default=100.0, metavar="M", help="side of a cell (100)")
    for kind in answers.KINDS:
        digits = kinds.add_parser(kind, help=f"the parts of a code of a {kind.replace('_', ' ')}")
        digits.add_argument("code")


def _run(arguments: Namespace, settings: Settings) -> int:
    if arguments.kind == "cut":
        with city(settings) as known:
            answer = cells_of(known, arguments.region, size_m=arguments.size)
    else:
        answer = _answer(arguments)
    sys.stdout.buffer.write(orjson.dumps(answer, option=orjson.OPT_INDENT_2) + b"\n")
    return 0


def _answer(arguments: Namespace) -> dict[str, Any]:
    if arguments.kind == "cover":
        return answers.about_area(arguments.area, arguments.level, whole=arguments.whole)
    if arguments.kind != "beidou":
        return answers.about_digits(arguments.kind, arguments.code)
    if len(arguments.place) == 1:
        return answers.about_code(arguments.place[0])
    lon, lat = (*arguments.place, "", "")[:2]
    return answers.about_point(lon, lat, arguments.level, arguments.datum)


VERB = Verb("code", "read, check and make codes of places and things", _arguments, _run)
