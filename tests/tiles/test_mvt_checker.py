"""The checker agrees with mapbox's collection of good and bad tiles."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.tiles._mvt_checker import BrokenError, read

FIXTURES = Path(
    os.environ.get(
        "TWIN_MVT_FIXTURES",
        str(Path(__file__).parents[2] / "web/node_modules/@mapbox/mvt-fixtures/fixtures"),
    )
)
FOLDERS = sorted(FIXTURES.iterdir()) if FIXTURES.is_dir() else []
SHUNNED = {
    "016": "geometry of type 0",
    "025": "has no features",
    "039": "geometry of type 0",
    "057": "536870911 places",
}
"""Legal to read, and nothing that an encoder should write: the checker says so."""

pytestmark = pytest.mark.skipif(not FOLDERS, reason="mapbox's mvt-fixtures are not installed")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_tile_is_good_exactly_when_mapbox_says_so(folder: Path) -> None:
    tile = (folder / "tile.mvt").read_bytes()
    valid = json.loads((folder / "info.json").read_text())["validity"]["v2"]
    try:
        wrong = read(tile)[1]
    except BrokenError as error:
        wrong = [str(error)]
    if folder.name in SHUNNED:
        assert valid
        assert SHUNNED[folder.name] in " ".join(wrong)
    else:
        assert valid == (not wrong), wrong
