"""The quality of the data, as the service, the page and the command line tell it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from twin.quality import check, reports

from .conftest import Done, one_line

SQUARE = [[[116.68, 23.36], [116.681, 23.36], [116.681, 23.361], [116.68, 23.361], [116.68, 23.36]]]


def _feature(number: str, west_deg: float, **properties: Any) -> dict[str, Any]:
    ring = [[x + west_deg, y] for x, y in SQUARE[0]]
    return {
        "type": "Feature",
        "properties": {"no": number, **properties},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


@pytest.fixture
def houses(tmp_path: Path) -> Path:
    """Return a file of two buildings: one sound, one of twelve storeys in twelve metres."""
    features = [
        _feature("a", 0, use="office", height_m=30.0, storeys=10),
        _feature("b", 0.01, use="office", height_m=12.0, storeys=12),
    ]
    path = tmp_path / "houses.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


Words = Callable[..., Done]


def _load(citytwin: Words, url: str, file: Path, *more: str) -> Done:
    return citytwin("load", "building", str(file), "--map", "source_id=no", *more, url=url)


def test_a_load_leaves_its_report(
    citytwin: Words, engine: Engine, engine_url: str, houses: Path
) -> None:
    done = _load(citytwin, engine_url, houses, "--json")
    assert done.returncode == 0, done.stderr
    quality = json.loads(done.stdout)["quality"]
    assert (quality["rows"], quality["by_rule"]) == (2, {"storey-height": 1})
    assert quality["incomplete"] == {}
    assert quality["not_asked"] == {"terrain-height": quality["not_asked"]["terrain-height"]}
    with Session(engine) as session:
        (kept,) = reports(session)
    assert (kept.id, kept.scope, kept.layer) == (quality["run"], "load", "building")
    assert kept.completeness["building"]["fields"]["use"]["percent"] == 100


def test_people_read_it_in_short(citytwin: Words, engine_url: str, houses: Path) -> None:
    told = " ".join(_load(citytwin, engine_url, houses).stdout.split())
    assert "1 findings in 2 rows (1 warning)" in told
    assert "层数与高度不符 Storeys and height do not match" in told


def test_a_load_can_go_without(
    citytwin: Words, engine: Engine, engine_url: str, houses: Path
) -> None:
    done = _load(citytwin, engine_url, houses, "--no-quality", "--json")
    assert json.loads(done.stdout)["quality"] is None
    with Session(engine) as session:
        assert reports(session) == []


def test_a_dry_run_and_a_refused_load_leave_none(
    citytwin: Words, engine: Engine, engine_url: str, houses: Path, tmp_path: Path
) -> None:
    assert _load(citytwin, engine_url, houses, "--dry-run").returncode == 0
    far = tmp_path / "far.geojson"
    far.write_text(json.dumps({"type": "FeatureCollection", "features": [_feature("z", 40)]}))
    assert _load(citytwin, engine_url, far).returncode == 1
    with Session(engine) as session:
        assert reports(session) == []


def test_a_rule_that_fails_leaves_the_load(
    citytwin: Words, engine: Engine, engine_url: str, houses: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import twin.quality._check as running

    def fail(*_: object) -> None:
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr(running, "completeness", fail)
    done = _load(citytwin, engine_url, houses)
    assert done.returncode == 0, done.stderr
    assert "could not be looked at: ZeroDivisionError: a fault of ours; the load stands" in (
        " ".join(done.stdout.split())
    )
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM twin.building")) == 2


def test_a_large_load_is_looked_at_by_a_process_of_its_own(
    citytwin: Words, engine: Engine, engine_url: str, houses: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import subprocess

    import api.verbs.load as verb

    started: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def start(*words: Any, **how: Any) -> Any:
        started.append(real(*words, **how))
        return started[-1]

    monkeypatch.setattr(verb, "JUDGED_UP_TO", 1)
    monkeypatch.setattr(subprocess, "Popen", start)
    done = _load(citytwin, engine_url, houses)
    assert "report quality --load 1 --last" in " ".join(done.stdout.split())
    (process,) = started
    assert process.wait(timeout=120) == 0
    with Session(engine) as session:
        (kept,) = reports(session, load_id=1)
    assert kept.rules["storey-height"]["found"] == 1


@pytest.fixture
def looked_at(engine: Engine, citytwin: Words, engine_url: str, houses: Path) -> int:
    """Load the houses, look at the whole city, and return the number of that run."""
    _load(citytwin, engine_url, houses)
    return check(engine).id


def test_the_service_tells_the_latest_run(looked_at: int, bare: TestClient) -> None:
    told = bare.get("/quality").json()
    assert told["run"]["id"] == looked_at
    assert told["run"]["scope"] == "city"
    assert [each["id"] for each in told["runs"]] == [looked_at, looked_at - 1]
    assert told["present"] == [
        {"rule": "storey-height", "severity": "warning", "layer": "building", "found": 1}
    ]
    rule = next(each for each in told["rules"] if each["id"] == "storey-height")
    assert rule["status"] == "unverified"
    assert rule["parameters"][0]["unit"] == "m"
    assert bare.get("/quality?load=1").json()["run"]["id"] == looked_at - 1
    assert bare.get(f"/quality/{looked_at - 1}").json()["run"]["load_id"] == 1


def test_the_findings_are_a_layer(looked_at: int, bare: TestClient) -> None:
    page = bare.get("/collections/quality_finding/items?rule=storey-height").json()
    (found,) = page["features"]
    assert found["properties"]["message_en"].startswith("12 storeys in 12.0 m: 1.0 m each")
    assert found["properties"]["unit"] == "m"
    assert found["geometry"]["type"] in ("Polygon", "MultiPolygon")
    west = found["geometry"]["coordinates"][0][0]
    assert "116.69" in json.dumps(west)
    groups = {each["group"] for each in bare.get("/layers").json()}
    assert "quality" in groups


@pytest.mark.parametrize("path", ["/quality", "/quality/2"])
def test_it_is_a_page_too(looked_at: int, bare: TestClient, path: str) -> None:
    page = bare.get(f"{path}?f=html")
    assert page.status_code == 200
    for words in ("数据质量", "层数与高度不符", "未核对原文 [m]", "The whole city", "100 %"):
        assert words in page.text
    assert "/quality" in bare.get("/?f=html").text


def test_before_anybody_looked_there_is_nothing(bare: TestClient) -> None:
    told = bare.get("/quality").json()
    assert (told["run"], told["present"], told["runs"]) == (None, [], [])
    assert "Nobody looked" in bare.get("/quality?f=html").text


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/quality/9", 404, "there is no quality run 9"),
        ("/quality/nine", 404, "'nine'"),
        ("/quality?layer=dragons", 404, "no layer 'dragons'"),
        ("/quality?load=3", 404, "nobody looked at load 3"),
        ("/quality?colour=red", 400, "unknown query parameter 'colour'"),
        ("/quality/1?colour=red", 400, "unknown query parameter 'colour'"),
    ],
)
def test_a_wrong_question_is_refused(bare: TestClient, path: str, status: int, said: str) -> None:
    answer = bare.get(path)
    assert answer.status_code == status
    assert said in answer.json()["detail"]


def test_the_command_line_looks_and_tells(
    citytwin: Words, engine_url: str, looked_at: int, tmp_path: Path
) -> None:
    last = json.loads(citytwin("report", "quality", "--last", "--json", url=engine_url).stdout)
    assert last["run"]["id"] == looked_at
    again = citytwin("report", "quality", "--layer", "building", url=engine_url)
    assert "layer building" in again.stdout
    page = tmp_path / "report.html"
    done = citytwin("report", "quality", "--load", "1", "--html", str(page), url=engine_url)
    assert done.returncode == 0, done.stderr
    assert "第 1 次入库（building）" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--load", "77"], "there is no load 77"),
        (["--layer", "dragons"], "no layer 'dragons' to judge"),
        (["--rule", "dragons"], "no rule 'dragons'; there are"),
        (["--layer", "building", "--load", "1"], "not both"),
        (["--last", "--rule", "cell-gap"], "--last does not look"),
    ],
)
def test_the_command_line_says_what_is_wrong(
    citytwin: Words, engine_url: str, words: list[str], said: str
) -> None:
    done = citytwin("report", "quality", *words, url=engine_url)
    assert done.returncode == 1
    assert said in one_line(done.stderr)
