"""What heights are above, and the way from the ellipsoid to a vertical datum.

A height is above something: the national height datum of 1985 (EPSG:5737), or the ellipsoid, as
satellites give it.  Between the two lies the geoid, up to tens of metres, and only its model tells
how many; without the model nothing is converted.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from twin.crs import LONLAT, move_points, undulation_m
from twin.errors import InvalidInputError

ELLIPSOIDAL, UNKNOWN = "ellipsoidal", "unknown"
_NAMES = {
    "1985": "EPSG:5737",
    "1985国家高程基准": "EPSG:5737",
    "国家85高程": "EPSG:5737",
    "1956": "EPSG:5736",
    "1956黄海高程": "EPSG:5736",
    "ellipsoid": ELLIPSOIDAL,
    "大地高": ELLIPSOIDAL,
    "椭球高": ELLIPSOIDAL,
    "epsg:4979": ELLIPSOIDAL,
    "epsg:4480": ELLIPSOIDAL,
}


def datum_named(text: str) -> str:
    """Return the one name of a vertical datum that people call differently.

    >>> datum_named("1985国家高程基准"), datum_named("大地高"), datum_named("epsg:5737")
    ('EPSG:5737', 'ellipsoidal', 'EPSG:5737')
    """
    word = text.strip()
    folded = word.casefold()
    if folded in (ELLIPSOIDAL, UNKNOWN):
        return folded
    return _NAMES.get(folded, word.upper() if folded.startswith("epsg:") else word)


@dataclass(frozen=True)
class HeightStep:
    """The way of heights into the city's vertical datum."""

    grid: Path
    sign: int
    """-1 from the ellipsoid down to the geoid, 1 back."""
    frame: str
    """The frame of the points whose heights are moved."""

    def shift_m(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what is to be added to heights at points of the frame, m, shape (n,)."""
        return self.sign * undulation_m(self.grid, *move_points(x, y, self.frame, LONLAT))


def height_step(given: str | None, wanted: str, grid: Path | None, frame: str) -> HeightStep | None:
    """Return how heights come into the city's datum, None if they stay as they are.

    Parameters
    ----------
    given : str or None
        What the source's heights are above; None where nobody says.
    wanted : str
        What the city's are above.
    grid : Path, optional
        The geoid's model.
    frame : str
        The frame of the points.

    Raises
    ------
    InvalidInputError
        If they are above different things and no grid was given, or a grid does not help.

    Examples
    --------
    >>> height_step("EPSG:5737", "1985", None, "EPSG:4548") is None
    True
    """
    if given is None:
        if grid is not None:
            raise InvalidInputError(
                "a geoid grid was given, but not what the heights are above: "
                "give --heights ellipsoidal"
            )
        return None
    source, city = datum_named(given), datum_named(wanted)
    if source == city:
        return None
    if city == UNKNOWN:
        raise InvalidInputError(
            f"heights above {source} cannot be brought into this city: it does not say what its "
            "own heights are above (citytwin init --vertical-datum)"
        )
    if ELLIPSOIDAL not in (source, city):
        raise InvalidInputError(f"there is no way from heights above {source} to {city}")
    if grid is None:
        raise InvalidInputError(
            f"the heights are above {_called(source)}, the city's above {_called(city)}: between "
            "them lies the geoid, tens of metres; give its grid by --geoid FILE (.gtx, .tif)"
        )
    return HeightStep(grid, -1 if source == ELLIPSOIDAL else 1, frame)


def _called(datum: str) -> str:
    return "the ellipsoid" if datum == ELLIPSOIDAL else datum
