"""1 000 features as GeoJSON over HTTP: ours beside TiPg, on the same table."""

import json
from typing import Any

from benchmarks._bench import Bench, Benchmark, Result, in_turn
from benchmarks._peers import free_port, python_with, serving, socket_in_host
from benchmarks._served import Client, build_town, our_server

_FIELDS = ("name", "use", "height_m", "storeys")
_BOX = "116.610,23.320,116.710,23.420"
_FEATURES = 1000


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
        tipg_command = [python, "-m", "uvicorn", "tipg.main:app", "--port", str(port)]
        tipg_command += ["--log-level", "warning"]
        with (
            our_server(bench, engine) as ours,
            serving(tipg_command, port, env=tipg_env, log=bench.folder / "tipg.log") as tipg,
        ):
            mine, theirs = Client(ours), Client(tipg)
            our_path = f"/collections/building/items?bbox={_BOX}&limit={_FEATURES}"
            tipg_path = (
                f"/collections/twin.building/items?bbox={_BOX}&limit={_FEATURES}"
                f"&properties={','.join(_FIELDS)}"
            )
            equal = _content(mine.get(our_path)) == _content(theirs.get(tipg_path))
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
            "We send all fields of the layer; TiPg was asked for those four and the geometry."
        ],
    )


def _content(body: bytes) -> dict[Any, Any]:
    features = json.loads(body)["features"]
    return {
        feature["id"]: (
            [feature["properties"][name] for name in _FIELDS],
            [
                [[[round(v, 7) for v in point] for point in ring] for ring in polygon]
                for polygon in feature["geometry"]["coordinates"]
            ],
        )
        for feature in features
    }


BENCHMARK = Benchmark("items", "1 000 features over HTTP, beside TiPg", _run)
