"""Which tiles are asked for: every one with a building in it, or those that visitors look at."""

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, text

from tiles.grid import Tile

_SEED = 12
_PLACES = text("""
    -- Where buildings are, as shares of the Mercator square's side.
    SELECT (ST_X(place) + 20037508.342789244) / 40075016.685578488,
           (20037508.342789244 - ST_Y(place)) / 40075016.685578488
    FROM   (SELECT ST_Transform(ST_Centroid(ST_Envelope(geom)), 3857) AS place
            FROM twin.building ORDER BY id) AS found
""")
_WIDE, _HIGH = 3, 2
"""A window shows so many tiles at once."""


def places_of(engine: Engine) -> NDArray[np.float64]:
    """Return where each building is, shape (n, 2), in sides of the Mercator square."""
    with engine.connect() as connection:
        return np.array(connection.execute(_PLACES).all(), np.float64)


def distinct(places: NDArray[np.float64], zoom: int, most: int = 20_000) -> list[Tile]:
    """Return the tiles of a level that have a building in them, each once, shuffled."""
    cells = np.unique(np.floor(places * 2**zoom).astype(np.int64), axis=0)
    np.random.default_rng(_SEED + zoom).shuffle(cells)
    return [Tile(zoom, int(x), int(y)) for x, y in cells[:most]]


def full(places: NDArray[np.float64], zoom: int, most: int) -> list[Tile]:
    """Return tiles of a level, shuffled, that have about as many buildings as any."""
    cells = np.floor(places * 2**zoom).astype(np.int64)
    cells, counts = np.unique(cells, axis=0, return_counts=True)
    cells = cells[counts >= 0.95 * counts.max()]
    np.random.default_rng(_SEED).shuffle(cells)
    return [Tile(zoom, int(x), int(y)) for x, y in cells[:most]]


def visit(places: NDArray[np.float64], count: int, *, low: int = 12, high: int = 17) -> list[Tile]:
    """Return the tiles that visitors ask for while they pan and zoom, in order.

    A visitor begins at a place, popular ones by Zipf's law, zooms in and out and moves by half a
    window; each view asks for the tiles that the one before did not show.
    """
    random = np.random.default_rng(_SEED)
    popular = random.permutation(len(places))
    found: list[Tile] = []
    while len(found) < count:
        rank = int(random.zipf(1.2)) - 1
        at = places[popular[rank % len(places)]].copy()
        zoom, shown = int(random.integers(low, high + 1)), set[Tile]()
        for _ in range(int(random.geometric(1 / 12))):
            view = _view(at, zoom)
            found += sorted(view - shown)
            shown = view
            if random.random() < 0.4:
                zoom = min(max(zoom + int(random.choice([-1, 1])), low), high)
            else:
                at += random.uniform(-1.5, 1.5, 2) / 2**zoom
    return found[:count]


def _view(at: NDArray[np.float64], zoom: int) -> set[Tile]:
    x, y = (int(value) for value in np.floor(at * 2**zoom - (_WIDE / 2 - 0.5, _HIGH / 2 - 0.5)))
    return {Tile(zoom, x + i, y + j) for i in range(_WIDE) for j in range(_HIGH)}
