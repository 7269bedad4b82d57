"""1 000 features as GeoJSON over HTTP: ours beside TiPg, on the same table."""

import json
from pathlib import Path
from typing import Any

from benchmarks._bench import Bench, Benchmark, Result, in_turn
from benchmarks._peers import free_port, python_with, serving, socket_in_host
from benchmarks._served import Client, build_town, our_server

_FIELDS = ("name", "use", "height_m", "storeys")
# Around all houses: TiPg takes a box's surroundings in metres for the box, so at a rim that cuts
# through houses it returns some that lie outside.
_BOX = "116.60,23.31,116.72,23.43"
_FEATURES = 1000
_LAST_DECIMAL = 1.01e-7


def _run(bench: Bench) -> Result:
    houses = 20_000 if bench.quick else 100_000
    rounds = 5 if bench.quick else 40
    python = python_with("tipg==1.6.1", "uvicorn")
    with bench.city("bench_items") as engine:
        build_town(engine, houses)
        port = free_port()
        tipg_env = {
            "DATABASE_URL": socket_in_host(engine.url.render_as_string(hide_password=False)),
            "TIPG_DB_SCHEMAS": '["twin"]',
        }
        tipg_command: list[str | Path] = [
            python,
            "-m",
            "uvicorn",
            "tipg.main:app",
            "--port",
            str(port),
        ]
        tipg_command += ["--log-level", "warning"]
        with (
            our_server(bench, engine) as ours,
            serving(tipg_command, port, env=tipg_env, log=bench.folder / "tipg.log") as tipg,
        ):
            mine, theirs = Client(ours), Client(tipg)
            asked = f"bbox={_BOX}&limit={_FEATURES}&properties={','.join(_FIELDS)}"
            our_path = f"/collections/building/items?{asked}"
            tipg_path = f"/collections/twin.building/items?{asked}"
            equal = _same(_content(mine.get(our_path)), _content(theirs.get(tipg_path)))
            sizes = len(mine.get(our_path)), len(theirs.get(tipg_path))
            seconds = in_turn(
                rounds, ours=lambda: mine.get(our_path), tipg=lambda: theirs.get(tipg_path)
            )
            mine.close()
            theirs.close()
    return Result(
        ["server", "ms (median)", "kB"],
        [
            ["citytwin", f"{seconds['ours'] * 1e3:.1f}", f"{sizes[0] / 1e3:.0f}"],
            ["TiPg 1.6.1", f"{seconds['tipg'] * 1e3:.1f}", f"{sizes[1] / 1e3:.0f}"],
        ],
        {"tipg": seconds["tipg"] / seconds["ours"]},
        equal,
        [
            f"The first {_FEATURES} features of a box among {houses:,}, one process and one "
            "connection each, not compressed. Equal: ids, coordinates to 1e-7°, four attributes. "
            "Both were asked for those four and the geometry."
        ],
    )


def _content(body: bytes) -> dict[Any, Any]:
    features = json.loads(body)["features"]
    return {
        feature["id"]: (
            [feature["properties"][name] for name in _FIELDS],
            [
                value
                for polygon in feature["geometry"]["coordinates"]
                for ring in polygon
                for point in ring
                for value in point
            ],
        )
        for feature in features
    }


def _same(mine: dict[Any, Any], theirs: dict[Any, Any]) -> bool:
    return mine.keys() == theirs.keys() and all(
        attributes == theirs[key][0]
        and len(numbers) == len(theirs[key][1])
        and all(abs(a - b) <= _LAST_DECIMAL for a, b in zip(numbers, theirs[key][1], strict=True))
        for key, (attributes, numbers) in mine.items()
    )


BENCHMARK = Benchmark("items", "1 000 features over HTTP, beside TiPg", _run)
