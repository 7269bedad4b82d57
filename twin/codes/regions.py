"""Codes of regions of administration: county (6), street or town (9), community (12 digits)."""

from typing import Literal, NamedTuple

from twin.codes._digits import digits
from twin.errors import InvalidInputError

Level = Literal["province", "city", "county", "street", "community"]
StreetKind = Literal["street", "town", "township", "joint"]

_LAST_OF_AREA = {1: 5, 2: 3, 3: 7, 4: 6, 5: 4, 6: 5, 7: 1, 8: 2}
_PROVINCES = {f"{area}{n}" for area, last in _LAST_OF_AREA.items() for n in range(1, last + 1)}
_PROVINCES.add("50")


class RegionCode(NamedTuple):
    """The parts of a region's code."""

    code: str
    level: Level
    province: str
    """Two digits."""
    county: str
    """Six digits of GB/T 2260: a county, or with zeros a city or a province."""
    street: str | None
    """Three digits of GB/T 10114; None above the street."""
    community: str | None
    """Three digits; None above the community."""

    @property
    def parent(self) -> str | None:
        """The code of the region above, None for a province.

        >>> parse_region("440507001002").parent
        '440507001'
        """
        match self.level:
            case "province":
                return None
            case "city":
                return self.province + "0000"
            case "county":
                return self.county[:4] + "00"
            case "street":
                return self.county
        return f"{self.county}{self.street}"

    @property
    def street_kind(self) -> StreetKind | None:
        """What the middle block says the unit is; None above the street or where unassigned."""
        if self.street is None:
            return None
        number = int(self.street)
        for last, kind in _STREET_KINDS:
            if number <= last:
                return kind
        return None


_STREET_KINDS: tuple[tuple[int, StreetKind], ...] = (
    (99, "street"),
    (199, "town"),
    (399, "township"),
    (599, "joint"),
)


def parse_region(code: object, *, within: str | None = None) -> RegionCode:
    """Return the parts of a region's code.

    Parameters
    ----------
    code : object
        6, 9 or 12 digits as text.
    within : str, optional
        The code of a region that it must lie in.

    Raises
    ------
    InvalidInputError
        If it is no such code, begins with no province of GB/T 2260, or lies elsewhere.

    References
    ----------
    .. [1] GB/T 2260 (county and above), GB/T 10114 (below the county); 12 = 6 + 3 + 3.

    Examples
    --------
    >>> parse_region("440507001002").level
    'community'
    >>> parse_region("440500").level, parse_region("440000").level
    ('city', 'province')
    """
    word = digits(code, "a region", (6, 9, 12))
    county = word[:6]
    if county[:2] not in _PROVINCES:
        raise InvalidInputError(
            f"{word!r} is no code of a region: no province has the number {county[:2]}"
        )
    street, community = word[6:9] or None, word[9:12] or None
    if county[2:4] == "00" and county[4:6] != "00":
        raise InvalidInputError(
            f"{word!r} is no code of a region: a county {county[4:6]} without a city (digits 3, 4)"
        )
    # Cities without counties (东莞, 中山) number their streets under ….00: the city is the county.
    if street is not None and county.endswith("0000"):
        raise InvalidInputError(f"{word!r} is no code of a region: a street without a city")
    if street == "000" and community not in (None, "000"):
        raise InvalidInputError(f"{word!r} is no code of a region: a community without a street")
    require_within(word, within, "a region")
    return _padded(word, county, street, community)


def require_within(code: str, within: str | None, what: str) -> None:
    """Refuse a code that does not begin with the region it is said to lie in."""
    if within is None:
        return
    stem = within
    if len(within) == 6:
        stem = within[:2] if within.endswith("0000") else within.removesuffix("00")
    if not code.startswith(stem):
        raise InvalidInputError(
            f"{code!r} is no code of {what} in region {within}: it begins with "
            f"{code[: len(stem)]}, not {stem}"
        )


def _padded(word: str, county: str, street: str | None, community: str | None) -> RegionCode:
    # Statistics write every level with 12 digits: 440507000000 is the county.
    street = None if street == "000" else street
    community = None if street is None or community == "000" else community
    level: Level = "county"
    if community is not None:
        level = "community"
    elif street is not None:
        level = "street"
    elif county.endswith("0000"):
        level = "province"
    elif county.endswith("00"):
        level = "city"
    return RegionCode(word, level, county[:2], county, street, community)
