"""Layers as TileJSON and archives describe them."""

from typing import Any

from layers import Layer

_TYPES = {"integer": "Number", "number": "Number", "boolean": "Boolean"}


def vector_layer(layer: Layer) -> dict[str, Any]:
    """Return a layer as an entry of ``vector_layers`` (TileJSON 3.0, 3.3).

    >>> from layers import layer_named
    >>> vector_layer(layer_named("region"))["minzoom"]
    0
    """
    return {
        "id": layer.id,
        "description": f"{layer.description.zh} {layer.description.en}",
        "minzoom": layer.minzoom,
        "maxzoom": layer.maxzoom,
        "fields": {
            entry.name: _TYPES.get(entry.type, "String")
            for entry in layer.fields
            if entry.in_tiles and entry.type != "object"
        },
    }
