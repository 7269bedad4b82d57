"""GDAL, which many GIS programs read with, against a service that really listens."""

import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from layers import layers

from .conftest import middle_tile


@pytest.fixture(scope="module")
def gdal() -> None:
    if shutil.which("ogrinfo") is None:
        pytest.skip("gdal-bin is not installed")


@pytest.fixture(scope="module")
def address(
    serve: Callable[..., Any], town_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    data = str(tmp_path_factory.mktemp("data"))
    with serve(TWIN_DATABASE_URL=town_url, TWIN_DATA_DIR=data) as service:
        service.wait_ready()
        yield service.address


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "ERROR" not in done.stderr, done.stderr
    return done.stdout


@pytest.mark.usefixtures("gdal")
def test_gdal_reads_the_layers_and_asks_the_service_to_filter(address: str) -> None:
    source = f"OAPIF:{address}"
    listed = _run("ogrinfo", "-ro", source)
    assert set(re.findall(r"^\d+: (\w+)", listed, re.M)) == set(layers())

    summary = _run("ogrinfo", "-ro", "-so", source, "building")
    assert "Feature Count: 12" in summary
    assert re.search(r"storeys: Integer", summary)

    west_half = ["-spat", "116.0", "23.0", "116.67788", "24.0"]
    boxed = _run("ogr2ogr", "-f", "GeoJSON", "/vsistdout/", *west_half, source, "building")
    assert 0 < len(json.loads(boxed)["features"]) < 12

    tall = _run("ogr2ogr", "-f", "GeoJSON", "/vsistdout/", "-where", "use = 'office'", source,
                "building")  # fmt: skip
    (only,) = json.loads(tall)["features"]
    assert only["properties"]["name"] == "12号楼"


@pytest.mark.usefixtures("gdal")
def test_gdal_follows_the_pages(address: str) -> None:
    everything = _run("ogr2ogr", "-f", "GeoJSON", "/vsistdout/", "-oo", "PAGE_SIZE=5",
                      f"OAPIF:{address}", "building")  # fmt: skip
    names = {each["properties"]["name"] for each in json.loads(everything)["features"]}
    assert names == {f"{n}号楼" for n in range(1, 13)}


@pytest.mark.usefixtures("gdal")
def test_gdal_reads_the_tiles(address: str) -> None:
    with urllib.request.urlopen(f"{address}/city", timeout=10) as answer:
        tile = middle_tile(json.load(answer), 14)
    listed = _run("ogrinfo", "-ro", "-so", "-al", f"MVT:{address}/tiles/building/{tile}.mvt")
    assert "Feature Count: 12" in listed
