"""Whether servers draw the same in a tile, looked at before any of them is timed."""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import mapbox_vector_tile
from sqlalchemy import Engine, text

from benchmarks._contenders import Contender
from benchmarks._tiles import FIELDS, fetched, inside
from tiles.grid import Tile

_DRAWN = text("""
    -- How many buildings PostGIS draws in a tile.
    SELECT count(ST_AsMVTGeom(ST_Transform(geom, 3857), ST_TileEnvelope(:z, :x, :y), 4096, 64))
    FROM   twin.building
    WHERE  geom && ST_Transform(ST_TileEnvelope(:z, :x, :y, margin => 65.0 / 4096), 4548)
""")

Features = dict[Any, tuple[list[Any], bool]]
"""By id: the attributes that all were asked for, and whether the feature shows in the tile."""


@dataclass
class Compared:
    """What a look at some tiles found."""

    equal: bool = True
    tiles: int = 0
    all_shown: int = 0
    all_drawn: int = 0
    lacking: dict[str, int] = field(default_factory=dict)
    """Features of a server's tiles that are missing, though only in the buffer."""
    wrong: list[str] = field(default_factory=list)

    @property
    def shown(self) -> float:
        """How many features a tile of ours has."""
        return self.all_shown / max(self.tiles, 1)

    @property
    def drawn(self) -> float:
        """How many features a tile of PostGIS has."""
        return self.all_drawn / max(self.tiles, 1)


def compare(engine: Engine, contenders: Sequence[Contender], tiles: Sequence[Tile]) -> Compared:
    """Compare the first server's tiles with PostGIS and with the others'.

    Ids and attributes are the same where our tile has every feature; where it stands for many by
    few, the counts it gives add up to how many PostGIS draws.
    """
    ours, *others = contenders
    result = Compared(lacking={each.name: 0 for each in others})
    with engine.connect() as connection:
        for tile in tiles:
            drawn = int(connection.scalar(_DRAWN, tile._asdict()) or 0)
            body = fetched(ours.url(tile))[2]
            mine, counted = features(body), counted_in(body)
            result.tiles += 1
            result.all_shown += len(mine)
            result.all_drawn += drawn
            if counted != drawn:
                result.equal = False
                result.wrong.append(f"{tile}: ours stands for {counted}, PostGIS draws {drawn}.")
            for other in others:
                _beside(result, tile, mine, other, whole=len(mine) == drawn)
    return result


def _beside(result: Compared, tile: Tile, mine: Features, other: Contender, *, whole: bool) -> None:
    theirs = features(fetched(other.url(tile))[2])
    if not whole:
        return
    lacking = mine.keys() - theirs.keys()
    result.lacking[other.name] += len(lacking)
    differing = [
        key for key, (attributes, _) in theirs.items()
        if key not in mine or mine[key][0] != attributes
    ]  # fmt: skip
    if differing or any(mine[key][1] for key in lacking):
        result.equal = False
        result.wrong.append(f"{tile}: {other.name} differs in {len(differing)} features.")


def features(body: bytes) -> Features:
    """Return what a tile of buildings shows."""
    found: Features = {}
    for feature in _decoded(body):
        told = feature["properties"]
        key = feature.get("id") or told.get("id")
        places = feature["geometry"]["coordinates"]
        found[key if key else ("merged", len(found))] = (
            [told.get(name) for name in FIELDS],
            inside(places),
        )
    return found


def counted_in(body: bytes) -> int:
    """Return how many features a tile stands for."""
    return sum(int(feature["properties"].get("count", 1)) for feature in _decoded(body))


def _decoded(body: bytes) -> list[dict[str, Any]]:
    plain = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
    layers = mapbox_vector_tile.decode(plain) if plain else {}
    return [feature for layer in layers.values() for feature in layer["features"]]
