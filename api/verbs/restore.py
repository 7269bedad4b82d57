"""``citytwin restore``: bring a feature back to a state that it had."""

import getpass
from argparse import ArgumentParser, Namespace

from api.settings import Settings
from api.verbs._verb import Verb, city
from layers import layer_named
from layers.filter import parse_as_of
from twin import changes, history


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("layer", help="the layer's id")
    parser.add_argument("feature", metavar="ID", help="id or uid of the feature, also of one gone")
    parser.add_argument(
        "--as-of", required=True, metavar="T", help="a time, or seq:N for after commit N"
    )
    parser.add_argument("--actor", help="who the change is told to be of (who runs this)")


def _run(arguments: Namespace, settings: Settings) -> int:
    layer, as_of = layer_named(arguments.layer), parse_as_of(arguments.as_of, name="--as-of")
    with city(settings) as found:
        changes.act_as(found.session, arguments.actor or getpass.getuser())
        done = history.restore(found, layer.id, arguments.feature, as_of)
        found.session.commit()
    print(f"{layer.id} {done.id}: {done.done}, as after commit {done.moment.seq}")
    return 0


VERB = Verb("restore", "bring a feature back to a state that it had", _arguments, _run)
