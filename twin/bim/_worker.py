"""Start the process that reads a foreign model, watch it, and say what became of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from twin.bim._limits import Limits
from twin.errors import InvalidInputError, UnavailableError

_REFUSED, _OUT_OF_MEMORY = 3, 4
_ROOT = Path(__file__).resolve().parents[2]
_LAST_WORDS = 2_000

Progress = Callable[[str, int, int | None], None]


class CrashError(InvalidInputError):
    """The reader died on the file; the service goes on."""


def read_apart(file: Path, folder: Path, limits: Limits, progress: Progress) -> dict[str, Any]:
    """Return what a model holds, read by a process of its own; meshes are left in the folder.

    Raises
    ------
    InvalidInputError
        If the file cannot be read, costs more than the limits allow, or kills its reader.
    UnavailableError
        If the reader cannot be started, or the system does not let it be locked in.
    """
    command = [sys.executable, "-m", "twin.bim._child", str(file.resolve()), str(folder)]
    with (folder / "stderr.txt").open("wb") as errors:
        process = subprocess.Popen(
            [*command, orjson.dumps(limits.as_dict()).decode()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=folder,
            env=_bare_environment(),
        )
    late = threading.Event()

    def end() -> None:
        late.set()
        process.kill()

    clock = threading.Timer(limits.wall_s, end)
    clock.start()
    try:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                stage, done, total = orjson.loads(line)
                progress(stage, done, total)
        status = process.wait()
    except BaseException:
        process.kill()
        process.wait()
        raise
    finally:
        clock.cancel()
    if status != 0:
        raise _why(status, late.is_set(), folder, limits)
    document: dict[str, Any] = orjson.loads((folder / "model.json").read_bytes())
    return document


def _bare_environment() -> dict[str, str]:
    """Return an environment without secrets; numeric libraries keep to one thread."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    return kept | {
        "PYTHONPATH": str(_ROOT),
        "PYTHONUNBUFFERED": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }


def _why(status: int, late: bool, folder: Path, limits: Limits) -> Exception:
    """Return the error that a process's end stands for."""
    told = folder / "refused.txt"
    reason = told.read_text() if told.exists() else ""
    if late:
        return InvalidInputError(f"it took longer than {limits.wall_s} s to read")
    if status == -signal.SIGXCPU or (status == -signal.SIGKILL and not reason):
        return InvalidInputError(
            f"reading it took more than {limits.cpu_s} s of computing, or was ended by the system"
        )
    if status == _OUT_OF_MEMORY:
        most = limits.memory_bytes / 2**20
        return InvalidInputError(f"reading it takes more than the {most:,.0f} MiB that are allowed")
    if status == _REFUSED:
        return InvalidInputError(reason)
    said = (folder / "stderr.txt").read_text(errors="replace").strip()[-_LAST_WORDS:]
    if "MemoryError" in said or "bad_alloc" in said:
        return InvalidInputError("reading it takes more memory than is allowed")
    if status < 0:
        name = signal.Signals(-status).name
        return CrashError(f"it crashes the parser ({name}); nothing of it was kept")
    named = [line for line in said.splitlines() if "Error" in line]
    last = named[-1] if named else f"exit status {status}"
    if "PermissionError" in last or "OSError" in last or "ModuleNotFoundError" in last:
        return UnavailableError(f"the process that reads models cannot work here: {last}")
    return InvalidInputError(f"it cannot be read: {last}")
