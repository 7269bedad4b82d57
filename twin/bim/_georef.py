"""Where on Earth a model stands: every georeference in it, and the one that is used.

Levels as Clemen and Görne count them (LoGeoRef): 10 an address; 20 the site's latitude, longitude
and elevation; 30 the placement of the topmost thing; 40 the world coordinate system of the context,
with true north; 50 a map conversion into a named frame.  Levels stand beside one another: a file
may meet several, and they may disagree.

A model's coordinates x, y, z (metres, as meshes carry them) become the city's by a turn, a scale
and a shift: `Stand`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.crs import LONLAT, Frame, move_points
from twin.errors import ConflictError, InvalidInputError

FAR_M = 10_000.0
"""From here on coordinates are taken for those of a map: no building's own reach so far."""


@dataclass(frozen=True)
class Stand:
    """How a model stands in the city: city = shift + scale · turn(model − pivot), heights + lift.

    ``turn_deg`` is counterclockwise, in plan.
    """

    turn_deg: float
    scale: float
    pivot_m: tuple[float, float]
    to_m: tuple[float, float]
    lift_m: float

    def plan(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return plan coordinates, shape (n, 2), in the city's frame.

        >>> Stand(90.0, 1.0, (0.0, 0.0), (100.0, 200.0), 5.0).plan(np.array([[2.0, 0.0]])).round(9)
        array([[100., 202.]])
        """
        angle = math.radians(self.turn_deg)
        turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
        moved: NDArray[np.float64] = (xy - self.pivot_m) @ turn * self.scale + self.to_m
        return moved

    def height(self, z: float) -> float:
        """Return a height above the city's datum."""
        return z + self.lift_m


@dataclass(frozen=True)
class Candidate:
    """One georeference that may be used, and where it puts the model.

    ``stand`` is None where it is not enough for a place; ``why_not`` says what is missing then.
    """

    id: str
    level: int
    says: str
    stand: Stand | None = None
    why_not: str | None = None
    assumed: tuple[str, ...] = ()
    middle_m: tuple[float, float] | None = None
    lonlat: tuple[float, float] | None = None
    inside: bool | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the candidate as JSON holds it."""
        return asdict(self)


@dataclass(frozen=True)
class Place:
    """What a caller says of the place; None is: as the file says.

    ``rotation_deg`` is the bearing of the model's y axis: clockwise from true north.
    """

    lon: float | None = None
    lat: float | None = None
    rotation_deg: float | None = None
    height_m: float | None = None

    def as_dict(self) -> dict[str, float | None]:
        """Return the place as JSON holds it."""
        return asdict(self)


@dataclass(frozen=True)
class Georeference:
    """All that was found, and what was decided."""

    found: tuple[Candidate, ...]
    levels: tuple[int, ...]
    addresses: tuple[str, ...]
    used: Candidate | None = None
    notes: tuple[str, ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        """Return the decision as JSON holds it."""
        return asdict(self)


class UnknownPlaceError(InvalidInputError):
    """It is not known where the model stands; ``georeference`` has all that was found."""

    def __init__(self, reason: str, georeference: Georeference) -> None:
        super().__init__(reason)
        self.georeference = georeference


class UndecidedPlaceError(UnknownPlaceError, ConflictError):
    """Several places are possible, and they differ."""


def parse_place(text: str) -> Place:
    """Return a place from ``lon,lat,rotation,height``; what is left empty is as the file says.

    >>> parse_place("116.7,23.35,,4.5")
    Place(lon=116.7, lat=23.35, rotation_deg=None, height_m=4.5)
    """
    words = [word.strip() for word in text.split(",")]
    said = "lon,lat,rotation,height (degrees, degrees clockwise from north, m); may be left empty"
    if len(words) > 4:
        raise InvalidInputError(f"--place is {said}, not {text!r}")
    try:
        numbers = [float(word) if word else None for word in words]
    except ValueError:
        raise InvalidInputError(f"--place is {said}, not {text!r}") from None
    place = Place(*numbers)
    if (place.lon is None) != (place.lat is None):
        raise InvalidInputError("--place names longitude and latitude together, or neither")
    for value, most in zip(numbers, (180.0, 90.0, 360.0, 10_000.0), strict=False):
        if value is not None and not abs(value) <= most:
            raise InvalidInputError(f"--place: {value} is out of range; it is {said}")
    return place


def degrees(parts: Sequence[Any] | None) -> float | None:
    """Return an IfcCompoundPlaneAngleMeasure (degrees, minutes, seconds, millionths) in degrees.

    >>> round(degrees([49, 6, 1, 566000]), 9), round(degrees([-87, -38, -21, -839999]), 9)
    (49.100435, -87.6394)
    """
    if not parts or not all(isinstance(part, int | float) for part in parts):
        return None
    total: float = sum(abs(part) / size for part, size in zip(parts, _SHARES, strict=False))
    # Some exporters put the sign on the first part that is not zero only.
    return -total if any(part < 0 for part in parts) else total


_SHARES = (1, 60, 3_600, 3_600_000_000)


def north_deg(contexts: Sequence[dict[str, Any]]) -> tuple[float, bool]:
    """Return how far true north is from the y axis, clockwise, and whether the file says it.

    >>> round(north_deg([{"true_north": [0.766044443119, 0.642787609687]}])[0], 6)
    50.0
    """
    for context in contexts:
        north = context["true_north"]
        if north is not None and len(north) == 2 and any(north):
            return math.degrees(math.atan2(north[0], north[1])), True
    return 0.0, False


def convergence_deg(frame: Frame, lon: float, lat: float) -> float:
    """Return the grid convergence: the bearing of grid north, degrees clockwise from true north.

    >>> from twin.crs import CityBox
    >>> frame = Frame(4548, CityBox(4e5, 2e6, 6e5, 3e6))
    >>> round(convergence_deg(frame, 118.0, 23.0), 2)  # One degree east: sin 23° of a degree.
    0.39
    """
    step = 1e-4
    x, y = move_points(np.array([lon, lon]), np.array([lat - step, lat + step]), LONLAT, frame.name)
    return -math.degrees(math.atan2(x[1] - x[0], y[1] - y[0]))
