"""A load from the files named to the report, in one transaction."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import orjson
import psycopg
from sqlalchemy import Connection as SqlConnection
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from twin.database import open_city
from twin.datum import Datum
from twin.errors import InvalidInputError, NotFoundError, UnavailableError
from twin.ingest import LAYERS, NETWORK, RASTERS, readers
from twin.ingest._features import Reader
from twin.ingest._job import Job, Progress
from twin.ingest._pipes import TABLES as PIPE_TABLES
from twin.ingest._pipes import choose_reader, pipes_into_tables
from twin.ingest._rasters import rasters_into_city
from twin.ingest._readings import readings_into_table
from twin.ingest._report import LoadReport
from twin.ingest._roads import roads_into_graph
from twin.ingest._table import features_into_tables
from twin.ingest._target import in_words
from twin.quality import judged

_LOCKED = {"road": ("road_edge",), NETWORK: PIPE_TABLES}
"""The tables behind layers that are called otherwise."""


def load_files(
    engine: Engine,
    layer: str,
    files: Sequence[Path],
    *,
    data_dir: Path,
    mapping: Mapping[str, str],
    crs: str | None,
    datum: Datum | None,
    source: str | None,
    heights: str | None,
    geoid: Path | None,
    dry_run: bool,
    judged_up_to: int,
    progress: Progress,
) -> LoadReport:
    """Load files as `twin.ingest.load` says."""
    if layer not in LAYERS:
        raise NotFoundError(f"there is no layer {layer!r} to load; there are {', '.join(LAYERS)}")
    if not files:
        raise InvalidInputError("no file was given")
    if crs is not None and datum is not None:
        raise InvalidInputError("give --crs or --datum, not both: a datum is degrees already")
    opened = [_find(Path(file), layer) for file in files]
    name = source or _called_by(opened[:1] if layer != NETWORK else opened)
    job = Job(
        layer=layer,
        files=opened,
        data_dir=data_dir,
        mapping=mapping,
        crs=crs,
        datum=datum,
        source=name,
        heights=heights,
        geoid=geoid,
        dry_run=dry_run,
        progress=progress,
    )
    report = _all_or_nothing(engine, job)
    if dry_run:
        return report
    if report.loaded + report.updated > judged_up_to:
        return replace(report, quality={"later": job.load_id})
    return replace(report, quality=judged(engine, job.load_id, data_dir, progress))


def _called_by(opened: Sequence[tuple[Path, str | None, Reader]]) -> str:
    """Return the source's name by the files', in whatever order they were given."""
    return "+".join(sorted(path.name.split(".", 1)[0] for path, _, _ in opened))


def _all_or_nothing(engine: Engine, job: Job) -> LoadReport:
    """Run a job in one transaction; an error in it is told in the domain's words."""
    started = time.monotonic()
    try:
        with engine.connect() as connection, connection.begin() as transaction:
            report = _run(job, connection, started)
            if job.dry_run:
                transaction.rollback()
        job.after(kept=not job.dry_run)
    except BaseException as error:
        job.after(kept=False)
        cause = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(cause, psycopg.Error):
            raise in_words(cause) from error
        if isinstance(error, OSError):
            raise UnavailableError(
                f"{error.filename or job.data_dir}: {error.strerror or error}; "
                "the city is as it was before"
            ) from error
        raise
    return report


def _find(file: Path, layer: str) -> tuple[Path, str | None, Reader]:
    """Return a file's path, the layer named in it, and the reader of its format."""
    path, sublayer = file, None
    if not file.exists() and "#" in file.name:
        plain, _, sublayer = file.name.rpartition("#")
        path = file.with_name(plain)
    if not path.exists():
        raise NotFoundError(f"there is no file {path}")
    if not path.is_file():
        raise InvalidInputError(f"{path} is not a file")
    if path.stat().st_size == 0:
        raise InvalidInputError(f"{path.name} is empty")
    usable = [one for one in readers().values() if (one.network is not None) == (layer == NETWORK)]
    found = [
        (suffix, reader)
        for reader in usable
        for suffix in reader.suffixes
        if path.name.lower().endswith(suffix)
    ]
    if not found:
        known = sorted({suffix for reader in usable for suffix in reader.suffixes})
        network = any(
            path.name.lower().endswith(suffix)
            for one in readers().values()
            if one.network is not None
            for suffix in one.suffixes
        )
        raise InvalidInputError(
            f"{path.name} is of no format that can be loaded; these are: {', '.join(known)}"
            + ("; as a pipe network: citytwin load pipe" if network and layer != NETWORK else "")
        )
    if layer == NETWORK:
        return path, sublayer, choose_reader(path, [reader for _, reader in found])
    return path, sublayer, max(found, key=lambda one: len(one[0]))[1]


def _run(job: Job, connection: SqlConnection, started: float) -> LoadReport:
    """Load within a transaction, and return the report, which is kept beside the rows."""
    with Session(connection, join_transaction_mode="rollback_only") as session:
        city = open_city(session)
        job.frame, job.vertical_datum = city.frame, city.vertical_datum
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    job.connection = driver
    # Loads of one layer take turns: what is there already must not change under the comparison.
    for table in _LOCKED.get(job.layer, (job.layer,)):
        driver.execute("SELECT pg_advisory_xact_lock(hashtext('twin.load'), hashtext(%s))", [table])
    row = driver.execute(
        "INSERT INTO twin.load (layer, source, files) VALUES (%s, %s, %s) RETURNING id",
        [job.layer, job.source, orjson.dumps([path.name for path, _, _ in job.files]).decode()],
    ).fetchone()
    assert row is not None
    job.load_id = row[0]
    driver.execute("SELECT set_config('twin.load_id', %s, true)", [str(job.load_id)])
    if job.layer in RASTERS:
        rasters_into_city(job)
    elif job.layer == "road":
        roads_into_graph(job)
    elif job.layer == NETWORK:
        pipes_into_tables(job)
    elif job.layer == "reading":
        readings_into_table(job)
    else:
        features_into_tables(job)
    report = _report(job, time.monotonic() - started)
    if not report.rows_read:
        raise InvalidInputError(f"{', '.join(report.files)}: nothing in it for {job.layer}")
    if report.rows_read == report.rows_rejected:
        raise InvalidInputError(f"not one row could be loaded: {job.tally.why_rejected()}")
    driver.execute(
        "UPDATE twin.load SET report = %s WHERE id = %s",
        [orjson.dumps(report.as_dict()).decode(), job.load_id],
    )
    return report


def _report(job: Job, seconds: float) -> LoadReport:
    tally = job.tally
    return LoadReport(
        layer=job.layer,
        files=tuple(path.name + (f"#{sub}" if sub else "") for path, sub, _ in job.files),
        format=", ".join(dict.fromkeys(reader.id for _, _, reader in job.files)),
        source=job.source,
        rows_read=tally.rows_read,
        loaded=tally.loaded,
        updated=tally.updated,
        unchanged=tally.unchanged,
        repaired=dict(tally.repaired),
        rejected=dict(tally.rejected),
        examples=tally.examples,
        skipped=dict(tally.skipped),
        notes=tuple(tally.notes),
        crs_found=job.crs_found,
        crs_used=job.crs_used,
        datum=job.datum,
        seconds=round(seconds, 3),
        dry_run=job.dry_run,
    )
