"""Where a file's coordinates are in the city: frame, order of axes, heights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from twin.cityjson._flatten import Flat
from twin.cityjson._header import Floats, Header, crs_name
from twin.crs import LONLAT, Frame, axes_of, move_points
from twin.errors import InvalidInputError
from twin.heights import UNKNOWN, HeightStep, datum_named, height_step
from twin.vertical import horizontal_of, vertical_datum_of

_MOST_TOLD = 3


@dataclass
class Wish:
    """What the caller says of the place, and of the city it goes into."""

    frame: Frame
    vertical_datum: str
    crs: str | None = None
    heights: str | None = None
    geoid: Path | None = None


@dataclass
class Placing:
    """The way from a file's frame into the city's.

    Attributes
    ----------
    crs : str
        The frame of the file's x and y.
    in_degrees : bool
        Whether that is a frame of degrees.
    northing_first : bool or None
        Whether the file's first coordinate is the one to the north; None until seen.
    """

    frame: Frame
    found: str | None
    """As the file spells it."""
    crs: str
    vertical: str | None
    vertical_from: str
    step: HeightStep | None
    in_degrees: bool
    authority_north_first: bool
    northing_first: bool | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as the verdict tells it."""
        return {
            "found": self.found,
            "used": self.crs,
            "city": self.frame.name,
            "axes": None
            if self.northing_first is None
            else ("north, east" if self.northing_first else "east, north"),
            "vertical_datum": self.vertical,
            "heights_moved_by": None if self.step is None else self.step.grid.name,
        }

    def put(self, flat: Flat) -> Floats:
        """Return a batch's vertices in the city's frame, m, shape (n, 3).

        Raises
        ------
        InvalidInputError
            If any lies outside the city.
        """
        base = flat.base
        if not len(base):
            return base
        if self.northing_first is None:
            self.northing_first = self._is_northing_first(base)
        x, y = (base[:, 1], base[:, 0]) if self.northing_first else (base[:, 0], base[:, 1])
        if self.crs != self.frame.name:
            x, y = move_points(x, y, self.crs, self.frame.name)
        put = np.stack((x, y, base[:, 2]), axis=1)
        if self.step is not None:
            put[:, 2] += self.step.shift_m(put[:, 0], put[:, 1])
        if flat.offset is not None:
            put += flat.offset
        outside = ~_inside(self.frame, put[:, 0], put[:, 1])
        if outside.any():
            raise InvalidInputError(self._outside(flat, outside))
        return put

    def _is_northing_first(self, base: Floats) -> bool:
        """Return the order of axes: that of the authority, if only it leads into the city.

        CityJSON writes x, y, z; files in frames whose authority has the north first exist in both
        orders.  One of them lies in the city, and the other one elsewhere.
        """
        if not self.authority_north_first:
            return False
        fits = [
            bool(_inside(self.frame, *move_points(x, y, self.crs, self.frame.name)).mean() > 0.5)
            for x, y in ((base[:, 0], base[:, 1]), (base[:, 1], base[:, 0]))
        ]
        return fits == [False, True]

    def _outside(self, flat: Flat, outside: Any) -> str:
        # Only here: it brings a compiler with it.
        from twin.ingest._frames import guess_why

        wrong = np.flatnonzero(outside)
        count = np.array([sum(one.ring_lengths) for one in flat.geometries])
        of = np.repeat(np.arange(len(count)), count)[np.isin(flat.index, wrong)]
        names = list(dict.fromkeys(flat.geometries[at].owner for at in of))
        base = flat.base[wrong]
        with np.errstate(invalid="ignore"):
            low, high = base.min(axis=0), base.max(axis=0)
        why = guess_why(self.frame, self.crs, base[:, 0], base[:, 1])
        extent = ", ".join(f"{v:.5f}" for v in self.frame.lonlat_extent())
        shown = ", ".join(map(repr, names[:_MOST_TOLD]))
        return (
            f"{len(names):,} objects lie outside the city{why}: {shown}"
            f"{', …' if len(names) > _MOST_TOLD else ''}, from ({low[0]:.7g}, {low[1]:.7g}) to "
            f"({high[0]:.7g}, {high[1]:.7g}) in {self.crs}; the city reaches {extent} (degrees, "
            "west south east north)"
        )


def placing(header: Header, wish: Wish, seen: Floats) -> tuple[Placing, list[str]]:
    """Return how a file comes into the city, and what there is to be said of it.

    Parameters
    ----------
    header : Header
    wish : Wish
    seen : ndarray of float, shape (n, 3)
        Some of its vertices, for the question where it does not say its frame.

    Raises
    ------
    InvalidInputError
        If it does not say its frame and nobody else does, or its heights cannot be moved.
    """
    named = crs_name(wish.crs) or header.crs
    if named is None:
        raise InvalidInputError(_ask(wish.frame, seen))
    notes = []
    flat = horizontal_of(named)
    vertical, of = vertical_datum_of(named), "its frame"
    if vertical is None and wish.crs is not None and header.crs is not None:
        vertical, of = vertical_datum_of(header.crs), "the frame that the file names"
    if wish.heights is not None:
        vertical, of = datum_named(wish.heights), "the caller"
    if wish.crs is not None and header.crs_found is not None:
        notes.append(f"the file says {header.crs_found}; taken as {wish.crs}, as was asked for")
    given = vertical
    if given is not None and wish.heights is None and datum_named(wish.vertical_datum) == UNKNOWN:
        notes.append(
            f"heights are above {given}, by {of}; the city does not say what its own are above, "
            "so they are taken as they are"
        )
        given = None
    step = height_step(given, wish.vertical_datum, wish.geoid, wish.frame.name)
    axes = axes_of(flat)
    found = Placing(
        wish.frame, header.crs_found, flat, vertical, of, step, axes.in_degrees,
        not axes.east_first,
    )  # fmt: skip
    return found, notes


def _ask(frame: Frame, seen: Floats) -> str:
    """Return the question for the frame, with what fits as far as that can be told."""
    begin = "it does not say in which frame its coordinates are (metadata.referenceSystem)"
    ask = "give it by --crs, such as --crs EPSG:7415"
    if not len(seen):
        return f"{begin}: {ask}"
    low, high = seen.min(axis=0), seen.max(axis=0)
    reach = f"they reach from ({low[0]:.10g}, {low[1]:.10g}) to ({high[0]:.10g}, {high[1]:.10g})"
    fits = [
        name
        for name in (frame.name, LONLAT)
        if _inside(frame, *move_points(seen[:, 0], seen[:, 1], name, frame.name)).mean() > 0.5
    ]
    hint = f" (as {fits[0]} they would lie in the city)" if fits else ""
    return f"{begin}; {reach}{hint}: {ask}"


def _inside(frame: Frame, x: Any, y: Any) -> Any:
    extent = frame.extent
    found = (x >= extent.min_x_m) & (x <= extent.max_x_m)
    return found & (y >= extent.min_y_m) & (y <= extent.max_y_m)
