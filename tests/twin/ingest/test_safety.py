"""Whatever breaks a load, the city is as it was before, and the next load succeeds."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pyogrio
import pytest
import shapely
from sqlalchemy import Engine, text

from tests.twin.ingest.conftest import Load, houses, one, rows
from twin.errors import InvalidInputError, UnavailableError

MANY = 60_000

State = tuple[Any, ...]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of enough houses that the loader builds the indexes afterwards."""
    at = np.arange(MANY)
    x, y = 450_000 + at % 300 * 20.0, 2_570_000 + at // 300 * 20.0
    frame = geopandas.GeoDataFrame(
        {"id": at.astype(str), "height": 9.0},
        geometry=shapely.box(x, y, x + 10, y + 10),
        crs="EPSG:4548",
    )
    path = tmp_path_factory.mktemp("large") / "large.fgb"
    pyogrio.write_dataframe(frame, path)
    return path


def state(engine: Engine) -> State:
    """Return what a broken load must not have changed."""
    return (
        rows(engine, "SELECT count(*), sum(height_m) FROM twin.building"),
        rows(engine, "SELECT count(*) FROM twin.building_history"),
        rows(engine, "SELECT count(*) FROM twin.load"),
        rows(engine, "SELECT count(*) FROM twin.change_set"),
        rows(
            engine,
            "SELECT indexrelid::regclass::text, indisvalid FROM pg_index"
            " WHERE indrelid = 'twin.building'::regclass ORDER BY 1",
        ),
    )


def full_disk(engine: Engine, after: int) -> None:
    """Let the database run out of disk at a row, with the error PostgreSQL itself then raises."""
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE FUNCTION public.run_out() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                f" IF NEW.id % {after} = 0 THEN"
                " RAISE EXCEPTION 'could not extend file: No space left on device'"
                " USING ERRCODE = 'disk_full'; END IF; RETURN NEW; END $$"
            )
        )
        connection.execute(
            text(
                "CREATE TRIGGER run_out BEFORE INSERT ON twin.building"
                " FOR EACH ROW EXECUTE FUNCTION public.run_out()"
            )
        )


def test_a_full_disk_leaves_an_empty_city_empty(engine: Engine, loads: Load, large: Path) -> None:
    full_disk(engine, 40_000)
    before = state(engine)
    with pytest.raises(UnavailableError, match=r"no room.*as it was before"):
        loads("building", large)
    assert state(engine) == before
    with engine.begin() as connection:
        connection.execute(text("DROP TRIGGER run_out ON twin.building"))
    assert loads("building", large).loaded == MANY


def test_a_full_disk_during_a_merge_leaves_the_rows_of_before(
    engine: Engine, loads: Load, large: Path, tmp_path: Path
) -> None:
    few = pyogrio.read_dataframe(large, max_features=5_000).assign(height=3.0)
    pyogrio.write_dataframe(few, tmp_path / "large.fgb")
    loads("building", tmp_path / "large.fgb")
    full_disk(engine, 50_000)
    before = state(engine)
    with pytest.raises(UnavailableError, match="no room"):
        loads("building", large)
    assert state(engine) == before
    assert one(engine, "SELECT max(height_m) FROM twin.building") == 3.0


@pytest.mark.parametrize("stage", ["reading", "indexing"])
def test_an_interrupt_leaves_the_city_as_it_was(
    stage: str, engine: Engine, loads: Load, large: Path
) -> None:
    before = state(engine)

    def interrupted(at: str, done: int, total: int | None) -> None:
        if at == stage and (stage != "reading" or done > MANY / 2):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loads("building", large, progress=interrupted)
    assert state(engine) == before
    assert loads("building", large).loaded == MANY
    assert one(
        engine, "SELECT count(*) FROM pg_index WHERE indrelid = 'twin.building'::regclass"
    ) == len(before[-1])


_CHILD = """
import sys
from pathlib import Path
from twin.database import connect
from twin.ingest import load

def told(stage, done, total):
    print(stage, done, flush=True)

load(connect(sys.argv[1]), "building", [Path(sys.argv[2])], data_dir=Path(sys.argv[3]),
     progress=told)
"""


@pytest.mark.parametrize("with_what", [signal.SIGINT, signal.SIGKILL])
def test_a_real_ctrl_c_and_a_kill_leave_the_city_as_it_was(
    with_what: signal.Signals, engine: Engine, large: Path, tmp_path: Path
) -> None:
    before = state(engine)
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, engine.url.render_as_string(hide_password=False),
         str(large), str(tmp_path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )  # fmt: skip
    assert child.stdout is not None
    while not child.stdout.readline().startswith("reading 32768"):
        assert child.poll() is None, child.stderr.read() if child.stderr else ""
    child.send_signal(with_what)
    child.communicate(timeout=60)
    assert child.returncode != 0
    wait_for(lambda: one(engine, _OTHERS) == 0)
    assert state(engine) == before


_OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND state <> 'idle'"
)


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_killed_backend_is_said_in_words(
    engine: Engine, loads: Load, large: Path, clone: Any
) -> None:
    before = state(engine)

    def kill(stage: str, done: int, total: int | None) -> None:
        if done > MANY / 2 and stage == "reading" and not killed:
            killed.append(
                one(
                    engine,
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND query LIKE 'COPY%'",
                )
            )

    killed: list[bool] = []
    with pytest.raises(UnavailableError, match="as it was before"):
        loads("building", large, progress=kill)
    assert killed == [True]
    assert state(engine) == before


def test_a_row_the_database_refuses_refuses_the_load(
    engine: Engine, loads: Load, tmp_path: Path
) -> None:
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE twin.building ADD CHECK (storeys <> 18)"))
    before = state(engine)
    pyogrio.write_dataframe(houses(), tmp_path / "houses.fgb")
    with pytest.raises(InvalidInputError, match=r"the database refuses a row.*storeys"):
        loads("building", tmp_path / "houses.fgb")
    assert state(engine) == before


def test_a_city_that_was_never_made_is_said(database_url: str, tmp_path: Path) -> None:
    from twin.database import connect
    from twin.errors import NotFoundError
    from twin.ingest import load

    pyogrio.write_dataframe(houses(), tmp_path / "houses.fgb")
    bare = connect(database_url)
    with pytest.raises(NotFoundError, match="citytwin init"):
        load(bare, "building", [tmp_path / "houses.fgb"], data_dir=tmp_path)
    bare.dispose()
