"""Find a PostgreSQL that really has PostGIS, or unpack the distribution's own packages.

Unpacking needs no root and changes nothing of the system: ``apt-get`` downloads into a folder of
our own, ``dpkg -x`` unpacks there, and only the server is told about the libraries.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fcntl import LOCK_EX
from pathlib import Path

from twin._keeper import lock
from twin.errors import UnavailableError

Progress = Callable[[str], None]

MINIMUM_MAJOR = 14
_SYSTEM_BINARIES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin")
_NOT_UNPACKED = re.compile(r"(libc6|libc-bin|libc-l10n|libllvm.*|libz3-.*|libperl.*|lib.*-perl)_")
_UNPACKED = re.compile(r"(lib.*|zlib1g|postgresql-.*|proj-data|gdal-data)_")
_LITTER = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/lintian")


@dataclass(frozen=True)
class Server:
    """The programs of one PostgreSQL with PostGIS."""

    bin_dir: Path
    major: int
    environment: Mapping[str, str] = field(default_factory=dict)
    """What only the server may see: paths of unpacked libraries and of PROJ's and GDAL's data."""


def system_servers(pg_bin: Path | None, patterns: Sequence[str] | None = None) -> Iterator[Server]:
    """Yield each PostgreSQL of the machine that has PostGIS: the named one first, then newest."""
    seen: set[Path] = set()
    for bin_dir in _candidates(pg_bin, _SYSTEM_BINARIES if patterns is None else patterns):
        real = bin_dir.resolve()
        if real in seen:
            continue
        seen.add(real)
        environment = _environment_of(real)
        major = major_of(real, environment)
        if major is not None and major >= MINIMUM_MAJOR and _has_postgis(real, major):
            yield Server(real, major, environment)


def _candidates(pg_bin: Path | None, patterns: Sequence[str]) -> Iterator[Path]:
    if pg_bin is not None:
        yield pg_bin
    for pattern in patterns:
        yield from sorted(Path("/").glob(pattern.lstrip("/")), key=_version_key, reverse=True)
    config = shutil.which("pg_config")
    if config is not None:
        yield Path(_output([config, "--bindir"]) or "/nonexistent")
    postgres = shutil.which("postgres")
    if postgres is not None:
        yield Path(postgres).resolve().parent


def _version_key(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", str(path))]


def major_of(bin_dir: Path, environment: Mapping[str, str] | None = None) -> int | None:
    """Return the major version of a directory's ``postgres``, or None if it does not run there."""
    if not (bin_dir / "initdb").is_file():
        return None
    said = _output([str(bin_dir / "postgres"), "-V"], environment)
    number = re.search(r"\(PostgreSQL\) (\d+)", said or "")
    return int(number[1]) if number else None


def _environment_of(bin_dir: Path) -> dict[str, str]:
    # TWIN_PG_BIN may name a bundle that was unpacked elsewhere and carried here.
    root = bin_dir.parents[4] if len(bin_dir.parents) > 5 else Path("/")
    return _bundle_environment(root) if (root / "usr/share/proj").is_dir() else {}


def _has_postgis(bin_dir: Path, major: int) -> bool:
    share = [bin_dir / "../share/postgresql", bin_dir / f"../../../share/postgresql/{major}"]
    told = _output([str(bin_dir / "pg_config"), "--sharedir"])
    if told:
        share.insert(0, Path(told))
    return any((folder / "extension/postgis.control").is_file() for folder in share)


def _output(command: Sequence[str], environment: Mapping[str, str] | None = None) -> str | None:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=30,
            env={**os.environ, **(environment or {})},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def bundle_name() -> str:
    """Return the folder name of this system's bundle, such as ``postgis-debian-12-x86_64``."""
    system = os_release()
    return (
        f"postgis-{system.get('ID', 'linux')}-{system.get('VERSION_ID', '0')}-{platform.machine()}"
    )


def os_release() -> dict[str, str]:
    """Return what the system says of itself, empty where it says nothing."""
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def unpacked_server(folder: Path) -> Server | None:
    """Return the server of a bundle, or None if there is none that runs."""
    for bin_dir in sorted(folder.glob("usr/lib/postgresql/*/bin"), key=_version_key, reverse=True):
        environment = _bundle_environment(folder)
        major = major_of(bin_dir, environment)
        if major is not None:
            return Server(bin_dir, major, environment)
    return None


def _bundle_environment(folder: Path) -> dict[str, str]:
    libraries = [
        path
        for base in (*folder.glob("usr/lib/*-linux-gnu*"), *folder.glob("lib/*-linux-gnu*"))
        for path in (base, base / "blas", base / "lapack")
        if path.is_dir()
    ]
    return {
        "LD_LIBRARY_PATH": ":".join(str(path) for path in (*libraries, folder / "usr/lib")),
        "PROJ_LIB": str(folder / "usr/share/proj"),
        "PROJ_DATA": str(folder / "usr/share/proj"),
        "GDAL_DATA": str(folder / "usr/share/gdal"),
    }


def can_unpack() -> bool:
    """Return whether this is Debian or Ubuntu, or a child of theirs, with its package tools."""
    system = os_release()
    family = {system.get("ID", ""), *system.get("ID_LIKE", "").split()}
    tools = all(shutil.which(tool) for tool in ("apt-get", "apt-cache", "dpkg"))
    return tools and bool(family & {"debian", "ubuntu"})


