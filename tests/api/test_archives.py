"""Archives of tiles: made by the command line, listed, and sent by ranges."""

import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from fastapi.testclient import TestClient
from pmtiles.reader import MmapSource, Reader, all_tiles
from sqlalchemy import Engine

from api.app import create_app
from api.settings import Settings
from layers import layer_named
from tiles.bake import Wish, bake

from .conftest import Done, one_line

Run = Callable[..., Done]


@pytest.fixture(scope="module")
def data_dir(town_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    (folder / "archives").mkdir()
    wish = Wish([layer_named("building"), layer_named("region")], attribution="测绘局")
    bake(town_engine, wish, folder / "archives" / "小城.pmtiles", folder=folder / "tiles")
    (folder / "archives" / "torn.pmtiles").write_bytes(b"PMTiles\3" + bytes(50))
    (folder / "archives" / ".city.pmtiles.part").write_bytes(b"half")
    (folder / "archives" / "notes.txt").write_text("no archive")
    (folder / "secret.pmtiles").write_bytes(b"beside the folder")
    (folder / "archives" / "folder.pmtiles").mkdir()
    os.mkfifo(folder / "archives" / "pipe.pmtiles")
    return folder


@pytest.fixture(scope="module")
def offered(town_url: str, data_dir: Path) -> Iterator[TestClient]:
    app = create_app(Settings(database_url=town_url, pool_size=1, data_dir=data_dir))
    with TestClient(app) as client:
        yield client


@pytest.fixture(scope="module")
def content(data_dir: Path) -> bytes:
    return (data_dir / "archives" / "小城.pmtiles").read_bytes()


TOWN = f"/archives/{quote('小城')}.pmtiles"


def test_archives_are_listed_with_what_they_say_of_themselves(
    offered: TestClient, content: bytes
) -> None:
    found = {each["name"]: each for each in offered.get("/archives").json()["archives"]}
    assert set(found) == {"小城", "torn"}
    assert "cut short" in found["torn"]["problem"] or "no PMTiles" in found["torn"]["problem"]
    one = found["小城"]
    assert one["layers"] == ["building", "region"]
    assert one["bytes"] == len(content)
    assert one["attribution"] == "测绘局"
    assert one["maxzoom"] == 16
    assert urlsplit(one["href"]).path == TOWN
    west, south, east, north = one["bounds"]
    assert 116 < west < east < 118
    assert 23 < south < north < 24


def test_no_archives_is_an_empty_list(bare: TestClient) -> None:
    assert bare.get("/archives").json()["archives"] == []
    assert bare.get("/archives/city.pmtiles").status_code == 404


def test_a_whole_archive(offered: TestClient, content: bytes) -> None:
    answer = offered.get(TOWN)
    assert answer.status_code == 200
    assert answer.content == content
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-type"] == "application/vnd.pmtiles"
    assert answer.headers["content-length"] == str(len(content))
    assert "content-encoding" not in answer.headers
    assert re.fullmatch(r'"[^"]+"', answer.headers["etag"])


@pytest.mark.parametrize(
    ("asked", "begin", "end"),
    [
        ("bytes=0-16383", 0, 16384),
        ("bytes=7-7", 7, 8),
        ("bytes=100-", 100, None),
        ("bytes=-10", -10, None),
        ("bytes=-99999999", 0, None),
        ("bytes=20-99999999", 20, None),
        ("BYTES=0-3", 0, 4),
    ],
)
def test_a_range(
    offered: TestClient, content: bytes, asked: str, begin: int, end: int | None
) -> None:
    answer = offered.get(TOWN, headers={"Range": asked, "Accept-Encoding": "gzip"})
    assert answer.status_code == 206
    assert answer.content == content[begin:end]
    first, last, size = re.fullmatch(
        r"bytes (\d+)-(\d+)/(\d+)", answer.headers["content-range"]
    ).groups()  # type: ignore[union-attr]
    assert int(size) == len(content)
    assert content[int(first) : int(last) + 1] == answer.content


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=-0"])
def test_a_range_beyond_the_end(offered: TestClient, content: bytes, asked: str) -> None:
    answer = offered.get(TOWN, headers={"Range": asked})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(content)}"
    assert answer.json()["status"] == 416


