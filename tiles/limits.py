"""How much a tile may carry: the catalogue's limits, as the encoder takes them."""

from functools import cache
from typing import NamedTuple

from layers import COUNT, Limit, layers


class Limits(NamedTuple):
    """The limits of a layer, lowest level first, and the fields in which merged features agree."""

    levels: tuple[Limit, ...]
    merged_by: tuple[str, ...] = ()

    def at(self, zoom: int) -> Limit | None:
        """Return how much a tile of a level may carry; None for any number of features.

        >>> limits = Limits((Limit(11, 100, 50, 8), Limit(13, 1000, 1000, 8)))
        >>> limits.at(12).features, limits.at(14)
        (1000, None)
        """
        return next((limit for limit in self.levels if zoom <= limit.zoom), None)


UNLIMITED = Limits(())
"""Every feature as it is, as PostGIS draws it."""


@cache
def limits_of(layer_id: str) -> Limits:
    """Return the limits of a layer of the catalogue; others have none."""
    layer = layers().get(layer_id)
    return UNLIMITED if layer is None else Limits(layer.limits or (), layer.merged_by)


__all__ = ["COUNT", "UNLIMITED", "Limit", "Limits", "limits_of"]
