"""The map in CGCS2000: features stand where their longitude and latitude say."""

import json
import re
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from tests.web.conftest import Opener, Visit, served
from twin.database import connect

pytestmark = pytest.mark.browser

PAGE = "/map/cgcs2000/?lang=zh"


def _ready(seen: Visit) -> None:
    seen.page.wait_for_function(
        "window.cgcs2000?.map.getPixelFromCoordinate([0, 0]) != null", timeout=40_000
    )


def _go_to(seen: Visit, lon: float, lat: float, zoom: float) -> tuple[float, float]:
    """Put a place in the middle of the map, and return where on the page it is, px."""
    seen.page.evaluate(
        """([lon, lat, resolution]) => {
            const view = window.cgcs2000.map.getView();
            view.setCenter([lon, lat]);
            view.setResolution(resolution);
        }""",
        [lon, lat, 360 / 512 / 2**zoom],
    )
    # What the map says of pixels is of the frame that it drew last: this one, once the place is in
    # the middle of it.
    found = seen.page.wait_for_function(
        """([lon, lat]) => {
            const { map } = window.cgcs2000;
            const [x, y] = map.getPixelFromCoordinate([lon, lat]);
            const [width, height] = map.getSize();
            if (Math.hypot(x - width / 2, y - height / 2) > 1) return null;
            const box = map.getTargetElement().getBoundingClientRect();
            return [x + box.x, y + box.y];
        }""",
        arg=[lon, lat],
        timeout=10_000,
    )
    x, y = found.json_value()
    return x, y


def _drawn(seen: Visit, layer: str, lon: float, lat: float) -> None:
    """Wait until a feature of a layer is drawn at a place."""
    seen.page.wait_for_function(
        """([name, lon, lat]) => {
            const { map, layers } = window.cgcs2000;
            const pixel = map.getPixelFromCoordinate([lon, lat]);
            return layers.at(pixel).some(({ layer }) => layer.id === name);
        }""",
        arg=[layer, lon, lat],
        timeout=20_000,
    )


def _items(address: str, layer: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{address}/collections/{layer}/items?limit=1000") as answer:
        found: list[dict[str, Any]] = json.load(answer)["features"]
    return found


def _inside(geometry: dict[str, Any]) -> tuple[float, float]:
    """Return a place on a feature of the town: its point, a line's first place, a middle."""
    places = geometry["coordinates"]
    while isinstance(places[0][0], list) if isinstance(places[0], list) else False:
        places = places[0]
    if geometry["type"] == "Point":
        lon, lat, *_ = places
        return lon, lat
    if geometry["type"].endswith("LineString"):
        first, second = places[0], places[1]
        return (first[0] + second[0]) / 2, (first[1] + second[1]) / 2
    ring = places[:-1]
    return sum(p[0] for p in ring) / len(ring), sum(p[1] for p in ring) / len(ring)


@pytest.mark.parametrize("layer", ["building", "facility", "pipe_segment"])
def test_a_click_on_its_longitude_and_latitude_finds_the_feature(
    visit: Opener, town: str, layer: str
) -> None:
    seen = visit(town, PAGE + f"#layers={layer}")
    _ready(seen)
    for item in _items(town, layer)[:3]:
        lon, lat = _inside(item["geometry"])
        x, y = _go_to(seen, lon, lat, 19)
        _drawn(seen, layer, lon, lat)
        with seen.page.expect_response(re.compile(rf"/collections/{layer}/items/\d+$")):
            seen.page.mouse.click(x, y)
        found = f'#pane-file h2[data-layer="{layer}"][data-id="{item["id"]}"]'
        seen.page.wait_for_selector(found, timeout=10_000)
    seen.shot(f"cgcs2000-{layer}")


def test_the_page_asks_for_tiles_of_its_own_grid_with_their_edition(
    visit: Opener, town: str
) -> None:
    seen = visit(town, PAGE)
    asked: list[str] = []
    seen.page.on("request", lambda request: asked.append(request.url))
    with seen.page.expect_request(re.compile(r"/tiles/\w+/CGCS2000Quad/\d+/")):
        seen.page.reload()
    _ready(seen)
    _go_to(seen, 116.6781, 23.3578, 17)
    tiles = [url for url in asked if re.search(r"/tiles/\w+/", url)]
    assert all(re.search(r"/tiles/\w+/CGCS2000Quad(\.json|/\d+/\d+/\d+\?v=\w+)", u) for u in tiles)


def test_both_maps_lead_to_each_other_and_keep_the_place(visit: Opener, town: str) -> None:
    seen = visit(town, PAGE + "#map=16.5/23.35800/116.67800")
    _ready(seen)
    seen.page.click("#tool-mercator")
    seen.ready()
    middle = seen.page.evaluate("window.citytwin.map.getCenter().toArray()")
    assert middle == pytest.approx([116.678, 23.358], abs=1e-4)
    assert seen.page.evaluate("window.citytwin.map.getZoom()") == pytest.approx(16.5, abs=0.01)
    seen.page.click("#to-cgcs2000")
    _ready(seen)
    back = seen.page.evaluate("window.cgcs2000.map.getView().getCenter()")
    assert back == pytest.approx([116.678, 23.358], abs=1e-4)


def test_the_page_speaks_both_languages(visit: Opener, town: str) -> None:
    seen = visit(town, PAGE)
    _ready(seen)
    assert "国家大地坐标系" in seen.page.inner_text("header h1")
    seen.page.click("#tool-lang")
    assert "CGCS2000 (EPSG:4490)" in seen.page.inner_text("header h1")
    assert "Buildings" in seen.page.inner_text("#pane-layers")


@pytest.fixture
def own(
    clone: Callable[..., Any], empty_city_template: str, dist: Path
) -> Iterator[tuple[str, Engine]]:
    """Return the address of a service of an empty city, and an engine on its database."""
    with clone(empty_city_template) as url, served(url, dist) as address:
        engine = connect(url)
        yield address, engine
        engine.dispose()


def test_an_edit_appears_by_itself(own: tuple[str, Engine], visit: Opener) -> None:
    address, engine = own
    lon, lat = 116.55, 23.38
    seen = visit(address, PAGE + f"#map=17/{lat}/{lon}&layers=facility")
    _ready(seen)
    seen.page.wait_for_timeout(500)  # the line of news is open
    insert = text(
        "INSERT INTO twin.facility (kind, name, geom) VALUES ('hospital', '新', ST_Transform("
        "ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), 4548))"
    )
    with engine.begin() as connection:
        connection.execute(insert, {"lon": lon, "lat": lat})
    _drawn(seen, "facility", lon, lat)
