"""A service of the tiny town that other people's programs read."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn

from api.app import create_app
from api.hot import HotProtocol
from api.settings import Settings


@pytest.fixture(scope="session")
def address(town_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a service whose columns are made."""
    folder = tmp_path_factory.mktemp("clients")
    app = create_app(Settings(database_url=town_url, pool_size=2, data_dir=folder))
    config = uvicorn.Config(app, port=0, http=HotProtocol, log_level="warning", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        deadline = time.monotonic() + 60
        while not server.started:
            assert time.monotonic() < deadline, "the service did not start"
            time.sleep(0.02)
        assert app.state.tiles.wait_for_columns(timeout_s=120), app.state.tiles.status()
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=30)
