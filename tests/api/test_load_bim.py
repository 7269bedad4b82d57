"""``citytwin load bim`` and the layers that it fills, as people and clients see them."""

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from api.cli import main
from layers import layers, query
from layers.filter import Selection
from tests.twin.bim._house import House
from tests.twin.bim._house import text as step_text
from tiles.build import build
from twin.database import open_city


@pytest.fixture
def here(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the house, the command line being on an empty city."""
    monkeypatch.setenv("TWIN_DATABASE_URL", engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("TWIN_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "house.ifc").write_bytes(step_text(House()))
    return tmp_path


def test_a_model_is_loaded_and_a_changed_one_is_told_as_a_change(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["load", "bim", str(here / "house.ifc")]) == 0
    told = capsys.readouterr().out
    assert "11, 9 with geometry" in told
    assert "its 1 parts carry the geometry" in told
    assert "by 20: middle at" in told
    (here / "house.ifc").write_bytes(step_text(House(door_width_m=0.8, without=("west",))))
    assert main(["load", "bim", str(here / "house.ifc")]) == 0
    told = capsys.readouterr().out
    assert "0 added, 1 removed, 1 changed, 9 unchanged" in " ".join(told.split())
    assert "IfcWall west (element)" in told
    assert "IfcDoor 前门 (element): geom, mesh" in " ".join(told.split())


def test_the_verdict_is_written_as_json_also_when_it_is_no(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["load", "bim", str(here / "house.ifc"), "--json", "--dry-run"]) == 0
    verdict = json.loads(capsys.readouterr().out)
    assert verdict["accepted"] is True
    assert verdict["counts"]["IfcElement"] == 11
    (here / "house.ifc").write_bytes(step_text(House(site="")))
    assert main(["load", "bim", str(here / "house.ifc"), "--json"]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["accepted"] is False
    assert "give --place" in err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["bim", "house.ifc", "house.ifc"], "one model at a time"),
        (["bim", "house.ifc", "--datum", "gcj02"], "--place, --georef, --crs"),
        (["building", "house.ifc", "--place", "1,2"], "for building models"),
        (["bim", "house.ifc", "--place", "-87.6,41.8,0,0"], "outside the city"),
    ],
)
def test_what_makes_no_sense_is_said(
    here: Path, capsys: pytest.CaptureFixture[str], words: list[str], reason: str
) -> None:
    files = [str(here / word) if word.endswith(".ifc") else word for word in words]
    assert main(["load", *files]) == 1
    assert reason in capsys.readouterr().err


def test_the_layers_show_the_house(here: Path, engine: Engine, tmp_path: Path) -> None:
    assert main(["load", "bim", str(here / "house.ifc")]) == 0
    with Session(engine) as session:
        city = open_city(session)
        for name, number in (("storey", 2), ("space", 1), ("element", 11), ("opening", 1)):
            layer = layers()[name]
            assert len(query.page(city, layer).rows) == number
            assert len(build(engine, layer, tmp_path / name)) == number
        doors = Selection(values={"ifc_class": ("IfcDoor",)})
        assert query.count(city, layers()["element"], doors) == 1
