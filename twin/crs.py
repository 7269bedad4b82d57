"""Coordinate frames, and the only conversions between them.

The city is stored in one projected frame, in metres.  Longitude and latitude exist only at the
edges: requests, GeoJSON, tile addresses, files.  The type of a value says which frame it is in,
so that a mix-up is a type error and not a wrong answer.  Inside, x is always east and y north
(``always_xy``), whatever order the authority of the frame prefers.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, NewType

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError
from shapely import box, get_coordinates, has_z, set_coordinates, set_srid
from shapely.geometry.base import BaseGeometry

from twin import _ways
from twin.errors import InvalidInputError, NotFoundError

LonLatGeometry = NewType("LonLatGeometry", BaseGeometry)
"""Degrees, longitude first (OGC:CRS84)."""

CityGeometry = NewType("CityGeometry", BaseGeometry)
"""Metres, in the city's own frame, SRID set."""

LONLAT = "OGC:CRS84"
"""Longitude and latitude on WGS 84, longitude first.

CGCS2000 (EPSG:4490) differs from it by centimetres and PROJ treats the step between them as
null, so GeoJSON of a CGCS2000 city is exact to the datum's own realisation.
"""


_EDGES = (LONLAT, "EPSG:3857", "EPSG:4490")


class LonLatBox(NamedTuple):
    """A box in degrees."""

    west: float
    south: float
    east: float
    north: float


class CityBox(NamedTuple):
    """A box in metres."""

    min_x_m: float
    min_y_m: float
    max_x_m: float
    max_y_m: float


def parse_crs(text: str) -> CRS:
    """Return the coordinate reference system that a text names.

    Parameters
    ----------
    text : str
        ``EPSG:4548``, a bare EPSG number, an OGC URI or URN, or WKT.

    Raises
    ------
    InvalidInputError
        If PROJ knows no such system.

    Examples
    --------
    >>> parse_crs("EPSG:4548").name
    'CGCS2000 / 3-degree Gauss-Kruger CM 117E'
    """
    try:
        return CRS.from_user_input(int(text) if text.strip().isdigit() else text)
    except (CRSError, ValueError) as error:
        raise InvalidInputError(
            f"no coordinate reference system is called {text!r}; "
            "give an EPSG code such as EPSG:4548, or WKT"
        ) from error


def successor(crs: CRS) -> CRS | None:
    """Return the frame that its authority put in place of a deprecated one, or None.

    >>> successor(parse_crs("EPSG:3785")).to_epsg()
    3857
    >>> successor(parse_crs("EPSG:4548")) is None
    True
    """
    heirs: list[CRS] = crs.get_non_deprecated() if crs.is_deprecated else []
    return heirs[0] if heirs else None


def projected_srid(text: str) -> int:
    """Return the EPSG number of a projected frame in metres, or say why it is none.

    >>> projected_srid("EPSG:4548")
    4548
    """
    crs = parse_crs(text)
    code = crs.to_epsg()
    if code is None:
        raise InvalidInputError(f"{crs.name!r} has no EPSG code; a city's frame must have one")
    _require_metres(code)
    return int(code)


class Axes(NamedTuple):
    """The axes of a frame as its authority orders them, whatever order is used inside."""

    names: tuple[str, ...]
    east_first: bool
    in_degrees: bool


def axes_of(name: str) -> Axes:
    """Return the axes of a frame as its authority has them.

    Where the axis to the north comes first and is called X, as in the zones of CGCS2000, it is
    called N here: programs take X for east.

    >>> axes_of("EPSG:4490")
    Axes(names=('Lat', 'Lon'), east_first=False, in_degrees=True)
    >>> axes_of("EPSG:4548").names, axes_of("EPSG:32748").names
    (('N', 'E'), ('E', 'N'))
    """
    found = parse_crs(name).axis_info[:2]
    names = tuple(axis.abbrev for axis in found)
    east_first = found[0].direction == "east"
    if names == ("X", "Y") and not east_first:
        names = ("N", "E")
    return Axes(names, east_first, found[0].unit_name == "degree")


