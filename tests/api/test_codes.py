"""Codes over HTTP and on the command line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.cli import main
from sample_data import tiny_town
from tests.api.conftest import Done, one_line
from twin.database import connect


def test_a_point_gives_its_cell_and_a_code_gives_it_back(client: TestClient) -> None:
    found = client.get("/codes/beidou", params={"lon": "116.6775114", "lat": "23.3567569"}).json()
    assert found["code"] == "N50F564A19614112"
    assert found["parents"][-1] == "N50F"
    assert len(found["neighbours"]) == 8
    assert client.get(f"/codes/beidou/{found['code']}").json() == found


def test_a_shifted_point_is_brought_back_first(client: TestClient) -> None:
    shifted = {"lon": "116.6819735", "lat": "23.3540964", "level": "5", "datum": "gcj02"}
    assert client.get("/codes/beidou", params=shifted).json()["code"] == "N50F564A196"


def test_an_area_is_covered(client: TestClient) -> None:
    ring = [[116.1, 23.1], [117.4, 23.1], [117.4, 23.4], [116.1, 23.1]]
    area = json.dumps({"type": "Polygon", "coordinates": [ring]})
    found = client.get("/codes/beidou/cover", params={"area": area, "level": 2}).json()
    assert found == {"level": 2, "count": 3, "codes": ["N50F46", "N50F56", "N50F66"]}


@pytest.mark.parametrize(
    ("address", "status", "reason"),
    [
        ("/codes/beidou", 400, "give lon and lat"),
        ("/codes/beidou?lon=116&lat=23&level=11", 400, "levels 1 to 10"),
        ("/codes/beidou?lon=116&lat=89", 400, "polar"),
        ("/codes/beidou?lon=x&lat=23&datum=gcj02", 400, "number of degrees"),
        ("/codes/beidou?lon=116&lat=23&datum=wgs72", 400, "gcj02, bd09"),
        ("/codes/beidou?lon=116&lat=23&zoom=3", 400, "unknown query parameter"),
        ("/codes/beidou/N50F5", 400, "5 characters"),
        ("/codes/beidou/cover?area=here&level=2", 400, "neither WKT nor"),
        ("/codes/beidou/cover?area=POLYGON((0 0,1 1,1 0,0 1,0 0))&level=2", 400, "not valid"),
        ("/codes/grid_cell/4.4e13", 400, "its digits are lost"),
        ("/codes/house/1", 404, "region, grid_cell, component, event"),
    ],
)
def test_what_cannot_be_answered_says_why(
    client: TestClient, address: str, status: int, reason: str
) -> None:
    answer = client.get(address)
    assert answer.status_code == status
    assert reason in answer.json()["detail"]


def test_items_are_found_by_the_cell_around_them(client: TestClient) -> None:
    everything = client.get("/collections/building/items").json()["features"]
    code = everything[0]["properties"]["bd_code"]
    found = client.get("/collections/building/items", params={"bd_code": code[:12]}).json()
    expected = {e["id"] for e in everything if e["properties"]["bd_code"].startswith(code[:12])}
    assert {feature["id"] for feature in found["features"]} == expected
    refused = client.get("/collections/building/items", params={"bd_code": code[:13]})
    assert refused.status_code == 400


def test_the_command_line_answers_the_same(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["code", "beidou", "-74.006", "40.7128", "--level", "5"]) == 0
    assert json.loads(capsysbinary.readouterr().out)["code"] == "N18K412025B"
    assert main(["code", "grid_cell", "440507001002003"]) == 0
    assert json.loads(capsysbinary.readouterr().out)["parts"]["community"] == "002"
    assert main(["code", "region", "990000"]) == 1
    assert b"no province" in capsysbinary.readouterr().err


def test_a_community_is_cut_and_the_cells_can_be_loaded(
    database_url: str, citytwin: Callable[..., Done], tmp_path: Path
) -> None:
    engine = connect(database_url)
    tiny_town.build(engine)
    engine.dispose()
    done = citytwin("code", "cut", "440599001001", "--size", "50", url=database_url)
    assert done.returncode == 0, done.stderr
    cells = json.loads(done.stdout)["features"]
    assert [cell["properties"]["code"][-3:] for cell in cells] == [
        f"{number:03d}" for number in range(1, 17)
    ]
    file = tmp_path / "cells.geojson"
    file.write_text(done.stdout)
    loaded = citytwin("load", "grid_cell", str(file), "--json", url=database_url)
    assert loaded.returncode == 0, loaded.stderr
    assert json.loads(loaded.stdout)["loaded"] == 16
    refused = citytwin("code", "cut", "440599001", url=database_url)
    assert "names no community: it is the code of a street" in one_line(refused.stderr)
    missing = citytwin("code", "cut", "440599001002", url=database_url)
    assert "the city has no region with the code 440599001002" in one_line(missing.stderr)
