"""Tiles on other grids, and addresses with an edition, over HTTP."""

from __future__ import annotations

import math
import re
import threading
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import mapbox_vector_tile
import pytest
import uvicorn
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from api.app import create_app
from api.hot import HotProtocol
from api.settings import Settings

from .conftest import free_port

PROBLEM = "application/problem+json"
GRIDS = ("WebMercatorQuad", "WorldCRS84Quad", "CGCS2000Quad", "CityQuad", "c", "w")


def _ids(body: bytes) -> set[int]:
    return {each["id"] for part in mapbox_vector_tile.decode(body).values()
            for each in part["features"]}  # fmt: skip


def _middle(client: TestClient) -> tuple[float, float]:
    west, south, east, north = client.get("/city").json()["extent"]
    return (west + east) / 2, (south + north) / 2


def _in_degrees(client: TestClient, level: int) -> tuple[int, int]:
    """Return column and row of the city's middle where level 0 has tiles of 180 degrees."""
    lon, lat = _middle(client)
    side = 180 / 2**level
    return math.floor((lon + 180) / side), math.floor((90 - lat) / side)


def test_the_same_tile_has_several_addresses(client: TestClient) -> None:
    column, row = _in_degrees(client, 12)
    own = client.get(f"/tiles/building/CGCS2000Quad/12/{column}/{row}")
    assert own.status_code == 200
    assert len(_ids(own.content)) == 12
    for path in (
        f"/tiles/building/c/13/{column}/{row}",
        f"/tiles/building/CGCS2000Quad/12/{column}/{row}.mvt",
        f"/tiles/building/CGCS2000Quad/12/{column}/{row}?v=0123456789ab",
        # OGC API - Tiles: matrix, row, column.
        f"/collections/building/tiles/CGCS2000Quad/12/{row}/{column}",
        f"/collections/building/tiles/c/13/{row}/{column}",
    ):
        other = client.get(path)
        assert (other.status_code, other.content) == (200, own.content), path
        assert other.headers["etag"] == own.headers["etag"]
    # Here both datums are the same, to the millimetre.
    assert client.get(f"/tiles/building/WorldCRS84Quad/12/{column}/{row}").content == own.content


def test_mercator_has_a_long_name_too(client: TestClient) -> None:
    lon, lat = _middle(client)
    x = int((lon + 180) / 360 * 2**13)
    y = int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**13)
    plain = client.get(f"/tiles/building/13/{x}/{y}")
    for path in (f"WebMercatorQuad/13/{x}/{y}", f"w/13/{x}/{y}"):
        assert client.get(f"/tiles/building/{path}").content == plain.content
    assert client.get(f"/collections/building/tiles/WebMercatorQuad/13/{y}/{x}").content == (
        plain.content
    )


@pytest.mark.parametrize("name", GRIDS)
def test_every_grid_is_listed_defined_and_serves_the_city(client: TestClient, name: str) -> None:
    listed = client.get("/tileMatrixSets").json()["tileMatrixSets"]
    assert [each["id"] for each in listed] == list(GRIDS)
    (entry,) = [each for each in listed if each["id"] == name]
    (lead,) = entry["links"]
    definition = client.get(urlsplit(lead["href"]).path).json()
    assert definition["id"] == name
    assert definition["crs"] == entry["crs"]
    assert definition["uri"] == entry["uri"]

    document = client.get(f"/tiles/building,facility/{name}.json").json()
    (template,) = document["tiles"]
    level = document["maxzoom"]
    matrices = {each["id"]: each for each in definition["tileMatrices"]}
    assert {str(document["minzoom"]), str(level)} <= matrices.keys()
    # Level by level, one tile after another from the definition's own counts leads to the city.
    found: set[int] = set()
    if name == "CityQuad":
        matrix = matrices[str(document["minzoom"])]
        for x in range(matrix["matrixWidth"]):
            for y in range(matrix["matrixHeight"]):
                path = _path(template, document["minzoom"], x, y)
                answer = client.get(path)
                assert answer.status_code in (200, 204), path
                found |= _ids(answer.content) if answer.content else set()
    else:
        found = _ids(client.get(_path(template, *_place(client, name, level))).content)
    assert found


