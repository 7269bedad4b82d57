"""Tile servers that answer for the same buildings: ours and the peers, all started alike."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from benchmarks._bench import Bench
from benchmarks._load import Load, cpu_s, listening, load
from benchmarks._peers import (
    free_port,
    pg_tileserv,
    python_with,
    serving,
    socket_in_host,
    tool,
)
from benchmarks._served import our_server
from benchmarks._tiles import FIELDS, await_columns, martin_server
from tiles.grid import Tile
from twin.errors import UnavailableError

CONNECTIONS = 8
_POOL = 4
_MOST = 10_000_000
"""No peer leaves features out for their number."""


@dataclass(frozen=True)
class Contender:
    """One server and how it is asked for a tile of the buildings."""

    name: str
    address: str
    folder: str
    ending: str
    pids: Sequence[int]
    """The server's processes, and the database's if it makes tiles there."""

    def path(self, tile: Tile) -> str:
        """Return the path of a tile."""
        return f"{self.folder}/{tile.z}/{tile.x}/{tile.y}{self.ending}"

    def url(self, tile: Tile) -> str:
        """Return the whole address of a tile."""
        return self.address + self.path(tile)

    def loaded(self, tiles: Sequence[Tile], folder: Path, *, seconds: int) -> Load:
        """Ask for tiles in turn, from several connections, as fast as they come."""
        return load(
            self.address,
            [self.path(tile) for tile in tiles],
            folder,
            pids=self.pids,
            seconds=seconds,
            connections=CONNECTIONS,
        )


def database_pid(bench: Bench) -> int:
    """Return PostgreSQL's first process."""
    file = bench.folder / "data" / "cluster" / "data" / "postmaster.pid"
    return int(file.read_text().split()[0])


@contextmanager
def citytwin(bench: Bench, engine: Engine, *, workers: int = 1) -> Iterator[Contender]:
    """Serve as a user would, without memory for tiles."""
    words = () if workers == 1 else ("--workers", str(workers))
    with our_server(bench, engine, *words, TWIN_TILE_MEMORY_BYTES="0") as address:
        for _ in range(1 if workers == 1 else 12):
            await_columns(address)
        name = "citytwin" if workers == 1 else f"citytwin, {workers} processes"
        # The database works for us too, when it does: for columns, or a tile it has to write.
        pids = [*_pids(address), database_pid(bench)]
        yield Contender(name, address, "/tiles/building", "", pids)


@contextmanager
def martin(
    bench: Bench, engine: Engine, *, cache: bool = False, table: str = "building", srid: int = 4548
) -> Iterator[Contender]:
    """Serve by Martin 1.14.0."""
    with martin_server(bench, engine, cache=cache, table=table, srid=srid) as address:
        pids = [*_pids(address), database_pid(bench)]
        yield Contender("Martin 1.14.0", address, "/building", "", pids)


@contextmanager
def tipg(bench: Bench, engine: Engine) -> Iterator[Contender]:
    """Serve by TiPg 1.6.1."""
    python, port = python_with("tipg==1.6.1", "uvicorn"), free_port()
    env = {
        "DATABASE_URL": socket_in_host(engine.url.render_as_string(hide_password=False)),
        "TIPG_DB_SCHEMAS": '["twin"]',
        "TIPG_DB_TABLES": '["twin.building"]',
        "TIPG_TILE_BUFFER": "64",
        "TIPG_MAX_FEATURES_PER_TILE": str(_MOST),
        "TIPG_SET_MVT_LAYERNAME": "true",
        "TIPG_CATALOG_TTL": "0",
        "DB_MAX_CONN_SIZE": str(_POOL),
    }
    command: list[str | Path] = [python, "-m", "uvicorn", "tipg.main:app", "--port", str(port)]
    command += ["--log-level", "warning"]
    with serving(command, port, env=env, log=bench.folder / "tipg.log") as address:
        pids = [*_pids(address), database_pid(bench)]
        folder = "/collections/twin.building/tiles/WebMercatorQuad"
        yield Contender(
            "TiPg 1.6.1", address, folder, f"?properties={','.join(('id', *FIELDS))}", pids
        )


@contextmanager
def tileserv(bench: Bench, engine: Engine) -> Iterator[Contender]:
    """Serve by pg_tileserv 1.0.11; raises UnavailableError where it cannot be had."""
    program, port = pg_tileserv(), free_port()
    env = {
        "DATABASE_URL": socket_in_host(engine.url.render_as_string(hide_password=False)),
        "TS_HTTPHOST": "127.0.0.1",
        "TS_HTTPPORT": str(port),
        "TS_DBPOOLMAXCONNS": str(_POOL),
        "TS_DEFAULTBUFFER": "64",
        "TS_DEFAULTRESOLUTION": "4096",
        "TS_MAXFEATURESPERTILE": "-1",
    }
    log = bench.folder / "pg_tileserv.log"
    with serving([program, "--no-preview"], port, env=env, log=log) as address:
        pids = [*_pids(address), database_pid(bench)]
        ending = f".pbf?properties={','.join(FIELDS)}"
        yield Contender("pg_tileserv 1.0.11", address, "/twin.building", ending, pids)


def sql_floor(
    bench: Bench, engine: Engine, tiles: Sequence[Tile], *, seconds: int
) -> tuple[float, float]:
    """Return how many tiles a second the bare SQL of pg_tileserv gives, and its CPU in µs a tile.

    Two connections keep both of the machine's cores on the statement that it sends, with neither
    HTTP nor gzip: no server that sends it can be faster.
    """
    pgbench = _pgbench()
    files = []
    for number, tile in enumerate(tiles[:100]):
        file = bench.folder / f"tile-{number}.sql"
        file.write_text(_FLOOR.format(z=tile.z, x=tile.x, y=tile.y).replace("\n", " ") + "\n")
        files += ["-f", str(file)]
    database = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    command = [pgbench, "-n", "-c", "2", "-j", "1", "-T", str(seconds), *files, database]
    pids = [database_pid(bench)]
    before = cpu_s(pids)
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    spent_s = cpu_s(pids) - before
    found = re.search(r"tps = ([\d.]+)", told)
    if found is None:
        raise UnavailableError(f"pgbench told nothing: {told}")
    per_s = float(found[1])
    return per_s, spent_s / (per_s * seconds) * 1e6


_FLOOR = """
    WITH mvtgeom AS (
        SELECT ST_AsMVTGeom(ST_Transform(ST_Force2D(t.geom), 3857), bounds.geom_clip, 4096, 64)
                   AS geom, t.name, t.use, t.height_m, t.storeys, t.id
        FROM   twin.building t, (
                   SELECT ST_TileEnvelope({z}, {x}, {y}) AS geom_clip,
                          ST_TileEnvelope({z}, {x}, {y}, margin => 64.0 / 4096) AS geom_query
               ) AS bounds
        WHERE  ST_Intersects(t.geom, ST_Transform(bounds.geom_query, 4548))
    )
    SELECT ST_AsMVT(mvtgeom.*, 'twin.building', 4096, 'geom', 'id') FROM mvtgeom;
"""


def _pgbench() -> str:
    found = shutil.which("pgbench") or next(
        (str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/pgbench"))), None
    )
    if found is None:
        return tool("pgbench", "postgresql-15")
    return found


def _pids(address: str) -> list[int]:
    return listening(int(address.rpartition(":")[2]))
