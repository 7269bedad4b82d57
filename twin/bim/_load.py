"""A building model from the file to the city, in one transaction."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import psycopg
from sqlalchemy import Connection as SqlConnection
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from twin.bim._decide import decide
from twin.bim._georef import Georeference, Place, UnknownPlaceError, parse_place
from twin.bim._limits import Limits
from twin.bim._placed import place as set_down
from twin.bim._step import check_envelope
from twin.bim._store import store
from twin.bim._verdict import RefusedModelError, Verdict
from twin.bim._worker import read_apart
from twin.crs import Frame
from twin.database import open_city
from twin.errors import InvalidInputError, NotFoundError
from twin.quality import judged

Progress = Callable[[str, int, int | None], None]

_FORMER_PLACE = """
    SELECT report->'place' FROM twin.load
    WHERE  layer = 'bim' AND source = %s AND report->>'accepted' = 'true'
    ORDER  BY id DESC LIMIT 1
"""


def load_file(
    engine: Engine,
    file: Path,
    *,
    place: str | None,
    georeference: str | None,
    crs: str | None,
    source: str | None,
    limits: Limits,
    dry_run: bool,
    quality: bool,
    data_dir: Path | None,
    progress: Progress,
) -> Verdict:
    """Load a model as `twin.bim.load_model` says."""
    started = time.monotonic()
    if not file.exists():
        raise NotFoundError(f"there is no file {file}")
    if not file.is_file():
        raise InvalidInputError(f"{file} is not a file")
    said = {
        "place": (parse_place(place) if place else Place()).as_dict(),
        "georeference": georeference,
        "crs": crs,
    }
    verdict = Verdict(
        file.name,
        source or file.stem,
        file.stat().st_size,
        place=said,
        limits=limits.as_dict(),
        dry_run=dry_run,
    )
    with tempfile.TemporaryDirectory(prefix="citytwin-bim-") as folder:
        try:
            document = _read(file, Path(folder), limits, progress, verdict)
            progress("writing", 0, None)
            load_id = _into_city(engine, document, Path(folder), verdict)
        except RefusedModelError:
            raise
        except InvalidInputError as error:
            if isinstance(error, UnknownPlaceError):
                verdict.georeference = error.georeference.as_dict()
            raise _refused(verdict, str(error)) from error
    verdict.seconds = round(time.monotonic() - started, 3)
    if quality and not dry_run:
        verdict.quality = judged(engine, load_id, data_dir, progress)
    return verdict


def _read(
    file: Path, folder: Path, limits: Limits, progress: Progress, verdict: Verdict
) -> dict[str, Any]:
    """Return what the file holds, as far as it can be loaded at all."""
    verdict.schema = check_envelope(file)
    with file.open("rb") as content:
        verdict.sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    document = read_apart(file, folder, limits, progress)
    verdict.found(document)
    if not document["units"]["stated"]:
        raise InvalidInputError("it does not say its unit of length (IfcUnitAssignment)")
    if not document["buildings"]:
        solid = verdict.elements["with_geometry"]
        raise InvalidInputError(
            f"there is no building in it; {verdict.elements['found']} elements, {solid} of them "
            "with geometry" + _why_none(verdict)
        )
    if document["middle"] is None:
        raise InvalidInputError("nothing in it has geometry" + _why_none(verdict))
    return document


def _why_none(verdict: Verdict) -> str:
    reasons = [each["reason"] for each in verdict.elements["without_geometry"][:3]]
    said = [*reasons, *(note for note in verdict.notes if note.startswith("the mesher"))][:3]
    return f" ({'; '.join(said)})" if said else ""


def _into_city(engine: Engine, document: dict[str, Any], folder: Path, verdict: Verdict) -> int:
    """Set the model down in one transaction, and return the load's number.

    What goes wrong in it leaves the city as it was.
    """
    try:
        with engine.connect() as connection, connection.begin() as transaction:
            load_id = _write(connection, document, folder, verdict)
            if verdict.dry_run:
                transaction.rollback()
            return load_id
    except (DBAPIError, psycopg.Error) as error:
        # Only here: it brings a compiler with it.
        from twin.ingest._target import in_words

        cause = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(cause, psycopg.Error):
            raise in_words(cause) from error
        raise


def _write(
    connection: SqlConnection, document: dict[str, Any], folder: Path, verdict: Verdict
) -> int:
    with Session(connection, join_transaction_mode="rollback_only") as session:
        frame = open_city(session).frame
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    # Loads of models take turns: what is there must not change under the comparison.
    driver.execute("SELECT pg_advisory_xact_lock(hashtext('twin.load'), hashtext('bim'))")
    decided = _decide(driver, document, frame, verdict)
    verdict.georeference = decided.as_dict()
    verdict.notes += decided.notes
    assert decided.used is not None
    assert decided.used.stand is not None
    document["source"] = verdict.source
    placed = set_down(document, folder, decided.used.stand, frame.srid)
    _tell_levels(verdict, placed.rows["storey"])
    row = driver.execute(
        "INSERT INTO twin.load (layer, source, files) VALUES ('bim', %s, %s) RETURNING id",
        [verdict.source, orjson.dumps([verdict.file]).decode()],
    ).fetchone()
    assert row is not None
    driver.execute("SELECT set_config('twin.load_id', %s, true)", [str(row[0])])
    changes = store(
        driver, placed.rows, placed.meshes.values(), source=verdict.source, load_id=row[0]
    )
    verdict.changes = changes.as_dict()
    verdict.accepted = True
    driver.execute(
        "UPDATE twin.load SET report = %s WHERE id = %s",
        [orjson.dumps(verdict.as_dict()).decode(), row[0]],
    )
    return int(row[0])


def _decide(
    driver: psycopg.Connection[Any], document: dict[str, Any], frame: Frame, verdict: Verdict
) -> Georeference:
    """Return where the model stands: as is said now, as was said at the last load, as it says."""
    said = verdict.place
    nothing = {"place": Place().as_dict(), "georeference": None, "crs": None}
    if said == nothing:
        former = driver.execute(_FORMER_PLACE, [verdict.source]).fetchone()
        if former is not None and former[0] and former[0] != nothing:
            said = verdict.place = former[0]
            verdict.notes.append("set down as was said at the last load of this source")
    middle = document["middle"]
    return decide(
        document["georeference"],
        frame,
        middle=(middle[0], middle[1]),
        unit_m=document["units"]["length_m"],
        place=Place(**said["place"]),
        choice=said["georeference"],
        crs=said["crs"],
    )


def _tell_levels(verdict: Verdict, rows: list[dict[str, Any]]) -> None:
    """Add to the verdict's storeys the levels they have in the city."""
    levels = {row["source_id"]: row for row in rows}
    for storey in verdict.storeys:
        row = levels[storey["guid"]]
        storey |= {name: row[name] for name in ("number", "floor_z_m", "height_m", "height_from")}


def _refused(verdict: Verdict, reason: str) -> RefusedModelError:
    verdict.accepted, verdict.reason, verdict.changes = False, reason, {}
    return RefusedModelError(verdict)
