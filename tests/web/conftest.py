"""A real service, and a real browser before it."""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, Request, sync_playwright
from sqlalchemy import text

from api.app import create_app
from api.hot import HotProtocol
from api.settings import ROOT, Settings
from api.web_build import build_web
from sample_data import make_city, tiny_town
from twin.cluster import Cluster
from twin.database import connect
from twin.errors import UnavailableError

SHOTS = ROOT / "test-results"
DESK = {"width": 1024, "height": 720}
TABLET = {"width": 820, "height": 1180}
_NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Return a real browser that draws WebGL in software, or skip."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no Chromium: none of {', '.join(_NAMES)} is on the PATH")
    # Chromium's sandbox refuses to work for root.
    rootly = ["--no-sandbox"] if os.geteuid() == 0 else []
    drawing = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=[*drawing, *rootly])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def dist() -> Path:
    """Return the map page, built from the present sources, or skip."""
    try:
        built = build_web(ROOT, print)
    except UnavailableError as error:
        pytest.skip(f"the map page cannot be built: {error}")
    assert built is not None
    return built


@contextmanager
def served(database_url: str, dist: Path, **more: Any) -> Iterator[str]:
    """Serve a city from a thread of this process, and give the address."""
    settings = Settings(database_url=database_url, web_dist=dist, **more)
    config = uvicorn.Config(
        create_app(settings),
        host="127.0.0.1",
        port=0,
        log_level="error",
        ws="none",
        http=HotProtocol,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        deadline = time.monotonic() + 30
        while not server.started:
            assert thread.is_alive(), "the service ended before it had started"
            assert time.monotonic() < deadline, "the service did not start in 30 s"
            time.sleep(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=30)


@pytest.fixture(scope="session")
def town(cluster: Cluster, dist: Path) -> Iterator[str]:
    """Return the address of a service of the tiny town, whose answers are known by hand."""
    url = cluster.ensure_database("web_town")
    engine = connect(url)
    tiny_town.build(engine)
    engine.dispose()
    with served(url, dist) as address:
        yield address


@pytest.fixture
def town_of_unknown_pressure(cluster: Cluster, dist: Path) -> Iterator[str]:
    """Return the address of a tiny town whose files do not say the pressure of its gas main."""
    url = cluster.ensure_database("web_unknown_pressure")
    engine = connect(url)
    tiny_town.build(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE twin.pipe_segment SET pressure_pa = NULL"))
    engine.dispose()
    with served(url, dist) as address:
        yield address


@pytest.fixture(scope="session")
def city(cluster: Cluster, dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a service of a small demo city."""
    url = cluster.ensure_database("web_city")
    engine = connect(url)
    make_city.build(engine, data_dir=tmp_path_factory.mktemp("city"), buildings=600)
    engine.dispose()
    with served(url, dist) as address:
        yield address


@pytest.fixture(scope="session")
def bare(clone: Callable[..., Any], empty_city_template: str, dist: Path) -> Iterator[str]:
    """Return the address of a service of a city without features."""
    with clone(empty_city_template) as url, served(url, dist) as address:
        yield address


@dataclass
class Visit:
    """One visitor's page, and everything that went wrong on it."""

    page: Page
    origin: str
    complaints: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def ready(self) -> None:
        """Wait until the map has drawn everything it asked for."""
        self.page.wait_for_function("window.citytwin !== undefined", timeout=40_000)
        self.page.evaluate(
            """() => new Promise((done) => {
                const { map } = window.citytwin;
                if (map.loaded() && !map.isMoving()) done(); else map.once("idle", () => done());
            })"""
        )

    def on_screen(self, lon: float, lat: float) -> tuple[float, float]:
        """Return where on the page a place of the map is, px."""
        x, y = self.page.evaluate(
            """([lon, lat]) => {
                const { map } = window.citytwin;
                const box = map.getContainer().getBoundingClientRect();
                const at = map.project([lon, lat]);
                return [at.x + box.x, at.y + box.y];
            }""",
            [lon, lat],
        )
        return x, y

    def go_to(self, lon: float, lat: float, zoom: float) -> None:
        """Put a place in the middle of the map, flat."""
        self.page.evaluate(
            "([lon, lat, zoom]) => window.citytwin.map.jumpTo("
            "{ center: [lon, lat], zoom, pitch: 0, bearing: 0 })",
            [lon, lat, zoom],
        )
        self.ready()

    def shot(self, name: str) -> None:
        """Leave a picture for people."""
        SHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png")

    def drawn(self, source: str, role: str) -> int:
        """Return how many features of a role a source of the page holds."""
        count: int = self.page.evaluate(
            """async ([source, role]) => {
                const data = await window.citytwin.map.getSource(source).getData();
                return data.features.filter((f) => f.properties.role === role).length;
            }""",
            [source, role],
        )
        return count


Opener = Callable[..., Visit]


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Opener]:
    """Return what opens the map; at the end no page may have complained or asked a stranger."""
    contexts, visits = [], []

    def open_page(origin: str, address: str = "/map/?lang=zh", **context: Any) -> Visit:
        usual = {"viewport": DESK, "reduced_motion": "reduce", "locale": "zh-CN"}
        contexts.append(chromium.new_context(**{**usual, **context}))
        one = Visit(contexts[-1].new_page(), origin)
        visits.append(one)
        _listen(one)
        one.page.goto(origin + address)
        return one

    yield open_page
    for context in contexts:
        context.close()
    assert [said for one in visits for said in one.complaints] == []
    assert [url for one in visits for url in one.strangers] == []


def _listen(one: Visit) -> None:
    def asked(request: Request) -> None:
        address = urlsplit(request.url)
        inside = address.scheme in ("data", "blob")
        if not inside and f"{address.scheme}://{address.netloc}" != one.origin:
            one.strangers.append(request.url)

    one.page.on("request", asked)
    one.page.on("pageerror", lambda error: one.complaints.append(f"page: {error}"))
    one.page.on(
        "console",
        lambda said: (
            one.complaints.append(f"{said.type}: {said.text}")
            # OpenLayers reads its own canvas to find what was clicked, and Chromium has advice.
            if said.type in ("error", "warning") and "willReadFrequently" not in said.text
            else None
        ),
    )
