"""MBTiles 1.3: tiles in an SQLite file, rows counted from the south.

https://github.com/mapbox/mbtiles-spec/blob/master/1.3/spec.md
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tiles.archives._archive import About, Archive, Batch

_TABLES = """
    PRAGMA page_size = 16384;
    -- The number by which others know MBTiles files: "MPBX".
    PRAGMA application_id = 0x4d504258;
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA locking_mode = EXCLUSIVE;
    CREATE TABLE metadata (name text PRIMARY KEY, value text);
    -- The same content is kept once; readers see the table that the specification describes.
    CREATE TABLE images (tile_id integer PRIMARY KEY, tile_data blob NOT NULL);
    CREATE TABLE map (
        zoom_level integer, tile_column integer, tile_row integer, tile_id integer NOT NULL,
        PRIMARY KEY (zoom_level, tile_column, tile_row)
    ) WITHOUT ROWID;
    CREATE VIEW tiles AS
        SELECT map.zoom_level, map.tile_column, map.tile_row, images.tile_data
        FROM   map JOIN images ON images.tile_id = map.tile_id;
"""


class _Writer:
    """Writes tiles in one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._known: dict[bytes, int] = {}
        self._contents = 0
        connection.executescript(_TABLES)
        connection.execute("BEGIN")

    def add(self, batch: Batch) -> None:
        """Write tiles; content that was written before is only pointed to."""
        numbers, fresh = [], []
        for tile, digest in zip(batch.tiles, batch.digests, strict=True):
            number = None if digest is None else self._known.get(digest)
            if number is None:
                number, self._contents = self._contents, self._contents + 1
                if digest is not None:
                    self._known[digest] = number
                fresh.append((number, tile))
            numbers.append(number)
        last = 2**batch.zoom - 1
        places = [
            (batch.zoom, x, last - y, number)
            for x, y, number in zip(batch.x.tolist(), batch.y.tolist(), numbers, strict=True)
        ]
        self._connection.executemany("INSERT INTO images VALUES (?, ?)", fresh)
        self._connection.executemany("INSERT INTO map VALUES (?, ?, ?, ?)", places)

    def finish(self, about: About) -> None:
        """Write the metadata."""
        west, south, east, north = about.box
        told = {
            "name": about.name,
            "format": "pbf",
            "bounds": f"{west:.7f},{south:.7f},{east:.7f},{north:.7f}",
            "center": ",".join(str(value) for value in about.center),
            "minzoom": str(about.zooms[0]),
            "maxzoom": str(about.zooms[1]),
            "attribution": about.attribution,
            "description": about.description,
            "type": "overlay",
            "version": "1",
            "json": json.dumps({"vector_layers": list(about.vector_layers)}, ensure_ascii=False),
            **{
                name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                for name, value in about.facts.items()
            },
        }
        self._connection.executemany("INSERT INTO metadata VALUES (?, ?)", told.items())
        self._connection.execute("COMMIT")


@contextmanager
def _write(path: Path) -> Iterator[_Writer]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield _Writer(connection)


ARCHIVE = Archive("mbtiles", "MBTiles 1.3", _write)
