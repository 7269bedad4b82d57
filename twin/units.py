"""SI inside, other units only at the door.

Every number with a dimension carries its unit in its name: ``radius_m``, ``rain_m_per_s``.
These functions turn what people write into SI and back; nothing else in the project multiplies
by 3.6 or by 25.4.
"""

METRES_PER_FOOT = 0.3048
METRES_PER_INCH = 0.0254
PASCALS_PER_PSI = 6894.757293168361
"""One pound-force per square inch: 4.4482216152605 N / (0.0254 m)²."""


def km_per_hour(speed: float) -> float:
    """Return a speed given in km/h in m/s.

    >>> km_per_hour(36.0)
    10.0
    """
    return speed / 3.6


def to_km_per_hour(speed_m_per_s: float) -> float:
    """Return a speed in km/h.

    >>> to_km_per_hour(10.0)
    36.0
    """
    return speed_m_per_s * 3.6


def miles_per_hour(speed: float) -> float:
    """Return a speed given in international miles per hour in m/s.

    >>> round(miles_per_hour(25.0), 3)
    11.176
    """
    return speed * 1609.344 / 3600


def millimetres(length: float) -> float:
    """Return a length given in mm in m.

    >>> millimetres(300.0)
    0.3
    """
    return length / 1000.0


def to_millimetres(length_m: float) -> float:
    """Return a length in mm.

    >>> to_millimetres(0.3)
    300.0
    """
    return length_m * 1000.0


def centimetres(length: float) -> float:
    """Return a length given in cm in m.

    >>> centimetres(15.0)
    0.15
    """
    return length / 100.0


def kilopascals(pressure: float) -> float:
    """Return a pressure given in kPa in Pa.

    >>> kilopascals(400.0)
    400000.0
    """
    return pressure * 1000.0


def pounds_per_square_inch(pressure: float) -> float:
    """Return a pressure given in psi in Pa.

    >>> round(pounds_per_square_inch(1000.0))
    6894757
    """
    return pressure * PASCALS_PER_PSI


def inches(length: float) -> float:
    """Return a length given in inches in m.

    >>> inches(30.0)
    0.762
    """
    return length * METRES_PER_INCH


def feet(length: float) -> float:
    """Return a length given in feet in m.

    >>> feet(10.0)
    3.048
    """
    return length * METRES_PER_FOOT


def bars(pressure: float) -> float:
    """Return a pressure given in bar in Pa.

    >>> bars(1.0)
    100000.0
    """
    return pressure * 1e5
