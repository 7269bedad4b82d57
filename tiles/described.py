"""Layers as TileJSON and archives describe them."""

from typing import Any

from layers import COUNT, Layer

_TYPES = {"integer": "Number", "number": "Number", "boolean": "Boolean"}


def vector_layer(layer: Layer, raised: int = 0) -> dict[str, Any]:
    """Return a layer as an entry of ``vector_layers`` (TileJSON 3.0, 3.3).

    Parameters
    ----------
    layer : Layer
        What is described.
    raised : int
        How many levels later than on WebMercatorQuad a grid comes to the same scale.

    Examples
    --------
    >>> from layers import layer_named
    >>> vector_layer(layer_named("region"))["minzoom"]
    0
    """
    return {
        "id": layer.id,
        "description": f"{layer.description.zh} {layer.description.en}",
        "minzoom": max(layer.minzoom + raised, 0),
        "maxzoom": max(layer.maxzoom + raised, 0),
        "fields": {
            entry.name: _TYPES.get(entry.type, "String")
            for entry in layer.fields
            if entry.in_tiles and entry.type != "object"
        }
        | ({COUNT: "Number"} if layer.limits else {}),
    }
