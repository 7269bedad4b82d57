"""The private PostGIS is found, created, shared and refused as it says."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from twin import _bundle
from twin._account import server_account
from twin.cluster import Cluster, attach
from twin.errors import ConflictError, InvalidInputError, UnavailableError

SHARE = """
import sys, time
from pathlib import Path
from twin.cluster import attach
cluster = attach(Path(sys.argv[1]), fsync=False, progress=lambda said: print(said))
print("attached", cluster.ensure_database("city"))
time.sleep(600)
"""
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root meets a folder closed to it")


def scalar(url: str, query: str) -> Any:
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return connection.execute(text(query)).scalar()


def read_until_attached(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line.strip())
        if line.startswith("attached"):
            return said
    raise AssertionError(f"never attached: {said}")


def test_a_new_database_has_a_whole_postgis(cluster: Cluster) -> None:
    url = cluster.ensure_database("whole")
    # On the central meridian 117° E the easting is the false easting, whatever the latitude.
    easting = "SELECT ST_X(ST_Transform(ST_SetSRID(ST_MakePoint(117, 23.4), 4326), 4548))"
    assert scalar(url, easting) == pytest.approx(500_000.0, abs=1e-6)
    assert "PROTOBUF" in scalar(url, "SELECT postgis_full_version()")
    assert "not found" not in scalar(url, "SELECT postgis_full_version()")


def test_chinese_letters_are_letters_and_sort_by_code_point(cluster: Cluster) -> None:
    url = cluster.ensure_database("letters")
    assert scalar(url, "SELECT '汕头' ~ '^[[:alpha:]]+$' AND upper('é') = 'É'")
    assert scalar(
        url, "SELECT string_agg(w, '' ORDER BY w) FROM unnest(ARRAY['汕','b','A']) w"
    ) == ("Ab汕")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("jit", "off"),
        ("listen_addresses", ""),
        ("server_encoding", "UTF8"),
        ("wal_level", "minimal"),
    ],
)
def test_the_server_is_set_up_for_a_small_machine(
    cluster: Cluster, setting: str, value: str
) -> None:
    assert scalar(cluster.url, f"SHOW {setting}") == value


def test_a_database_may_have_any_name(cluster: Cluster) -> None:
    url = cluster.ensure_database('汕头 "Shantou" 100%/\'?')
    assert scalar(url, "SELECT current_database()") == '汕头 "Shantou" 100%/\'?'
    for bad in ("", "a" * 64, "汕" * 22, "a\0b"):
        with pytest.raises(InvalidInputError, match="1 to 63 bytes"):
            cluster.database_url(bad)


def test_databases_asked_for_at_once_are_made_once(cluster: Cluster) -> None:
    names = ["at_once_a", "at_once_b", "at_once_a", "at_once_b"]
    with ThreadPoolExecutor(4) as pool:
        urls = list(pool.map(cluster.ensure_database, names))
    assert [make_url(url).database for url in urls] == names


def test_the_environment_of_a_shell_leads_nobody_astray(
    box: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGDATA", "/nonexistent")
    monkeypatch.setenv("PROJ_LIB", "/nonexistent")
    with attach(box.path, fsync=False) as cluster:
        assert scalar(cluster.ensure_database("city"), "SHOW fsync") == "off"


def test_four_processes_on_an_empty_folder_make_one_cluster(box: Any) -> None:
    said = [read_until_attached(process) for process in [box.script(SHARE) for _ in range(4)]]
    assert sum(line.startswith("creating") for lines in said for line in lines) == 1
    assert len({lines[-1] for lines in said}) == 1


def test_the_server_goes_with_its_last_user_even_if_that_is_killed(box: Any) -> None:
    first, second = box.script(SHARE), box.script(SHARE)
    read_until_attached(first)
    read_until_attached(second)
    server = box.postmaster()
    box.kill(first.pid)
    with attach(box.path, fsync=False) as cluster:
        pass  # A third user that leaves in good order changes nothing either.
    assert box.postmaster() == server
    box.kill(second.pid)
    box.wait_until(lambda: not box.is_running())
    assert not (box.place.data / "postmaster.pid").exists()
    with pytest.raises(UnavailableError, match="no answer from the database"):
        cluster.ensure_database("city")


def test_a_second_start_finds_the_data_of_the_first(box: Any) -> None:
    with attach(box.path) as cluster:
        engine = create_engine(cluster.ensure_database("city"), poolclass=NullPool)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE kept AS SELECT 42 AS answer"))
        cluster.close(wait=True)
    assert not box.is_running()
    with attach(box.path) as cluster:
        assert scalar(cluster.ensure_database("city"), "SELECT answer FROM kept") == 42


@pytest.mark.parametrize("name", ["很长的名字" * 12, "with space, comma", 'a"quote%41'])
def test_a_folder_may_have_any_name(box: Any, name: str) -> None:
    with attach(box.path / name, fsync=False) as cluster:
        url = make_url(cluster.ensure_database("city"))
        assert scalar(cluster.database_url("city"), "SELECT 1") == 1
        folder = Path(str(url.query["host"]))
        assert len(os.fsencode(folder / ".s.PGSQL.5432")) <= 107
        cluster.close(wait=True)
    assert folder.is_relative_to(box.path) or not folder.exists()


def test_half_a_cluster_is_thrown_away(box: Any) -> None:
    half = box.place.root / "data.init.killed"
    (half / "base").mkdir(parents=True)
    (half / "PG_VERSION").write_text("15\n")
    with attach(box.path, fsync=False) as cluster:
        assert scalar(cluster.url, "SELECT 1") == 1
    assert not half.exists()


def test_the_cluster_of_another_version_is_refused(box: Any) -> None:
    with attach(box.path, fsync=False) as cluster:
        cluster.close(wait=True)
    (box.place.data / "PG_VERSION").write_text("9\n")
    with pytest.raises(ConflictError, match="is of PostgreSQL 9"):
        attach(box.path)
    assert not box.is_running()


def test_a_directory_without_postgis_is_passed_over(box: Any, tmp_path: Path) -> None:
    said: list[str] = []
    with attach(box.path, pg_bin=tmp_path, fsync=False, progress=said.append) as cluster:
        assert scalar(cluster.url, "SELECT 1") == 1
    assert f"{tmp_path} holds no postgres; looking elsewhere" in said


@needs_root
def test_a_folder_closed_to_the_server_is_named(box: Any) -> None:
    closed = box.path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(UnavailableError, match=f"{closed} is closed to that user.*TWIN_DATA_DIR"):
        attach(closed / "data")


def test_a_data_directory_that_is_a_file_is_named(box: Any) -> None:
    (box.path / "file").write_text("")
    with pytest.raises(UnavailableError, match=r"cannot make the folder .*file/cluster"):
        attach(box.path / "file")


def test_a_database_of_ones_own_is_used_as_it_is(cluster: Cluster, tmp_path: Path) -> None:
    given = cluster.ensure_database("own").replace("postgresql+psycopg:", "postgresql:")
    own = attach(tmp_path / "unused", database_url=given)
    assert not own.owned
    assert own.ensure_database("any") == own.database_url("other") == cluster.database_url("own")
    assert not (tmp_path / "unused").exists()


def test_a_database_of_ones_own_gets_the_extension_it_lacks(cluster: Cluster) -> None:
    engine = create_engine(cluster.url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text("CREATE DATABASE bare TEMPLATE template0"))
    own = attach(Path("unused"), database_url=cluster.database_url("bare"))
    assert "POSTGIS" in scalar(own.ensure_database("bare"), "SELECT postgis_full_version()")


@pytest.mark.parametrize(
    ("url", "error", "message"),
    [
        ("no url", InvalidInputError, "not a database URL: 'no url'"),
        ("mysql://localhost/city", InvalidInputError, "begins with 'mysql'"),
        (
            "postgresql://me:secret@127.0.0.1:1/city",
            UnavailableError,
            r"me:\*\*\*@127.0.0.1:1/city",
        ),
    ],
)
def test_a_bad_database_url_is_refused(url: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        attach(Path("unused"), database_url=url)
    assert "secret" not in str(caught.value)


def test_a_server_without_postgis_is_refused(box: Any) -> None:
    """Run the machine's own PostgreSQL, if that lacks PostGIS."""
    plain = [
        folder
        for folder in _bundle._candidates(None, _bundle._SYSTEM_BINARIES)
        if (major := _bundle.major_of(folder)) and not _bundle._has_postgis(folder, major)
    ]
    if not plain:
        pytest.skip("the machine has no PostgreSQL without PostGIS")
    account, data = server_account(box.place.data), box.path / "plain"
    data.mkdir(mode=0o700)
    account.give(data)
    made = account.run([str(plain[0] / "initdb"), "-D", str(data), "-U", "twin", "--no-sync"])
    assert made.returncode == 0, made.stderr
    server = subprocess.Popen(
        [plain[0] / "postgres", "-D", data, "-k", data, "-c", "listen_addresses="],
        stderr=subprocess.DEVNULL,
        **account.popen(),
    )
    try:
        socket = data / ".s.PGSQL.5432"
        box.wait_until(socket.exists)
        box.wait_until(lambda: "ready" in (data / "postmaster.pid").read_text())
        with pytest.raises(UnavailableError, match="has no PostGIS: install it there"):
            attach(box.path, database_url=f"postgresql://twin@/postgres?host={data}&port=5432")
    finally:
        server.terminate()
        server.wait()


