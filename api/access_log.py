"""A line for each request, written beside the work and never in its way."""

import logging
import sys
import time
from collections import deque
from pathlib import Path
from threading import Event, Thread

_MOST_WAITING = 100_000
_EVERY_S = 0.5

_log = logging.getLogger("citytwin")


class AccessLog:
    """Lines in the common log format, written by a thread.

    If the disk is slower than the clients, the oldest lines that wait are lost and counted: the
    log takes a bounded memory, and no client waits for it.

    Parameters
    ----------
    target : str
        A file that is written on to, or ``-`` for the standard output.
    """

    def __init__(self, target: str) -> None:
        self._target = target
        self._waiting: deque[tuple[float, str, str, int, int]] = deque(maxlen=_MOST_WAITING)
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="access log", daemon=True)
        self.lost = 0

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, and end."""
        self._stopped.set()
        self._thread.join(timeout=5)

    def note(self, client: str, asked: str, status: int, size: int) -> None:
        """Add a line."""
        if len(self._waiting) == _MOST_WAITING:
            self.lost += 1
        self._waiting.append((time.time(), client, asked, status, size))

    def _run(self) -> None:
        told = False
        while True:
            last = self._stopped.wait(_EVERY_S)
            try:
                self._write()
            except OSError as error:
                if not told:
                    _log.warning("the access log %s cannot be written: %s", self._target, error)
                told = True
            if last:
                return

    def _write(self) -> None:
        number = len(self._waiting)
        if not number:
            return
        lines = [_line(*self._waiting.popleft()) for _ in range(number) if self._waiting]
        if self._target == "-":
            sys.stdout.writelines(lines)
            sys.stdout.flush()
            return
        # Opened each time: whoever rotates logs may move the file away at any moment.
        with Path(self._target).open("a", encoding="utf-8") as file:
            file.writelines(lines)


def _line(at: float, client: str, asked: str, status: int, size: int) -> str:
    r"""Return one line; what a client sent cannot forge another.

    >>> _line(0.0, "10.0.0.1", 'GET /a"b HTTP/1.1', 200, 5)
    '10.0.0.1 - - [01/Jan/1970:00:00:00 +0000] "GET /a\\x22b HTTP/1.1" 200 5\n'
    """
    when = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(at))
    safe = "".join(
        each if " " <= each <= "~" and each not in '"\\' else f"\\x{ord(each):02x}"
        for each in asked
    )
    return f'{client} - - [{when}] "{safe}" {status} {size}\n'
