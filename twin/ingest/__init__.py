"""Loading files into the city: one file a format, and one way from there into the tables.

A load reads chunks of features, brings them into the city's frame, checks and mends them, and sends
them by binary COPY; it is one transaction, so a load that fails leaves the city as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from twin.discover import discover
from twin.ingest._fields import FIELDS
from twin.ingest._report import LoadReport

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from twin.ingest._features import Reader

# What reads and compiles is imported when something is loaded: a second that no other verb owes.

__all__ = ["JUDGED_UP_TO", "LAYERS", "LoadReport", "load", "readers"]

JUDGED_UP_TO = 20_000
"""Loads of more rows are judged after, see docs/decisions/quality.md."""

RASTERS = ("terrain", "depth")
NETWORK = "pipe"
LAYERS: tuple[str, ...] = (*sorted((*FIELDS, NETWORK)), *RASTERS)
"""What can be loaded: tables, ``road`` (nodes and edges from lines), ``pipe`` (nodes and segments
of a network), ``reading``, rasters."""


def _silent(stage: str, done: int, total: int | None) -> None:
    """Say nothing."""


@cache
def readers() -> Mapping[str, Reader]:
    """Return every format that can be loaded, by id."""
    from twin.ingest._features import Reader

    return discover("twin.ingest", "READER", Reader)


def load(
    engine: Engine,
    layer: str,
    files: Sequence[Path],
    *,
    data_dir: Path,
    mapping: Mapping[str, str] | None = None,
    crs: str | None = None,
    datum: Literal["gcj02", "bd09"] | None = None,
    source: str | None = None,
    heights: str | None = None,
    geoid: Path | None = None,
    dry_run: bool = False,
    judged_up_to: int = JUDGED_UP_TO,
    progress: Callable[[str, int, int | None], None] = _silent,
) -> LoadReport:
    """Load files into a layer of the city, all or nothing, and say what became of every row.

    Parameters
    ----------
    engine : Engine
        The city's database.
    layer : str
        One of `LAYERS`.
    files : sequence of Path
        What to load; ``FILE#layer`` names one layer of a file that has several.
    data_dir : Path
        Where rasters are kept.
    mapping : mapping of str to str, optional
        Field to column.  ``=word`` is one word for all rows, ``column*0.001`` scales,
        ``column>table.field`` looks the column's value up in another table of the same file.  Of
        ``pipe``, a field is that of both its tables; ``node.field``, ``segment.field`` of one.
    crs : str, optional
        The files' coordinate frame, where they do not say it or say it wrongly.
    datum : {"gcj02", "bd09"}, optional
        The coordinates are degrees of this Chinese map datum.
    source : str, optional
        Where the rows come from; default: the file's name.  A second load of the same source
        updates its rows.
    heights : str, optional
        What the files' heights are above, such as ``ellipsoidal`` or ``EPSG:5737``; default: what
        their frame says, else what the city's are above.
    geoid : Path, optional
        A model of the geoid (GTX, GeoTIFF), needed where heights must cross between ellipsoid and
        vertical datum.
    dry_run : bool
        Do everything but keep nothing.
    judged_up_to : int
        A load that writes so many rows, and no more, is looked at by the rules of `twin.quality`
        once it is there; whatever comes of it, the load stays.  For more rows that costs half of
        the load again: the report says ``later``, and the caller may ask `twin.quality.check`.
    progress : callable
        Told what is being done, how far it is, and how far it goes if that is known.

    Raises
    ------
    InvalidInputError
        If a file cannot be read, does not fit the layer, or not one of its rows can be loaded;
        nothing is changed then.
    NotFoundError
        If there is no such layer or file.
    UnavailableError
        If the database or its disk gives up; nothing is changed then.
    """
    from twin.ingest._load import load_files

    return load_files(
        engine,
        layer,
        files,
        data_dir=data_dir,
        mapping=dict(mapping or {}),
        crs=crs,
        datum=datum,
        source=source,
        heights=heights,
        geoid=geoid,
        dry_run=dry_run,
        judged_up_to=judged_up_to,
        progress=progress,
    )
