"""``citytwin serve``: the service, until it is told to stop."""

import errno
import socket
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from sqlalchemy import Engine

from api.demo_city import frame_of, has_city, make_demo_city
from api.kernels import Compiling
from api.limits import raise_files
from api.settings import ROOT, Settings
from api.verbs._verb import Verb, database, say, stoppable
from api.web_build import build_web
from twin.errors import InvalidInputError, UnavailableError

_MOST_WORKERS = 64


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--demo", action="store_true", help="make the demo city if there is none")
    parser.add_argument("--host", help="address to listen on (TWIN_HOST)")
    parser.add_argument("--port", type=int, help="port to listen on (TWIN_PORT)")
    parser.add_argument(
        "--workers",
        type=_count,
        default=1,
        metavar="N",
        help="processes that answer, one for each processor that may be busy (default 1)",
    )


def _count(word: str) -> int:
    if not word.isdigit() or not 1 <= int(word) <= _MOST_WORKERS:
        raise ArgumentTypeError(f"a number from 1 to {_MOST_WORKERS}, not {word!r}")
    return int(word)


def _run(arguments: Namespace, settings: Settings) -> int:
    given = {"host": arguments.host, "port": arguments.port}
    settings = settings.model_copy(update={k: v for k, v in given.items() if v is not None})
    raise_files()
    try:
        with (
            stoppable(),
            _listening(settings) as listener,
            Compiling(say) as compiling,
            database(settings) as engine,
        ):
            if arguments.demo and not has_city(engine):
                say("making the demo city")
                make_demo_city(engine, settings.data_dir)
            _build_map()
            compiling.wait()
            url = engine.url.render_as_string(hide_password=False)
            settings = settings.model_copy(update={"database_url": url})
            _serve(arguments.workers, settings, listener, engine)
    except KeyboardInterrupt:
        pass  # before it served; who serves ends by itself
    say("stopped")
    return 0


def _serve(workers: int, settings: Settings, listener: socket.socket, engine: Engine) -> None:
    # Only here: they bring the application with them, which the other verbs need not wait for.
    from api.workers import serve_by, serve_here

    frame = frame_of(engine)
    engine.dispose()
    if frame is not None:
        frame.prepare()
    greet = partial(_greet, settings, city=frame is not None)
    if workers == 1:
        serve_here(settings, listener, greet)
    else:
        serve_by(workers, settings, listener, greet)


def _greet(settings: Settings, *, city: bool) -> None:
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


VERB = Verb("serve", "serve the city until Ctrl-C", _arguments, _run)
