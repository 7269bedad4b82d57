"""What every test may ask for: a real PostGIS, fresh for each session."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from twin.cluster import Cluster, attach


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Return a private PostGIS of this session alone, without fsync."""
    with tempfile.TemporaryDirectory(
        prefix="citytwin-tests-", ignore_cleanup_errors=True
    ) as folder:
        # PostgreSQL has a user of its own when root runs the tests.
        Path(folder).chmod(0o755)
        with attach(Path(folder), fsync=False, progress=print) as cluster:
            yield cluster
