"""How many features each layer has, counted again only after the city has changed."""

from threading import Lock

from layers import layers
from layers.query import counts
from twin.changes import START, Position, latest
from twin.database import City


class Totals:
    """The counts of one city's layers, kept until its change feed moves on."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: dict[str, int] | None = None
        self._position: Position = START

    def of(self, city: City) -> dict[str, int]:
        """Return the number of features of each layer, exactly."""
        with self._lock:
            # Read before counting: a change in between is counted twice, never missed.
            position = latest(city.session)
            if self._counts is None or position != self._position:
                self._counts = counts(city, layers().values())
                self._position = position
            return self._counts