def area_of_use(srid: int) -> CityBox:
    """Return where a projected frame is meant to be used, in its own metres.

    >>> [round(v / 1000) for v in area_of_use(4548)]  # doctest: +ELLIPSIS
    [3..., 2..., 6..., 5...]
    """
    area = CRS.from_epsg(srid).area_of_use
    if area is None:
        raise InvalidInputError(f"EPSG:{srid} does not say where it is valid; give --extent")
    return CityBox(*_ways.box(area.bounds, LONLAT, f"EPSG:{srid}"))


def reproject(
    geometries: NDArray[np.object_], source: CRS | str, target: CRS | str
) -> NDArray[np.object_]:
    """Return geometries moved from one frame to another, axes east-north on both sides.

    Parameters
    ----------
    geometries : ndarray of shapely geometries, shape (n,)
        Two- or three-dimensional; z is carried through unchanged.
    source, target : CRS or str
        The frames.

    Raises
    ------
    InvalidInputError
        If no coordinate operation leads from one to the other.
    """
    moved = np.array(geometries, dtype=object)
    in_3d = has_z(moved)
    for chosen, dimensions in ((in_3d, 3), (~in_3d, 2)):
        coordinates = get_coordinates(moved[chosen], include_z=dimensions == 3)
        east, north = move_points(coordinates[:, 0], coordinates[:, 1], source, target)
        coordinates[:, 0], coordinates[:, 1] = east, north
        moved[chosen] = set_coordinates(moved[chosen], coordinates)
    return moved


