"""How much each layer holds, and where: asked again only after the city has changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

from sqlalchemy import text

from layers import layers
from layers.query import counts
from twin.changes import START, Position, latest
from twin.crs import CityBox, LonLatBox
from twin.database import City

_BOXES = text("""
    -- The box of every layer, from the root of its spatial index: at once, however large it is.
    -- After deletions it may be too wide until the index is rebuilt, never too narrow.
    SELECT id, ST_XMin(box), ST_YMin(box), ST_XMax(box), ST_YMax(box)
    FROM   unnest(CAST(:names AS text[])) AS id,
           LATERAL (SELECT _postgis_index_extent(('twin.' || id)::regclass, 'geom') AS box) AS held
    WHERE  box IS NOT NULL
""")


@dataclass(frozen=True)
class Holding:
    """What the layers of a city hold.

    Attributes
    ----------
    counts : mapping
        Number of features of each layer, exactly.
    boxes : mapping
        Where the features of each layer are, degrees; an empty layer has the city's own extent.
    extent : LonLatBox
        Where the features of all layers are that hold the city itself.
    """

    counts: Mapping[str, int]
    boxes: Mapping[str, LonLatBox]
    extent: LonLatBox


class Totals:
    """What one city's layers hold, kept until its change feed moves on."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._holding: Holding | None = None
        self._position: Position = START

    def of(self, city: City) -> Holding:
        """Return what the layers hold now."""
        with self._lock:
            # Read before counting: a change in between is counted twice, never missed.
            position = latest(city.session)
            if self._holding is None or position != self._position:
                self._holding = _holding(city)
                self._position = position
            return self._holding


def _holding(city: City) -> Holding:
    found = {
        row[0]: CityBox(*row[1:]) for row in city.session.execute(_BOXES, {"names": list(layers())})
    }
    whole = city.frame.lonlat_extent()
    boxes = {
        name: city.frame.box_to_lonlat(found[name]) if name in found else whole for name in layers()
    }
    # Answers are about the city; it does not grow with them.
    of_the_city = [boxes[name] for name in found if name != "analysis_feature"]
    extent = around(of_the_city) if of_the_city else whole
    return Holding(counts(city, layers().values()), boxes, extent)


def around(boxes: Sequence[LonLatBox]) -> LonLatBox:
    """Return the smallest box that holds all of some boxes.

    >>> around([LonLatBox(1, 2, 3, 4), LonLatBox(0, 3, 2, 5)])
    LonLatBox(west=0, south=2, east=3, north=5)
    """
    west, south, east, north = zip(*boxes, strict=True)
    return LonLatBox(min(west), min(south), max(east), max(north))
