"""Frames with heights: what is their plan, and what are their heights above."""

from twin.crs import parse_crs
from twin.errors import InvalidInputError


def vertical_datum_of(crs: str) -> str | None:
    """Return what heights in a frame are above, None if the frame has none.

    >>> vertical_datum_of("EPSG:4480"), vertical_datum_of("EPSG:4548")
    ('ellipsoidal', None)
    >>> vertical_datum_of("EPSG:7415")
    'EPSG:5709'
    """
    known = parse_crs(crs)
    if known.is_compound:
        authority = known.sub_crs_list[-1].to_authority()
        return ":".join(authority) if authority else str(known.sub_crs_list[-1].name)
    if known.is_geocentric or len(known.axis_info) == 3:
        return "ellipsoidal"
    return None


def horizontal_of(crs: str) -> str:
    """Return the frame of x and y alone, of one that has heights, too.

    >>> horizontal_of("EPSG:7415"), horizontal_of("EPSG:4979"), horizontal_of("EPSG:4548")
    ('EPSG:28992', 'EPSG:4326', 'EPSG:4548')
    """
    known = parse_crs(crs)
    if known.is_geocentric:
        raise InvalidInputError(f"{known.name} measures from the Earth's centre, and has no plan")
    plain = known.sub_crs_list[0] if known.is_compound else known
    plain = plain.to_2d()
    authority = plain.to_authority(min_confidence=100)
    return ":".join(authority) if authority else str(plain.to_wkt())


def compound_of(horizontal: str, vertical: str) -> str:
    """Return the frame that has both a plan and heights, or the plan's if there is none.

    >>> compound_of("EPSG:28992", "EPSG:5709"), compound_of("EPSG:28992", "unknown")
    ('EPSG:7415', 'EPSG:28992')
    """
    if not vertical.startswith("EPSG:"):
        return horizontal
    try:
        code = parse_crs(f"{horizontal}+{vertical[5:]}").to_epsg(min_confidence=100)
    except InvalidInputError:
        code = None
    return horizontal if code is None else f"EPSG:{code}"