def move_points(
    x: NDArray[np.float64], y: NDArray[np.float64], source: CRS | str, target: CRS | str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the coordinates of points, shape (n,) each, in another frame."""
    return _ways.points(x, y, _key(source), _key(target))


@cache
def is_geocentric(crs: str) -> bool:
    """Return whether a frame has its origin in the Earth's centre, as EPSG:4479 (CGCS2000) has.

    >>> is_geocentric("EPSG:4479"), is_geocentric("EPSG:4490")
    (True, False)
    """
    return bool(parse_crs(crs).is_geocentric)


def geocentric_to_lonlat(
    x: NDArray[np.float64], y: NDArray[np.float64], z: NDArray[np.float64], crs: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return longitude, latitude (degrees) and height above the ellipsoid (m), shape (n,) each.

    Parameters
    ----------
    x, y, z : ndarray of float, shape (n,)
        Metres from the Earth's centre.
    crs : str
        The geocentric frame.

    Examples
    --------
    >>> lon, lat, h = geocentric_to_lonlat(*np.array([[6378137.0], [0.0], [0.0]]), "EPSG:4479")
    >>> float(lon[0]), float(lat[0]), abs(round(float(h[0]), 6))
    (0.0, 0.0, 0.0)
    """
    lon, lat, height_m = _ways.transformer(crs, "EPSG:4979").transform(x, y, z)
    return np.asarray(lon), np.asarray(lat), np.asarray(height_m)


def undulation_m(
    grid: Path, lon_deg: NDArray[np.float64], lat_deg: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how high the geoid lies above the ellipsoid at points, m, shape (n,).

    Parameters
    ----------
    grid : Path
        A geoid model as PROJ reads it: GTX, or GeoTIFF in PROJ's convention.  None comes with the
        product: that of the Chinese quasi-geoid is not public.
    lon_deg, lat_deg : ndarray of float, shape (n,)
        Degrees.

    Raises
    ------
    NotFoundError
        If there is no such file.
    InvalidInputError
        If it is no grid, or does not reach all of the points.
    """
    if not grid.is_file():
        raise NotFoundError(f"there is no geoid grid {grid}")
    path = str(grid.resolve()).replace('"', '""')
    try:
        mover = Transformer.from_pipeline(
            "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad "
            f'+step +proj=vgridshift +grids="{path}" +multiplier=1 '
            "+step +proj=unitconvert +xy_in=rad +xy_out=deg"
        )
    except ProjError as error:
        raise InvalidInputError(f"{grid.name} is no geoid grid that PROJ reads") from error
    found = np.asarray(mover.transform(lon_deg, lat_deg, np.zeros(len(lon_deg)))[2])
    if not np.isfinite(found).all():
        raise InvalidInputError(f"the geoid grid {grid.name} does not reach all of the places")
    return found


@dataclass(frozen=True)
class Frame:
    """The projected frame a city is stored in, and how far the city reaches in it."""

    srid: int
    extent: CityBox

    def __post_init__(self) -> None:
        """Refuse frames in which a distance is not a distance."""
        _require_metres(self.srid)
        if not (self.extent[0] < self.extent[2] and self.extent[1] < self.extent[3]):
            raise InvalidInputError(f"the extent is empty or turned around: {tuple(self.extent)}")

    @property
    def name(self) -> str:
        """The frame as an authority code, ``EPSG:4548``."""
        return f"EPSG:{self.srid}"

    def prepare(self) -> None:
        """Work out the ways to and from the frames of the edges; processes forked later have them.

        >>> Frame(4548, CityBox(466_000, 2_583_000, 468_000, 2_585_000)).prepare()
        """
        for edge in _EDGES:
            _ways.mover(self.name, edge)
            _ways.mover(edge, self.name)
        self.lonlat_extent()

    def to_city(self, geometry: LonLatGeometry) -> CityGeometry:
        """Return the geometry in metres, stamped with the frame's SRID.

        Raises
        ------
        InvalidInputError
            If any of it lies outside the city's extent: swapped axes, metres given as degrees,
            another zone.
        """
        moved = self._moved(geometry)
        if not box(*self.extent).covers(moved):
            raise InvalidInputError(
                f"outside the city: {_shown(geometry.bounds)} (degrees) is "
                f"{_shown(moved.bounds)} in {self.name}; the city reaches "
                f"{_shown(self.lonlat_extent())} (degrees, west south east north)"
            )
        return CityGeometry(moved)

    def to_lonlat(self, geometry: CityGeometry) -> LonLatGeometry:
        """Return the geometry in degrees, longitude first."""
        moved = reproject(np.array([geometry], dtype=object), self.name, LONLAT)[0]
        return LonLatGeometry(set_srid(moved, 4326))

    def box_to_city(self, bounds: LonLatBox) -> CityBox:
        """Return the smallest box in metres that holds a box in degrees; it may leave the city.

        Raises
        ------
        InvalidInputError
            If south is not below north or a number is not a place on Earth.
        """
        west, south, east, north = bounds
        if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
            raise InvalidInputError(
                f"not a box of west, south, east, north in degrees: {tuple(bounds)}"
            )
        return CityBox(*_ways.box(bounds, LONLAT, self.name))

    def lonlat_extent(self) -> LonLatBox:
        """Return the city's extent in degrees."""
        return self.box_to_lonlat(self.extent)

    def box_to_lonlat(self, bounds: CityBox) -> LonLatBox:
        """Return the smallest box in degrees that holds a box in metres."""
        return LonLatBox(*_ways.box(bounds, self.name, LONLAT))

    def _moved(self, geometry: BaseGeometry) -> BaseGeometry:
        moved: Any = reproject(np.array([geometry], dtype=object), LONLAT, self.name)[0]
        if not np.isfinite(moved.bounds).all():
            raise InvalidInputError(
                f"{_shown(geometry.bounds)} is not a place in degrees (longitude first)"
            )
        stamped: BaseGeometry = set_srid(moved, self.srid)
        return stamped


def _require_metres(srid: int) -> None:
    try:
        crs = CRS.from_epsg(srid)
    except CRSError as error:
        raise InvalidInputError(f"there is no EPSG:{srid}") from error
    if not crs.is_projected or crs.axis_info[0].unit_name != "metre":
        raise InvalidInputError(
            f"EPSG:{srid} ({crs.name}) is not a projected frame in metres; "
            "choose one such as EPSG:4548 (CGCS2000, 117E) or EPSG:32748 (UTM 48S)"
        )


def _key(crs: CRS | str) -> str:
    return crs if isinstance(crs, str) else crs.to_wkt()


def _shown(numbers: tuple[float, ...]) -> str:
    return "(" + ", ".join(f"{v:.7g}" for v in numbers) + ")"
