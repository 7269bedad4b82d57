"""Our own server on a benchmark's database, and requests that time it."""

import http.client
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import Engine, text

from benchmarks._bench import Bench
from benchmarks._peers import free_port, serving

_TOWN = """
    INSERT INTO twin.building (source, source_id, name, use, height_m, storeys, geom)
    SELECT 'bench', n::text, n % 97 || '号楼', (ARRAY['residential', 'office'])[n % 2 + 1],
           3 * (n % 33 + 1), n % 33 + 1,
           ST_SetSRID(ST_Multi(ST_MakePolygon(ST_MakeLine(ARRAY[
               ST_MakePoint(x, y), ST_MakePoint(x + 12, y), ST_MakePoint(x + 12, y + 10),
               ST_MakePoint(x + 6, y + 10), ST_MakePoint(x + 6, y + 7), ST_MakePoint(x, y + 7),
               ST_MakePoint(x, y)
           ]))), 4548)
    FROM   generate_series(0, :last) AS n,
           LATERAL (
               SELECT 460000 + n % 500 * 20.0 + n % 7 / 3.0 AS x,
                      2580000 + n / 500 * 20.0 + n % 11 / 3.0 AS y
           ) AS corner
"""


def build_town(engine: Engine, houses: int) -> None:
    """Fill a city with houses in rows, 500 in a row, 20 m apart."""
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL twin.load_id = '1'"))
        connection.execute(text(_TOWN), {"last": houses - 1})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE twin.building"))


@contextmanager
def our_server(bench: Bench, engine: Engine, *arguments: str, **settings: str) -> Iterator[str]:
    """Serve the engine's city as a user would, by ``citytwin serve``; return the address."""
    port = free_port()
    env = {
        "TWIN_DATABASE_URL": engine.url.render_as_string(hide_password=False),
        "TWIN_DATA_DIR": str(bench.folder / "served"),
        "TWIN_PORT": str(port),
        **settings,
    }
    command: list[str | Path] = [Path(sys.executable).with_name("citytwin"), "serve", *arguments]
    with serving(command, port, env=env, log=bench.folder / "ours.log") as address:
        yield address


class Client:
    """One connection that stays open, as a browser's does."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)

    def get(self, path: str) -> bytes:
        """Return the body of a 200 or 204 answer."""
        self._connection.request("GET", path)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status not in (200, 204):
            raise RuntimeError(f"{answer.status} for {path}: {body[:500]!r}")
        return body

    def close(self) -> None:
        """Hang up."""
        self._connection.close()
