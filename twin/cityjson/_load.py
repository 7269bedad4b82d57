"""A CityJSON file into the city, in one transaction."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import psycopg
from sqlalchemy import Connection as SqlConnection
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from twin.cityjson._buildings import Family
from twin.cityjson._flatten import Flat, flatten, owners
from twin.cityjson._header import Floats
from twin.cityjson._kin import check_kin
from twin.cityjson._measure import Measured, measured
from twin.cityjson._placing import Placing, Wish, placing
from twin.cityjson._rows import Row, geometry_row, mesh_of, object_row
from twin.cityjson._source import Part, Source, open_source
from twin.cityjson._store import Store
from twin.cityjson._verdict import RefusedCityError, Verdict
from twin.database import City, open_city
from twin.errors import InvalidInputError, NotFoundError

Progress = Callable[[str, int, int | None], None]

LAYER = "cityjson"
_SUFFIXES = (".gz", ".json", ".jsonl", ".ndjson", ".jsonseq", ".city")

_FORMER_PLACE = """
    SELECT report->'place' FROM twin.load
    WHERE  layer = 'cityjson' AND source = %s AND report->>'accepted' = 'true'
    ORDER  BY id DESC LIMIT 1
"""
_OTHERS = """
    -- Buildings of this source that no city object stands for.
    SELECT count(*) FROM twin.building AS b
    WHERE  b.source = %s AND NOT b.attrs ? 'city_object'