def unpack(folder: Path, progress: Progress) -> Server:
    """Download and unpack the distribution's PostGIS into ``folder``, once for all processes.

    Raises
    ------
    UnavailableError
        If the packages cannot be had, or do not run once they are unpacked.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    held = lock(folder.with_name(folder.name + ".lock"), LOCK_EX)
    try:
        server = unpacked_server(folder)
        if server is None:
            for litter in folder.parent.glob(f"{folder.name}.*/"):
                shutil.rmtree(litter, ignore_errors=True)  # Of one who was killed at it.
            _unpack_into(folder, progress)
            server = unpacked_server(folder)
        if server is None:
            raise UnavailableError(f"the PostgreSQL unpacked into {folder} does not run here")
        return server
    except (OSError, subprocess.CalledProcessError) as error:
        raise UnavailableError(f"PostGIS could not be unpacked into {folder}: {error}") from error
    finally:
        if held is not None:
            os.close(held)


def _unpack_into(folder: Path, progress: Progress) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=folder.name + ".", dir=folder.parent) as work:
        archives = _download(Path(work), progress)
        progress(f"unpacking {len(archives)} packages into {folder}")
        root = Path(work) / "root"
        root.mkdir()
        for archive in archives:
            subprocess.run(["dpkg", "-x", str(archive), str(root)], check=True)
        for litter in (
            *(root / name for name in _LITTER),
            *root.glob("usr/lib/postgresql/*/lib/bitcode"),
        ):
            shutil.rmtree(litter, ignore_errors=True)
        _link_controls(root)
        root.chmod(0o755)
        root.rename(folder)


def _link_controls(root: Path) -> None:
    # The package's own install script would make these; without them PostgreSQL finds no "postgis".
    for control in root.glob("usr/share/postgresql/*/extension/*-3.control"):
        plain = control.with_name(control.name.removesuffix("-3.control") + ".control")
        if not plain.exists():
            plain.symlink_to(control.name)


def _download(work: Path, progress: Progress) -> list[Path]:
    options = _apt_options(work)
    progress("reading the distribution's package lists (nothing of the system is changed)")
    updated = _apt(["apt-get", *options, "-q", "update"])
    listed = _apt(
        ["apt-cache", *options, "search", "--names-only", "^postgresql-[0-9]+-postgis-3$"]
    )
    packages = re.findall(r"^postgresql-\d+-postgis-3\b", listed.stdout, re.MULTILINE)
    if not packages:
        raise UnavailableError(
            "the distribution's package lists name no PostGIS for PostgreSQL"
            f"{_tail(updated)}\n{how_to_install()}"
        )
    package = max(packages, key=lambda name: int(name.split("-")[1]))
    progress(f"downloading {package} and its libraries, about 140 MB")
    done = _apt(["apt-get", *options, "-q", "-y", "--download-only", "install", package])
    if done.returncode != 0:
        raise UnavailableError(
            f"{package} could not be downloaded{_tail(done)}\n{how_to_install()}"
        )
    archives = sorted((work / "cache/archives").glob("*.deb"))
    return [
        path
        for path in archives
        if _UNPACKED.match(path.name) and not _NOT_UNPACKED.match(path.name)
    ]


def _apt_options(work: Path) -> list[str]:
    for name in ("state/lists/partial", "cache/archives/partial"):
        (work / name).mkdir(parents=True)
    status = work / "state/status"
    status.touch()
    settings = {
        "Dir::State": work / "state",
        # Empty, so that every library comes along and an upgrade of the system breaks nothing.
        "Dir::State::status": status,
        "Dir::Cache": work / "cache",
        "Debug::NoLocking": 1,
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
        "Acquire::Retries": 3,
    }
    return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]


def _apt(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(
        command, capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL
    )


def _tail(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line[:2] in ("E:", "W:")]
    return "".join(f"\n  {line}" for line in lines[-4:])


_INSTALL = {
    "debian": "sudo apt-get install postgis postgresql-postgis",
    "ubuntu": "sudo apt-get install postgis postgresql-postgis",
    "fedora": "sudo dnf install postgresql-server postgis",
    "rhel": "sudo dnf install postgresql-server postgis",
    "suse": "sudo zypper install postgresql-server postgis",
    "arch": "sudo pacman -S postgresql postgis",
    "alpine": "doas apk add postgresql postgis",
}


def how_to_install(system: Mapping[str, str] | None = None) -> str:
    """Return one sentence with the one command that installs PostGIS on a system.

    Parameters
    ----------
    system : mapping, optional
        The system's ``os-release`` fields, this system's by default.

    Examples
    --------
    >>> how_to_install({"ID": "rocky", "ID_LIKE": "rhel centos fedora"})[:62]
    'Install PostGIS with: sudo dnf install postgresql-server postg'
    """
    named = os_release() if system is None else system
    own_url = "or set TWIN_DATABASE_URL to a PostGIS database of your own"
    for family in (named.get("ID", ""), *named.get("ID_LIKE", "").split()):
        if family in _INSTALL:
            return f"Install PostGIS with: {_INSTALL[family]}   ({own_url})"
    return f"Install PostgreSQL {MINIMUM_MAJOR} or newer with PostGIS 3, {own_url}."
