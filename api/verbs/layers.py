"""``citytwin layers``: the layers and how much they hold."""

from argparse import Namespace

from api.settings import Settings
from api.verbs._verb import Verb, city, no_arguments
from layers import layers, query


def _run(_: Namespace, settings: Settings) -> int:
    with city(settings) as opened:
        counts = query.counts(opened, layers().values())
    for layer in layers().values():
        print(f"{layer.id:20}{counts[layer.id]:>12,}  {layer.title.zh} {layer.title.en}")
    return 0


VERB = Verb("layers", "list the layers and how many features they hold", no_arguments, _run)
