"""What can be looked at: the layer catalogue, and questions to a layer."""

from functools import cache

from layers._cartography import BACKGROUND
from layers._layer import Drawn, Field, Group, Layer, Words
from layers._limits import COUNT, Limit
from twin.discover import discover
from twin.errors import NotFoundError

__all__ = [
    "BACKGROUND",
    "COUNT",
    "Drawn",
    "Field",
    "Group",
    "Layer",
    "Limit",
    "Words",
    "layer_named",
    "layers",
]


@cache
def layers() -> dict[str, Layer]:
    """Return every layer of ``layers/catalogue`` by id, in the order a map draws them.

    >>> list(layers())[0]
    'region'
    """
    found = discover("layers.catalogue", "LAYER", Layer)
    return dict(sorted(found.items(), key=lambda entry: entry[1].order))


def layer_named(layer_id: str) -> Layer:
    """Return one layer.

    Raises
    ------
    NotFoundError
        If there is no such layer; the message names those there are.
    """
    try:
        return layers()[layer_id]
    except KeyError:
        raise NotFoundError(
            f"there is no layer {layer_id!r}; there are {', '.join(layers())}"
        ) from None
