"""Make the demonstration city: ``python -m sample_data.make_city --buildings 4000``.

Everything is drawn from the seed alone, so the same seed gives the same rows, ids and ``uid`` on
every machine; only the time of the readings is the present.  The city grows with the number of
buildings: 4 000 stand on 4 km by 3 km, a million on 65 km by 50 km, and blocks stay what they are.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from sample_data._board import draw_board
from sample_data._contents import write_city
from sample_data._grid import CITY_NAME
from sample_data._write import Progress, Summary, loading, quiet, rounded_now
from twin.crs import Frame
from twin.database import create_city
from twin.errors import InvalidInputError, TwinError

SOURCE = "demo-city"
SRID = 4548
MOST_BUILDINGS = 1_000_000
_MANY = 20_000


def build(
    engine: Engine,
    *,
    data_dir: Path,
    buildings: int = 4000,
    seed: int = 2026,
    progress: Progress = quiet,
    now: datetime | None = None,
) -> Summary:
    """Create and fill the demonstration city in an empty database.

    Parameters
    ----------
    engine : Engine
        A database that holds no city yet.
    data_dir : Path
        The data directory; the rasters go to ``rasters`` in it.
    buildings : int
        How many buildings, 1 to 1 000 000.
    seed : int
        What the city is drawn from.
    progress : callable
        Called with a text, how much is done and of how much.
    now : datetime, optional
        When the last reading was taken; the present, cut to five minutes, if not given.

    Raises
    ------
    InvalidInputError
        If the number of buildings is out of range.
    ConflictError
        If the database already holds a city.
    """
    if not 1 <= buildings <= MOST_BUILDINGS:
        raise InvalidInputError(
            f"a city of {buildings} buildings cannot be made; give 1 to {MOST_BUILDINGS}"
        )
    progress("规划 plan", 0, 1)
    board = draw_board(buildings, seed)
    create_city(engine, CITY_NAME, Frame(SRID, board.extent()), vertical_datum="EPSG:5737")
    summary = Summary(name=CITY_NAME, srid=SRID)
    with loading(engine, summary, SOURCE, many=buildings > _MANY) as writer:
        write_city(
            *(writer, board),
            buildings=buildings,
            data_dir=data_dir,
            now=rounded_now(now),
            progress=progress,
        )
    return summary


def main(words: Sequence[str] | None = None) -> int:
    """Make the city in the database that ``TWIN_DATABASE_URL`` or ``TWIN_DATA_DIR`` names."""
    # Only here: the city itself is made without the service's settings.
    from api.settings import Settings
    from api.verbs._verb import database

    parser = argparse.ArgumentParser(prog="make_city", description="make the demonstration city")
    parser.add_argument("--buildings", type=int, default=4000, help="1 to 1 000 000")
    parser.add_argument("--seed", type=int, default=2026, help="what the city is drawn from")
    given = parser.parse_args(words)
    settings = Settings()
    try:
        with database(settings) as engine:
            summary = build(
                engine,
                data_dir=settings.data_dir,
                buildings=given.buildings,
                seed=given.seed,
                progress=_tell,
            )
    except TwinError as error:
        print(f"make_city: {error}", file=sys.stderr)
        return 1
    print(f"{summary.name} EPSG:{summary.srid}, {summary.elapsed_s:.1f} s")
    for table, count in summary.counts.items():
        print(f"{count:>10} {table}")
    return 0


def _tell(text: str, done: int, total: int) -> None:
    print(f"{text} {done}/{total}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
