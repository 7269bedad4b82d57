"""The best single query that PostGIS was found to answer items by, as a server of its own.

Rows with the geometry as GeoJSON text, put together by orjson without reading that text again; one
prepared statement, nothing around it.  It is started with ``uvicorn`` in an environment of its own,
and imports nothing of the product.
"""

import json
import os
from typing import Any
from urllib.parse import parse_qs

import asyncpg
import orjson

_NAMES: list[str] = json.loads(os.environ["ITEMS_COLUMNS"])
_NESTED = [number for number, name in enumerate(_NAMES) if name == "attrs"]
_READ = [f"{name}::text" if name == "uid" else name for name in _NAMES]
_SQL = f"""
    SELECT id, ST_AsGeoJSON(ST_Transform(geom, 4326), 7), {", ".join(_READ)}
    FROM   twin.building
    WHERE  ST_Intersects(geom, ST_Transform(ST_MakeEnvelope($1, $2, $3, $4, 4326), 4548))
    ORDER  BY id
    LIMIT  $5
"""
_pool: Any = None


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer ``/items?bbox=west,south,east,north&limit=n``."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
        return
    asked = parse_qs(scope["query_string"].decode())
    box = map(float, asked["bbox"][0].split(","))
    async with _pool.acquire() as connection:
        rows = await connection.fetch(_SQL, *box, int(asked["limit"][0]))
    body = orjson.dumps({"type": "FeatureCollection", "features": [_feature(row) for row in rows]})
    headers = [
        (b"content-type", b"application/geo+json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _feature(row: Any) -> dict[str, Any]:
    number, geometry, *values = row
    for i in _NESTED:
        values[i] = orjson.Fragment(values[i])
    return {
        "type": "Feature",
        "id": number,
        "geometry": orjson.Fragment(geometry),
        "properties": dict(zip(_NAMES, values, strict=True)),
    }


async def _live(receive: Any, send: Any) -> None:
    global _pool
    await receive()
    _pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=1, max_size=4)
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await _pool.close()
    await send({"type": "lifespan.shutdown.complete"})
