"""A city of shapes that break encoders, and ways to ask for tiles of it."""

from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy import Engine

from tests.tiles._nasty import fill


@pytest.fixture
def nasty(engine: Engine) -> Engine:
    """Return an engine on a city with 1500 awkward shapes."""
    with engine.begin() as connection:
        fill(connection, np.random.default_rng(7), 1500)
    return engine
