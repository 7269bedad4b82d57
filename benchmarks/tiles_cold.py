"""Tiles that nobody keeps, over HTTP and compressed, beside Martin."""

import numpy as np

from benchmarks._bench import Bench, Benchmark, Result
from benchmarks._load import listening, load
from benchmarks._served import build_town, our_server
from benchmarks._tiles import await_columns, compared, fetched, martin_server, tiles_of_town

_PER_ROW = 500


def _run(bench: Bench) -> Result:
    houses = 20_000 if bench.quick else 400_000
    seconds, rounds = (2, 1) if bench.quick else (8, 3)
    rows, ratios, equal, lacking = [], {}, True, 0
    with bench.city("bench_tiles_cold") as engine:
        build_town(engine, houses)
        with (
            our_server(bench, engine, TWIN_TILE_MEMORY_BYTES="0") as ours,
            martin_server(bench, engine, cache=False) as theirs,
        ):
            await_columns(ours)
            roots = {"citytwin": f"{ours}/tiles/building", "martin": f"{theirs}/building"}
            for zoom in (14, 15, 16):
                places = tiles_of_town(zoom, houses // _PER_ROW)
                np.random.default_rng(zoom).shuffle(places)
                counts = []
                for z, x, y in places[:: max(1, len(places) // 20)]:
                    same, count, lost = compared(
                        *(fetched(f"{root}/{z}/{x}/{y}")[2] for root in roots.values())
                    )
                    equal = equal and same
                    counts.append(count)
                    lacking += lost
                found: dict[str, list[tuple[float, float]]] = {name: [] for name in roots}
                for _ in range(rounds):
                    for name, root in roots.items():
                        host = "/".join(root.split("/")[:3])
                        path = root.removeprefix(host)
                        once = load(
                            host,
                            [f"{path}/{z}/{x}/{y}" for z, x, y in places],
                            bench.folder,
                            pids=listening(int(host.rpartition(":")[2])),
                            seconds=seconds,
                            connections=8,
                        )
                        found[name].append((once.per_s, once.cpu_us))
                per_s = {name: float(np.median([a for a, _ in v])) for name, v in found.items()}
                cpu = {name: float(np.median([b for _, b in v])) for name, v in found.items()}
                rows.append(
                    [
                        f"z{zoom}",
                        f"{np.mean(counts):,.0f}",
                        f"{per_s['citytwin']:,.1f}",
                        f"{per_s['martin']:,.1f}",
                        f"{cpu['citytwin'] / 1e3:.2f}",
                    ]
                )
                ratios[f"z{zoom}_martin"] = per_s["citytwin"] / per_s["martin"]
    return Result(
        ["tiles", "features a tile", "citytwin, tiles/s", "Martin 1.14.0, tiles/s", "our CPU, ms"],
        rows,
        ratios,
        equal,
        [
            f"{houses:,} buildings, every tile of the town in random order, 8 connections, gzip on "
            "both sides, no tile kept by either (Martin: cache disabled; ours: no memory for it). "
            "One process each; Martin has PostgreSQL's processes beside it, ours needs none. "
            "Medians of the rounds. Equal: ids and four attributes of what shows in a sample of "
            f"the tiles. Martin lacks {lacking:,} features there that lie in the buffer alone. "
            "Below level 14 our layer leaves out houses this small, so nothing is compared.",
        ],
    )


BENCHMARK = Benchmark("tiles-cold", "tiles made at each request, beside Martin", _run)