"""


@dataclass(frozen=True)
class Asked:
    """What the caller says of a load."""

    crs: str | None
    heights: str | None
    geoid: Path | None
    progress: Progress


def load_file(
    engine: Engine, file: Path, asked: Asked, *, source: str | None, dry_run: bool
) -> Verdict:
    """Load a file as `twin.cityjson.load_cityjson` says."""
    started = time.monotonic()
    if not file.exists():
        raise NotFoundError(f"there is no file {file}")
    if not file.is_file():
        raise InvalidInputError(f"{file} is not a file")
    verdict = Verdict(
        file.name, source or source_of(file), file.stat().st_size, dry_run=dry_run,
        place={"crs": asked.crs, "heights": asked.heights},
    )  # fmt: skip
    try:
        asked.progress("reading", 0, None)
        opened = open_source(file)
        verdict.form, verdict.version = opened.form, opened.header.version
        verdict.crs = {"found": opened.header.crs_found}
        _into_city(engine, opened, asked, verdict)
    except RefusedCityError:
        raise
    except orjson.JSONEncodeError as error:
        reason = f"what it says of an object cannot be kept as JSON: {error}"
        verdict.accepted, verdict.reason, verdict.changes = False, reason, {}
        raise RefusedCityError(verdict) from error
    except InvalidInputError as error:
        verdict.accepted, verdict.reason, verdict.changes = False, str(error), {}
        raise RefusedCityError(verdict) from error
    verdict.seconds = round(time.monotonic() - started, 3)
    return verdict


def source_of(file: Path) -> str:
    """Return what a file's source is called if nobody says: its name without what it ends in.

    >>> source_of(Path("/data/delft.city.json")), source_of(Path("3dbag.v1.city.jsonl.gz"))
    ('delft', '3dbag.v1')
    """
    name = file.name
    while name.lower().endswith(_SUFFIXES) and "." in name[1:]:
        name = name[: name.rindex(".")]
    return name


def _into_city(engine: Engine, opened: Source, asked: Asked, verdict: Verdict) -> None:
    """Load all in one transaction; what goes wrong in it leaves the city as it was."""
    try:
        with engine.connect() as connection, connection.begin() as transaction:
            _write(connection, opened, asked, verdict)
            if verdict.dry_run:
                transaction.rollback()
    except (DBAPIError, psycopg.Error) as error:
        # Only here: it brings a compiler with it.
        from twin.ingest._target import in_words

        cause = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(cause, psycopg.Error):
            raise in_words(cause) from error
        raise


def _write(connection: SqlConnection, opened: Source, asked: Asked, verdict: Verdict) -> None:
    with Session(connection, join_transaction_mode="rollback_only") as session:
        city = open_city(session)
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    # Loads of city objects take turns: what is there must not change under the comparison.
    driver.execute("SELECT pg_advisory_xact_lock(hashtext('twin.load'), hashtext('cityjson'))")
    _refuse_a_foreign_source(driver, verdict.source)
    wish = _wish(driver, city, asked, verdict)
    load = _Load(opened, wish, Store(driver, city.frame.srid), verdict)
    for parts in opened.batches:
        load.take(parts)
        asked.progress("reading", verdict.objects["found"], None)
    load.finish()
    asked.progress("writing", verdict.objects["found"], None)
    row = driver.execute(
        "INSERT INTO twin.load (layer, source, files) VALUES (%s, %s, %s) RETURNING id",
        [LAYER, verdict.source, orjson.dumps([verdict.file]).decode()],
    ).fetchone()
    assert row is not None
    driver.execute("SELECT set_config('twin.load_id', %s, true)", [str(row[0])])
    verdict.changes = load.store.write(verdict.source, row[0]).as_dict()
    verdict.accepted = True
    driver.execute(
        "UPDATE twin.load SET report = %s WHERE id = %s",
        [orjson.dumps(verdict.as_dict()).decode(), row[0]],
    )


def _refuse_a_foreign_source(driver: psycopg.Connection[Any], source: str) -> None:
    found = driver.execute(_OTHERS, [source]).fetchone()
    if found is not None and found[0]:
        raise InvalidInputError(
            f"the source {source!r} already has {found[0]:,} buildings that are not from CityJSON, "
            "and a load would take them for its own: give another name by --source"
        )


def _wish(driver: psycopg.Connection[Any], city: City, asked: Asked, verdict: Verdict) -> Wish:
    """Return where the file lies: as is said now, as was said at the last load, as it says."""
    said = verdict.place
    if said == {"crs": None, "heights": None}:
        former = driver.execute(_FORMER_PLACE, [verdict.source]).fetchone()
        if former is not None and former[0] and former[0] != said:
            said = verdict.place = former[0]
            verdict.note(f"taken as was said at the last load of this source: {_spelled(said)}")
    return Wish(city.frame, city.vertical_datum, said["crs"], said["heights"], asked.geoid)


def _spelled(said: dict[str, Any]) -> str:
    return " ".join(f"--{name} {value}" for name, value in said.items() if value is not None)


class _Load:
    """One load under way: batches in, rows into the store."""

    def __init__(self, opened: Source, wish: Wish, store: Store, verdict: Verdict) -> None:
        self.opened, self.wish, self.store, self.verdict = opened, wish, store, verdict
        self.family = Family()
        self.parents: dict[str, list[str]] = {}
        self.children: dict[str, list[str]] = {}
        self.placing: Placing | None = None
        self.waiting: list[Row] = []

    def take(self, parts: list[Part]) -> None:
        """Take one batch: everything of it but the objects goes into the store at once."""
        way = self._way(parts)
        flat = flatten(parts, self.opened.header, in_degrees=way.in_degrees)
        points = way.put(flat)
        several = measured(flat, points)
        self._tell(flat, several)
        told = dict(owners(parts))
        meshes, rows = [], []
        by_owner: dict[str, list[Row]] = {}
        for one in several:
            if not len(one.index):
                self.verdict.note(
                    f"geometry {one.told.position} of {one.told.owner!r} is empty: left out"
                )
                continue
            mesh, centre = mesh_of(one, points)
            row = geometry_row(one, told[one.told.owner]["type"], mesh, centre, points)
            meshes.append(mesh)
            rows.append(row)
            by_owner.setdefault(one.told.owner, []).append(row)
        self.store.meshes(meshes)
        self.store.rows("city_geometry", rows, [row["object"] for row in rows])
        objects = [object_row(name, one, by_owner.get(name, [])) for name, one in told.items()]
        self.verdict.count_objects(objects)
        for row in objects:
            self.family.take(row)
            self.parents[row["source_id"]] = row["parents"]
            self.children[row["source_id"]] = row["children"]
        self.waiting += objects
        self._put_objects(last=False)

    def finish(self) -> None:
        """Put what had to wait for the end of the file."""
        if not self.parents:
            raise InvalidInputError("there are no city objects in it")
        for note in check_kin(self.parents, self.children):
            self.verdict.note(note)
        assert self.placing is not None
        self.verdict.crs = self.placing.as_dict()
        buildings = self.family.rows()
        self.store.rows("building", buildings, [None] * len(buildings))
        self._put_objects(last=True)

    def _put_objects(self, *, last: bool) -> None:
        """Put objects whose building is known; the others wait for the end."""
        ready = self.waiting
        if not last:
            ready = [row for row in ready if not row["object_type"].startswith("Building")]
        ids = {id(row) for row in ready}
        self.waiting = [row for row in self.waiting if id(row) not in ids]
        self.store.rows("city_object", ready, [self._building(row) for row in ready])

    def _building(self, row: Row) -> str | None:
        """Return the building that an object is, or is in: by its own parents, any way up."""
        seen, at = set(), [row["source_id"]]
        while at:
            name = at.pop()
            top = self.family.building_of(name)
            if top is not None:
                return top
            seen.add(name)
            at += [one for one in self.parents.get(name, ()) if one not in seen]
        return None

    def _way(self, parts: list[Part]) -> Placing:
        if self.placing is None:
            seen = [part.vertices for part in parts if len(part.vertices)]
            sample: Floats = np.concatenate(seen) if seen else np.empty((0, 3))
            self.placing, notes = placing(self.opened.header, self.wish, sample)
            for note in (*self.opened.header.notes, *notes):
                self.verdict.note(note)
        return self.placing

    def _tell(self, flat: Flat, several: list[Measured]) -> None:
        for note in flat.notes:
            self.verdict.note(note)
        self.verdict.count_geometries(several)
