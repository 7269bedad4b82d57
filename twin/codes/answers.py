"""What is asked about codes, answered in one way for every interface."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import shapely

from twin.codes.beidou import Cell, cell_at, decode
from twin.codes.beidou_many import cover
from twin.codes.cells import parse_grid_cell
from twin.codes.classes import THEMES, Theme, class_names
from twin.codes.regions import parse_region
from twin.codes.things import parse_component, parse_event
from twin.crs import LonLatGeometry
from twin.datum import DATUMS, Datum, to_wgs84
from twin.errors import InvalidInputError, NotFoundError

KINDS: dict[str, Callable[[object], NamedTuple]] = {
    "region": parse_region,
    "grid_cell": parse_grid_cell,
    "component": parse_component,
    "event": parse_event,
}
"""What codes of digits name."""

Answer = dict[str, Any]


def about_point(lon: str, lat: str, level: int, datum: str | None = None) -> Answer:
    """Return the BeiDou cell of a level around a point.

    Parameters
    ----------
    lon, lat : str
        Decimal degrees, taken as exactly as they are written.
    level : int
        1 to 10.
    datum : {"gcj02", "bd09"}, optional
        What the degrees are of, if not CGCS2000.  The shift is known to 0.7 m.

    Examples
    --------
    >>> about_point("116.6775114", "23.3567569", 8)["code"]
    'N50F564A19614112'
    """
    if datum is None:
        return about_cell(cell_at(lon, lat, level))
    if datum not in DATUMS:
        raise InvalidInputError(f"there is no datum {datum!r}; choose one of {', '.join(DATUMS)}")
    # Through `cell_at` first: it refuses what is no number.
    cell_at(lon, lat, 1)
    chosen: Datum = "gcj02" if datum == "gcj02" else "bd09"
    x, y = to_wgs84(chosen, np.array([float(lon)]), np.array([float(lat)]))
    return about_cell(cell_at(float(x[0]), float(y[0]), level))


def about_code(code: str) -> Answer:
    """Return the BeiDou cell that a code names."""
    return about_cell(decode(code))


def about_cell(cell: Cell) -> Answer:
    """Return a cell's code, place, parents (the next coarser first) and neighbours."""
    return {
        "code": cell.code,
        "level": cell.level,
        "centre": [float(part) for part in cell.centre],
        "bbox": [float(edge) for edge in cell.bounds],
        "parents": [cell.parent(level).code for level in range(cell.level - 1, 0, -1)],
        "neighbours": [one.code for one in cell.neighbours()],
    }


def about_area(area: str, level: int, *, whole: bool = False, most: int = 10_000) -> Answer:
    """Return the codes of the BeiDou cells that cover an area.

    Parameters
    ----------
    area : str
        WKT or a GeoJSON geometry, degrees of CGCS2000, longitude first.
    level : int
        1 to 10.
    whole : bool
        Give cells that lie inside as a whole by the coarsest such cell.
    most : int
        More codes than this are refused.

    Examples
    --------
    >>> about_area("POLYGON ((116.1 23.1, 117.4 23.1, 117.4 23.4, 116.1 23.1))", 2)["codes"]
    ['N50F46', 'N50F56', 'N50F66']
    """
    read = shapely.from_geojson if area.lstrip().startswith("{") else shapely.from_wkt
    try:
        geometry = read(area)
    except shapely.errors.GEOSException as error:
        raise InvalidInputError(
            f"the area is neither WKT nor a GeoJSON geometry: {error}"
        ) from None
    if geometry is None or not shapely.is_valid(geometry):
        raise InvalidInputError(f"the area is not valid: {shapely.is_valid_reason(geometry)}")
    codes = cover(LonLatGeometry(geometry), level, whole=whole, most=most)
    return {"level": level, "count": len(codes), "codes": codes}


def about_digits(kind: str, code: str) -> Answer:
    """Return the parts of a code of digits; a code that is refused says why.

    >>> about_digits("grid_cell", "440507001002003")["parts"]["sequence"]
    '003'
    >>> about_digits("component", "4405070104000001")["names"]["minor"]["zh"]
    '雨水箅子'
    """
    if kind not in KINDS:
        raise NotFoundError(f"there is no kind of code {kind!r}; there are {', '.join(KINDS)}")
    parts = KINDS[kind](code)._asdict()
    answer = {"kind": kind, "code": code, "parts": parts}
    if kind in THEMES:
        answer["names"] = _names(THEMES[kind], parts["major"], parts["minor"])
    return answer


def _names(theme: Theme, major: str, minor: str) -> Answer:
    """Return what the classes of a code are called; null where there is no name for it."""
    known = class_names(theme)
    keys = {"major": major, "minor": major + minor}
    return {
        part: {"zh": known[key].zh, "en": known[key].en, "status": known[key].status}
        if key in known
        else None
        for part, key in keys.items()
    }
