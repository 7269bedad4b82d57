"""The demonstration city's buildings in a database of a benchmark's own.

Drawing 400 000 buildings takes a minute or more, so what was drawn is kept, as a COPY, in the
checkout's ``.cache`` until the program that draws changes.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, text

import sample_data
from benchmarks._bench import Bench
from sample_data._board import draw_board
from sample_data._inhabit import Town, chunks
from sample_data._write import Summary, _drop_indexes, loading, quiet
from twin.crs import CityBox, Frame
from twin.database import connect, create_city

_CACHE = Path(__file__).parent.parent / ".cache" / "bench"
_SEED, _SRID = 2026, 4548
_COLUMNS = (
    "id, uid, source, source_id, name, use, address, height_m, ground_z_m, storeys, storeys_below, "
    "residents_day, residents_night, built_year, geom"
)

_SEQUENCE = b"""
    SELECT setval(pg_get_serial_sequence('twin.building', 'id'), max(id)) FROM twin.building
"""


@contextmanager
def demo_buildings(bench: Bench, name: str, count: int) -> Iterator[Engine]:
    """Return an engine on a city that holds the demonstration city's buildings, and only them."""
    engine = connect(bench.cluster.ensure_database(name))
    try:
        fill_with_buildings(engine, count)
        yield engine
    finally:
        engine.dispose()
        maintenance = create_engine(bench.cluster.url, isolation_level="AUTOCOMMIT")
        with maintenance.connect() as connection:
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        maintenance.dispose()


def fill_with_buildings(engine: Engine, count: int) -> None:
    """Create the city in an empty database and fill it, drawn before or now."""
    kept = _CACHE / f"demo-{count}-{_program()}"
    if kept.with_suffix(".json").exists():
        create_city(engine, "demo", _frame(json.loads(kept.with_suffix(".json").read_text())))
        _restore(engine, kept)
    else:
        extent = _draw(engine, count)
        _keep(engine, kept, extent)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE twin.building"))


def _frame(extent: list[float]) -> Frame:
    return Frame(_SRID, CityBox(*extent))


def _program() -> str:
    """Return a name for the program that draws the city."""
    folder = Path(str(sample_data.__file__)).parent
    told = b"".join(file.read_bytes() for file in sorted(folder.glob("*.py")))
    return sha256(told + _COLUMNS.encode()).hexdigest()[:12]


def _draw(engine: Engine, count: int) -> list[float]:
    board = draw_board(count, _SEED)
    extent = list(board.extent())
    create_city(engine, "demo", _frame(extent))
    streets = [street.name for street in board.mesh.streets]
    town = Town(board.plan, board.ground, board.names, streets, board.counties(), board.cells)
    summary = Summary(name="demo", srid=_SRID)
    with loading(engine, summary, "demo-city", many=True) as writer:
        drawn = (
            {name: values for name, values in chunk.items() if name != "cell_id"}
            for chunk in chunks(town, board.lots, count, quiet)
        )
        writer.stream("building", drawn)
    return extent


def _keep(engine: Engine, kept: Path, extent: list[float]) -> None:
    """Write what was drawn; processes that do the same at once do not disturb each other."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    part = kept.with_suffix(f".{os.getpid()}")
    with engine.connect() as connection, part.open("wb") as file:
        rows_of = f"SELECT {_COLUMNS} FROM twin.building ORDER BY id"
        statement = f"COPY ({rows_of}) TO STDOUT (FORMAT binary)"
        with _raw(connection).cursor().copy(statement.encode()) as rows:
            for chunk in rows:
                file.write(bytes(chunk))
    part.replace(kept)
    kept.with_suffix(".json").write_text(json.dumps(extent))


def _restore(engine: Engine, kept: Path) -> None:
    with engine.begin() as ours, kept.open("rb") as file:
        connection = _raw(ours)
        connection.execute("SELECT set_config('twin.load_id', '1', true)")
        indexes = _drop_indexes(connection)
        # Codes of places, a trigger for each row, take longer than all else; they are left empty.
        connection.execute("ALTER TABLE twin.building DISABLE TRIGGER codes_insert")
        statement = f"COPY twin.building ({_COLUMNS}) FROM STDIN (FORMAT binary)"
        with connection.cursor().copy(statement.encode()) as rows:
            while chunk := file.read(1 << 20):
                rows.write(chunk)
        connection.execute("ALTER TABLE twin.building ENABLE TRIGGER codes_insert")
        for definition in indexes:
            connection.execute(definition.encode())
        connection.execute(_SEQUENCE)


def _raw(connection: Any) -> Any:
    return connection.connection.driver_connection
