"""A user without any rights of the system's has the same private PostGIS as root."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
USE = """
import os, sys
from pathlib import Path
import psycopg
from sqlalchemy import make_url
from twin.cluster import attach
with attach(Path(sys.argv[1]), progress=print) as cluster:
    url = make_url(cluster.ensure_database("city"))
    options = url.get_dialect()().create_connect_args(url)[1]
    with psycopg.connect(**options) as connection:
        print(connection.execute("SELECT PostGIS_Lib_Version()").fetchone()[0])
    print(os.geteuid(), (Path(sys.argv[1]) / "cluster/data").stat().st_uid)
"""
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


def run_as_nobody(code: str, *arguments: object, **environment: str) -> Any:
    """Run Python code as ``nobody``, with an interpreter which that user can reach."""
    nobody = pwd.getpwnam("nobody")
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    for python in (sys.executable, f"/usr/bin/python{version}"):
        try:
            done = subprocess.run(
                [python, "-c", code, *map(str, arguments)],
                user=nobody.pw_uid,
                group=nobody.pw_gid,
                extra_groups=[],
                cwd="/",
                env={
                    "PATH": "/usr/bin:/bin",
                    "PYTHONPATH": f"{ROOT}:{sysconfig.get_path('purelib')}",
                    "PYTHONDONTWRITEBYTECODE": "1",
                    **environment,
                },
                capture_output=True,
                text=True,
            )
        except OSError:
            continue
        if "No module named" not in done.stderr:
            return done
    pytest.skip("no Python with the libraries can be reached by nobody")


def test_nobody_starts_a_cluster_of_its_own(box: Any) -> None:
    nobody = pwd.getpwnam("nobody")
    os.chown(box.path, nobody.pw_uid, nobody.pw_gid)
    done = run_as_nobody(USE, box.path, HOME="/nonexistent")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"{nobody.pw_uid} {nobody.pw_uid}"


def test_nobody_is_refused_the_cluster_of_another_user(box: Any) -> None:
    box.place.data.mkdir(parents=True)
    done = run_as_nobody(USE, box.path, HOME="/nonexistent")
    assert "ConflictError" in done.stderr
    assert "is of user 0, not of user" in done.stderr


def test_root_uses_the_cluster_of_another_user_as_that_user(box: Any) -> None:
    from twin.cluster import attach

    nobody = pwd.getpwnam("nobody")
    os.chown(box.path, nobody.pw_uid, nobody.pw_gid)
    assert run_as_nobody(USE, box.path, HOME="/nonexistent").returncode == 0
    with attach(box.path):
        assert Path(f"/proc/{box.postmaster()}").stat().st_uid == nobody.pw_uid


def test_a_folder_that_cannot_be_made_is_named(box: Any) -> None:
    done = run_as_nobody(USE, box.path / "new", HOME="/nonexistent")
    assert f"cannot make the folder {box.path}/new/cluster: Permission denied" in done.stderr


@pytest.mark.slow
def test_nobody_unpacks_postgis_without_root(box: Any) -> None:
    nobody = pwd.getpwnam("nobody")
    os.chown(box.path, nobody.pw_uid, nobody.pw_gid)
    code = USE.replace("progress=print", "cache_dir=Path(sys.argv[2]), progress=print")
    hidden = """
from twin import _bundle, _starter
_bundle._SYSTEM_BINARIES = ()
_starter._SYSTEM_CACHE = Path("/nonexistent")
with attach"""
    code = code.replace("with attach", hidden, 1)
    done = run_as_nobody(code, box.path, box.path / "cache", HOME="/nonexistent")
    assert done.returncode == 0, done.stderr
    assert "changed" in done.stdout
    assert (box.path / "cache").stat().st_uid == nobody.pw_uid
