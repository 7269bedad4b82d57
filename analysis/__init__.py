"""Questions asked of the city.  One file per question."""

from functools import cache

from analysis._process import Analysis, Outputs
from analysis._runs import Run, execute, load_run, runs
from twin.database import City
from twin.discover import discover

__all__ = ["Analysis", "Outputs", "Run", "analyses", "execute", "load_run", "runs", "warm"]


@cache
def analyses() -> dict[str, Analysis]:
    """Return every analysis of this package, by id."""
    return discover("analysis", "ANALYSIS", Analysis)


def warm(city: City | None = None) -> None:
    """Compile the kernels, and read the roads of a city, so that the first question need not wait.

    Meant for a thread at start-up: compiling takes seconds the first time on a machine, and nothing
    where the machine code was kept.
    """
    from analysis import _closures, _roads, _shortest, _zonal
    from twin import topology

    _shortest.warm()
    _zonal.warm()
    _closures.warm()
    topology.warm()
    if city is not None:
        _roads.road_graph(city.session)
