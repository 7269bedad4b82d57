"""Codes of management grid cells (单元网格): 15 digits, and 14 as they were before 2013."""

from typing import NamedTuple

from twin.codes._digits import digits
from twin.codes.regions import parse_region, require_within
from twin.errors import InvalidInputError

MOST_CELLS = 999
"""A community has three digits for the running number of its cells."""


class GridCellCode(NamedTuple):
    """The parts of a grid cell's code."""

    code: str
    county: str
    """Six digits of GB/T 2260."""
    street: str
    """Three digits of GB/T 10114."""
    community: str
    """Three digits."""
    sequence: str
    """Three digits, two in the older code; from west to east, then from north to south."""

    @property
    def region(self) -> str:
        """The community's code, 12 digits.

        >>> parse_grid_cell("440507001002003").region
        '440507001002'
        """
        return self.county + self.street + self.community


def parse_grid_cell(code: object, *, within: str | None = None) -> GridCellCode:
    """Return the parts of a grid cell's code.

    Parameters
    ----------
    code : object
        15 digits as text (6 county + 3 street + 3 community + 3 sequence), or 14 (2 sequence).
    within : str, optional
        The code of a region that it must lie in.

    Raises
    ------
    InvalidInputError
        If it is no such code, or lies elsewhere.

    References
    ----------
    .. [1] GB/T 30428 (15 digits); CJ/T 213-2005 (14 digits: 2 of them the sequence).

    Examples
    --------
    >>> parse_grid_cell("440507001002003").sequence
    '003'
    >>> parse_grid_cell("44050700100203").sequence
    '03'
    >>> parse_grid_cell("440507001002003", within="440511")
    Traceback (most recent call last):
        ...
    twin.errors.InvalidInputError: '440507001002003' is no code of a grid cell in region \
440511: it begins with 440507, not 440511
    """
    word = digits(code, "a grid cell", (14, 15))
    region = parse_region(word[:12])
    require_within(word, within, "a grid cell")
    if region.level != "community":
        raise InvalidInputError(
            f"{word!r} is no code of a grid cell: it names no community ({word[:12]})"
        )
    sequence = word[12:]
    if not sequence.strip("0"):
        raise InvalidInputError(
            f"{word!r} is no code of a grid cell: the running number begins at 1"
        )
    return GridCellCode(word, word[:6], word[6:9], word[9:12], sequence)


def grid_cell_code(region: str, number: int) -> str:
    """Return the 15-digit code of the n-th cell of a community.

    >>> grid_cell_code("440507001002", 7)
    '440507001002007'

    Raises
    ------
    InvalidInputError
        If the region is no community, or the number has more than three digits.
    """
    read = parse_region(region)
    if read.level != "community":
        raise InvalidInputError(f"{region!r} names no community: it is the code of a {read.level}")
    if not 1 <= number <= MOST_CELLS:
        raise InvalidInputError(
            f"a community has the running numbers 1 to {MOST_CELLS} for its cells, not {number}"
        )
    return parse_grid_cell(f"{region}{number:03d}").code
