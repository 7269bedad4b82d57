"""Where surveyed points are: which column is east, and in which frame.

In Chinese surveying X is north and Y is east; in programs it is the other way about, and tables of
either habit call both columns X and Y.  The city's extent tells them apart: what lies in it in one
order only is read in that order, and the report says so.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.crs import LONLAT
from twin.errors import InvalidInputError
from twin.ingest._features import NetworkRequest
from twin.ingest._frames import fits, guess_why, which_frame
from twin.ingest._survey_tables import POINT, SurveyTable


class Places(NamedTuple):
    """The places of all points of a survey."""

    shapes: NDArray[np.object_]
    """Points, None where there is no place, shape (n,)."""
    crs: str
    note: str


def places_of(tables: list[SurveyTable], request: NetworkRequest) -> Places:
    """Return where the points of some tables are.

    Raises
    ------
    InvalidInputError
        If the columns fit the city in both orders or in none, or the tables name several frames.
    """
    if all(one.wkb is not None for one in tables):
        return _from_geometry(tables, request)
    names, first, second = _columns(tables, request)
    known = np.isfinite(first) & np.isfinite(second)
    if not known.any():
        raise InvalidInputError(f"no point has coordinates in {names[0]} and {names[1]}")
    crs = request.crs or (LONLAT if request.datum else None)
    east, north, crs, note = first, second, crs, ""
    if names in (("easting", "northing"), ("lon", "lat")):
        crs, note = _named(names, first[known], second[known], crs, request)
    else:
        crs = crs or request.frame.name
        swapped, note = _order(first[known], second[known], crs, request)
        east, north = (second, first) if swapped else (first, second)
    shapes = np.full(len(known), None, object)
    shapes[known] = shapely.points(east[known], north[known])
    return Places(shapes, crs, note)


def _from_geometry(tables: list[SurveyTable], request: NetworkRequest) -> Places:
    stated = {one.crs for one in tables}
    if request.crs is None and request.datum is None and len(stated) > 1:
        said = ", ".join(f"{one.name}: {(one.crs or 'none')[:40]}" for one in tables)
        raise InvalidInputError(f"the tables name several frames ({said}): give --crs")
    cells = [cell for one in tables for cell in one.wkb.to_pylist()]  # type: ignore[union-attr]
    shapes = np.asarray(shapely.from_wkb(np.array(cells, object)), object)
    crs = request.crs or next(iter(stated)) or (LONLAT if request.datum else None)
    if crs is None:
        x, y = shapely.get_coordinates(shapes).T
        raise InvalidInputError(which_frame(request.frame, tables[0].name, x, y, ""))
    return Places(shapes, crs, "places are those of the tables' geometry")


def _columns(
    tables: list[SurveyTable], request: NetworkRequest
) -> tuple[tuple[str, str], NDArray[np.float64], NDArray[np.float64]]:
    """Return what the columns of coordinates are, and their numbers."""
    given = request.mapping
    for names in (("easting", "northing"), ("x", "y"), ("lon", "lat")):
        pairs = [tuple(one.column(POINT[n], given.get(n)) for n in names) for one in tables]
        if all(all(pair) for pair in pairs):
            first, second = (
                np.concatenate(
                    [one.numbers(pair[n]) for one, pair in zip(tables, pairs, strict=True)]
                )
                for n in (0, 1)
            )
            return names, first, second
    raise InvalidInputError(
        "the tables of points give their places in different ways: "
        + "; ".join(f"{one.name} has {', '.join(one.table.column_names)}" for one in tables)
        + "; give --map easting=COLUMN --map northing=COLUMN"
    )


def _named(
    names: tuple[str, str],
    east: NDArray[np.float64],
    north: NDArray[np.float64],
    crs: str | None,
    request: NetworkRequest,
) -> tuple[str, str]:
    if names == ("lon", "lat"):
        return crs or LONLAT, "longitude and latitude by the columns' names"
    if crs is None and not fits(request.frame, request.frame.name, east, north):
        raise InvalidInputError(which_frame(request.frame, "the survey", east, north, ""))
    said = "" if crs else f", taken to be in the city's frame {request.frame.name}: they lie in it"
    return crs or request.frame.name, f"east and north by the columns' names{said}"


def _order(
    x: NDArray[np.float64], y: NDArray[np.float64], crs: str, request: NetworkRequest
) -> tuple[bool, str]:
    """Return whether X is north, and why that is so."""
    frame = request.frame
    x_north, x_east = fits(frame, crs, y, x), fits(frame, crs, x, y)
    if x_north and x_east:
        raise InvalidInputError(
            f"the columns X and Y lie in the city ({crs}) in both orders: say which is which by "
            "--map easting=Y --map northing=X (as Chinese surveys have it) or the other way about"
        )
    if not x_north and not x_east:
        why = guess_why(frame, crs, y, x) or guess_why(frame, crs, x, y)
        raise InvalidInputError(
            f"the columns X and Y lie outside the city, whichever of them is north: X runs from "
            f"{x.min():.10g} to {x.max():.10g}, Y from {y.min():.10g} to {y.max():.10g} in {crs}"
            f"{why or ' (they fit no other frame near the city either)'}"
        )
    direction = "X is north and Y is east" if x_north else "X is east and Y is north"
    assumed = "" if request.crs else ", the city's frame, which is taken as none is named"
    return x_north, f"{direction}: only so the points lie in the city ({crs}{assumed})"
