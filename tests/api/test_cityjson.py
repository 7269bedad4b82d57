"""``load cityjson`` and ``export cityjson`` as people use them, and the layers that they fill."""

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from api.cli import main
from layers import layers, query
from layers.filter import Selection
from tests.twin.cityjson._town import town
from twin.database import open_city


@pytest.fixture
def here(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a town, the command line being on an empty city."""
    monkeypatch.setenv("TWIN_DATABASE_URL", engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("TWIN_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "town.city.json").write_text(json.dumps(town()))
    return tmp_path


def test_a_town_is_loaded_told_and_written_again(
    here: Path, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["load", "cityjson", str(here / "town.city.json")]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "3: 1 Building, 1 CityFurniture, 1 PlantCover" in told
    assert "2 of LoD 0, 1 of LoD 1, 1 of LoD 2.2" in told
    assert "1 of 1 are closed" in told
    assert "used EPSG:4548, axes east, north" in told
    assert main(["export", "cityjson", str(here / "out.city.jsonl"), "--lod", "2.2"]) == 0
    assert "1 objects (1 Building), 1 geometries" in capsys.readouterr().out
    assert main(["export", "cityjson", str(here / "w.json"), "--bbox", "-1,20,1,21"]) == 0
    assert "0 objects (none)" in capsys.readouterr().out
    with Session(engine) as session:
        city, layer = open_city(session), layers()["city_object"]
        assert len(query.page(city, layer).rows) == 3
        assert len(query.page(city, layers()["city_geometry"]).rows) == 4
        assert query.count(city, layer, Selection(values={"object_type": ("Building",)})) == 1


def test_the_verdict_is_written_as_json_also_when_it_is_no(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = here / "town.city.json"
    assert main(["load", "cityjson", str(path), "--json", "--dry-run"]) == 0
    assert json.loads(capsys.readouterr().out)["objects"]["found"] == 3
    path.write_text(path.read_text().replace('"referenceSystem"', '"other"'))
    assert main(["load", "cityjson", str(path), "--json"]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["accepted"] is False
    assert "give it by --crs" in err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["load", "cityjson", "a.json", "b.json"], "one CityJSON file at a time, not 2"),
        (["load", "cityjson", "a.json", "--place", "1,2,3,4"], "CityJSON takes --crs"),
        (["load", "cityjson", "nothing.json"], "there is no file nothing.json"),
        (["export", "cityjson", "out.obj"], "name it .city.json"),
        (["export", "cityjson", "out.json", "--bbox", "1,2"], "bbox"),
    ],
)
def test_what_cannot_be_is_said(
    here: Path, capsys: pytest.CaptureFixture[str], words: list[str], reason: str
) -> None:
    assert main(words) != 0
    assert reason in capsys.readouterr().err
