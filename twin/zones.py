"""Zones of the projected frames that a city's data come in: which ones may hold a place.

CGCS2000 has them four times over in EPSG: zones of 3° and of 6°, each with the zone's number before
the easting (39 467 025 m) and without (467 025 m).  UTM has sixty on each hemisphere.
"""

from typing import NamedTuple


class _Family(NamedTuple):
    """Gauss-Kruger zones of CGCS2000 with consecutive EPSG numbers, from 75° E on."""

    first_srid: int
    width_deg: int
    first_zone: int | None
    """The number before the easting; None where the easting carries none."""


_FAMILIES = (
    _Family(4534, 3, None),
    _Family(4513, 3, 25),
    _Family(4502, 6, None),
    _Family(4491, 6, 13),
)
_FIRST_MERIDIAN, _LAST_MERIDIAN = 75, 135


def frames_near(lon_deg: float, lat_deg: float) -> tuple[str, ...]:
    """Return the projected frames whose zones lie at or next to a place, the likeliest first.

    Zones of 3° come before those of 6°, without the zone's number before with it: where two give
    the same coordinates (3° and 6° at 117° E), the first is meant.

    Examples
    --------
    >>> frames_near(116.68, 23.36)[:4]
    ('EPSG:4548', 'EPSG:4547', 'EPSG:4549', 'EPSG:4527')
    >>> frames_near(-74.0, 40.7)[0]
    'EPSG:32618'
    """
    found = []
    for family in _FAMILIES:
        meridians = range(_FIRST_MERIDIAN, _LAST_MERIDIAN + 1, family.width_deg)
        near = sorted(
            (abs(meridian - lon_deg), number)
            for number, meridian in enumerate(meridians)
            if abs(meridian - lon_deg) <= 1.5 * family.width_deg
        )
        found += [f"EPSG:{family.first_srid + number}" for _, number in near]
    middle = int((lon_deg + 180) // 6)
    hemisphere = 32600 if lat_deg >= 0 else 32700
    for zone in (middle, middle - 1, middle + 1):
        found.append(f"EPSG:{hemisphere + zone % 60 + 1}")
    return tuple(found)


def is_cgcs2000(srid: int) -> bool:
    """Return whether a frame is a zone of CGCS2000: then the city's codes are those of China.

    >>> is_cgcs2000(4548), is_cgcs2000(32748)
    (True, False)
    """
    return 4491 <= srid <= 4554


def is_utm(frame: str) -> bool:
    """Return whether a frame is a zone of UTM on WGS 84.

    >>> is_utm("EPSG:32650"), is_utm("EPSG:4548")
    (True, False)
    """
    return frame.startswith(("EPSG:326", "EPSG:327"))


def zone_number(easting_m: float) -> int | None:
    """Return the zone's number that an easting carries, None if it carries none.

    >>> zone_number(39_467_025.058), zone_number(467_025.058)
    (39, None)
    """
    number = int(easting_m // 1_000_000)
    return number if 1 <= number <= 60 else None
