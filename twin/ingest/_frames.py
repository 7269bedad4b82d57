"""What a file's numbers look like, where they do not fit the frame that it names."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin.crs import LONLAT, Frame, move_points
from twin.zones import frames_near, is_utm, zone_number

_ENOUGH = 500
_SHORT = 20


def guess_why(frame: Frame, crs: str, x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
    """Return in words why points of a file, as it gives them, may lie outside the city.

    Parameters
    ----------
    frame : Frame
        The city's.
    crs : str
        What the file's coordinates are said to be in.
    x, y : ndarray of float, shape (n,)
        First and second coordinates of some points as the file gives them.

    Returns
    -------
    str
        In brackets, to be put after "outside the city"; "" if nothing fits.
    """
    x, y = x[:_ENOUGH], y[:_ENOUGH]
    if _fits(frame, crs, y, x):
        return " (x and y are swapped)"
    if crs != LONLAT:
        if _fits(frame, LONLAT, x, y):
            return " (the numbers are degrees: give --crs EPSG:4326)"
        if _fits(frame, LONLAT, y, x):
            return " (the numbers are degrees, latitude first)"
    west, south, east, north = frame.lonlat_extent()
    near = frames_near((west + east) / 2, (south + north) / 2)
    # UTM and Gauss-Kruger differ by a kilometre: inside a city both may fit, the file's own sort
    # first.
    tries = sorted(dict.fromkeys((frame.name, *near)), key=lambda one: is_utm(one) != is_utm(crs))
    for other in tries:
        if other != crs and _fits(frame, other, x, y):
            return f" ({_fit(other, crs, x)})"
    for other in tries:
        if _fits(frame, other, y, x):
            return f" ({_fit(other, crs, y)}, northing first)"
    return ""


def _fit(other: str, crs: str, easting: NDArray[np.float64]) -> str:
    said = crs if len(crs) < _SHORT else "the file's frame"
    number = zone_number(float(np.median(easting)))
    begin = f"the easting carries the zone's number {number}: " if number else ""
    return f"{begin}these coordinates fit {other}, not {said}: give --crs {other}"


def _fits(frame: Frame, crs: str, x: NDArray[np.float64], y: NDArray[np.float64]) -> bool:
    """Return whether most of some points lie in the city if they are in a frame."""
    at_x, at_y = move_points(x, y, crs, frame.name)
    extent = frame.extent
    inside = (at_x >= extent.min_x_m) & (at_x <= extent.max_x_m)
    inside &= (at_y >= extent.min_y_m) & (at_y <= extent.max_y_m)
    return bool(inside.mean() > 0.5)
