"""A newcomer clones the repository and types one command: it serves, and ends when asked to.

Slow: everything that the machine may lack is fetched.  Run by ``./test --all``.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from twin._keeper import Place, is_locked

ROOT = Path(__file__).resolve().parents[1]
GREETING = "地图 Map"
PATIENCE_S = 600.0
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
HIDE = """
# In a mount namespace of our own: the machine as if it had no PostgreSQL, no bundle and no Node.
[ ! -d /usr/lib/postgresql ] || mount -t tmpfs none /usr/lib/postgresql
# What the first start unpacks has to be there for the second.
mkdir -p ../cache
[ ! -d /var/cache/citytwin ] || mount --bind ../cache /var/cache/citytwin
for program in node npm; do
    [ ! -e "/usr/bin/$program" ] || mount --bind /dev/null "/usr/bin/$program"
done
exec "$@"
"""
NOBODY = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
BARE = ["unshare", "--mount", "sh", "-c", HIDE, "sh"]

pytestmark = pytest.mark.slow


def allowed(words: list[str]) -> bool:
    """Return whether this user may run programs behind these words."""
    if shutil.which(words[0]) is None:
        return False
    return subprocess.run([*words, "true"], capture_output=True).returncode == 0


@pytest.fixture
def home() -> Iterator[Path]:
    """Return an empty folder, for a clone and its data, that other users can enter."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    with tempfile.TemporaryDirectory(prefix="newcomer-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        subprocess.run(["git", "clone", "-q", str(ROOT), f"{folder}/clone"], check=True)
        yield Path(folder)


def environment(home: Path, bare: bool) -> dict[str, str]:
    """Return the environment of a newcomer; a bare one has neither uv nor a home."""
    made = {key: value for key, value in os.environ.items() if not key.startswith("TWIN_")}
    made |= {"TWIN_DATA_DIR": str(home / "data"), "TWIN_PORT": str(free_port())}
    if bare:
        made |= {"PATH": SYSTEM_PATH, "HOME": "/nonexistent"}
    return made


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_served(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Wait until the service answers, and fail with its log if it ends or never does."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        assert process.poll() is None, f"ended with {process.returncode}:\n{log.read_text()}"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                assert answer.status == 200
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    raise AssertionError(f"not served in {PATIENCE_S} s:\n{log.read_text()}")


def run_until_served(home: Path, words: list[str], bare: bool, number: int) -> set[str]:
    """Run ``./run``, see the map and the collections served, stop it; return what it did first."""
    variables = environment(home, bare)
    url = f"http://127.0.0.1:{variables['TWIN_PORT']}/"
    log = home / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*words, "./run"], cwd=home / "clone", env=variables, stdout=out, stderr=out
        )
    try:
        wait_until_served(process, url, log)
        wait_until_served(process, url + "collections", log)
        process.send_signal(number)
        process.wait(30)
    finally:
        process.kill()
        process.wait()
    told = log.read_text()
    assert url.rstrip("/") in told
    assert "Traceback" not in told
    place, until = Place(home / "data" / "cluster"), time.monotonic() + 60
    while is_locked(place.keeper_lock) and time.monotonic() < until:
        time.sleep(0.1)
    assert not (place.data / "postmaster.pid").exists()
    before, greeted, _ = told.partition(GREETING)
    assert greeted
    return {line.strip() for line in before.splitlines() if line.strip()}


@pytest.mark.parametrize(
    ("words", "bare"),
    [([], False), (BARE, True), (NOBODY, True), ([*BARE, *NOBODY], True)],
    ids=["as we are", "bare machine", "without root", "bare machine without root"],
)
def test_one_command_brings_up_a_city(home: Path, words: list[str], bare: bool) -> None:
    if words and os.geteuid() != 0:
        pytest.skip("only root can hide programs or become another user")
    if words and not allowed(words):
        pytest.skip(f"{words[0]} is not allowed here")
    if "setpriv" in words:
        nobody = pwd.getpwnam("nobody")
        for path in [home, *home.rglob("*")]:
            os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
    first = run_until_served(home, words, bare, signal.SIGINT)
    second = run_until_served(home, words, bare, signal.SIGTERM)
    assert any("creating a PostgreSQL" in line for line in first)
    assert not first & second, "what was made by the first start is there for the second"
