"""CityJSON 1.0, 1.1, 2.0 and CityJSONSeq into the city, and the city as CityJSON 2.0.

Every object and every geometry of every level of detail is a row; all of a file goes into the city
in one transaction, as a change set by the objects' ids.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from twin.cityjson._exported import Exported
from twin.cityjson._verdict import RefusedCityError, Verdict

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from twin.crs import LonLatBox
    from twin.database import City

__all__ = ["Exported", "RefusedCityError", "Verdict", "export_cityjson", "load_cityjson"]


def _silent(stage: str, done: int, total: int | None) -> None:
    """Say nothing."""


def load_cityjson(
    engine: Engine,
    file: Path,
    *,
    crs: str | None = None,
    heights: str | None = None,
    geoid: Path | None = None,
    source: str | None = None,
    dry_run: bool = False,
    progress: Callable[[str, int, int | None], None] = _silent,
) -> Verdict:
    """Load a CityJSON file or sequence, all or nothing, and say what was found and what changed.

    Parameters
    ----------
    engine : Engine
        The city's database.
    file : Path
        CityJSON or CityJSONSeq, also packed by gzip.
    crs : str, optional
        The frame of its coordinates, where it does not say it or says it wrongly.
    heights : str, optional
        What its heights are above, such as ``ellipsoidal`` or ``EPSG:5709``.
    geoid : Path, optional
        The geoid's model, where heights have to come from the ellipsoid.
    source : str, optional
        Name of the source; default: the file's name without its endings.  The same source again is
        a change set.
    dry_run : bool
        Do everything but keep nothing.
    progress : callable
        Told what is being done, how far it is, and how far it goes if that is known.

    Raises
    ------
    RefusedCityError
        If the file cannot be read or it is not clear where it lies; ``verdict`` says all that is
        known of it.  Nothing is changed then.
    NotFoundError
        If there is no such file, or no city.
    UnavailableError
        If the database gives up.
    """
    # Only here: geometry is much to import.
    from twin.cityjson._load import Asked, load_file

    asked = Asked(crs, heights, geoid, progress)
    return load_file(engine, file, asked, source=source, dry_run=dry_run)


def export_cityjson(
    city: City, path: Path, *, box: LonLatBox | None = None, lod: str | None = None
) -> Exported:
    """Write the city's objects as CityJSON 2.0, or as CityJSONSeq where the path ends in .jsonl.

    City objects are written as they came.  Other buildings are blocks of their footprint and
    height (LoD1), or footprints alone where nothing tells their height (LoD0).

    Parameters
    ----------
    city : City
    path : Path
        Ends in .json or .jsonl, with .gz after it if it is to be packed; replaced when all of the
        new file is there.
    box : LonLatBox, optional
        Only what reaches into it, each object with its whole family.
    lod : str, optional
        Only geometries of this level of detail.

    Raises
    ------
    InvalidInputError
        If the path says no format, its folder is not there, or the box is none.
    """
    # Only here: geometry is much to import.
    from twin.cityjson._export import export_file

    within = None if box is None else city.frame.box_to_city(box)
    return export_file(city, path, box=within, lod=lod)
