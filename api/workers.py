"""Several processes that answer on one port, each following the city on its own.

The process that starts them imports everything and loads the machine code, and never serves: what
it forks is ready in a tenth of a second, also when one has to be replaced.
"""

import gc
import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from threading import Thread
from typing import NamedTuple

import uvicorn
from fastapi import FastAPI

from api.app import create_app
from api.desk import Place
from api.hot import HotProtocol
from api.metrics import Slate
from api.settings import Settings
from twin.errors import UnavailableError

PATIENCE_S = 5
"""How long requests under way may take to end when the service is told to stop."""
_BACKLOG = 4096
_SOON_S = 10.0
"""A process that ends sooner than this did not start; several of them, and the service gives up."""
_TRIES = 5

_log = logging.getLogger("citytwin")


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


class _Worker(NamedTuple):
    process: ForkProcess
    row: int
    began: float
    ready: Connection


def serve_here(settings: Settings, listener: socket.socket, greet: Callable[[], None]) -> None:
    """Serve in this process until it is told to stop."""
    _serve(_configured(create_app(settings)), listener, greet)


def _configured(app: FastAPI) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=HotProtocol,
        access_log=False,
        backlog=_BACKLOG,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=PATIENCE_S,
    )
    config.load()
    return config


def _serve(config: uvicorn.Config, listener: socket.socket, greet: Callable[[], None]) -> None:
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

    No thread may run and no connection be open in this process when it is called.

    Parameters
    ----------
    count : int
        How many processes.
    settings : Settings
        What they serve.
    listener : socket
        Where they listen, all of them.
    greet : callable
        Called once, when all of them answer.

    Raises
    ------
    UnavailableError
        If processes end again and again as soon as they are started.
    """
    listeners = _shared(listener, count)
    slate = Slate(count)
    # Nothing in it runs or is connected before it serves: the processes take it over as it is.
    app = create_app(settings)
    work = partial(_work, app, _configured(app), listeners, os.getpid())
    # What is there now stays for good: no collection writes to it, so it is shared.
    gc.collect()
    gc.freeze()
    running: dict[int, _Worker] = {}
    awaited, greeted, failed = set(range(count)), False, 0
    try:
        for row in range(count):
            _start(running, work, Place(slate, row))
        while True:
            heard = wait(
                [each.process.sentinel for each in running.values()]
                + [each.ready for each in running.values() if each.row in awaited]
            )
            for pid, worker in list(running.items()):
                if worker.ready in heard and worker.row in awaited:
                    awaited.discard(worker.row)
                    if not greeted and not awaited:
                        greeted = True
                        greet()
                    elif greeted:
                        took_s = time.monotonic() - worker.began
                        _log.warning("another process took its place in %.2f s", took_s)
                if worker.process.sentinel not in heard:
                    continue
                worker.process.join()
                worker.ready.close()
                del running[pid]
                awaited.add(worker.row)
                _log.warning("a process of the service ended (%d)", worker.process.exitcode)
                failed = failed + 1 if time.monotonic() - worker.began < _SOON_S else 0
                if failed >= _TRIES:
                    raise UnavailableError(
                        f"a process of the service ended {failed} times as soon as it began; "
                        "what it said above tells why"
                    )
                _start(running, work, Place(slate, worker.row))
    except KeyboardInterrupt:
        return
    finally:
        _stop([each.process for each in running.values()])


def _shared(listener: socket.socket, count: int) -> list[socket.socket]:
    """Return a listening socket for each process, all on one address.

    The system deals new connections out to them; from a single socket, whichever process wakes
    first takes all that wait.  They belong to the process that never serves, so what waits for one
    that died is answered by the next.
    """
    # The first took the address for itself alone, and only then lets others of ours have it too.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listeners = [listener]
    for _ in range(count - 1):
        further = socket.socket(listener.family, listener.type, listener.proto)
        further.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        further.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        further.bind(listener.getsockname())
        listeners.append(further)
    for each in listeners:
        each.listen(_BACKLOG)
    return listeners


def _start(running: dict[int, _Worker], work: Callable[..., None], place: Place) -> None:
    context = get_context("fork")
    reader, writer = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(place, writer))
    process.start()
    writer.close()
    assert process.pid is not None
    running[process.pid] = _Worker(process, place.row, time.monotonic(), reader)


def _stop(processes: list[ForkProcess]) -> None:
    for process in processes:
        process.terminate()
    end = time.monotonic() + PATIENCE_S + 15
    for process in processes:
        process.join(timeout=max(0.0, end - time.monotonic()))
        if process.is_alive():
            process.kill()
            process.join()


def _work(
    app: FastAPI,
    config: uvicorn.Config,
    listeners: list[socket.socket],
    parent: int,
    place: Place,
    ready: Connection,
) -> None:
    """Serve as one of several processes; end when the one that started it is gone."""
    # Ctrl-C reaches every process of a terminal; who started this one passes the end on.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    Thread(target=_watch, args=(parent,), daemon=True).start()
    app.state.desk.take(place)
    _serve(config, listeners[place.row], lambda: ready.send(True))


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
