"""Make the demo city, by the program of the checkout that draws it.

The program and its words stand in ``sample_data``, beside the packages and not inside them: a
wheel carries the product, a checkout also what shows it.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from api.settings import ROOT
from twin.crs import Frame
from twin.database import open_city
from twin.errors import NotFoundError, UnavailableError

BUILDINGS = 4000


class Told(Protocol):
    """Called with what is being made, how much of it is done, and of how much."""

    def __call__(self, text: str, done: int, total: int) -> None:
        """Take note."""


def has_city(engine: Engine) -> bool:
    """Return whether the database holds a city already."""
    return frame_of(engine) is not None


def frame_of(engine: Engine) -> Frame | None:
    """Return the frame of the city that the database holds, or None if it holds none."""
    with Session(engine) as session:
        try:
            return open_city(session).frame
        except NotFoundError:
            return None


def make_demo_city(engine: Engine, data_dir: Path, *, buildings: int = BUILDINGS) -> str:
    """Make the demo city, with a progress bar, and return its name.

    Raises
    ------
    UnavailableError
        If the program runs without its checkout.
    ConflictError
        If the database holds a city already.
    """
    if not (ROOT / "sample_data" / "make_city.py").is_file():
        raise UnavailableError(
            "the demo city is made by a checkout of the repository; from a wheel, make a city of "
            "your own: citytwin init, citytwin load"
        )
    if str(ROOT) not in sys.path:
        sys.path.append(str(ROOT))
    from sample_data.make_city import build

    with _bar() as told:
        return build(engine, data_dir=data_dir, buildings=buildings, progress=told).name


@contextmanager
def _bar() -> Iterator[Told]:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("making the demo city", total=None)

        def told(text: str, done: int, total: int) -> None:
            bar.update(task, description=text, completed=done, total=total or None)

        yield told
