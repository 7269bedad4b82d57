"""One demonstration city for all tests that only read it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from sample_data._write import Summary
from sample_data.make_city import build
from twin.cluster import Cluster
from twin.database import connect

NOW = datetime(2026, 6, 1, 20, 35, tzinfo=UTC)


@dataclass
class Made:
    """The city as it was made, and a way to ask it."""

    engine: Engine
    data_dir: Path
    summary: Summary
    now: datetime = NOW

    def rows(self, question: str, **values: Any) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.execute(text(question), values))

    def value(self, question: str, **values: Any) -> Any:
        with self.engine.connect() as connection:
            return connection.scalar(text(question), values)


@pytest.fixture(scope="session")
def demo(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    engine = connect(cluster.ensure_database("demo_city_self"))
    folder = tmp_path_factory.mktemp("demo")
    yield Made(engine, folder, build(engine, data_dir=folder, now=NOW))
    engine.dispose()