@pytest.mark.parametrize(
    "asked", ["bytes=5-1", "bytes=a-b", "bytes=-", "rows=0-5", "bytes=0-1,5-6", "bytes=" + "9" * 99]
)
def test_what_is_no_single_range_gives_the_whole(
    offered: TestClient, content: bytes, asked: str
) -> None:
    answer = offered.get(TOWN, headers={"Range": asked})
    assert (answer.status_code, len(answer.content)) == (200, len(content))


def test_a_range_only_of_the_version_that_is_meant(offered: TestClient, content: bytes) -> None:
    head = offered.head(TOWN).headers

    def part(condition: str) -> int:
        return offered.get(TOWN, headers={"Range": "bytes=0-9", "If-Range": condition}).status_code

    assert part(head["etag"]) == 206
    assert part(head["last-modified"]) == 206
    assert part('"another"') == 200
    assert part(f"W/{head['etag']}") == 200
    assert part("Thu, 01 Jan 1970 00:00:00 GMT") == 200


def test_conditions(offered: TestClient) -> None:
    etag = offered.head(TOWN).headers["etag"]

    def status(**headers: str) -> int:
        return offered.get(
            TOWN, headers={name.replace("_", "-"): value for name, value in headers.items()}
        ).status_code

    assert status(If_None_Match=etag) == 304
    assert status(If_None_Match=f'"x", {etag}', Range="bytes=0-1") == 304
    assert status(If_None_Match='"x"') == 200
    assert status(If_Match=etag, Range="bytes=0-1") == 206
    assert status(If_Match='"x"', Range="bytes=0-1") == 412
    assert status(If_Modified_Since="Fri, 31 Dec 2100 00:00:00 GMT") == 304
    assert status(If_Modified_Since="yesterday") == 200


def test_head_has_no_body(offered: TestClient, content: bytes) -> None:
    answer = offered.head(TOWN)
    assert answer.status_code == 200
    assert answer.content == b""
    assert answer.headers["content-length"] == str(len(content))
    part = offered.head(TOWN, headers={"Range": "bytes=0-4"})
    assert (part.status_code, part.headers["content-length"], part.content) == (206, "5", b"")


def test_pages_from_elsewhere_may_read_what_the_reader_needs(offered: TestClient) -> None:
    answer = offered.get(TOWN, headers={"Range": "bytes=0-4", "Origin": "https://example.org"})
    assert answer.headers["access-control-allow-origin"] == "*"
    exposed = answer.headers["access-control-expose-headers"].split(", ")
    assert {"ETag", "Content-Range", "Content-Length", "Accept-Ranges"} <= set(exposed)
    asked = offered.options(TOWN, headers={"Access-Control-Request-Headers": "range"})
    assert "Range" in asked.headers["access-control-allow-headers"].split(", ")
    # Others are told what they always were.
    assert "Content-Range" not in offered.get("/").headers["access-control-expose-headers"]


@pytest.mark.parametrize(
    "name",
    ["../secret", "..%2Fsecret", "%2e%2e/secret", "..%5Csecret", "/etc/passwd", "folder", "pipe",
     "", ".", "..", ".city", "小城%00", "notes.txt", "x" * 5000, "小城.pmtiles/.."],
)  # fmt: skip
def test_no_name_leads_out_of_the_folder(offered: TestClient, name: str) -> None:
    answer = offered.get(f"/archives/{name}.pmtiles")
    assert answer.status_code == 404
    assert "secret" not in answer.text or len(answer.text) < 300
    assert b"beside the folder" not in answer.content


def test_an_archive_that_is_replaced_has_another_etag(
    offered: TestClient, town_engine: Engine, data_dir: Path
) -> None:
    path = data_dir / "archives" / "again.pmtiles"
    wish = Wish([layer_named("region")])
    bake(town_engine, wish, path, folder=data_dir / "tiles")
    before = offered.head("/archives/again.pmtiles").headers["etag"]
    bake(town_engine, wish, path, folder=data_dir / "tiles", overwrite=True)
    headers = {"Range": "bytes=0-1", "If-Match": before}
    assert offered.get("/archives/again.pmtiles", headers=headers).status_code == 412
    path.unlink()
    assert offered.get("/archives/again.pmtiles").status_code == 404


