"""Tile servers side by side: the same city, the same tiles, the same questions."""

import gzip
import json
import math
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import mapbox_vector_tile
from sqlalchemy import Engine

from benchmarks._bench import Bench
from benchmarks._peers import free_port, martin, serving, socket_in_host
from twin.errors import UnavailableError

FIELDS = {"name": "text", "use": "text", "height_m": "float8", "storeys": "int4"}
_WEST, _SOUTH, _EAST, _NORTH = 116.612, 23.325, 116.704, 23.46
"""Where `build_town` puts 400 000 houses, a little inside."""


def tiles_of_town(zoom: int, rows: int) -> list[tuple[int, int, int]]:
    """Return the tiles of a level that lie in a town of so many rows of houses."""
    side = 2**zoom
    north = _SOUTH + (_NORTH - _SOUTH) * min(rows / 800, 1.0)

    def row(lat: float) -> int:
        return int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * side)

    return [
        (zoom, x, y)
        for x in range(int((_WEST + 180) / 360 * side), int((_EAST + 180) / 360 * side) + 1)
        for y in range(row(north), row(_SOUTH) + 1)
    ]


@contextmanager
def martin_server(
    bench: Bench, engine: Engine, *, cache: bool, table: str = "building", srid: int = 4548
) -> Iterator[str]:
    """Serve the buildings by Martin, with as many workers as we have; return its address."""
    port = free_port()
    database = socket_in_host(engine.url.render_as_string(hide_password=False))
    config = {
        "listen_addresses": f"127.0.0.1:{port}",
        "worker_processes": 1,
        "preferred_encoding": "gzip",
        "postgres": {
            "connection_string": database,
            "pool_size": 4,
            "auto_bounds": "skip",
            "auto_publish": False,
            "tables": {
                "building": {
                    "schema": "twin",
                    "table": table,
                    "srid": srid,
                    "geometry_column": "geom",
                    "id_column": "id",
                    "geometry_type": "MULTIPOLYGON",
                    "extent": 4096,
                    "buffer": 64,
                    "clip_geom": True,
                    "max_feature_count": None,
                    "properties": FIELDS,
                }
            },
        },
    }
    if not cache:
        config["cache"] = "disable"
    file = bench.folder / f"martin-{port}.json"
    file.write_text(json.dumps(config))  # JSON is YAML
    command: list[Any] = [martin(), "--config", file]
    with serving(command, port, env={}, log=bench.folder / f"martin-{port}.log") as address:
        yield address


def fetched(url: str, *, etag: str = "") -> tuple[int, dict[str, str], bytes]:
    """Return status, head and body as sent, asking for gzip."""
    headers = {"Accept-Encoding": "gzip", **({"If-None-Match": etag} if etag else {})}
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=120) as answer:
        return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read()


def compared(mine: bytes, theirs: bytes) -> tuple[bool, int, int]:
    """Return whether two tiles have the same content, how many features, and how many they lack.

    Martin looks for features in the tile's box and adds the buffer in degrees or metres of the
    wrong frame: what lies in the buffer alone is missing in its tiles of such sources.  That is
    counted; inside the tile the features must be the same.
    """
    ours, others = _features(mine), _features(theirs)
    lacking = ours.keys() - others.keys()
    same = others.keys() <= ours.keys() and all(
        ours[key][0] == attributes for key, (attributes, _) in others.items()
    )
    return same and not any(ours[key][1] for key in lacking), len(ours), len(lacking)


def _features(body: bytes) -> dict[Any, tuple[list[Any], bool]]:
    """Return by id the attributes that all were asked for, and whether it shows in the tile."""
    plain = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
    decoded = mapbox_vector_tile.decode(plain) if plain else {}
    return {
        feature["id"]: (
            [feature["properties"].get(name) for name in FIELDS],
            inside(feature["geometry"]["coordinates"]),
        )
        for feature in decoded.get("building", {}).get("features", [])
    }


def corners(nested: Any) -> Iterator[tuple[int, int]]:
    """Yield the corners of a decoded geometry, however deep they are nested."""
    if nested and isinstance(nested[0], int):
        yield nested[0], nested[1]
    else:
        for each in nested:
            yield from corners(each)


def inside(coordinates: Any) -> bool:
    """Return whether something of a feature lies in the tile and not in its buffer alone."""
    places = list(corners(coordinates))
    return all(min(values) < 4096 and max(values) > 0 for values in zip(*places, strict=True))


def await_columns(address: str, *, timeout_s: float = 300) -> None:
    """Wait until our server's tiles come from columns, as they do but for its first moments."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        body = fetched(f"{address}/health")[2]
        told = json.loads(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)
        if all(each["from"] == "columns" for each in told["tiles"]["layers"].values()):
            return
        time.sleep(0.2)
    raise UnavailableError(f"no columns after {timeout_s} s")
