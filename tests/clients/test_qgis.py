"""QGIS draws our vector tiles where the features are, whatever the project's frame."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from shapely.geometry import shape

PYTHON = "/usr/bin/python3"
"""QGIS's bindings are of Debian's own Python."""
_SCRIPT = """
import json, sys
from qgis.core import *
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor
asked = json.loads(sys.argv[1])
app = QgsApplication([], False)
app.initQgis()
source = f"type=xyz&url={asked['url']}&zmin={asked['zmin']}&zmax={asked['zmax']}"
layer = QgsVectorTileLayer(source, "tiles")
style = QgsVectorTileBasicRendererStyle("", asked["layer"], QgsWkbTypes.PolygonGeometry)
style.setSymbol(QgsFillSymbol.createSimple({"color": "255,0,0", "outline_style": "no"}))
style.setEnabled(True)
renderer = QgsVectorTileBasicRenderer()
renderer.setStyles([style])
layer.setRenderer(renderer)
crs = QgsCoordinateReferenceSystem(asked["crs"])
move = QgsCoordinateTransform(
    QgsCoordinateReferenceSystem("EPSG:4326"), crs, QgsProject.instance())
def moved(place):
    return move.transform(QgsPointXY(*place))
settings = QgsMapSettings()
settings.setDestinationCrs(crs)
settings.setTransformContext(QgsProject.instance().transformContext())
settings.setLayers([layer])
settings.setOutputSize(QSize(800, 800))
settings.setBackgroundColor(QColor("white"))
settings.setExtent(QgsRectangle(moved(asked["box"][:2]), moved(asked["box"][2:])))
job = QgsMapRendererSequentialJob(settings)
job.start()
job.waitForFinished()
image = job.renderedImage()
if asked.get("picture"):
    image.save(asked["picture"])
to_pixel = settings.mapToPixel()
colours = []
for place in asked["places"]:
    at = to_pixel.transform(moved(place))
    colours.append(QColor(image.pixel(int(at.x()), int(at.y()))).name())
print("RESULT " + json.dumps({"valid": layer.isValid(), "colours": colours,
    "errors": [str(each.message) for each in job.errors()], "version": Qgis.QGIS_VERSION}))
"""


def _has_qgis() -> bool:
    try:
        done = subprocess.run(
            [PYTHON, "-c", "import qgis.core"], capture_output=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


@pytest.fixture(scope="module")
def qgis() -> None:
    if not _has_qgis():
        pytest.skip("QGIS is not installed (Debian's python3-qgis)")


def _drawn(tmp_path: Path, **asked: Any) -> Any:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "QT_QPA_PLATFORM": "offscreen",
        "LANG": "C.UTF-8",
    }
    done = subprocess.run(
        [PYTHON, "-c", _SCRIPT, json.dumps(asked)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    (line,) = [each for each in done.stdout.splitlines() if each.startswith("RESULT ")]
    return json.loads(line.removeprefix("RESULT "))


def _asked(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return json.load(answer)


@pytest.mark.usefixtures("qgis")
@pytest.mark.parametrize("crs", ["EPSG:3857", "EPSG:4490", "EPSG:4548"])
def test_qgis_draws_the_buildings_where_they_are(address: str, tmp_path: Path, crs: str) -> None:
    """Red inside each of the town's houses, white in the street between; the edition is kept."""
    document = _asked(f"{address}/tiles/building.json")
    items = _asked(f"{address}/collections/building/items")["features"]
    houses = [shape(each["geometry"]) for each in items]
    inside = [house.representative_point() for house in houses]
    west, south, east, north = document["bounds"]
    rim = (east - west) / 5
    box = [west - rim, south - rim, east + rim, north + rim]
    between = [
        (west + (east - west) * i / 40, south + (north - south) * j / 40)
        for i in range(41)
        for j in range(41)
    ]
    # A pixel of the picture is half a metre; what lies nearer to a wall may be either.
    clear = [p for p in between if all(h.distance(shape(_point(p))) > 2e-5 for h in houses)]
    assert len(clear) > 50
    template = document["tiles"][0].replace("&", "%26")
    found = _drawn(
        tmp_path,
        url=template,
        zmin=document["minzoom"],
        zmax=document["maxzoom"],
        layer="building",
        crs=crs,
        box=box,
        places=[*((p.x, p.y) for p in inside), *clear],
    )
    assert found["valid"]
    assert found["errors"] == []
    assert found["colours"][: len(inside)] == ["#ff0000"] * len(inside)
    assert set(found["colours"][len(inside) :]) == {"#ffffff"}


def _point(place: tuple[float, float]) -> dict[str, Any]:
    return {"type": "Point", "coordinates": place}