def test_a_reader_who_goes_leaves_no_open_file(serve: Any, town_url: str, data_dir: Path) -> None:
    big = data_dir / "archives" / "big.pmtiles"
    with big.open("wb") as file:
        file.truncate(200_000_000)
    try:
        with serve(TWIN_DATABASE_URL=town_url, TWIN_DATA_DIR=str(data_dir)) as service:
            service.wait_ready()
            port = urlsplit(service.address).port
            for _ in range(20):
                with socket.create_connection(("127.0.0.1", port)) as client:
                    client.sendall(b"GET /archives/big.pmtiles HTTP/1.1\r\nHost: x\r\n\r\n")
                    assert client.recv(1000).startswith(b"HTTP/1.1 200")
            folder = Path(f"/proc/{service.process.pid}/fd")

            def open_now() -> int:
                links = []
                for each in folder.iterdir():
                    try:
                        links.append(str(each.readlink()))
                    except FileNotFoundError:
                        continue
                return sum(link.endswith("big.pmtiles") for link in links)

            deadline = time.monotonic() + 15
            while open_now() and time.monotonic() < deadline:
                time.sleep(0.1)
            assert open_now() == 0
    finally:
        big.unlink()


def test_the_command_line_bakes_what_the_service_offers(
    citytwin: Run, town_url: str, tmp_path: Path
) -> None:
    done = citytwin("export", "tiles", "town", "--layers", "building,region", url=town_url)
    assert done.returncode == 0, done.stderr
    path = tmp_path / "data" / "archives" / "town.pmtiles"
    with path.open("rb") as file:
        told = Reader(MmapSource(file)).metadata()
        count = sum(1 for _ in all_tiles(MmapSource(file)))
    assert f"{path}: {count:,} tiles" in done.stdout
    assert "the heaviest level" in done.stdout
    assert told["tile_matrix_set"] == "WebMercatorQuad"
    again = citytwin("export", "tiles", "town", "--layers", "building", url=town_url)
    assert again.returncode == 1
    assert "--overwrite" in one_line(again.stderr)
    words = ["town", "--layers", "building", "--zooms", "14", "--overwrite", "--name", "只有楼"]
    assert citytwin("export", "tiles", *words, url=town_url).returncode == 0
    with path.open("rb") as file:
        assert Reader(MmapSource(file)).metadata()["name"] == "只有楼"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--layers", "buildings"], "there are region"),
        (["--layers", "building,building"], "twice"),
        (["--bbox", "-74.1,40.6,-74,40.7"], "outside"),
        (["--bbox", "116.7,23.3,116.6,23.4"], "has an area"),
        (["--bbox", "116.7,23.3"], "116.7,23.3"),
        (["--zooms", "16-0"], "0-16, not 16-0"),
        (["--zooms", "low"], "such as 0-16"),
        (["--zooms", "0-30"], "0 to 24"),
        (["--layers", "building", "--zooms", "0-2"], "from level 9 on"),
        (["--tile-matrix-set", "CGCS2000Quad"], "WebMercatorQuad alone"),
    ],
)
def test_what_cannot_be_baked_is_told_in_one_line(
    citytwin: Run, town_url: str, tmp_path: Path, words: list[str], said: str
) -> None:
    done = citytwin("export", "tiles", "a", *words, url=town_url)
    assert done.returncode == 1
    assert said in one_line(done.stderr)
    folder = tmp_path / "data" / "archives"
    assert not folder.exists() or list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("out", "said"),
    [("town.zip", ".mbtiles or .pmtiles"), ("missing/town.pmtiles", "no folder")],
)
def test_where_an_archive_cannot_be_is_told(
    citytwin: Run, town_url: str, tmp_path: Path, out: str, said: str
) -> None:
    done = citytwin("export", "tiles", str(tmp_path / out), url=town_url)
    assert done.returncode == 1
    assert said in one_line(done.stderr)
