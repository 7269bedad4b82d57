"""Peers, really run: in environments of their own, beside us in the same minutes."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy.engine import make_url

from twin.errors import UnavailableError

_CACHE = Path(__file__).parent.parent / ".cache" / "peers"


def python_with(*packages: str) -> Path:
    """Return the Python of an environment that has these packages, made when first asked for."""
    home = _CACHE / "-".join(name.replace("==", "-") for name in packages)
    python = home / "bin" / "python"
    if not (home / "ready").exists():
        uv = os.environ.get("UV") or shutil.which("uv")
        if uv is None:
            raise UnavailableError("no uv; start benchmarks by ./bench, which finds one")
        subprocess.run([uv, "venv", "-q", "--clear", "-p", sys.executable, home], check=True)
        subprocess.run([uv, "pip", "install", "-q", "-p", python, *packages], check=True)
        (home / "ready").touch()
    return python


def tool(name: str, package: str) -> str:
    """Return a program of the system, or say which Debian package has it."""
    path = shutil.which(name)
    if path is None:
        raise UnavailableError(f"{name} is not installed; apt-get install {package}")
    return path


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(
    command: Sequence[str | Path], port: int, *, env: Mapping[str, str], log: Path
) -> Iterator[str]:
    """Run a server until the block ends; return its address once it accepts connections."""
    with log.open("wb") as out:
        process = subprocess.Popen(command, env={**os.environ, **env}, stdout=out, stderr=out)
        try:
            _await(process, port, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=30)


def _await(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise UnavailableError(f"the server ended at once: {log.read_text()[-2000:]}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise UnavailableError(f"the server never listened on {port}: {log.read_text()[-2000:]}")


def libpq(url: str) -> str:
    """Return a SQLAlchemy URL as the key=value text that libpq, GDAL and others take."""
    parts = make_url(url)
    values = {"user": parts.username, "dbname": parts.database, **parts.query}
    return " ".join(f"{key}={value}" for key, value in values.items() if value)


def socket_in_host(url: str) -> str:
    """Return a SQLAlchemy URL with the socket folder in the host, as asyncpg takes it."""
    parts = make_url(url)
    host = quote(str(parts.query["host"]), safe="")
    return f"postgresql://{parts.username}@{host}:{parts.query['port']}/{parts.database}"


def martin() -> Path:
    """Return Martin 1.14.0, built by cargo when first asked for (some minutes)."""
    home = _CACHE / "martin-1.14.0"
    if not (home / "bin" / "martin").exists():
        cargo = tool("cargo", "cargo, at least 1.94 (rustup)")
        command = [cargo, "install", "martin", "--version", "1.14.0", "--locked"]
        command += ["--no-default-features", "--features", "postgres,metrics", "--root", str(home)]
        subprocess.run(command, check=True)
    return home / "bin" / "martin"


def pg_tileserv() -> Path:
    """Return pg_tileserv 1.0.11, built by Go when first asked for.

    Raises
    ------
    UnavailableError
        If the module cannot be had here.
    """
    home = _CACHE / "pg_tileserv-1.0.11"
    program = home / "pg_tileserv"
    if not program.exists():
        go = tool("go", "golang, at least 1.21")
        command = [go, "install", "github.com/CrunchyData/pg_tileserv@v1.0.11"]
        env = {**os.environ, "GOBIN": str(home)}
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            why = done.stderr.strip().splitlines()[-1:] or ["go told nothing"]
            raise UnavailableError(f"pg_tileserv 1.0.11 cannot be built: {why[0].strip()}")
    return program
