"""What tiles weigh, over HTTP and on the command line."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from .conftest import middle_tile


@pytest.fixture
def ready(client: TestClient) -> TestClient:
    """Return a client of a service whose tiles come from columns."""
    for _ in range(200):
        layers = client.get("/health").json()["tiles"]["layers"]
        if all(each["from"] == "columns" for each in layers.values()):
            return client
        time.sleep(0.1)
    raise AssertionError(layers)


def test_the_report_names_the_heaviest_tile_of_each_level(ready: TestClient) -> None:
    told = ready.get("/tiles/report?layers=building,region&zooms=12-14").json()
    rows = {(row["layer"], row["tile"][0]): row for row in told["tiles"]}
    assert rows.keys() == {(name, z) for name in ("building", "region") for z in (12, 13, 14)}
    house = rows["building", 14]
    assert house["features"] == house["drawn"] == 12
    assert house["left_out"] == 0
    assert house["advice"] == []
    body = ready.get("/tiles/building/" + "/".join(map(str, house["tile"]))).content
    assert len(body) == house["bytes"]
    assert told["merged"] == []
    assert told["without_columns"] == []


def test_the_report_is_a_page_too_and_the_entrance_leads_there(ready: TestClient) -> None:
    page = ready.get("/tiles/report?layers=building&f=html")
    assert page.headers["content-type"].startswith("text/html")
    assert "瓦片体检" in page.text
    assert "Tile report" in page.text
    assert "建筑物" in page.text
    assert "/tiles/report" in ready.get("/?f=html").text


def test_one_tile_gives_its_account(ready: TestClient) -> None:
    place = middle_tile(ready.get("/city").json(), 13)
    told = ready.get(f"/tiles/report/building,facility/{place}").json()
    assert [each["layer"] for each in told["layers"]] == ["building", "facility"]
    assert told["layers"][0]["features"] == 12


@pytest.mark.parametrize(
    ("query", "status"),
    [("zooms=x", 400), ("zooms=9-", 400), ("layers=nowhere", 404), ("colour=red", 400)],
)
def test_a_wrong_question_is_refused(client: TestClient, query: str, status: int) -> None:
    assert client.get(f"/tiles/report?{query}").status_code == status


def test_tilejson_tells_of_the_count(client: TestClient) -> None:
    (layer,) = client.get("/tiles/building.json").json()["vector_layers"]
    assert layer["fields"]["count"] == "Number"


def test_the_command_line_tells_the_same(citytwin: Callable[..., Any], town_url: str) -> None:
    done = citytwin("report", "tiles", "--layers", "building", "--zooms", "13", url=town_url)
    assert done.returncode == 0
    assert "building" in done.stdout
    assert "0 of 1 are heavier than 500 kB compressed" in done.stdout
