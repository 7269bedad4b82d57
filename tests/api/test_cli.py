"""The command line, as processes of their own."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text

from api.cli import main
from api.verbs import verbs
from sample_data import tiny_town
from twin.cluster import Cluster
from twin.database import connect

from .conftest import CITYTWIN, Done, one_line

Run = Callable[..., Done]

SQUARES = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"no": n, "storeys": n},
            "geometry": {
                "type": "Polygon",
                "coordinates": [
                    [
                        [116.6 + n / 1000, 23.3],
                        [116.6005 + n / 1000, 23.3],
                        [116.6005 + n / 1000, 23.3005],
                        [116.6 + n / 1000, 23.3],
                    ]
                ],
            },
        }
        for n in range(3)
    ],
}


@pytest.fixture
def squares(tmp_path: Path) -> Path:
    path = tmp_path / "squares.geojson"
    path.write_text(json.dumps(SQUARES))
    return path


@pytest.fixture
def city_url(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


@pytest.fixture(scope="module")
def own_town(cluster: Cluster) -> str:
    url = cluster.ensure_database("tests_cli_town")
    engine = connect(url)
    tiny_town.build(engine)
    engine.dispose()
    return url


def _count(url: str) -> int:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.scalar(text("SELECT count(*) FROM twin.building"))
    engine.dispose()
    return int(found or 0)


def test_the_verbs_are_those_of_the_documentation() -> None:
    assert set(verbs()) == {
        "init", "load", "serve", "demo", "run", "layers", "analyses", "status", "export",
        "report", "code", "restore",
    }  # fmt: skip


@pytest.mark.parametrize("verb", ["", *verbs()])
def test_help_is_given(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([*([verb] if verb else []), "--help"])
    assert stop.value.code == 0
    assert "usage: citytwin" in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["fly"], ["load"], ["serve", "--port", "x"]])
def test_a_misspelt_command_is_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_a_city_is_made_filled_and_described(
    citytwin: Run, database_url: str, squares: Path
) -> None:
    made = citytwin(
        "init", "--crs", "EPSG:4548", "--name", "试验市", "--extent-lonlat",
        "116.5,23.2,116.8,23.5", "--vertical-datum", "EPSG:5737", url=database_url,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert "试验市" in made.stderr

    loaded = citytwin("load", "building", str(squares), "--map", "source_id=no", url=database_url)
    assert loaded.returncode == 0, loaded.stderr
    assert "rows read" in loaded.stdout
    assert _count(database_url) == 3

    again = citytwin("load", "building", str(squares), "--map", "source_id=no", "--json",
                     url=database_url)  # fmt: skip
    report = json.loads(again.stdout)
    assert (report["loaded"], report["updated"], report["unchanged"]) == (0, 0, 3)

    status = citytwin("status", url=database_url)
    assert "试验市" in status.stdout
    assert "EPSG:4548, vertical datum EPSG:5737" in status.stdout
    listed = citytwin("layers", url=database_url).stdout.splitlines()
    assert [line.split()[:2] for line in listed if "建筑物" in line] == [["building", "3"]]


def test_a_second_city_in_a_database_is_refused(citytwin: Run, city_url: str) -> None:
    done = citytwin("init", "--crs", "4548", "--name", "二", url=city_url)
    assert done.returncode == 1
    assert "already holds the city '汕头'" in one_line(done.stderr)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--crs", "EPSG:4326"], "metres"),
        (["--crs", "EPSG:9"], "EPSG:9"),
        (["--crs", "dragon"], "dragon"),
        (["--crs", "4548", "--extent", "1,2,3"], "--extent"),
        (["--crs", "4548", "--extent", "5,5,1,1"], "extent"),
        (["--crs", "4548", "--extent-lonlat", "23.2,116.5,23.5,116.8"], "degrees"),
    ],
)
def test_a_frame_that_will_not_do_is_refused(
    citytwin: Run, database_url: str, words: list[str], said: str
) -> None:
    done = citytwin("init", "--name", "x", *words, url=database_url)
    assert done.returncode == 1
    assert said in one_line(done.stderr)


def test_rows_that_are_refused_are_said_by_the_exit_status(
    citytwin: Run, city_url: str, tmp_path: Path
) -> None:
    bad = json.loads(json.dumps(SQUARES))
    bad["features"][1]["geometry"] = {"type": "Point", "coordinates": [116.6, 23.3]}
    path = tmp_path / "bad.geojson"
    path.write_text(json.dumps(bad))
    done = citytwin("load", "building", str(path), "--map", "source_id=no", url=city_url)
    assert done.returncode == 3, done.stderr
    assert "refused" in done.stdout
    assert _count(city_url) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["building", "nowhere.gpkg"], "nowhere.gpkg"),
        (["dragons", "{file}"], "dragons"),
        (["building", "{file}", "--map", "height"], "--map"),
        (["building", "{file}", "--crs", "dragon"], "dragon"),
    ],
)
def test_a_load_that_cannot_be_changes_nothing(
    citytwin: Run, city_url: str, squares: Path, words: list[str], said: str
) -> None:
    done = citytwin("load", *(word.format(file=squares) for word in words), url=city_url)
    assert done.returncode == 1, done.stdout
    assert said in one_line(done.stderr)
    assert _count(city_url) == 0


def test_a_dry_run_keeps_nothing(citytwin: Run, city_url: str, squares: Path) -> None:
    words = ["load", "building", str(squares), "--map", "source_id=no", "--dry-run", "--json"]
    done = citytwin(*words, url=city_url)
    assert done.returncode == 0
    assert json.loads(done.stdout)["loaded"] == 3
    assert _count(city_url) == 0


def test_ctrl_c_during_a_load_is_130_and_changes_nothing(
    city_url: str, engine: Engine, squares: Path, tmp_path: Path
) -> None:
    env = {**os.environ, "TWIN_DATABASE_URL": city_url, "TWIN_DATA_DIR": str(tmp_path)}
    words = [CITYTWIN, "load", "building", str(squares), "--map", "source_id=no"]
    with engine.connect() as holder, holder.begin():
        # The load has to wait for this lock, so it is surely under way when it is interrupted.
        holder.execute(text("LOCK TABLE twin.building IN ACCESS EXCLUSIVE MODE"))
        process = subprocess.Popen(words, env=env, stderr=subprocess.PIPE, text=True)
        waiting = text(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = "
            "'twin.building'::regclass"
        )
        deadline = time.monotonic() + 60
        while not holder.scalar(waiting):
            assert process.poll() is None, process.stderr
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "interrupted" in one_line(stderr)
    assert _count(city_url) == 0


def test_an_analysis_is_asked_by_words_by_file_and_by_stdin(
    citytwin: Run, own_town: str, tmp_path: Path
) -> None:
    # By pipe 1, the gas main: its radius is the tiny town's 99.72 m.
    by_words = citytwin("run", "impact-radius", "--input", "pipe_id=1", "--input", "model=gas-pipe",
                        url=own_town)  # fmt: skip
    assert by_words.returncode == 0, by_words.stderr
    answer = json.loads(by_words.stdout)
    assert round(answer["radius_m"], 2) == 99.72
    near = [each for each in answer["buildings"] if each["distance_m"] <= answer["radius_m"]]
    assert sum(each["residents_night"] for each in near) == 4032

    inputs = {"inputs": {"pipe_id": 1, "model": "gas-pipe"}}
    path = tmp_path / "inputs.json"
    path.write_text(json.dumps(inputs))
    by_file = citytwin("run", "impact-radius", "--inputs", str(path), url=own_town)
    by_stdin = citytwin("run", "impact-radius", "--inputs", "-", url=own_town,
                        said=json.dumps(inputs["inputs"]))  # fmt: skip
    for done in (by_file, by_stdin):
        assert json.loads(done.stdout)["totals"] == answer["totals"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["dragons"], "impact-radius"),
        (["impact-radius", "--input", "radius_m"], "--input"),
        (["impact-radius", "--input", "radius_m=-1"], "radius_m"),
        (["impact-radius", "--inputs", "nowhere.json"], "nowhere.json"),
        (["impact-radius", "--input", "pipe_id=4711", "--input", "radius_m=10"], "4711"),
    ],
)
def test_a_question_that_cannot_be_is_one_line(
    citytwin: Run, own_town: str, words: list[str], said: str
) -> None:
    done = citytwin("run", *words, url=own_town)
    assert done.returncode == 1
    assert said in one_line(done.stderr)


def test_what_is_set_wrongly_is_named(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("TWIN_PORT", "many")
    assert main(["status"]) == 1
    assert "TWIN_PORT='many'" in one_line(capsys.readouterr().err)


def test_a_database_that_is_away_is_one_line(citytwin: Run) -> None:
    done = citytwin("status", url="postgresql://nobody@127.0.0.1:9/x")
    assert done.returncode == 1
    assert "no answer from the database" in one_line(done.stderr)


def test_output_that_nobody_reads_is_no_trouble(own_town: str, tmp_path: Path) -> None:
    env = {**os.environ, "TWIN_DATABASE_URL": own_town, "TWIN_DATA_DIR": str(tmp_path)}
    command = f"'{CITYTWIN}' run impact-radius --input pipe_id=1 --input radius_m=50 | head -c 1"
    done = subprocess.run(command, shell=True, env=env, capture_output=True, text=True, timeout=120)
    assert "Traceback" not in done.stderr


@pytest.fixture
def own_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("data")
    for parent in (folder, folder.parent, folder.parent.parent):
        parent.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_serve_says_where_it_listens_and_stops_cleanly(
    serve: Callable[..., Any], own_town: str, tmp_path: Path
) -> None:
    for stop in (signal.SIGTERM, signal.SIGINT):
        with serve(TWIN_DATABASE_URL=own_town, TWIN_DATA_DIR=str(tmp_path)) as service:
            service.wait_ready()
            service.process.send_signal(stop)
            assert service.process.wait(timeout=30) == 0
            said = service.log.read_text()
        assert f"{service.address}/map/" in said
        assert said.index("Three things to try") < said.index("stopped")
        assert "Traceback" not in said


def test_a_port_in_use_is_said_at_once(
    serve: Callable[..., Any], own_town: str, tmp_path: Path
) -> None:
    with serve(TWIN_DATABASE_URL=own_town, TWIN_DATA_DIR=str(tmp_path)) as first:
        first.wait_ready()
        port = first.address.rpartition(":")[2]
        with serve(TWIN_DATABASE_URL=own_town, TWIN_PORT=port) as second:
            assert second.process.wait(timeout=30) == 1
            assert "TWIN_PORT" in one_line(second.log.read_text())


def test_serve_demo_makes_the_demo_city_once(serve: Callable[..., Any], own_cluster: Path) -> None:
    import urllib.request

    for first in (True, False):
        with serve("--demo", TWIN_DATA_DIR=str(own_cluster)) as service:
            service.wait_ready(180)
            with urllib.request.urlopen(f"{service.address}/city", timeout=10) as answer:
                city = json.load(answer)
            assert city["layers"]["building"] > 1000
            service.process.terminate()
            assert service.process.wait(timeout=60) == 0
            assert ("making the demo city" in service.log.read_text()) == first
    # Nobody uses the private database any more, so it is stopped as well.
    deadline = time.monotonic() + 30
    while (own_cluster / "cluster" / "data" / "postmaster.pid").exists():
        assert time.monotonic() < deadline, "PostgreSQL still runs"
        time.sleep(0.2)


def test_stopped_while_it_prepares_it_stops(serve: Callable[..., Any], own_cluster: Path) -> None:
    with serve("--demo", TWIN_DATA_DIR=str(own_cluster)) as service:
        deadline = time.monotonic() + 120
        while "making the demo city" not in service.log.read_text():
            assert service.process.poll() is None, service.log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        service.process.terminate()
        assert service.process.wait(timeout=60) == 0
        assert "Traceback" not in service.log.read_text()
