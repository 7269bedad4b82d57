"""An archive of tiles in the reader that the web has for it, on a page from elsewhere."""

import functools
import gzip
import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page
from pmtiles.reader import MmapSource, Reader, all_tiles
from sqlalchemy import Engine, text

from api.settings import ROOT
from layers import layer_named
from tests.web.conftest import DESK, SHOTS, served
from tiles.bake import Wish, bake

pytestmark = pytest.mark.browser

LAYERS = ("road_edge", "building", "pipe_segment", "facility")
_PARTS = ("pmtiles/dist/pmtiles.js", "maplibre-gl/dist/maplibre-gl.js",
          "maplibre-gl/dist/maplibre-gl.css")  # fmt: skip


@pytest.fixture(scope="module")
def data_dir(town_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    (folder / "archives").mkdir()
    bake(
        town_engine,
        Wish([layer_named(name) for name in LAYERS], attribution="测绘局 Survey"),
        folder / "archives" / "小城.pmtiles",
        folder=folder / "tiles",
    )
    return folder


@pytest.fixture(scope="module")
def archive(town_url: str, dist: Path, data_dir: Path) -> Iterator[str]:
    """Return the address of the archive; its service has no page that reads it."""
    with served(town_url, dist, data_dir=data_dir) as address:
        yield f"{address}/archives/{quote('小城')}.pmtiles"


@pytest.fixture(scope="module")
def elsewhere(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a plain web server with a page, another origin than the service."""
    folder = tmp_path_factory.mktemp("page")
    shutil.copy(Path(__file__).with_name("archive_reader.html"), folder / "index.html")
    for part in _PARTS:
        shutil.copy(ROOT / "web" / "node_modules" / part, folder)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def page(chromium: Browser, elsewhere: str, archive: str) -> Iterator[Page]:
    context = chromium.new_context(viewport=DESK)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    page.goto(f"{elsewhere}?archive={quote(archive, safe='')}")
    yield page
    context.close()
    assert complaints == []


def test_the_javascript_reader_finds_every_tile(page: Page, data_dir: Path) -> None:
    with (data_dir / "archives" / "小城.pmtiles").open("rb") as file:
        head, told = Reader(MmapSource(file)).header(), Reader(MmapSource(file)).metadata()
        expected = dict(all_tiles(MmapSource(file)))
    assert len(expected) > 10
    for (z, x, y), packed in expected.items():
        found = page.evaluate("([z, x, y]) => window.tile(z, x, y)", [z, x, y])
        assert found == gzip.decompress(packed).hex()
    assert page.evaluate("() => window.tile(16, 1, 1)") is None
    read = page.evaluate("() => window.header()")
    assert read["maxZoom"] == head["max_zoom"]
    assert read["numAddressedTiles"] == len(expected)
    assert page.evaluate("() => window.metadata()") == told


def test_an_archive_is_drawn_without_a_tile_server(page: Page, town_engine: Engine) -> None:
    answers: list[tuple[int, str]] = []
    page.on("response", lambda answer: answers.append((answer.status, answer.url)))
    drawn = page.evaluate("() => window.draw()")
    with town_engine.connect() as connection:
        there = {
            name: connection.scalar(text(f"SELECT count(*) FROM twin.{name}")) for name in LAYERS
        }
    assert drawn == there
    assert page.get_by_text("测绘局 Survey").is_visible()
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / "archive.png")
    # Nothing but ranges of the one file was asked for.
    asked = [status for status, url in answers if not url.startswith("blob:")]
    assert set(asked) == {206}, answers
