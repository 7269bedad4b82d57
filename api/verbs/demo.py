"""``citytwin demo``: make the demo city."""

from argparse import ArgumentParser, Namespace

from api.demo_city import BUILDINGS, make_demo_city
from api.settings import Settings
from api.verbs._verb import Verb, database, say
from twin.errors import InvalidInputError


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--buildings", type=int, default=BUILDINGS, help="about how many")


def _run(arguments: Namespace, settings: Settings) -> int:
    if arguments.buildings < 1:
        raise InvalidInputError(f"--buildings is a number from 1 on, not {arguments.buildings}")
    with database(settings) as engine:
        name = make_demo_city(engine, settings.data_dir, buildings=arguments.buildings)
    say(f"made {name}; next: citytwin serve")
    return 0


VERB = Verb("demo", "make the demo city in an empty database", _arguments, _run)
