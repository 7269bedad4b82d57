"""The report on tiles as the service gives it: one at a time, and kept until the city changes."""

import re
from collections.abc import Sequence
from threading import Lock
from typing import Any, NamedTuple

from layers import Layer, layer_named
from layers import layers as all_layers
from tiles.grid import Tile
from tiles.live import TileEngine
from tiles.report import HEAVY_BYTES, left_out, report, weigh
from twin.errors import InvalidInputError, UnavailableError

_KEPT = 8
_lock = Lock()
_known: dict[Any, dict[str, Any]] = {}


class Asked(NamedTuple):
    """Which layers, and which levels; None for all that they are made for."""

    layers: tuple[Layer, ...]
    zooms: tuple[int, ...] | None


def asked_of(names: str | None, zooms: str | None) -> Asked:
    """Return what is asked in words: layers with commas, one level or two with a dash.

    >>> asked_of("building,region", "9-11").zooms
    (9, 10, 11)
    """
    found = all_layers() if names is None else {n: layer_named(n) for n in names.split(",")}
    if zooms is None:
        return Asked(tuple(found.values()), None)
    match = re.fullmatch(r"([0-9]{1,2})(?:-([0-9]{1,2}))?", zooms)
    if match is None:
        raise InvalidInputError(f"zooms is one level or two, such as 9-16, not {zooms!r}")
    first, last = int(match[1]), int(match[2] or match[1])
    return Asked(tuple(found.values()), tuple(range(first, last + 1)))


def weights(engine: TileEngine, asked: Asked) -> dict[str, Any]:
    """Return the heaviest tile of each layer and level."""
    states = [engine.layers[layer.id] for layer in asked.layers]
    ready = [state.columns for state in states if state.columns is not None]
    key = (id(engine), tuple((each.layer, each.position) for each in ready), asked.zooms)
    with _lock:
        if key in _known:
            return _known[key]
        rows = report(ready, asked.zooms)
        found = {
            "heavy_bytes": HEAVY_BYTES,
            "tiles": [each.told() for each in rows],
            "merged": left_out(rows),
            "without_columns": [state.layer.id for state in states if state.columns is None],
        }
        while len(_known) >= _KEPT:
            del _known[next(iter(_known))]
        _known[key] = found
    return found


def of_tile(engine: TileEngine, layers: Sequence[Layer], tile: Tile) -> dict[str, Any]:
    """Return what became of the features of some layers in one tile.

    Raises
    ------
    UnavailableError
        If one of them has no columns now; PostGIS writes its tiles then, and merges nothing.
    """
    parts = []
    for layer in layers:
        columns = engine.layers[layer.id].columns
        if columns is None:
            raise UnavailableError(
                f"tiles of {layer.id} come from the database now, with every feature as it is"
            )
        parts.append(weigh(columns, tile).told())
    return {"tile": list(tile), "layers": parts}
