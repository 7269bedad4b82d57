"""Building models (IFC 2x3, 4, 4x3) into the city: storeys, rooms, elements, doors.

A model is read by a process of its own, under limits; what it holds is set down where its
georeference says, and goes into the city in one transaction, as a change set by GlobalId.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from twin.bim._limits import Limits
from twin.bim._verdict import RefusedModelError, Verdict

if TYPE_CHECKING:
    from sqlalchemy import Engine

__all__ = ["Limits", "RefusedModelError", "Verdict", "load_model"]


def _silent(stage: str, done: int, total: int | None) -> None:
    """Say nothing."""


def load_model(
    engine: Engine,
    file: Path,
    *,
    place: str | None = None,
    georeference: str | None = None,
    crs: str | None = None,
    source: str | None = None,
    limits: Limits | None = None,
    dry_run: bool = False,
    quality: bool = True,
    data_dir: Path | None = None,
    progress: Callable[[str, int, int | None], None] = _silent,
) -> Verdict:
    """Load a building model, all or nothing, and say what was found and what changed.

    Parameters
    ----------
    engine : Engine
        The city's database.
    file : Path
        An IFC file in its STEP form.
    place : str, optional
        ``lon,lat,rotation,height``: where the model's zero is (degrees), the bearing of its y axis
        (degrees clockwise from true north), the height of its zero (m, city's datum).  Each may be
        left empty: as the file says.
    georeference : str, optional
        Which of the file's georeferences to use, by its id, where they differ.
    crs : str, optional
        The frame of map coordinates in the file, where it does not name one.
    source : str, optional
        Name of the source; default: the file's name.  The same source again is a change set, and
        stands where it stood before unless a place is given.
    limits : Limits, optional
        How much reading the file may cost.
    dry_run : bool
        Do everything but keep nothing.
    quality : bool
        Look at the model by the rules of `twin.quality` once it is there; whatever comes of it,
        the load stays.
    data_dir : Path, optional
        Where the city's rasters are, for rules that compare with the terrain.
    progress : callable
        Told what is being done, how far it is, and how far it goes if that is known.

    Raises
    ------
    RefusedModelError
        If the file cannot be read or it is not clear where it stands; ``verdict`` says all that is
        known of it.  Nothing is changed then.
    NotFoundError
        If there is no such file, or no city.
    UnavailableError
        If the database gives up, or models cannot be read here.
    """
    from twin.bim._load import load_file

    return load_file(
        engine,
        file,
        place=place,
        georeference=georeference,
        crs=crs,
        source=source,
        limits=limits or Limits(),
        dry_run=dry_run,
        quality=quality,
        data_dir=data_dir,
        progress=progress,
    )
