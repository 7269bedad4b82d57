"""GDAL puts the features of our tiles where GeoJSON says they are, on every grid."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twin.crs import LONLAT, move_points

pytestmark = pytest.mark.skipif(shutil.which("ogr2ogr") is None, reason="gdal-bin is not installed")


def _asked(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return json.load(answer)


def _tiling(address: str, grid: str) -> dict[str, Any]:
    """Return a grid as GDAL's `metadata.json` says it: an upper left corner, a side.

    GDAL knows one square at level 0; of two side by side, it needs the square that holds both,
    one level higher: which is how Tianditu counts.
    """
    defined = _asked(f"{address}/tileMatrixSets/{grid}")
    first = defined["tileMatrices"][0]
    corner = first["pointOfOrigin"]
    east, north = corner if defined["orderedAxes"][0] in ("X", "E", "Lon") else corner[::-1]
    code = defined["crs"].rsplit("/", 1)[-1]
    return {
        "crs": "EPSG:4326" if code == "CRS84" else f"EPSG:{code}",
        "tile_origin_upper_left_x": east,
        "tile_origin_upper_left_y": north,
        "tile_dimension_zoom_0": first["cellSize"] * 256 * 2 ** int(first["id"]),
    }


@pytest.mark.parametrize("grid", ["w", "c", "CityQuad"])
def test_gdal_reads_a_tile_of_each_grid_in_its_place(
    address: str, tmp_path: Path, grid: str
) -> None:
    """Tianditu's names count levels as GDAL does, and the city's own grid is a square."""
    tiling = _tiling(address, grid)
    told = tmp_path / "metadata.json"
    told.write_text(json.dumps(tiling))
    items = _asked(f"{address}/collections/facility/items?limit=100")["features"]
    places = {each["id"]: each["geometry"]["coordinates"][:2] for each in items}
    lon, lat = next(iter(places.values()))
    x, y = move_points(np.array([lon]), np.array([lat]), LONLAT, tiling["crs"])
    level = _asked(f"{address}/tiles/facility/{grid}.json")["maxzoom"]
    side = tiling["tile_dimension_zoom_0"] / 2**level
    column = math.floor((x[0] - tiling["tile_origin_upper_left_x"]) / side)
    row = math.floor((tiling["tile_origin_upper_left_y"] - y[0]) / side)
    url = f"{address}/tiles/facility/{grid}/{level}/{column}/{row}.pbf"
    options = [f"X={column}", f"Y={row}", f"Z={level}", "CLIP=NO", f"METADATA_FILE={told}"]
    done = subprocess.run(
        ["ogr2ogr", "-f", "GeoJSON", "/vsistdout/", f"MVT:{url}", "-t_srs", "OGC:CRS84",
         *(word for option in options for word in ("-oo", option))],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["features"]
    assert found
    metres_a_degree = 111_320.0
    unit_m = side / 4096 * (metres_a_degree if side < 1 else 1)
    for each in found:
        there = each["geometry"]["coordinates"]
        here = places[each["properties"]["mvt_id"]]
        away = [abs(a - b) * metres_a_degree for a, b in zip(there, here, strict=False)]
        # Half a unit, and the last of seven decimals.
        assert max(away) < 0.51 * unit_m + 0.02, (each, here)
