"""What a verb is, and what several of them do."""

import signal
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from api.settings import Settings
from twin.cluster import attach
from twin.database import City, connect, open_city, upgrade_city
from twin.errors import UnavailableError


@dataclass(frozen=True)
class Verb:
    """One verb: its name, what it does in one line, its arguments, and the doing."""

    id: str
    help: str
    arguments: Callable[[ArgumentParser], None]
    run: Callable[[Namespace, Settings], int]


def say(text: str) -> None:
    """Tell the person at the terminal what is going on; results go to the standard output."""
    print(text, file=sys.stderr, flush=True)


def no_arguments(_: ArgumentParser) -> None:
    """Take no arguments."""


@contextmanager
def stoppable() -> Iterator[None]:
    """Let SIGTERM stop what is being prepared as Ctrl-C does."""

    def stop(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def database(settings: Settings) -> Iterator[Engine]:
    """Open the database of the settings, starting the private server if need be.

    The tables of a city that is there are brought up to date first.
    """
    with attach(
        settings.data_dir,
        database_url=settings.database_url,
        pg_bin=settings.pg_bin,
        progress=say,
    ) as cluster:
        engine = connect(cluster.ensure_database(settings.database), pool_size=4)
        try:
            upgrade_city(engine)
            yield engine
        except OperationalError as error:
            reason = str(error.orig).strip().splitlines()[0]
            raise UnavailableError(f"the database gave up: {reason}") from error
        finally:
            engine.dispose()


@contextmanager
def city(settings: Settings) -> Iterator[City]:
    """Open the city of the settings.

    Raises
    ------
    NotFoundError
        If there is none yet.
    """
    with database(settings) as engine, Session(engine) as session:
        yield open_city(session, data_dir=settings.data_dir)
