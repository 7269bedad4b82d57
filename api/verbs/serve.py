"""``citytwin serve``: the service, until it is told to stop."""

import errno
import signal
import socket
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn

from api.demo_city import has_city, make_demo_city
from api.settings import ROOT, Settings
from api.verbs._verb import Verb, database, say
from api.web_build import build_web
from twin.errors import InvalidInputError, UnavailableError

_PATIENCE_S = 5
"""How long requests under way may take to end when the service is told to stop."""


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--demo", action="store_true", help="make the demo city if there is none")
    parser.add_argument("--host", help="address to listen on (TWIN_HOST)")
    parser.add_argument("--port", type=int, help="port to listen on (TWIN_PORT)")


def _run(arguments: Namespace, settings: Settings) -> int:
    given = {"host": arguments.host, "port": arguments.port}
    settings = settings.model_copy(update={k: v for k, v in given.items() if v is not None})
    with _stoppable(), _listening(settings) as listener, database(settings) as engine:
        if arguments.demo and not has_city(engine):
            say("making the demo city")
            make_demo_city(engine, settings.data_dir)
        _build_map()
        url = engine.url.render_as_string(hide_password=False)
        _serve(settings.model_copy(update={"database_url": url}), listener, has_city(engine))
    say("stopped")
    return 0


def _serve(settings: Settings, listener: socket.socket, city: bool) -> None:
    # Only here: the application brings the analyses and their compiler with it.
    from api.app import create_app
    from api.hot import HotProtocol

    config = uvicorn.Config(
        create_app(settings),
        loop="uvloop",
        http=HotProtocol,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=_PATIENCE_S,
    )
    server = _Server(config, lambda: _greet(settings, city))
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        # uvicorn raises the signal that stopped it once more, when all is put away.
        if not server.started:
            raise


class _Server(uvicorn.Server):
    """A server that says when it really listens."""

    def __init__(self, config: uvicorn.Config, greet: Callable[[], None]) -> None:
        super().__init__(config)
        self._greet = greet

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen."""
        await super().startup(sockets)
        if self.started:
            self._greet()


def _greet(settings: Settings, city: bool) -> None:
    root = settings.public_url or f"http://{_shown_host(settings.host)}:{settings.port}"
    lines = [
        "",
        f"  地图 Map        {root}/map/",
        f"  数据 Data       {root}/",
        f"  接口 API        {root}/api",
        "",
    ]
    if city:
        lines += [
            "  试一试 Three things to try",
            "  1. 在地图上点一条燃气管，看泄漏会影响谁  "
            "Click a gas main on the map: who would a leak reach?",
            "  2. 点一处积水，派两辆消防车和一辆泵车  "
            "Click a flooded street: send two engines and a pump",
            f"  3. QGIS 打开 Open in QGIS (OGC API - Features): {root}/",
        ]
    else:
        lines.append("  还没有城市 No city yet: citytwin init, citytwin load; or serve --demo")
    say("\n".join([*lines, "", "  Ctrl-C 停止 stops it", ""]))


def _shown_host(host: str) -> str:
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}
    return everywhere.get(host, f"[{host}]" if ":" in host else host)


def _build_map() -> None:
    try:
        build_web(ROOT, say)
    except UnavailableError as error:
        # The data is served all the same, and the address of the map says what is missing.
        say(f"the map page is not built: {error}")


@contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    """Take the port before anything slow is done for it."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM
        )[0]
    except (socket.gaierror, OverflowError) as error:
        raise InvalidInputError(
            f"cannot listen on {settings.host}:{settings.port} (TWIN_HOST, TWIN_PORT): {error}"
        ) from error
    with socket.socket(family, kind, protocol) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
        except OSError as error:
            raise UnavailableError(_taken(settings, error)) from error
        yield listener


def _taken(settings: Settings, error: OSError) -> str:
    where = f"port {settings.port} of {settings.host}"
    if error.errno == errno.EADDRINUSE:
        return f"{where} is used by another program; set TWIN_PORT (or --port) to a free one"
    return f"cannot listen on {where} (TWIN_HOST, TWIN_PORT): {error.strerror}"


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let SIGTERM stop what is being prepared as Ctrl-C does, and a server that runs cleanly."""

    def stop(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


VERB = Verb("serve", "serve the city until Ctrl-C", _arguments, _run)
