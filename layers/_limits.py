"""How much a tile of a layer may carry at each level before small features are merged in it."""

from typing import NamedTuple

COUNT = "count"
"""What a merged feature says: how many features of the layer it stands for."""


class Limit(NamedTuple):
    """What a tile may carry.

    Attributes
    ----------
    zoom : int
        The last level it holds for, down from the next lower limit's.
    features : int
        More features than these make a tile crowded; others are left alone.
    drawn : int
        At most so many are drawn in a crowded tile.
    size : int
        What is smaller than a square of this side, in units of which a tile has 4096, is merged
        with its like in the same square: polygons, lines and points by the same measure.  Where
        that leaves more than ``drawn``, squares are wider, up to 512.
    """

    zoom: int
    features: int
    drawn: int
    size: int


# Eight units are one pixel of a map that draws a tile 512 pixels wide.  Up to level 10 most houses
# are smaller than a unit or two, and drawing them as they are costs more than it shows.
# Squares of two or three pixels are few enough for nearly any city.  Where neighbours needed
# squares of different sizes, the edge between the tiles would show.
_POLYGONS = (
    Limit(10, 250, 60_000, 16),
    Limit(11, 8_000, 48_000, 24),
    Limit(12, 20_000, 40_000, 16),
    Limit(13, 30_000, 30_000, 8),
)

LIMITS: dict[str, tuple[Limit, ...]] = {
    "polygon": _POLYGONS,
    "line": (Limit(11, 8_000, 24_000, 8), Limit(13, 20_000, 20_000, 8)),
    "point": (Limit(11, 2_000, 4_000, 32), Limit(13, 6_000, 6_000, 32)),
    "mixed": (Limit(11, 8_000, 24_000, 8), Limit(13, 20_000, 20_000, 8)),
}
"""The limits of layers that have none of their own, by geometry; from level 14 on, none."""
