"""Make a city's database, bring it up to date, and open the city in it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, Row, create_engine, text
from sqlalchemy.orm import Session

from twin._histories import seal_histories
from twin.crs import CityBox, Frame
from twin.errors import ConflictError, NotFoundError
from twin.model.city import CityRow

_MIGRATIONS = Path(__file__).parent / "migrations"

_SHORT_QUESTIONS = "-c jit=off -c max_parallel_workers_per_gather=0"
"""For questions of milliseconds, on whatever server: each parallel worker is a new process that
sets PROJ up anew (70 to 90 ms), and compiling a trigger's plan costs a hundred edits."""


@dataclass(frozen=True)
class City:
    """One city, open: a session on its database and the frame its geometry is in."""

    session: Session
    frame: Frame
    name: str
    vertical_datum: str = "unknown"
    data_dir: Path | None = None
    """Where the files of its rasters are; None where nobody said."""


def connect(
    url: str,
    *,
    pool_size: int = 8,
    statement_timeout_s: float | None = None,
    lock_timeout_s: float | None = None,
) -> Engine:
    """Return an engine that survives a restart of the server (connections are tested first).

    With ``statement_timeout_s`` the server cancels what takes longer, with ``lock_timeout_s`` what
    waits longer for others.
    """
    options = _SHORT_QUESTIONS
    if statement_timeout_s is not None:
        options += f" -c statement_timeout={int(statement_timeout_s * 1000)}"
    if lock_timeout_s is not None:
        options += f" -c lock_timeout={int(lock_timeout_s * 1000)}"
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        connect_args={"options": options},
    )


def create_city(
    engine: Engine, name: str, frame: Frame, *, vertical_datum: str = "unknown"
) -> None:
    """Create every table, stamped with the city's frame, and the city itself; all or nothing.

    Raises
    ------
    ConflictError
        If the database already holds a city.
    """
    with engine.begin() as connection:
        connection.execute(text("CREATE EXTENSION IF NOT EXISTS postgis"))
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS twin"))
        there = _city_row(connection)
        if there is not None:
            raise ConflictError(
                f"this database already holds the city {there.name!r} (EPSG:{there.srid}); "
                "one database holds one city: choose another TWIN_DATA_DIR or TWIN_DATABASE"
            )
        _upgrade(connection, frame.srid)
        row = CityRow(
            id=1,
            name=name,
            srid=frame.srid,
            vertical_datum=vertical_datum,
            **frame.extent._asdict(),
        )
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            session.add(row)
            session.commit()


def upgrade_city(engine: Engine) -> None:
    """Bring the tables of an existing city up to date, and put its histories away."""
    with engine.begin() as connection:
        row = _city_row(connection)
        if row is not None:
            _upgrade(connection, row.srid)
    if row is not None:
        seal_histories(engine)


def open_city(session: Session, *, data_dir: Path | None = None) -> City:
    """Return the city of this database.

    Raises
    ------
    NotFoundError
        If ``citytwin init`` was not run on this database yet.
    """
    row = _city_row(session.connection())
    if row is None:
        raise NotFoundError("the database holds no city yet; run `citytwin init` first")
    frame = Frame(row.srid, CityBox(*row[3:]))
    return City(session, frame, row.name, row.vertical_datum, data_dir)


def _city_row(connection: Connection) -> Row[*tuple[Any, ...]] | None:
    if connection.scalar(text("SELECT to_regclass('twin.city')")) is None:
        return None
    return connection.execute(
        text("""
            SELECT name, srid, vertical_datum, min_x_m, min_y_m, max_x_m, max_y_m
            FROM   twin.city
            WHERE  id = 1
        """)
    ).one_or_none()


def _upgrade(connection: Connection, srid: int) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes |= {"connection": connection, "srid": srid}
    command.upgrade(config, "head")
