"""Tiles, TileJSON and the style over HTTP."""

import gzip
import json
import re
import time
from typing import Any
from urllib.parse import urlsplit

import mapbox_vector_tile
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from layers import layers

from .conftest import middle_tile

MVT = "application/vnd.mapbox-vector-tile"


def _decoded(body: bytes) -> Any:
    return mapbox_vector_tile.decode(body)


def _tile_of(client: TestClient, zoom: int, layer: str = "building") -> str:
    """Return the address of the tile around the middle of the city."""
    return f"/tiles/{layer}/{middle_tile(client.get('/city').json(), zoom)}"


def test_a_tile_is_a_vector_tile_under_three_names(client: TestClient) -> None:
    path = _tile_of(client, 13)
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == MVT
    assert len(_decoded(answer.content)["building"]["features"]) == 12
    for suffix in (".mvt", ".pbf"):
        assert client.get(path + suffix).content == answer.content


def test_a_tile_holds_the_features_that_items_give(client: TestClient) -> None:
    path = _tile_of(client, 13, "pipe_segment,facility")
    tile = _decoded(client.get(path).content)
    for name in ("pipe_segment", "facility"):
        items = client.get(f"/collections/{name}/items").json()["features"]
        by_id = {each["id"]: each["properties"] for each in items}
        found = {each["id"]: each["properties"] for each in tile[name]["features"]}
        assert set(found) == set(by_id)
        for number, properties in found.items():
            for key, value in properties.items():
                assert by_id[number][key] == pytest.approx(value)


def test_the_encoding_said_is_the_encoding_sent(client: TestClient) -> None:
    path = _tile_of(client, 13)
    with client.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        raw = b"".join(answer.iter_raw())
    plain = client.get(path, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(raw) == plain.content
    assert answer.headers["etag"] != plain.headers["etag"]


def test_a_tile_that_did_not_change_is_not_sent_again(client: TestClient) -> None:
    path = _tile_of(client, 13)
    first = client.get(path)
    etag = first.headers["etag"]
    assert re.fullmatch('"[^"]+"', etag)
    assert first.headers["cache-control"] == "no-cache"
    for known in (etag, f'"x", {etag}', f"W/{etag}", "*"):
        again = client.get(path, headers={"If-None-Match": known})
        assert again.status_code == 304
        assert again.content == b""
        assert again.headers["etag"] == etag
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_an_edit_changes_the_tile_and_its_tag(bare: TestClient, engine: Engine) -> None:
    path = "/tiles/facility/12/3374/1774"
    insert = text(
        "INSERT INTO twin.facility (kind, geom) VALUES ('x', ST_Transform(ST_SetSRID("
        "ST_MakePoint(116.55, 23.38), 4326), 4548))"
    )
    before = bare.get(path)
    assert before.status_code == 204
    with engine.begin() as connection:
        connection.execute(insert)
    # The service hears of it within moments, and from then on nobody gets the old tile.
    for _ in range(100):
        after = bare.get(path, headers={"If-None-Match": before.headers["etag"]})
        if after.status_code != 304:
            break
        time.sleep(0.01)
    assert after.status_code == 200
    assert len(_decoded(after.content)["facility"]["features"]) == 1


def test_an_empty_tile_is_204(client: TestClient) -> None:
    for path in (
        "/tiles/building/14/0/0",
        "/tiles/analysis_feature/0/0/0",
        "/tiles/building/0/0/0",
    ):
        answer = client.get(path)
        assert answer.status_code == 204
        assert answer.content == b""


def test_filters_hold_in_tiles(client: TestClient) -> None:
    path = _tile_of(client, 13, "pipe_segment")
    found = _decoded(client.get(path, params={"kind": ["gas", "water"]}).content)
    kinds = {each["properties"]["kind"] for each in found["pipe_segment"]["features"]}
    assert kinds == {"gas", "water"}
    assert client.get(path, params={"kind": "heat"}).status_code == 204
    assert client.get(path, params={"datetime": "2026-01-01"}).status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/tiles/building/a/0/0", 400),
        ("/tiles/building/1/0/0.png", 400),
        ("/tiles/building/1/0.5/0", 400),
        ("/tiles/building/-1/0/0", 404),
        ("/tiles/building/25/0/0", 404),
        ("/tiles/building/3/8/0", 404),
        ("/tiles/building/14/2147483647/2147483647", 404),
        (f"/tiles/building/{'9' * 4000}/0/0", 404),
        (f"/tiles/building/3/{'9' * 4000}/0", 404),
        ("/tiles/dragons/3/0/0", 404),
        ("/tiles/building,dragons/3/0/0", 404),
        ("/tiles/building,building/3/0/0", 400),
        ("/tiles//3/0/0", 404),
        ("/tiles/building/3/0/0?colour=red", 400),
        ("/tiles/building/3/0/0?storeys=many", 400),
        ("/tiles/building,facility/3/0/0?use=office", 400),
        ("/tiles/dragons.json", 404),
        ("/tiles/building.json?colour=red", 400),
    ],
)
def test_bad_addresses_are_told_apart(client: TestClient, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_tilejson_leads_to_the_tiles(client: TestClient) -> None:
    document = client.get("/tiles/building,road_edge.json").json()
    assert document["tilejson"] == "3.0.0"
    assert [each["id"] for each in document["vector_layers"]] == ["building", "road_edge"]
    assert document["vector_layers"][0]["fields"]["storeys"] == "Number"
    assert (document["minzoom"], document["maxzoom"]) == (8, 16)
    west, south, east, north = document["bounds"]
    assert 116 < west < east < 117
    assert 23 < south < north < 24
    (template,) = document["tiles"]
    address = template.format(z=13, x=_tile_of(client, 13).split("/")[4], y="0")
    assert client.get(urlsplit(address).path).status_code in (200, 204)


def test_tilejson_passes_a_filter_on_to_the_tiles(client: TestClient) -> None:
    run = "00000000-0000-0000-0000-000000000001"
    (tiles,) = client.get(f"/tiles/analysis_feature.json?run_id={run}").json()["tiles"]
    assert re.search(
        rf"/tiles/analysis_feature/{{z}}/{{x}}/{{y}}\?run_id={run}&v=[0-9a-f]{{12}}$", tiles
    )


def test_tilejson_names_every_attribute_of_the_tiles(client: TestClient) -> None:
    for layer in layers().values():
        answer = client.get(_tile_of(client, layer.maxzoom, layer.id))
        if answer.status_code == 200:
            named = client.get(f"/tiles/{layer.id}.json").json()["vector_layers"][0]["fields"]
            for feature in _decoded(answer.content)[layer.id]["features"]:
                assert set(feature["properties"]) <= set(named)


def test_the_style_draws_every_layer_from_our_own_tiles(client: TestClient) -> None:
    style = client.get("/styles/city.json").json()
    assert style["version"] == 8
    assert set(style["sources"]) == set(layers())
    assert "glyphs" not in style
    assert "sprite" not in style
    names = [each["id"] for each in style["layers"]]
    assert len(set(names)) == len(names)
    drawn = style["layers"][1:]
    assert {each["source"] for each in drawn} == set(layers())
    assert all(each["source-layer"] == each["source"] for each in drawn)
    hidden = {each["source"] for each in drawn if each["layout"].get("visibility") == "none"}
    assert hidden == {name for name, layer in layers().items() if not layer.visible}
    hosts = set(re.findall(r"https?://[^/\"]+", json.dumps(style)))
    assert hosts == {"http://testserver"}
