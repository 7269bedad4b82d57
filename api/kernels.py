"""Machine code of the kernels: made at set-up, so that no request waits for the compiler."""

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from threading import Timer

from api.settings import ROOT

_SLOW_S = 3.0
"""Loading takes a second; what takes longer is compiling, and worth a word."""


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


def prepare(say: Callable[[str], None]) -> None:
    """Compile the kernels of tiles and analyses, or load them compiled; tell if it takes long."""
    word = Timer(
        _SLOW_S, say, ["compiling the tile engine, the first time alone; it takes a minute or two"]
    )
    word.daemon = True
    word.start()
    try:
        # Only here: the compiler takes a second to be imported.
        import analysis
        from tiles.warm import warm

        warm()
        analysis.warm()
    finally:
        word.cancel()


def _beside_source() -> bool:
    rooms = [folder / "__pycache__" for folder in (ROOT / "tiles", ROOT / "analysis")]
    return all(os.access(room if room.exists() else room.parent, os.W_OK) for room in rooms)
