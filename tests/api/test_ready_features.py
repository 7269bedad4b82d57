"""Pages from ready texts are the very answers that PostGIS's pages are: bytes, heads, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import zstandard
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from api.app import create_app
from api.settings import Settings
from layers import layers
from tests.tiles.test_features import told
from twin.crs import LonLatBox

_TIME = re.compile(rb'"timeStamp":"[^"]+"')
_EVERYWHERE = LonLatBox(-180, -90, 180, 90)


@pytest.fixture(scope="module")
def ready(client: TestClient) -> TestClient:
    """Return a client of a service whose texts are there."""
    assert client.app.state.tiles.wait_for_texts(timeout_s=120)  # type: ignore[attr-defined]
    return client


@pytest.fixture(scope="module")
def slow(town_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Return a client of a service that has nowhere to keep texts: PostGIS answers."""
    file = tmp_path_factory.mktemp("full") / "file"
    file.touch()
    settings = Settings(database_url=town_url, pool_size=2, data_dir=file / "no-folder")
    with TestClient(create_app(settings)) as client:
        yield client


def _answer(client: TestClient, path: str, **headers: str) -> tuple[int, Any, bytes]:
    answer = client.get(path, headers=headers)
    head = {name: value for name, value in answer.headers.items() if name != "content-length"}
    body = answer.content
    if head.get("content-encoding") == "zstd":
        body = zstandard.ZstdDecompressor().decompressobj().decompress(body)
    return answer.status_code, head, _TIME.sub(b"", body)


@pytest.mark.parametrize("layer", list(layers()))
@pytest.mark.parametrize(
    "query",
    [
        "",
        "?limit=1",
        "?limit=2&cursor=MQ",
        "?limit=3&count=true&bbox=116.66,23.35,116.69,23.37",
        "?bbox=116.6702,23.3521,116.6719,23.3538",
        "?bbox=116.6702,23.3521,116.6719,23.3538&limit=2",
        "?bbox=-180,-90,180,90&limit=2",
        "?bbox=170,-90,-170,90",
        "?bbox=100,-90,-170,90&limit=5",
        "?bbox=116.67,23.352,116.67,23.352",
        "?bbox=0,0,1,1",
        "?f=json&limit=2",
        "?limit=0",
        "?bbox=1,2,3",
        "?colour=red",
        "?f=xml",
        "?cursor=x",
    ],
)
def test_both_ways_give_the_same_answer(
    ready: TestClient, slow: TestClient, layer: str, query: str
) -> None:
    path = f"/collections/{layer}/items{query}"
    assert _answer(ready, path) == _answer(slow, path)


@pytest.mark.parametrize("coding", ["identity", "gzip", "zstd", "gzip;q=0.1, zstd;q=0.9"])
def test_a_page_comes_in_the_coding_that_is_asked_for(
    ready: TestClient, slow: TestClient, coding: str
) -> None:
    path = "/collections/building/items?limit=12"
    mine, other = (_answer(each, path, **{"accept-encoding": coding}) for each in (ready, slow))
    assert mine == other
    assert mine[1].get("content-encoding", "identity") in coding


@pytest.mark.parametrize("key", ["1", "12", "13", "0", "007", "9" * 18, "9" * 19, "x", "-1"])
def test_one_feature_is_the_same_both_ways(ready: TestClient, slow: TestClient, key: str) -> None:
    path = f"/collections/building/items/{key}"
    assert _answer(ready, path) == _answer(slow, path)


def test_a_page_for_people_and_a_filter_are_not_taken_from_texts(ready: TestClient) -> None:
    path = "/collections/building/items"
    assert ready.get(path, params={"f": "html"}).headers["content-type"].startswith("text/html")
    assert ready.get(path, headers={"accept": "text/html"}).text.startswith("<!")
    assert [f["id"] for f in ready.get(path, params={"use": "office"}).json()["features"]] == [12]
    named = ready.get(path, params={"properties": "name", "limit": 1}).json()["features"][0]
    assert list(named["properties"]) == ["name"]
    plain = {"accept-encoding": "identity"}
    head = ready.head(path, headers=plain)
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) == len(ready.get(path, headers=plain).content)


def test_an_edit_is_in_the_next_page_once_it_is_told(bare: TestClient, engine: Engine) -> None:
    tiles = bare.app.state.tiles  # type: ignore[attr-defined]
    assert tiles.wait_for_texts(timeout_s=120)
    path = "/collections/building/items?bbox=116.6,23.3,116.8,23.5"
    assert bare.get(path).json()["features"] == []
    for name in ("一", "二", "三"):
        with engine.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO twin.building (name, geom) VALUES (:name, "
                    "ST_Multi(ST_MakeEnvelope(467000, 2584000, 467010, 2584010, 4548)))"
                ),
                {"name": name},
            )
        told(engine, tiles)
        assert tiles.features(layers()["building"], _EVERYWHERE) is not None
        found = bare.get(path).json()
        assert found["features"][-1]["properties"]["name"] == name
        assert found["numberMatched"] == len(found["features"])
