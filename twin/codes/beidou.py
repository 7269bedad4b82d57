"""BeiDou grid codes (北斗网格位置码), GB/T 39409-2020, in the plane, levels 1 to 10, exact.

A code names a cell, from 6° × 4° (level 1) down to 1/2048″ (level 10, about 1.5 cm); the code of a
cell begins with that of the cell around it.  Coordinates are degrees of CGCS2000.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, NamedTuple

from twin.codes._lattice import (
    FINEST,
    GRID,
    LEVELS,
    SOUTHERNMOST_LAT_DEG,
    UNITS_PER_DEGREE,
    as_degrees,
    grid_level,
    level_of_length,
    place,
    spread,
)
from twin.errors import InvalidInputError

Number = float | int | str | Fraction

HELD_LEVEL = 8
"""The level that located things carry: 1/32″, about a metre."""

_HEX = "0123456789ABCDEF"
_ROWS_OF_MAP = "ABCDEFGHIJKLMNOPQRSTUV"
Pairing = Literal["hex-digit", "quadrant", "hex-hex", "octal"]

_PAIRINGS: dict[int, Pairing] = {
    2: "hex-digit", 3: "quadrant", 4: "hex-digit", 5: "hex-hex", 6: "quadrant",
    7: "octal", 8: "octal", 9: "octal", 10: "octal",
}  # fmt: skip


class Bounds(NamedTuple):
    """The edges of a cell, exact, in degrees."""

    west: Fraction
    south: Fraction
    east: Fraction
    north: Fraction


@dataclass(frozen=True, order=True)
class Cell:
    """One cell: its level, and its column and row east and north of (0°, 0°)."""

    level: int
    column: int
    row: int

    def __post_init__(self) -> None:
        """Refuse what is no cell."""
        columns, rows = spread(self.level)
        if not (-columns <= self.column < columns and -rows <= self.row < rows):
            raise InvalidInputError(
                f"level {self.level} has no column {self.column}, row {self.row}"
            )

    @property
    def code(self) -> str:
        """The cell's code.

        >>> Cell(1, 19, 9).code
        'N50J'
        """
        k = _mirrored(self.column)
        j = _mirrored(self.row)
        words: list[str] = []
        for level in range(self.level, 1, -1):
            size = GRID[level - 1]
            k, column = divmod(k, size.columns)
            j, row = divmod(j, size.rows)
            words.append(_written(level, column, row, size.columns))
        zone = 31 + k if self.column >= 0 else 30 - k
        half = "N" if self.row >= 0 else "S"
        return f"{half}{zone:02d}{_ROWS_OF_MAP[j]}" + "".join(reversed(words))

    @property
    def bounds(self) -> Bounds:
        """The cell's edges, exact.

        >>> tuple(map(float, Cell(1, 19, 9).bounds))
        (114.0, 36.0, 120.0, 40.0)
        """
        size = grid_level(self.level)
        return Bounds(
            Fraction(self.column * size.width, UNITS_PER_DEGREE),
            Fraction(self.row * size.height, UNITS_PER_DEGREE),
            Fraction((self.column + 1) * size.width, UNITS_PER_DEGREE),
            Fraction((self.row + 1) * size.height, UNITS_PER_DEGREE),
        )

    @property
    def centre(self) -> tuple[Fraction, Fraction]:
        """Longitude and latitude of the middle, exact."""
        west, south, east, north = self.bounds
        return (west + east) / 2, (south + north) / 2

    def parent(self, level: int | None = None) -> "Cell":
        """Return the cell of a coarser level around this one; by default the next coarser.

        Raises
        ------
        InvalidInputError
            If the level is not coarser.
        """
        above = self.level - 1 if level is None else level
        if not 1 <= above < self.level:
            raise InvalidInputError(f"a cell of level {self.level} has no parent of level {above}")
        mine, coarse = grid_level(self.level), grid_level(above)
        return Cell(
            above,
            self.column // (coarse.width // mine.width),
            self.row // (coarse.height // mine.height),
        )

    def children(self) -> Iterator["Cell"]:
        """Yield the cells of the next finer level in this one, from south to north, west to east.

        Raises
        ------
        InvalidInputError
            If the cell is of the finest level.
        """
        if self.level == FINEST:
            raise InvalidInputError(f"level {FINEST} is the finest")
        size = grid_level(self.level + 1)
        for row in range(self.row * size.rows, (self.row + 1) * size.rows):
            for column in range(self.column * size.columns, (self.column + 1) * size.columns):
                yield Cell(self.level + 1, column, row)

    def neighbours(self) -> tuple["Cell", ...]:
        """Return the up to eight cells of the same level that share an edge or a corner.

        Across 180° the neighbour is the first cell of the other hemisphere; beyond 88° there is
        none.  In the order of their codes' places: south-west to north-east, row by row.
        """
        columns, rows = spread(self.level)
        found = []
        for row in (self.row - 1, self.row, self.row + 1):
            for column in (self.column - 1, self.column, self.column + 1):
                if -rows <= row < rows and (column, row) != (self.column, self.row):
                    around = (column + columns) % (2 * columns) - columns
                    found.append(Cell(self.level, around, row))
        return tuple(found)


def cell_at(lon_deg: Number, lat_deg: Number, level: int = HELD_LEVEL) -> Cell:
    """Return the cell that holds a point.

    Parameters
    ----------
    lon_deg, lat_deg : float, int, str or Fraction
        Degrees of CGCS2000.  Text is taken as the decimal number that it says; a double that is
        nearest to an edge of the finest cells as that edge.
    level : int
        1 to 10.

    Raises
    ------
    InvalidInputError
        If the place is not on Earth or lies beyond 88°, or there is no such level.

    Notes
    -----
    A point on an edge belongs to the cell farther from (0°, 0°); the equator to the north, the
    prime meridian to the east; 180° E and 180° W to the last cell on their side.

    Examples
    --------
    >>> cell_at("116.31260277777778", "39.993161111111114", 9).code
    'N50J47539B82553461'
    """
    lon, lat = as_degrees(lon_deg, "longitude", 180), as_degrees(lat_deg, "latitude", 90)
    if abs(lat) >= SOUTHERNMOST_LAT_DEG:
        raise InvalidInputError(
            f"latitude {float(lat)} lies in the polar cells beyond {SOUTHERNMOST_LAT_DEG}°, "
            "which are not supported"
        )
    size, (columns, rows) = grid_level(level), spread(level)
    return Cell(level, place(lon, size.width, columns), place(lat, size.height, rows))


def encode(lon_deg: Number, lat_deg: Number, level: int = HELD_LEVEL) -> str:
    """Return the code of the cell that holds a point; arguments as for `cell_at`.

    >>> encode(116.6775114, 23.3567569)
    'N50F564A19614112'
    """
    return cell_at(lon_deg, lat_deg, level).code


def decode(code: str) -> Cell:
    """Return the cell that a code names; letters may be small.

    Raises
    ------
    InvalidInputError
        With what is wrong with it, and where.

    Examples
    --------
    >>> decode("N50F564A19614112").level
    8
    """
    if not isinstance(code, str):
        raise InvalidInputError(f"{code!r} is no BeiDou grid code: it is no text")
    word = code.strip().upper()
    level = level_of_length(len(word))
    if level is None:
        lengths = ", ".join(str(size.length) for size in GRID)
        raise _refused(code, f"it has {len(word)} characters; levels 1 to {FINEST} have {lengths}")
    if word[0] not in "NS":
        raise _refused(code, f"it begins with {word[0]!r}, not with N or S")
    zone = word[1:3]
    if not (zone.isascii() and zone.isdigit() and 1 <= int(zone) <= 60):
        raise _refused(code, f"characters 2 and 3 are the column 01 to 60, not {zone!r}")
    if word[3] not in _ROWS_OF_MAP:
        raise _refused(code, f"character 4 is the row A to V, not {word[3]!r}")
    east = int(zone) > 30
    k = int(zone) - 31 if east else 30 - int(zone)
    j = _ROWS_OF_MAP.index(word[3])
    for deeper in range(2, level + 1):
        size = GRID[deeper - 1]
        column, row = _read(code, word[GRID[deeper - 2].length : size.length], deeper)
        k, j = k * size.columns + column, j * size.rows + row
    return Cell(level, k if east else -k - 1, j if word[0] == "N" else -j - 1)


def prefix_range(code: str, held: int = HELD_LEVEL) -> tuple[str, str]:
    """Return from which code, up to before which one, the codes of a level lie in a cell.

    A prefix is a cell only at the lengths of the levels, so others are refused.

    Raises
    ------
    InvalidInputError
        If it is no code, or finer than what is held.

    Examples
    --------
    >>> prefix_range("N50F56")
    ('N50F56', 'N50F57')
    """
    cell = decode(code)
    if cell.level > held:
        raise InvalidInputError(
            f"{code!r} is of level {cell.level}; things carry level {held}: ask for "
            f"{cell.parent(held).code} or a shorter one"
        )
    word = cell.code
    return word, word[:-1] + chr(ord(word[-1]) + 1)


def _mirrored(place: int) -> int:
    """Return how far a column or row is from zero; west and south mirror the north-east."""
    return place if place >= 0 else -place - 1


def _written(level: int, column: int, row: int, columns: int) -> str:
    if _PAIRINGS[level] == "quadrant":
        return str(row * columns + column)
    return _HEX[column] + _HEX[row]


def _read(code: str, part: str, level: int) -> tuple[int, int]:
    """Return the column and row that a part of a code says."""
    size = GRID[level - 1]
    if _PAIRINGS[level] == "quadrant":
        number = _HEX.find(part)
        if not 0 <= number < size.columns * size.rows:
            raise _refused(
                code,
                f"level {level} is one digit 0 to {size.columns * size.rows - 1}, not {part!r}",
            )
        row, column = divmod(number, size.columns)
        return column, row
    column, row = _HEX.find(part[0]), _HEX.find(part[1])
    if not (0 <= column < size.columns and 0 <= row < size.rows):
        raise _refused(
            code,
            f"level {level} is a column 0 to {_HEX[size.columns - 1]} and a row 0 to "
            f"{_HEX[size.rows - 1]}, not {part!r}",
        )
    return column, row


def _refused(code: str, reason: str) -> InvalidInputError:
    return InvalidInputError(f"{code!r} is no BeiDou grid code: {reason}")


__all__ = [
    "HELD_LEVEL", "LEVELS", "Bounds", "Cell", "cell_at", "decode", "encode", "prefix_range",
]  # fmt: skip
