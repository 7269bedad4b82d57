"""Machine code of the kernels: made at set-up, so that no request waits for the compiler."""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from api.settings import ROOT


def choose_room(data_dir: Path) -> Path | None:
    """Choose where machine code is kept, for this process and those it starts.

    Beside the source if that can be written to, else in the data directory, else (there is nowhere
    to keep it) in a folder that is removed with this process.  ``NUMBA_CACHE_DIR`` comes first.

    Parameters
    ----------
    data_dir : Path
        The data directory; it need not be there.

    Returns
    -------
    Path or None
        The folder that was chosen; None if numba's own choice is right.

    Notes
    -----
    It is for the command line alone: it sets ``NUMBA_CACHE_DIR``, which numba reads when it is
    imported, so call it before.
    """
    if "NUMBA_CACHE_DIR" in os.environ or _beside_source():
        return None
    room = data_dir / "kernels"
    try:
        room.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=room):
            pass
    except OSError:
        room = Path(tempfile.mkdtemp(prefix="citytwin-kernels-"))
        atexit.register(shutil.rmtree, room, ignore_errors=True)
    os.environ["NUMBA_CACHE_DIR"] = str(room)
    if (numba := sys.modules.get("numba")) is not None:
        numba.config.reload_config()
    return room


class Compiling:
    """The kernels of tiles and analyses, compiled by a process of its own while others work.

    A process that compiles hears nothing else for a minute, not even that it is to stop.

    Parameters
    ----------
    say : callable
        Is told what is going on, if it takes long.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Compiling":
        """Begin, if this version of the kernels was not compiled here before."""
        if not _mark().exists():
            self._say("compiling the tile engine, the first time alone; it takes a minute or two")
            # In a group of its own: Ctrl-C is not for it, who started it ends it.
            command = [sys.executable, "-m", "api.kernels"]
            self._child = subprocess.Popen(command, cwd=ROOT, process_group=0)
        return self

    def __exit__(self, *_: object) -> None:
        """End, whether it is done or not."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()

    def wait(self) -> None:
        """Wait until it is done, and load what was compiled."""
        self.wait_for_code()
        _load()

    def wait_for_code(self) -> None:
        """Wait until it is done."""
        if self._child is not None and self._child.wait() == 0:
            _mark().touch()


def prepare(say: Callable[[str], None]) -> None:
    """Compile the kernels if that was not done here before; tell if it takes long.

    They are not loaded: what works for a moment and ends needs but a few of them.
    """
    with Compiling(say) as compiling:
        compiling.wait_for_code()


def _load() -> None:
    # Only here: the compiler takes a second to be imported.
    import analysis
    from tiles.warm import warm

    warm()
    analysis.warm()


def _mark() -> Path:
    """Return the file that says that these kernels were compiled for this compiler."""
    code = sha256(version("numba").encode())
    for folder in ("tiles", "analysis", "twin"):
        for path in sorted((ROOT / folder).glob("*.py")):
            code.update(path.read_bytes())
    room = os.environ.get("NUMBA_CACHE_DIR")
    place = Path(room) if room else ROOT / "tiles" / "__pycache__"
    place.mkdir(parents=True, exist_ok=True)
    return place / f"compiled-{code.hexdigest()[:16]}"


def _beside_source() -> bool:
    rooms = [folder / "__pycache__" for folder in (ROOT / "tiles", ROOT / "analysis")]
    return all(os.access(room if room.exists() else room.parent, os.W_OK) for room in rooms)


if __name__ == "__main__":
    _load()
