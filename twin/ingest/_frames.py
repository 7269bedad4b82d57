"""What a file's numbers look like, where they do not fit the frame that it names."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin.crs import LONLAT, Frame, move_points
from twin.zones import frames_near, is_utm, zone_number

_ENOUGH = 500
_SHORT = 20
_DRAWING = 10_000.0
"""Coordinates that stay below this are nobody's eastings."""


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
    if fits(frame, crs, y, x):
        return " (x and y are swapped)"
    if crs != LONLAT:
        if fits(frame, LONLAT, x, y):
            return " (the numbers are degrees: give --crs EPSG:4326)"
        if fits(frame, LONLAT, y, x):
            return " (the numbers are degrees, latitude first)"
    west, south, east, north = frame.lonlat_extent()
    near = frames_near((west + east) / 2, (south + north) / 2)
    # UTM and Gauss-Kruger differ by a kilometre: inside a city both may fit, the file's own sort
    # first.
    tries = sorted(dict.fromkeys((frame.name, *near)), key=lambda one: is_utm(one) != is_utm(crs))
    for other in tries:
        if other != crs and fits(frame, other, x, y):
            return f" ({_fit(other, crs, x)})"
    for other in tries:
        if fits(frame, other, y, x):
            return f" ({_fit(other, crs, y)}, northing first)"
    return ""


def _fit(other: str, crs: str, easting: NDArray[np.float64]) -> str:
    said = crs if len(crs) < _SHORT else "the file's frame"
    number = zone_number(float(np.median(easting)))
    begin = f"the easting carries the zone's number {number}: " if number else ""
    return f"{begin}these coordinates fit {other}, not {said}: give --crs {other}"


def fits(frame: Frame, crs: str, x: NDArray[np.float64], y: NDArray[np.float64]) -> bool:
    """Return whether most of some points lie in the city if they are in a frame."""
    at_x, at_y = move_points(x, y, crs, frame.name)
    extent = frame.extent
    inside = (at_x >= extent.min_x_m) & (at_x <= extent.max_x_m)
    inside &= (at_y >= extent.min_y_m) & (at_y <= extent.max_y_m)
    return bool(inside.mean() > 0.5)


def which_frame(
    frame: Frame, name: str, x: NDArray[np.float64], y: NDArray[np.float64], hint: str
) -> str:
    """Return the question which frame a file's coordinates are in, with what would fit.

    Parameters
    ----------
    frame : Frame
        The city's.
    name : str
        The file's.
    x, y : ndarray of float, shape (n,)
        Its coordinates, n > 0.
    hint : str
        What the file says of its frame without naming it as one; "" if nothing.
    """
    west, south, east, north = frame.lonlat_extent()
    tries = dict.fromkeys(
        (frame.name, LONLAT, *frames_near((west + east) / 2, (south + north) / 2))
    )
    fitting = [one for one in tries if fits(frame, one, x[:_ENOUGH], y[:_ENOUGH])]
    shown = [("EPSG:4326" if one == LONLAT else one) for one in fitting]
    spread = (
        f"({x.min():.10g}, {y.min():.10g}) to ({x.max():.10g}, {y.max():.10g})" if len(x) else ""
    )
    said = f"{name} does not say which coordinate frame it is in; its coordinates run from {spread}"
    if shown:
        advice = f"they lie in the city as {' or '.join(shown)}: give --crs {shown[0]}" + (
            " or another that you know to be right" if len(shown) > 1 else ""
        )
    else:
        number = zone_number(float(np.median(x)))
        digit = f"the first may carry a zone's number {number}; " if number else ""
        small = max(np.ptp(x), np.ptp(y)) < _DRAWING and np.abs([x, y]).max() < _DRAWING
        drawing = "they look like a drawing's, not a map's; " if small else ""
        advice = (
            f"{digit}{drawing}in no frame that is usual here do they lie in the city: "
            "give --crs EPSG:… if you know theirs"
        )
    return f"{said}; {hint}{'; ' if hint else ''}{advice}"
