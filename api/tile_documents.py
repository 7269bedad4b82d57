"""What leads to tiles: TileJSON, and the grids they are on."""

from collections.abc import Sequence
from typing import Any

from fastapi import Request

from api.dependencies import NamedGrid
from api.documents import middle
from api.links import JSON, OGC, address, base, link
from layers import Layer
from layers.totals import Holding, around
from tiles.described import vector_layer
from tiles.grid import ALIASES, WEB_MERCATOR, grids
from tiles.matrix_set import TITLES, crs_uri, definition
from twin.crs import Frame

_SCHEME = f"{OGC}tiling-scheme"


def tilejson(
    request: Request, holding: Holding, shown: Sequence[Layer], named: NamedGrid, edition: str
) -> dict[str, Any]:
    """Return TileJSON 3.0 of some layers in one tile.

    TileJSON knows WebMercatorQuad alone; on another grid the document says which.
    """
    names, grid = ",".join(layer.id for layer in shown), named.grid
    extent = around([holding.boxes[layer.id] for layer in shown])
    # Layers say their levels in those of WebMercatorQuad.
    raised = ALIASES.get(named.name, ("", 0))[1] - grid.zoom
    first = max(min(layer.minzoom for layer in shown) + raised, 0)
    last = min(max(layer.maxzoom for layer in shown) - grid.zoom, grid.last) + raised + grid.zoom
    place = "" if grid == WEB_MERCATOR else f"{named.name}/"
    query = address(request, v=edition).partition("?")[2]
    return {
        "tilejson": "3.0.0",
        "name": " · ".join(f"{layer.title.zh} {layer.title.en}" for layer in shown),
        "scheme": "xyz",
        "tiles": [f"{base(request)}/tiles/{names}/{place}{{z}}/{{x}}/{{y}}?{query}"],
        "minzoom": first,
        "maxzoom": max(first, last),
        "bounds": list(extent),
        "center": [*middle(extent), max(first, 13 + raised)],
        "vector_layers": [vector_layer(layer, raised) for layer in shown],
        **({} if grid == WEB_MERCATOR else _on(request, named)),
    }


def _on(request: Request, named: NamedGrid) -> dict[str, str]:
    return {
        "tileMatrixSet": f"{base(request)}/tileMatrixSets/{named.name}",
        "crs": crs_uri(named.grid.crs),
    }


def matrix_sets(request: Request, frame: Frame) -> dict[str, Any]:
    """Return the list of the grids, their other names included (OGC 20-057, clause 9.2)."""
    root = f"{base(request)}/tileMatrixSets"
    known = grids(frame)
    named = {**known, **{alias: known[name] for alias, (name, _) in ALIASES.items()}}
    return {
        "tileMatrixSets": [
            {
                "id": name,
                "title": TITLES[name],
                "uri": definition(grid, name, f"{root}/{name}")["uri"],
                "crs": crs_uri(grid.crs),
                "links": [link(f"{root}/{name}", _SCHEME, JSON, TITLES[name])],
            }
            for name, grid in named.items()
        ],
    }


def matrix_set(request: Request, named: NamedGrid) -> dict[str, Any]:
    """Return the definition of one grid."""
    return definition(named.grid, named.name, f"{base(request)}/tileMatrixSets/{named.name}")
