"""Columns of several layers at one and the same moment of the city."""

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from layers import Layer
from tiles._covered import State
from tiles.build import build, fetch, home, open_or_build
from tiles.columns import Columns
from tiles.versions import snapshot
from twin.changes import Position, latest, since
from twin.crs import Frame
from twin.database import open_city
from twin.errors import UnavailableError

_MANY = 50_000
"""More changes than this are quicker read as a whole layer."""
_TRIES = 5


@dataclass(frozen=True)
class Moment:
    """Layers as they were when one snapshot of the database was taken."""

    city: str
    frame: Frame
    position: Position
    states: Sequence[State]


def columns_at_once(engine: Engine, layers: Sequence[Layer], folder: Path) -> Moment:
    """Return some layers' columns, all at the same position of the change feed.

    Parameters
    ----------
    engine : Engine
        The city's database.
    layers : sequence of Layer
        What is wanted.
    folder : Path
        Where the service keeps its columns; what it has made is opened, what is missing is made
        and left for it.

    Raises
    ------
    UnavailableError
        If the layers are loaded anew again and again meanwhile.

    Notes
    -----
    The columns on the disk are older than the city by different amounts.  One transaction that sees
    one state of the database reads what each of them lacks, as a server does that starts.
    """
    place = home(folder, engine.url.render_as_string(hide_password=False))
    found: dict[str, Columns] = {}
    for _ in range(_TRIES):
        for layer in layers:
            if layer.id not in found:
                found[layer.id] = _opened(engine, layer, place / layer.id)
        with snapshot(engine) as connection, Session(connection) as session:
            city, position = open_city(session), latest(session)
            late = [
                layer
                for layer in layers
                if not _caught_up(session, layer, found[layer.id], position)
            ]
        if not late:
            return Moment(
                city.name,
                city.frame,
                position,
                [(found[layer.id], found[layer.id].snapshot) for layer in layers],
            )
        for layer in late:
            with _turn(place / layer.id):
                found[layer.id] = build(engine, layer, place / layer.id)
    raise UnavailableError(
        f"{', '.join(layer.id for layer in late)}: loaded anew again and again; try when it is done"
    )


def _opened(engine: Engine, layer: Layer, folder: Path) -> Columns:
    with _turn(folder):
        return open_or_build(engine, layer, folder)


def _caught_up(session: Session, layer: Layer, columns: Columns, end: Position) -> bool:
    """Bring columns up to a position; return whether they can be."""
    ids: set[int] = set()
    at, seen = columns.position, 0
    while at < end:
        changes = since(session, at)
        own = [change for change in changes if change.layer == layer.id]
        ids |= {change.feature_id for change in own if change.feature_id is not None}
        seen += len(changes)
        if seen > _MANY or any(change.operation == "L" for change in own):
            return False
        at = changes[-1].position if changes else end
    if ids:
        columns.apply(list(ids), fetch(session.connection(), layer, list(ids)), end)
    return True


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """Wait until no other process makes these columns: what the first has made, the others open."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".turn").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield
