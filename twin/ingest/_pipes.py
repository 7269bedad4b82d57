"""Pipe networks into ``pipe_node`` and ``pipe_segment``, both in the load's one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from pathlib import Path

import numpy as np
import shapely

from twin.errors import InvalidInputError
from twin.ingest._features import Chunk, Network, NetworkRequest, Reader
from twin.ingest._fields import FIELDS
from twin.ingest._frames import which_frame
from twin.ingest._job import Job, Seen
from twin.ingest._plan import make_plan
from twin.ingest._shapes import LINE, POINT
from twin.ingest._table import TableLoader

TABLES = ("pipe_node", "pipe_segment")
_SHORT_NAMES = {"node": "pipe_node", "segment": "pipe_segment"}


def choose_reader(path: Path, candidates: list[Reader]) -> Reader:
    """Return the one reader of pipe networks that takes a file.

    Raises
    ------
    InvalidInputError
        If none does, or more than one.
    """
    found = [one for one in candidates if one.claims is None or one.claims(path)]
    if len(found) == 1:
        return found[0]
    titles = "; ".join(f"{one.title['en']} ({', '.join(one.suffixes)})" for one in candidates)
    if found:
        raise InvalidInputError(
            f"{path.name} could be {' or '.join(one.title['en'] for one in found)}: "
            "its contents fit both"
        )
    raise InvalidInputError(
        f"{path.name} holds no pipe network that is known; what it could be by its ending: {titles}"
    )


def pipes_into_tables(job: Job) -> None:
    """Load a network's nodes, then the segments that hang between them."""
    network = _read(job)
    _require_something(network)
    given = job.crs or job.datum or network.nodes.crs
    if given is None:
        raise InvalidInputError(_question(job, network))
    for table, features, kind in (
        ("pipe_node", network.nodes, POINT),
        ("pipe_segment", network.segments, LINE),
    ):
        if features.total == 0:
            job.reader_says(features)
            continue
        part = copy(job)
        part.layer, part.seen = table, Seen()
        before = job.tally.loaded, job.tally.updated, job.tally.unchanged
        plan = make_plan(table, features, mapping_for(table, job.mapping, network))
        TableLoader(part, features, plan, kind, True).run()
        part.reader_says(features)
        job.made, job.crs_found, job.crs_used = part.made, part.crs_found, part.crs_used
        after = job.tally.loaded, job.tally.updated, job.tally.unchanged
        new, changed, same = (b - a for a, b in zip(before, after, strict=True))
        job.tally.note(f"{table}: {new} new, {changed} changed, {same} unchanged")


def _require_something(network: Network) -> None:
    """Refuse a network of which nothing can be drawn."""
    if (network.nodes.total, network.segments.total) != (0, 0):
        return
    name = network.nodes.layer_name
    lost = sum(map(len, network.nodes.rejected.values()))
    if lost:
        raise InvalidInputError(
            f"{name}: none of its {lost} nodes has coordinates, so there is nothing to draw"
        )
    raise InvalidInputError(f"{name}: no node and no link of a pipe network in it")


def _read(job: Job) -> Network:
    readers = {reader.id: reader for _, _, reader in job.files}
    if len(readers) > 1:
        raise InvalidInputError(
            f"files of several formats in one load ({', '.join(readers)}): load them one by one"
        )
    reader = next(iter(readers.values()))
    assert reader.network is not None
    files = tuple((path, sublayer) for path, sublayer, _ in job.files)
    return reader.network(NetworkRequest(files, job.frame, job.crs, job.datum, job.mapping))


def mapping_for(table: str, mapping: Mapping[str, str], network: Network) -> dict[str, str]:
    """Return the part of a caller's mapping that is for one of the two tables.

    ``kind==gas`` is for every table that has the field, ``node.owner=COLUMN`` for one alone.  A
    column is looked for in the tables that have the field, and must be in one of them.
    """
    chosen = {}
    for key, given in mapping.items():
        if key in network.took:
            continue
        head, dot, name = key.partition(".")
        alone = _SHORT_NAMES.get(head) if dot else None
        field = name if alone else key
        takers = [one for one in TABLES if (alone in (None, one)) and _has(one, field)]
        if not takers:
            known = ", ".join(dict.fromkeys(one.column for t in TABLES for one in FIELDS[t]))
            raise InvalidInputError(f"a pipe network has no field {key!r}; it has {known}")
        if table not in takers:
            continue
        here, there = (
            (network.nodes, network.segments)
            if table == "pipe_node"
            else (network.segments, network.nodes)
        )
        elsewhere = len(takers) > 1 and _column(given) in there.columns
        if given.startswith("=") or _column(given) in here.columns or not elsewhere:
            chosen[field] = given
    return chosen


def _has(table: str, field: str) -> bool:
    return any(one.column == field for one in FIELDS[table])


def _column(given: str) -> str:
    return given.split(">")[0].split("*")[0].strip()


def _question(job: Job, network: Network) -> str:
    """Return what to ask where nobody says which frame a network's coordinates are in."""
    held: list[Chunk] = [*network.nodes.chunks, *network.segments.chunks]
    wkb = [cell for chunk in held if chunk.wkb is not None for cell in chunk.wkb.to_pylist()]
    x, y = shapely.get_coordinates(shapely.from_wkb(wkb)).T
    sound = np.isfinite(x) & np.isfinite(y)
    return which_frame(job.frame, network.nodes.layer_name, x[sound], y[sound], network.hint)
