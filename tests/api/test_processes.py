"""Analyses over HTTP."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator

from analysis import analyses
from api.app import create_app
from api.settings import Settings
from sample_data import tiny_town
from twin.cluster import Cluster
from twin.database import connect

IMPACT = "/processes/impact-radius/execution"


@pytest.fixture(scope="module")
def town(cluster: Cluster) -> Iterator[TestClient]:
    """Return a client of a tiny town in which runs may be stored."""
    url = cluster.ensure_database("tests_processes")
    engine = connect(url)
    tiny_town.build(engine)
    engine.dispose()
    with TestClient(create_app(Settings(database_url=url, pool_size=1))) as client:
        yield client


def _middle(town: TestClient) -> list[float]:
    # The junction (100, 100) is the corner that all four cells share.
    cells = town.get("/collections/grid_cell/items").json()["features"]
    corners = [{tuple(point) for point in cell["geometry"]["coordinates"][0][0]} for cell in cells]
    (shared,) = set.intersection(*corners)
    return list(shared)


def _impact(town: TestClient, radius_m: float) -> Any:
    geometry = {"type": "Point", "coordinates": _middle(town)}
    answer = town.post(IMPACT, json={"inputs": {"geometry": geometry, "radius_m": radius_m}})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_every_analysis_is_described(town: TestClient) -> None:
    listed = town.get("/processes").json()["processes"]
    assert [each["id"] for each in listed] == list(analyses())
    for each in listed:
        assert set(each["titles"]) == {"zh", "en"}
        described = town.get(f"/processes/{each['id']}").json()
        assert described["jobControlOptions"] == ["sync-execute"]
        assert described["inputs"]
        for value in [*described["inputs"].values(), *described["outputs"].values()]:
            assert "$ref" not in str(value)
            Draft202012Validator.check_schema(value["schema"])


def test_an_answer_is_stored_and_its_features_are_a_layer_at_once(town: TestClient) -> None:
    answer = _impact(town, 70)
    assert answer["totals"]["residents_night"] == 4078
    run = answer["run_id"]
    assert answer["features_url"] == f"/collections/analysis_feature/items?run_id={run}"

    features = town.get(answer["features_url"]).json()["features"]
    roles = {each["properties"]["role"] for each in features}
    assert {"ring", "building"} <= roles
    assert all(each["properties"]["run_id"] == run for each in features)

    job = town.get(f"/jobs/{run}").json()
    assert (job["status"], job["processID"], job["jobID"]) == ("successful", "impact-radius", run)
    results = town.get(f"/jobs/{run}/results").json()
    assert results["totals"] == answer["totals"]
    assert run in [each["jobID"] for each in town.get("/jobs").json()["jobs"]]
    assert len(town.get("/jobs?limit=1").json()["jobs"]) == 1


def test_two_runs_are_told_apart_in_tiles(town: TestClient) -> None:
    runs = [_impact(town, radius)["run_id"] for radius in (30, 90)]
    sizes = []
    for run in runs:
        template = town.get(f"/tiles/analysis_feature.json?run_id={run}").json()["tiles"][0]
        lon, lat = _middle(town)
        n = 2**14
        x = int((lon + 180) / 360 * n)
        y = int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * n)
        address = template.format(z=14, x=x, y=y).replace("http://testserver", "")
        answer = town.get(address)
        assert answer.status_code == 200
        sizes.append(len(answer.content))
    assert sizes[0] < sizes[1]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "JSON"),
        (b"{", "JSON"),
        (b"[]", "inputs"),
        (b'{"inputs": 3}', "inputs"),
        (b"{}", "impact-radius"),
        (b'{"inputs": {"radius_m": -1}}', "radius_m"),
        (b'{"inputs": {"radius_m": 1e9}}', "radius_m"),
        (b'{"inputs": {"radius_m": NaN}}', "JSON"),
        (b'{"inputs": {"radius_m": 50, "geometry": {"type": "Point", "coordinates": [0, 0]}}}',
         "outside the city"),
        (b'{"inputs": {"radius_m": 50, "colour": "red"}}', "colour"),
        (b'{"inputs": {"radius_m": 50, "geometry": {"type": "Dragon"}}}', "geometry"),
        (b"\xff\xfe", "JSON"),
        (b"[" * 100_000, "JSON"),
    ],
)  # fmt: skip
def test_bad_inputs_are_400_and_name_what_is_wrong(
    town: TestClient, body: bytes, said: str
) -> None:
    answer = town.post(IMPACT, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in answer.json()["detail"]


def test_what_is_not_there_is_404(town: TestClient) -> None:
    answer = town.post("/processes/dragons/execution", json={"inputs": {}})
    assert answer.status_code == 404
    assert "impact-radius" in answer.json()["detail"]
    for path in (
        "/processes/dragons",
        "/jobs/x",
        "/jobs/00000000-0000-0000-0000-000000000000",
        "/jobs/00000000-0000-0000-0000-000000000000/results",
    ):
        assert town.get(path).status_code == 404


def test_a_run_that_failed_has_no_results(town: TestClient) -> None:
    body = {"inputs": {"radius_m": 50, "geometry": {"type": "Point", "coordinates": [0, 0]}}}
    assert town.post(IMPACT, json=body).status_code == 400
    job = town.get("/jobs?limit=1").json()["jobs"][0]
    assert job["status"] == "failed"
    assert "outside the city" in job["message"]
    results = town.get(f"/jobs/{job['jobID']}/results")
    assert results.status_code == 404
    assert "failed" in results.json()["detail"]


def test_a_picture_can_be_had_alone(town: TestClient) -> None:
    """The sewer of the tiny town, from its first node (6) to its outfall (8)."""
    answer = town.post(
        "/processes/pipe-profile/execution", json={"inputs": {"from_node": 6, "to_node": 8}}
    ).json()
    url = f"/jobs/{answer['run_id']}"
    picture = town.get(f"{url}/results/svg")
    assert picture.headers["content-type"] == "image/svg+xml"
    assert picture.text == answer["svg"]
    assert picture.text.startswith("<svg ")
    assert town.get(f"{url}/results/length_m").json() == 200.0
    links = town.get(url).json()["links"]
    assert [link["href"] for link in links if link["type"] == "image/svg+xml"] == [
        f"http://testserver{url}/results/svg"
    ]
    nothing = town.get(f"{url}/results/colour")
    assert nothing.status_code == 404
    assert "svg" in nothing.json()["detail"]
