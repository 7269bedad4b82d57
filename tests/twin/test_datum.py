"""Chinese map datums against published vectors and map vendors' own pairs."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twin.datum import (
    bd09_to_gcj02,
    from_wgs84,
    gcj02_to_bd09,
    gcj02_to_wgs84,
    to_wgs84,
    wgs84_to_gcj02,
)
from twin.errors import InvalidInputError

METRES_PER_DEGREE = 111_320.0
VENDORS_WITHIN_M = 0.7


@pytest.fixture(scope="module")
def vectors() -> dict[str, Any]:
    root = Path(__file__).parents[2]
    folder = (root / os.environ.get("TWIN_REAL_DATA", "../shared/data")).resolve()
    file = folder / "vectors" / "gcj_bd_vectors.json"
    if not file.exists():
        pytest.skip(f"no real data: TWIN_REAL_DATA names no folder with vectors ({folder})")
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def apart_m(first: np.ndarray, second: list[float]) -> float:
    across, up = (first - second) * METRES_PER_DEGREE
    return float(np.hypot(across * np.cos(np.radians(second[1])), up))


def point(pair: list[float]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([pair[0]]), np.array([pair[1]])


def test_formulas_reproduce_published_vectors_to_a_micrometre(vectors: dict[str, Any]) -> None:
    exact = vectors["exact_vectors"]
    given = point(exact["input"])
    assert np.ravel(bd09_to_gcj02(*given)) == pytest.approx(exact["bd09togcj02"], abs=1e-11)
    assert np.ravel(gcj02_to_bd09(*given)) == pytest.approx(exact["gcj02tobd09"], abs=1e-11)
    assert np.ravel(wgs84_to_gcj02(*given)) == pytest.approx(exact["wgs84togcj02"], abs=1e-11)


def test_the_iterated_inverse_is_better_than_the_one_step_by_some_centimetres(
    vectors: dict[str, Any],
) -> None:
    exact = vectors["exact_vectors"]
    ours = np.ravel(gcj02_to_wgs84(*point(exact["input"])))
    off_m = np.hypot(*(ours - exact["gcj02towgs84(1-step)"])) * METRES_PER_DEGREE
    assert 0.01 < off_m < 0.2
    back = np.ravel(wgs84_to_gcj02(*point(list(ours))))
    assert back == pytest.approx(exact["input"], abs=1e-10)


def test_map_vendors_pairs_agree_within_the_formulas_own_error(vectors: dict[str, Any]) -> None:
    for city, pairs in vectors["cities"].items():
        for datum, name in (("gcj02", "GCJ02"), ("bd09", "BD09")):
            ours = np.ravel(to_wgs84(datum, *point(pairs[name])))
            assert apart_m(ours, pairs["WGS84"]) < VENDORS_WITHIN_M, (city, datum)
            out = np.ravel(from_wgs84(datum, *point(pairs["WGS84"])))
            assert apart_m(out, pairs[name]) < VENDORS_WITHIN_M, (city, datum)


def test_a_grid_over_china_comes_back_to_a_micrometre() -> None:
    lon, lat = (axis.ravel() for axis in np.meshgrid(np.arange(75, 135, 1.5), np.arange(18, 53, 1)))
    back = to_wgs84("bd09", *gcj02_to_bd09(*wgs84_to_gcj02(lon, lat)))
    assert np.abs(back[0] - lon).max() * METRES_PER_DEGREE < 1e-4
    assert np.abs(back[1] - lat).max() * METRES_PER_DEGREE < 1e-4
    exact = gcj02_to_wgs84(*wgs84_to_gcj02(lon, lat))
    assert np.abs(exact[0] - lon).max() * METRES_PER_DEGREE < 1e-4
    assert np.abs(exact[1] - lat).max() * METRES_PER_DEGREE < 1e-4


def test_nothing_is_shifted_outside_china() -> None:
    jakarta = np.array([106.8]), np.array([-6.2])
    assert np.ravel(gcj02_to_wgs84(*jakarta)) == pytest.approx([106.8, -6.2], abs=0)


def test_an_unknown_datum_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="gcj02, bd09"):
        to_wgs84("wgs72", *point([116.0, 23.0]))  # type: ignore[arg-type]
