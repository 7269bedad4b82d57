"""``citytwin init``: make an empty city."""

import re
from argparse import ArgumentParser, Namespace

from api.settings import Settings
from api.verbs._verb import Verb, database, say
from twin.crs import CityBox, Frame, LonLatBox, area_of_use, projected_srid
from twin.database import create_city
from twin.errors import InvalidInputError


def _arguments(parser: ArgumentParser) -> None:
    # A western city begins with a minus: "-74.1,40.6,…" is a value, not an option.
    parser._negative_number_matcher = re.compile(r"^-[\d.]")
    parser.add_argument("--crs", required=True, help="frame in metres, such as EPSG:4548")
    parser.add_argument("--name", required=True, help="the city's name, such as 汕头")
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--extent", help="min_x,min_y,max_x,max_y in metres of the frame")
    extent.add_argument("--extent-lonlat", help="west,south,east,north in degrees")
    parser.add_argument(
        "--vertical-datum", default="unknown", help="what heights are above, such as EPSG:5737"
    )


def _run(arguments: Namespace, settings: Settings) -> int:
    frame = _frame(arguments.crs, arguments.extent, arguments.extent_lonlat)
    if not arguments.name.strip():
        raise InvalidInputError("the city's name is empty")
    with database(settings) as engine:
        create_city(engine, arguments.name, frame, vertical_datum=arguments.vertical_datum)
    west, south, east, north = (round(side, 4) for side in frame.lonlat_extent())
    say(f"{arguments.name}: {frame.name}, {west} to {east} °E, {south} to {north} °N")
    say("next: citytwin load building FILE")
    return 0


def _frame(crs: str, extent: str | None, extent_lonlat: str | None) -> Frame:
    srid = projected_srid(crs)
    whole = Frame(srid, area_of_use(srid))
    if extent is not None:
        return Frame(srid, CityBox(*_numbers(extent, "--extent")))
    if extent_lonlat is not None:
        return Frame(
            srid, whole.box_to_city(LonLatBox(*_numbers(extent_lonlat, "--extent-lonlat")))
        )
    return whole


def _numbers(text: str, option: str) -> tuple[float, float, float, float]:
    try:
        a, b, c, d = map(float, text.split(","))
    except ValueError:
        raise InvalidInputError(f"{option} is four numbers with commas, not {text!r}") from None
    return a, b, c, d


VERB = Verb("init", "make an empty city in a frame of your choice", _arguments, _run)
