"""What tiles weigh: the heaviest of each layer and level, what was merged, and what to do about it.

The heaviest tiles are found from where the features lie, not by making all tiles of a level.
"""

from collections.abc import Sequence
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from layers import COUNT, Words, layers
from tiles._fields import field_bytes
from tiles.columns import Columns
from tiles.engine import Account, compressed, encoded
from tiles.grid import Tile
from tiles.limits import limits_of

HEAVY_BYTES = 500_000
"""A compressed tile above this keeps a map waiting; it is what other tile makers warn of, too."""
SLOW_S = 0.25
COARSE = 64
"""Squares of so many units are eight pixels of a map wide."""
_FEATURE_BYTES, _PLACE_BYTES, _TAG_BYTES = 12, 3, 3
_CANDIDATES = 3
"""So many tiles of a level are made to find the heaviest."""


class Weighed(NamedTuple):
    """One layer in one tile.

    Attributes
    ----------
    layer, tile
        Which.
    bytes, packed : int
        Its size, and that of it compressed.
    seconds : float
        How long it took to be made and compressed.
    account : Account
        What became of its features.
    fields : dict
        Bytes of each field before compression, the dearest first.
    geometry : int
        Bytes of the geometry before compression.
    advice : tuple of Words
        What to do about it; nothing if all is well.
    """

    layer: str
    tile: Tile
    bytes: int
    packed: int
    seconds: float
    account: Account
    fields: dict[str, int]
    geometry: int
    advice: tuple[Words, ...]

    def told(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {
            "layer": self.layer,
            "tile": list(self.tile),
            "bytes": self.bytes,
            "gzip_bytes": self.packed,
            "seconds": round(self.seconds, 4),
            **self.account._asdict(),
            "left_out": 0,
            "geometry_bytes": self.geometry,
            "field_bytes": self.fields,
            "advice": [each._asdict() for each in self.advice],
        }


def weigh(columns: Columns, tile: Tile) -> Weighed:
    """Make a tile of a layer and weigh it."""
    began = perf_counter()
    made, account = encoded(columns, tile)
    packed = len(compressed(made)) if made else 0
    seconds = perf_counter() - began
    fields, geometry = field_bytes(made)
    dearest = dict(sorted(fields.items(), key=lambda entry: -entry[1]))
    found = Weighed(columns.layer, tile, len(made), packed, seconds, account, dearest, geometry, ())
    return found._replace(advice=tuple(_advice(found, tile.z + columns.world.grid.zoom)))


def heaviest(columns: Columns, zoom: int) -> list[Tile]:
    """Return tiles of a level that should be the heaviest, from where the features lie.

    Parameters
    ----------
    columns : Columns
        The layer.
    zoom : int
        A level of the columns' grid.
    """
    base, world = columns.snapshot.base, columns.world
    boxes = base.boxes.astype(np.int64)
    there = boxes[:, 0] <= boxes[:, 2]
    there &= (base.zooms >> (zoom + world.grid.zoom) & 1).astype(bool)
    if not there.any():
        return []
    column = ((boxes[there, 0] + boxes[there, 2]) // 2 + world.x) >> (world.bits - zoom)
    row = ((boxes[there, 1] + boxes[there, 3]) // 2 + world.y) >> (world.bits - zoom)
    places = np.diff(base.place_start[base.ring_start].astype(np.int64))
    weight = _FEATURE_BYTES + _PLACE_BYTES * places + _TAG_BYTES * np.diff(base.tag_start)
    keys, which = np.unique(column << 32 | row, return_inverse=True)
    weights = np.bincount(which, weight[there])
    first = keys[np.argsort(-weights, kind="stable")[:_CANDIDATES]].tolist()
    return [Tile(zoom, key >> 32, key & 0xFFFFFFFF) for key in first]


def report(found: Sequence[Columns], zooms: Sequence[int] | None = None) -> list[Weighed]:
    """Return the heaviest tile of each layer and level.

    Parameters
    ----------
    found : sequence of Columns
        The layers.
    zooms : sequence of int, optional
        The levels; for each layer those it is made for if not given.
    """
    rows = []
    for columns in found:
        layer = layers()[columns.layer]
        for zoom in range(layer.minzoom, layer.maxzoom + 1):
            if zooms is not None and zoom not in zooms:
                continue
            tiles = heaviest(columns, zoom - columns.world.grid.zoom)
            if tiles:
                rows.append(max((weigh(columns, tile) for tile in tiles), key=_heavy))
    return rows


def _heavy(each: Weighed) -> int:
    return each.packed


def _advice(found: Weighed, zoom: int) -> list[Words]:
    """Return what makes a tile lighter, the surest first."""
    layer, limit = layers()[found.layer], limits_of(found.layer).at(zoom)
    account, advice = found.account, list[Words]()
    if found.packed > HEAVY_BYTES:
        few = max(int(account.drawn * HEAVY_BYTES / found.packed) // 100 * 100, 100)
        if limit is None:
            advice.append(
                Words(
                    f"为第 {zoom} 级设上限：Limit({zoom}, {few}, {few}, 8)",
                    f"set a limit for level {zoom}: Limit({zoom}, {few}, {few}, 8)",
                )
            )
        elif account.drawn > few:
            advice.append(
                Words(
                    f"把第 {zoom} 级的上限降到 {few} 个要素（现为 {limit.drawn}）",
                    f"lower the limit of level {zoom} to {few} features (now {limit.drawn})",
                )
            )
        advice += _dear_fields(found)
    if (
        found.packed > HEAVY_BYTES or found.seconds > SLOW_S or account.square >= COARSE
    ) and zoom == layer.minzoom:
        advice.append(
            Words(
                f"从第 {zoom + 1} 级起显示该图层（minzoom 现为 {zoom}）",
                f"show the layer from level {zoom + 1} on (its minzoom is {zoom})",
            )
        )
    if found.seconds > SLOW_S and zoom > layer.minzoom:
        advice.append(
            Words(
                f"生成用时 {found.seconds:.2f} 秒：提高 minzoom，或用 thinned 在低级别只取重要要素",
                f"it takes {found.seconds:.2f} s to make: raise minzoom, or let `thinned` take "
                "only what matters at low levels",
            )
        )
    return advice


def _dear_fields(found: Weighed) -> list[Words]:
    """Return which fields are worth leaving out: those of a tenth of the tile and more."""
    kept = {COUNT, *limits_of(found.layer).merged_by}
    return [
        Words(
            f"瓦片中去掉字段 {name}：压缩前省 {cost / 1000:.0f} kB（{cost / found.bytes:.0%}）",
            f"leave the field {name} out of the tiles: {cost / 1000:.0f} kB less before "
            f"compression ({cost / found.bytes:.0%})",
        )
        for name, cost in found.fields.items()
        if cost > found.bytes / 10 and name not in kept
    ]


def left_out(rows: Sequence[Weighed]) -> list[dict[str, Any]]:
    """Return, for layers and levels where features were merged, how many became how many."""
    return [
        {
            "layer": each.layer,
            "level": each.tile.z,
            "merged": each.account.merged,
            "merged_into": each.account.merged_into,
            "square": each.account.square,
        }
        for each in rows
        if each.account.merged
    ]
