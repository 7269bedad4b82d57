"""What every test may ask for: a real PostGIS, fresh for each session."""

import itertools
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from sample_data import tiny_town
from twin.cluster import Cluster, attach
from twin.crs import CityBox, Frame
from twin.database import City, connect, create_city, open_city

SHANTOU = Frame(srid=4548, extent=CityBox(440_000, 2_560_000, 500_000, 2_610_000))
"""Where the tests' city lies: CGCS2000 / 3-degree Gauss-Kruger CM 117E."""

_numbers = itertools.count()


@pytest.fixture(scope="session", autouse=True)
def own_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what a service writes away from the data directory of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWIN_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Return a private PostGIS of this session alone, without fsync."""
    with tempfile.TemporaryDirectory(
        prefix="citytwin-tests-", ignore_cleanup_errors=True
    ) as folder:
        # PostgreSQL has a user of its own when root runs the tests.
        Path(folder).chmod(0o755)
        cluster = attach(Path(folder), fsync=False, progress=print)
        yield cluster
        cluster.close(wait=True)


@pytest.fixture(scope="session")
def clone(cluster: Cluster) -> Callable[..., object]:
    """Return a context manager: a database of its own (as URL), copied from another or empty."""

    @contextmanager
    def copy(template: str | None = None) -> Iterator[str]:
        name = f"test_{next(_numbers)}"
        # No connection is kept meanwhile: a server gives a hundred, and many tests have a database.
        if template is None:
            cluster.ensure_database(name)
        else:
            _maintain(cluster, f'CREATE DATABASE {name} TEMPLATE "{template}"')
        yield cluster.database_url(name)
        _maintain(cluster, f"DROP DATABASE {name} WITH (FORCE)")

    return copy


def _maintain(cluster: Cluster, statement: str) -> None:
    engine = create_engine(cluster.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


@pytest.fixture(scope="module")
def new_city(clone: Callable[..., Any]) -> Iterator[Callable[..., Engine]]:
    """Return a function that makes an empty city in a frame, as long as a file of tests runs."""
    with ExitStack() as opened:

        def make(frame: Frame, **more: Any) -> Engine:
            engine = connect(opened.enter_context(clone()))
            opened.callback(engine.dispose)
            create_city(engine, "测试", frame, **more)
            return engine

        yield make


@pytest.fixture
def database_url(clone: Callable[..., object]) -> Iterator[str]:
    """Return the URL of an empty database, with PostGIS and without a city."""
    with clone() as url:  # type: ignore[attr-defined]
        yield url


@pytest.fixture(scope="session")
def empty_city_template(cluster: Cluster) -> str:
    """Return the name of a database that holds a city without features."""
    engine = connect(cluster.ensure_database("template_empty"))
    create_city(engine, "汕头", SHANTOU)
    engine.dispose()
    return "template_empty"


@pytest.fixture
def engine(clone: Callable[..., object], empty_city_template: str) -> Iterator[Engine]:
    """Return an engine on an empty city of the test's own; commits are real."""
    with clone(empty_city_template) as url:  # type: ignore[attr-defined]
        engine = connect(url)
        yield engine
        engine.dispose()


@pytest.fixture
def empty_city(engine: Engine) -> Iterator[City]:
    """Return a city without features."""
    with Session(engine) as session:
        yield open_city(session)


@pytest.fixture(scope="session")
def town_url(cluster: Cluster) -> str:
    """Return the URL of the tiny town, read at noon of 1 June 2026; tests leave it as it is."""
    url = cluster.ensure_database("tests_town")
    engine = connect(url)
    tiny_town.build(engine, now=datetime(2026, 6, 1, 12, 0, tzinfo=UTC))
    engine.dispose()
    return url


@pytest.fixture(scope="session")
def town_engine(town_url: str) -> Iterator[Engine]:
    """Return an engine on the tiny town."""
    engine = connect(town_url)
    yield engine
    engine.dispose()


@pytest.fixture
def city(town_engine: Engine) -> Iterator[City]:
    """Return the tiny town; whatever a test does to it is undone."""
    with town_engine.connect() as connection, connection.begin() as outer:
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            yield open_city(session)
        outer.rollback()