def _path(template: str, z: int, x: int, y: int) -> str:
    parts = urlsplit(template.format(z=z, x=x, y=y))
    return f"{parts.path}?{parts.query}"


def _place(client: TestClient, name: str, level: int) -> tuple[int, int, int]:
    if name in ("WorldCRS84Quad", "CGCS2000Quad", "c"):
        return (level, *_in_degrees(client, level - (name == "c")))
    lon, lat = _middle(client)
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
    return level, int((lon + 180) / 360 * 2**level), int(y * 2**level)


def test_the_definition_of_cgcs2000_has_latitude_first(client: TestClient) -> None:
    definition = client.get("/tileMatrixSets/CGCS2000Quad").json()
    assert definition["crs"].endswith("/EPSG/0/4490")
    assert definition["orderedAxes"] == ["Lat", "Lon"]
    first = definition["tileMatrices"][0]
    assert (first["id"], first["matrixWidth"], first["matrixHeight"]) == ("0", 2, 1)
    assert first["pointOfOrigin"] == [90, -180]
    assert first["cellSize"] == 0.703125
    # Tianditu writes 2.958e8 there, which assumes pixels of 96 dpi; OGC's have 0.28 mm.
    assert first["scaleDenominator"] == pytest.approx(2.795411320143589e8)
    alias = client.get("/tileMatrixSets/c").json()
    assert alias["tileMatrices"][0] == {**first, "id": "1"}
    own = client.get("/tileMatrixSets/CityQuad").json()
    assert own["crs"].endswith("/EPSG/0/4548")
    # Northing first, as EPSG has it.
    assert own["orderedAxes"] == ["N", "E"]
    assert own["tileMatrices"][0]["pointOfOrigin"][0] > 2_500_000


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize(
    ("place", "status"),
    [
        ("40/0/0", 404),
        ("999999999999999999999/0/0", 404),
        ("-1/0/0", 404),
        ("3/-1/0", 404),
        ("3/0/-1", 404),
        ("3/16/0", 404),
        ("3/0/8", 404),
        ("3/2147483647/2147483647", 404),
        ("3/9223372036854775808/0", 404),
        (f"3/{'9' * 4000}/0", 404),
        ("3/0.5/0", 400),
        ("3/1e3/0", 400),
        ("a/0/0", 400),
        ("3/0x1/0", 400),
        ("3/0/0.png", 400),
        ("3/%D9%A3/0", 400),
        ("3/0/0?colour=red", 400),
        ("3/0/0?v=1&v=2&datetime=x", 400),
    ],
)
def test_bad_addresses_are_told_apart_on_every_grid(
    client: TestClient, grid: str, place: str, status: int
) -> None:
    z, x, y = place.split("?")[0].split("/")
    query = place.partition("?")[2]
    for path in (
        f"/tiles/building/{grid}/{z}/{x}/{y}?{query}",
        f"/collections/building/tiles/{grid}/{z}/{y}/{x}?{query}",
    ):
        answer = client.get(path)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == PROBLEM
        assert len(answer.json()["detail"]) < 1000


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("/tiles/building/Nope/3/0/0", "WorldCRS84Quad, CGCS2000Quad, CityQuad"),
        ("/tiles/building/cgcs2000quad/3/0/0", "CGCS2000Quad"),
        ("/tiles/building/Nope.json", "CGCS2000Quad"),
        ("/collections/building/tiles/Nope/3/0/0", "CGCS2000Quad"),
        ("/tileMatrixSets/Nope", "CGCS2000Quad"),
        ("/tiles/dragons/c/3/0/0", "building"),
        ("/tiles/building,dragons/c/3/0/0", "building"),
        ("/collections/dragons/tiles/c/3/0/0", "building"),
        ("/tiles/dragons/CGCS2000Quad.json", "building"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(client: TestClient, path: str, what: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == PROBLEM
    assert what in answer.json()["detail"]


def test_tiles_far_from_the_city_are_empty_on_every_grid(client: TestClient) -> None:
    for name in GRIDS:
        matrices = client.get(f"/tileMatrixSets/{name}").json()["tileMatrices"]
        last = matrices[-1]
        for x, y in ((0, 0), (last["matrixWidth"] - 1, last["matrixHeight"] - 1)):
            for query in ("", "?storeys=3"):
                answer = client.get(f"/tiles/building/{name}/{last['id']}/{x}/{y}{query}")
                assert (answer.status_code, answer.content) == (204, b""), name


def test_filters_hold_on_every_grid(client: TestClient) -> None:
    column, row = _in_degrees(client, 12)
    path = f"/tiles/building/CGCS2000Quad/12/{column}/{row}"
    assert len(_ids(client.get(path, params={"use": "office"}).content)) == 1
    document = client.get("/tiles/building/CGCS2000Quad.json?use=office&v=old").json()
    edition = _edition(client, "building")
    assert document["tiles"][0].endswith(f"CGCS2000Quad/{{z}}/{{x}}/{{y}}?use=office&v={edition}")


def _edition(client: TestClient, layer: str) -> str:
    (template,) = client.get(f"/tiles/{layer}.json").json()["tiles"]
    match = re.search(r"[?&]v=([0-9a-f]{12})$", template)
    assert match, template
    return match[1]


def test_tiles_are_never_called_immutable(client: TestClient) -> None:
    column, row = _in_degrees(client, 12)
    edition = _edition(client, "building")
    answer = client.get(f"/tiles/building/CGCS2000Quad/12/{column}/{row}?v={edition}")
    assert answer.headers["cache-control"] == "no-cache"
    again = client.get(answer.request.url, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


def test_the_edition_changes_with_a_load_and_not_with_an_edit(
    bare: TestClient, engine: Engine
) -> None:
    facility, building = _edition(bare, "facility"), _edition(bare, "building")
    assert facility != building
    insert = (
        "INSERT INTO twin.facility (kind, geom) VALUES ('x', ST_Transform(ST_SetSRID("
        "ST_MakePoint(116.55, 23.38), 4326), 4548))"
    )
    with engine.begin() as connection:
        connection.execute(text(insert))
    assert _edition(bare, "facility") == facility
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL twin.load_id = '1'"))
        connection.execute(text(insert))
    loaded = _edition(bare, "facility")
    assert loaded != facility
    assert _edition(bare, "building") == building
    assert _edition(bare, "building,facility") not in (loaded, building)
    style: Any = bare.get("/styles/city.json").json()
    assert style["sources"]["facility"]["tiles"][0].endswith(f"?v={loaded}")


def test_the_entrance_leads_to_the_grids_and_to_their_map(client: TestClient) -> None:
    links = {each["href"]: each["rel"] for each in client.get("/").json()["links"]}
    assert links["http://testserver/tileMatrixSets"].endswith("/tiling-schemes")
    assert "http://testserver/map/cgcs2000/" in links
    assert "/map/cgcs2000/" in client.get("/?f=html").text


def test_editions_and_grids_are_answered_ahead_of_the_framework(
    town_url: str, tmp_path: Path, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An edition is no filter, and an alias no other tile: neither goes the long way."""
    app = create_app(Settings(database_url=town_url, pool_size=2, data_dir=tmp_path))
    port = free_port()
    config = uvicorn.Config(app, port=port, http=HotProtocol, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        engine = app.state.tiles
        assert engine.wait_for_columns(timeout_s=90), engine.status()
        column, row = _in_degrees(client, 12)
        expected = client.get(f"/tiles/building/CGCS2000Quad/12/{column}/{row}").content

        def refuse(*_: object) -> None:
            raise AssertionError("the framework was asked")

        monkeypatch.setattr(engine, "tile", refuse)
        for place in (
            f"CGCS2000Quad/12/{column}/{row}?v=0123456789ab",
            f"CGCS2000Quad/12/{column}/{row}.pbf?v=0123456789ab",
            f"CGCS2000Quad/12/{column}/{row}",
            f"c/13/{column}/{row}?v=0123456789ab",
        ):
            for _ in range(3):
                url = f"http://127.0.0.1:{port}/tiles/building/{place}"
                with urllib.request.urlopen(url, timeout=20) as answer:
                    assert _ids(answer.read()) == _ids(expected), place
        # All of them are one tile that is kept once.
        assert len(engine.cache) == 1
    finally:
        server.should_exit = True
        thread.join(timeout=15)
    assert not thread.is_alive()