@pytest.mark.parametrize(
    ("system", "command"),
    [
        ({"ID": "ubuntu", "ID_LIKE": "debian"}, "sudo apt-get install postgis"),
        ({"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}, "sudo apt-get install postgis"),
        ({"ID": "fedora"}, "sudo dnf install"),
        ({"ID": "opensuse-leap", "ID_LIKE": "suse opensuse"}, "sudo zypper install"),
        ({}, "PostgreSQL 14 or newer with PostGIS 3"),
    ],
)
def test_the_one_command_is_that_of_the_system(system: dict[str, str], command: str) -> None:
    assert command in _bundle.how_to_install(system)
    assert "TWIN_DATABASE_URL" in _bundle.how_to_install(system)


@pytest.mark.slow
@pytest.mark.skipif(not _bundle.can_unpack(), reason="not Debian or Ubuntu")
def test_postgis_is_unpacked_once_for_all_data_directories(box: Any) -> None:
    cache = box.path / "cache"
    server = _bundle.unpack(cache / _bundle.bundle_name(), print)
    said: list[str] = []
    assert _bundle.unpack(cache / _bundle.bundle_name(), said.append) == server
    assert said == []
    assert server.bin_dir.is_relative_to(cache)
    assert [path.name for path in cache.iterdir() if path.is_dir()] == [_bundle.bundle_name()]
    # A bundle carried here from elsewhere can be named like any other PostgreSQL.
    with attach(box.path / "one", cache_dir=cache, pg_bin=server.bin_dir) as cluster:
        assert scalar(cluster.url, "SHOW data_directory") == f"{box.path}/one/cluster/data"
        program = Path(f"/proc/{type(box)(box.path / 'one').postmaster()}/exe").readlink()
        assert program.is_relative_to(cache)
        cluster.close(wait=True)
