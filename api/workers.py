"""Several processes that answer on one port, each following the city on its own."""

import os
import signal
import socket
import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from threading import Thread

import uvicorn

from api.kernels import prepare
from api.settings import Settings
from twin.errors import UnavailableError

PATIENCE_S = 5
"""How long requests under way may take to end when the service is told to stop."""
_BACKLOG = 2048
_SOON_S = 10.0
"""A process that ends sooner than this did not start; several of them, and the service gives up."""
_TRIES = 5


class Server(uvicorn.Server):
    """A server that says when it really listens."""

    def __init__(self, config: uvicorn.Config, greet: Callable[[], None]) -> None:
        super().__init__(config)
        self._greet = greet

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen."""
        await super().startup(sockets)
        if self.started:
            self._greet()


def serve_here(settings: Settings, listener: socket.socket, greet: Callable[[], None]) -> None:
    """Serve in this process until it is told to stop."""
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
        timeout_graceful_shutdown=PATIENCE_S,
    )
    server = Server(config, greet)
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        # uvicorn raises the signal that stopped it once more, when all is put away.
        if not server.started:
            raise


def serve_by(
    count: int, settings: Settings, listener: socket.socket, greet: Callable[[], None]
) -> None:
    """Serve in so many processes until this one is told to stop; one that dies is replaced.

    Raises
    ------
    UnavailableError
        If processes end again and again as soon as they are started.
    """
    listener.listen(_BACKLOG)
    running: dict[int, tuple[SpawnProcess, float]] = {}
    failed = 0
    try:
        for _ in range(count):
            _start(running, settings, listener)
        greet()
        while True:
            ended = wait([process.sentinel for process, _ in running.values()])
            for pid, (process, began) in list(running.items()):
                if process.sentinel not in ended:
                    continue
                process.join()
                del running[pid]
                failed = failed + 1 if time.monotonic() - began < _SOON_S else 0
                if failed >= _TRIES:
                    raise UnavailableError(
                        f"a process of the service ended {failed} times as soon as it began; "
                        "what it said above tells why"
                    )
                _start(running, settings, listener)
    except KeyboardInterrupt:
        return
    finally:
        _stop([process for process, _ in running.values()])


def _start(
    running: dict[int, tuple[SpawnProcess, float]], settings: Settings, listener: socket.socket
) -> None:
    # Not forked: the database's connections and the compiler's threads are each process's own.
    process = get_context("spawn").Process(target=_work, args=(settings, listener, os.getpid()))
    process.start()
    assert process.pid is not None
    running[process.pid] = process, time.monotonic()


def _stop(processes: list[SpawnProcess]) -> None:
    for process in processes:
        process.terminate()
    end = time.monotonic() + PATIENCE_S + 15
    for process in processes:
        process.join(timeout=max(0.0, end - time.monotonic()))
        if process.is_alive():
            process.kill()
            process.join()


def _work(settings: Settings, listener: socket.socket, parent: int) -> None:
    """Serve as one of several processes; end when the one that started it is gone."""
    # Ctrl-C reaches every process of a terminal; who started this one passes the end on.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_watch, args=(parent,), daemon=True).start()
    prepare(lambda _: None)
    serve_here(settings, listener, lambda: None)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
