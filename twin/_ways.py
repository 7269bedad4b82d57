"""Ways from one frame to another: PROJ's, found once and then quick in every thread.

From two frames PROJ works out how to go from one to the other, in each thread anew: a quarter of a
second for CGCS2000 and WGS 84.  Where there is but one way, the steps of that way, once found, need
no more than a tenth of a millisecond, and forked processes inherit them.
"""

from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from twin._one_thread import in_one_thread
from twin.errors import InvalidInputError

_FEW = 10_000
"""Up to so many points are moved by one kept thread, where there are several ways."""
_STEPS = 22
"""A side of a box is looked at in so many steps, as PROJ does by default."""
_PLAIN_LAT_DEG, _PLAIN_SPAN_DEG = 85.0, 180.0


def points(
    x: NDArray[np.float64], y: NDArray[np.float64], source: str, target: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the coordinates of points, shape (n,) each, in another frame, east first."""
    way, quick = mover(source, target)
    if quick or np.size(x) > _FEW:
        moved_x, moved_y = way.transform(x, y)
    else:
        moved_x, moved_y = in_one_thread(lambda: way.transform(x, y))
    return np.asarray(moved_x), np.asarray(moved_y)


@lru_cache(maxsize=256)
def box(
    bounds: tuple[float, float, float, float], source: str, target: str
) -> tuple[float, float, float, float]:
    """Return the smallest box in another frame that holds a box, whose sides bend."""
    west, south, east, north = bounds
    along = np.arange(_STEPS + 1) / _STEPS
    x, y = west + along * (east - west), south + along * (north - south)
    whole = np.ones(_STEPS + 1)
    moved = np.array(
        points(
            np.concatenate([x, x, whole * west, whole * east]),
            np.concatenate([whole * south, whole * north, y, y]),
            source,
            target,
        )
    )
    low, high = moved.min(1), moved.max(1)
    if west <= east and np.isfinite(moved).all() and not _is_around(low, high, target):
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])
    way = transformer(source, target)
    return in_one_thread(lambda: way.transform_bounds(*bounds, densify_pts=_STEPS - 1))


def _is_around(low: NDArray[np.float64], high: NDArray[np.float64], frame: str) -> bool:
    """Return whether a box in degrees may hold a pole or the antimeridian: PROJ knows those."""
    return _is_geographic(frame) and bool(
        high[0] - low[0] > _PLAIN_SPAN_DEG or max(abs(low[1]), abs(high[1])) > _PLAIN_LAT_DEG
    )


@cache
def _is_geographic(crs: str) -> bool:
    return bool(CRS(crs).is_geographic)


@cache
def mover(source: str, target: str) -> tuple[Transformer, bool]:
    """Return what moves points, and whether each thread sets it up at once."""
    found = transformer(source, target)
    steps = found.definition
    return (Transformer.from_pipeline(steps), True) if "proj=" in steps else (found, False)


@cache
def transformer(source: str, target: str) -> Transformer:
    """Return PROJ's own way, which chooses among several by the place.

    Raises
    ------
    InvalidInputError
        If no coordinate operation leads from one to the other.
    """
    try:
        return Transformer.from_crs(source, target, always_xy=True)
    except CRSError as error:  # pragma: no cover - PROJ finds a ballpark step for nearly all pairs
        raise InvalidInputError(f"no way leads from {source} to {target}") from error
