"""Tiles that are kept, over HTTP, beside nginx with the same bytes in memory, and Martin."""

import gzip
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks._bench import Bench, Benchmark, Result
from benchmarks._load import Load, listening, load
from benchmarks._peers import free_port, serving, tool
from benchmarks._served import build_town, our_server
from benchmarks._tiles import await_columns, compared, fetched, martin_server, tiles_of_town
from twin.errors import UnavailableError

_NGINX = """
user root;
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 100000000;
    etag on;
    open_file_cache max=10000 inactive=600s;
    open_file_cache_valid 600s;
    default_type application/vnd.mapbox-vector-tile;
    client_body_temp_path {folder}/t1;
    proxy_temp_path {folder}/t2;
    fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4;
    scgi_temp_path {folder}/t5;
    server {{
        listen 127.0.0.1:{port};
        root {folder}/root;
        add_header Content-Encoding gzip;
        add_header Cache-Control no-cache;
        add_header Vary Accept-Encoding;
        add_header Access-Control-Allow-Origin *;
    }}
}}
"""


@contextmanager
def _nginx(bench: Bench, bodies: dict[str, bytes]) -> Iterator[str]:
    """Serve bodies that are gzip already, from files that lie in memory."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        folder = Path(name)
        folder.chmod(0o755)
        for path, body in bodies.items():
            file = folder / "root" / path.removeprefix("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(body)
        port = free_port()
        config = folder / "nginx.conf"
        config.write_text(_NGINX.format(folder=folder, port=port))
        command = [_nginx_program(), "-c", str(config), "-p", str(folder)]
        with serving(command, port, env={}, log=bench.folder / "nginx.log") as address:
            yield address


def _await_texts(address: str, *, timeout_s: float = 300) -> None:
    """Wait until our server has made the texts of items too, and does nothing but answer."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        body = fetched(f"{address}/health")[2]
        told = json.loads(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)
        kept = told["tiles"]["features"].values()
        if all(each["from"] == "texts" or "being made" not in each["why"] for each in kept):
            return
        time.sleep(0.2)
    raise UnavailableError(f"the server is not at rest after {timeout_s} s")


def _nginx_program() -> str:
    return shutil.which("nginx", path="/usr/sbin:/usr/local/sbin") or tool("nginx", "nginx-light")


def _run(bench: Bench) -> Result:
    houses = 20_000 if bench.quick else 400_000
    seconds, rounds = (2, 1) if bench.quick else (5, 3)
    random = np.random.default_rng(3)
    with bench.city("bench_tiles_hot") as engine:
        build_town(engine, houses)
        with (
            our_server(bench, engine) as ours,
            martin_server(bench, engine, cache=True) as theirs,
        ):
            await_columns(ours)
            _await_texts(ours)
            places = tiles_of_town(15, houses // 500)
            random.shuffle(places)
            places = places[:100]
            # How often a place is looked at follows Zipf's law.
            asked = [places[i % len(places)] for i in random.zipf(1.2, 2000) - 1]
            bodies = {
                f"/tiles/building/{z}/{x}/{y}": fetched(f"{ours}/tiles/building/{z}/{x}/{y}")[2]
                for z, x, y in places
            }
            other = {p: fetched(f"{theirs}/building/{p[0]}/{p[1]}/{p[2]}")[2] for p in places}
            with _nginx(bench, bodies) as nginx:
                addresses = {"citytwin": ours, "nginx": nginx, "martin": theirs}
                prefix = {"citytwin": "/tiles/building", "nginx": "/tiles/building"}
                paths = {
                    name: [f"{prefix.get(name, '/building')}/{z}/{x}/{y}" for z, x, y in asked]
                    for name in addresses
                }
                equal = all(
                    fetched(f"{nginx}{path}")[2] == body for path, body in bodies.items()
                ) and all(
                    compared(bodies[f"/tiles/building/{z}/{x}/{y}"], other[z, x, y])[0]
                    for z, x, y in places[:20]
                )
                etags = {
                    name: {
                        path: fetched(f"{address}{path}")[1]["etag"]
                        for path in dict.fromkeys(paths[name])
                    }
                    for name, address in addresses.items()
                }
                found: dict[tuple[str, int], list[Load]] = {}
                for _ in range(rounds):
                    for status in (200, 304):
                        for name, address in addresses.items():
                            once = load(
                                address,
                                paths[name],
                                bench.folder,
                                pids=listening(int(address.rpartition(":")[2])),
                                seconds=seconds,
                                connections=16,
                                etags=etags[name] if status == 304 else None,
                            )
                            found.setdefault((name, status), []).append(once)
    per_s = {key: float(np.median([each.per_s for each in v])) for key, v in found.items()}
    cpu = {key: float(np.median([each.cpu_us for each in v])) for key, v in found.items()}
    size = float(np.mean([len(body) for body in bodies.values()]))
    titles = {"citytwin": "citytwin", "nginx": "nginx", "martin": "Martin 1.14.0, its cache on"}
    return Result(
        ["server", "200, requests/s", "CPU, µs", "304, requests/s", "CPU, µs"],
        [
            [
                title,
                f"{per_s[name, 200]:,.0f}",
                f"{cpu[name, 200]:.1f}",
                f"{per_s[name, 304]:,.0f}",
                f"{cpu[name, 304]:.1f}",
            ]
            for name, title in titles.items()
        ],
        {
            f"{status}_{name}": per_s["citytwin", status] / per_s[name, status]
            for name in ("nginx", "martin")
            for status in (200, 304)
        },
        equal,
        [
            f"{len(places)} tiles of level 15, {size / 1e3:.0f} kB each as sent, asked for by "
            "Zipf's law over 16 connections by one thread of wrk; one process each, all on the "
            "same machine. nginx has the same bytes as files in memory (sendfile, "
            "open_file_cache); nobody writes an access log. Martin keeps tiles as they are and "
            "compresses each answer anew. Medians of the rounds. Equal: nginx's "
            "bytes are ours; Martin's tiles show the same ids and four attributes.",
        ],
    )


BENCHMARK = Benchmark("tiles-hot", "tiles that are kept, beside nginx and Martin", _run)
