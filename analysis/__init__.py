"""Questions asked of the city.  One file per question."""

from functools import cache

from analysis._process import Analysis, Outputs
from analysis._runs import Run, execute, load_run, runs
from twin.discover import discover

__all__ = ["Analysis", "Outputs", "Run", "analyses", "execute", "load_run", "runs", "warm"]


@cache
def analyses() -> dict[str, Analysis]:
    """Return every analysis of this package, by id."""
    return discover("analysis", "ANALYSIS", Analysis)


def warm() -> None:
    """Compile the kernels, so that the first question does not wait for it.

    Meant for a thread at start-up: it takes seconds the first time on a machine, and nothing where
    the machine code was kept.
    """
    from analysis import _closures, _shortest, _zonal

    _shortest.warm()
    _zonal.warm()
    _closures.warm()
