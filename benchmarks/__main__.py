"""``./bench NAME [--quick | --full]``: run one benchmark."""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks._bench import Benchmark, as_json, run
from twin.discover import discover


def main() -> int:
    """Run the named benchmark; the last line printed is its summary as JSON."""
    benchmarks = discover("benchmarks", "BENCHMARK", Benchmark)
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("name", choices=sorted(benchmarks))
    length = parser.add_mutually_exclusive_group()
    length.add_argument(
        "--quick", action="store_true", help="small data, one round; RESULTS.md stays as it is"
    )
    length.add_argument(
        "--full", action="store_true", help="the long form, where a benchmark has one"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="citytwin-bench-", ignore_cleanup_errors=True) as name:
        summary = run(
            benchmarks[arguments.name], Path(name), quick=arguments.quick, full=arguments.full
        )
    print(as_json(summary))
    return 0 if summary["equal"] else 1


if __name__ == "__main__":
    sys.exit(main())
