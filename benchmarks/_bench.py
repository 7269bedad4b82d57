"""What a benchmark is, and how its figures are written down."""

import json
import os
import platform
import re
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, create_engine, text

from twin.cluster import Cluster, attach
from twin.crs import CityBox, Frame
from twin.database import connect, create_city

RESULTS = Path(__file__).parent / "RESULTS.md"

FRAME = Frame(4548, CityBox(440_000, 2_560_000, 500_000, 2_610_000))


@dataclass(frozen=True)
class Result:
    """What one run of a benchmark found.

    ``ratios`` says how many times better than the peer we are: above 1 is better.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    ratios: Mapping[str, float]
    equal: bool
    notes: Sequence[str] = field(default=())


@dataclass(frozen=True)
class Benchmark:
    """A question of speed, and the run that answers it."""

    id: str
    title: str
    run: Callable[["Bench"], Result]


@dataclass(frozen=True)
class Bench:
    """What a benchmark may use: a private PostGIS with fsync on, and a folder.

    ``quick`` asks for a minute at most, small data and one round; ``full`` for the long form.
    """

    cluster: Cluster
    folder: Path
    quick: bool
    full: bool = False

    @contextmanager
    def city(self, name: str) -> Iterator[Engine]:
        """Return an engine on an empty city in a database of its own, dropped afterwards."""
        engine = connect(self.cluster.ensure_database(name))
        create_city(engine, name, FRAME)
        try:
            yield engine
        finally:
            engine.dispose()
            maintenance = create_engine(self.cluster.url, isolation_level="AUTOCOMMIT")
            with maintenance.connect() as connection:
                connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
            maintenance.dispose()


def in_turn(rounds: int, **actions: Callable[[], object]) -> dict[str, float]:
    """Run actions alternately and return the median seconds of each.

    The machine may be shared: what is compared runs in the same minutes.
    """
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            began = time.perf_counter()
            action()
            seconds[name].append(time.perf_counter() - began)
    return {name: statistics.median(values) for name, values in seconds.items()}


def run(
    benchmark: Benchmark, folder: Path, *, quick: bool, full: bool = False
) -> dict[str, object]:
    """Run one benchmark, write its table, and return its summary."""
    folder.chmod(0o755)
    with attach(folder / "data", progress=print) as cluster:
        result = benchmark.run(Bench(cluster, folder, quick, full))
    if not quick:
        _write(benchmark, result)
    print(_table(benchmark, result))
    ratios = {name: round(value, 3) for name, value in result.ratios.items()}
    return {"bench": benchmark.id, "ratios": ratios, "equal": result.equal, "quick": quick}


def machine() -> str:
    """Return the machine in a few words, with nothing that names it."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    words = f"{os.cpu_count()} × {model}, {memory_gib:.0f} GiB, Python {platform.python_version()}"
    busy = os.getloadavg()[1]
    # More than a benchmark and its peers make by themselves.
    shared = f", shared with others (load average {busy:.0f})"
    return words + (shared if busy > 2.5 * (os.cpu_count() or 1) else "")


def _table(benchmark: Benchmark, result: Result) -> str:
    lines = [
        f"## {benchmark.id}: {benchmark.title}",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {machine()}. Equal content: "
        f"{'yes' if result.equal else '**no**'}.",
        "",
        "| " + " | ".join(result.columns) + " |",
        "|" + "---|" * len(result.columns),
        *("| " + " | ".join(row) + " |" for row in result.rows),
        "",
        "Ratios (above 1: ahead of the peer): "
        + ", ".join(f"{name} **{value:.2f}**" for name, value in result.ratios.items())
        + ".",
        *(f"\n{note}" for note in result.notes),
        "",
    ]
    return "\n".join(lines)


def _write(benchmark: Benchmark, result: Result) -> None:
    """Replace the benchmark's section of the results page."""
    head = "# Results\n\nEach table comes from one run of `./bench NAME`, all contenders in turn.\n"
    page = RESULTS.read_text() if RESULTS.exists() else head
    sections = {
        match.group(1): match.group(0).rstrip() + "\n"
        for match in re.finditer(r"^## ([\w-]+):.*?(?=^## |\Z)", page, re.M | re.S)
    }
    sections[benchmark.id] = _table(benchmark, result)
    RESULTS.write_text(head + "\n" + "\n".join(sections[name] for name in sorted(sections)))


def as_json(summary: dict[str, object]) -> str:
    """Return the summary as the one line that other programs read."""
    return json.dumps(summary, ensure_ascii=False)
