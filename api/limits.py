"""How much the system lets a process have."""

import resource

_OWN_FILES = 512
"""Files that the service needs beside its clients' connections."""


def raise_files() -> None:
    """Let this process, and those it starts, have as many files open as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def most_connections(wished: int) -> int:
    """Return how many connections a process may keep open, at most what is wished.

    >>> 8 <= most_connections(1000) <= 1000
    True
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wished
    return min(wished, max(soft - _OWN_FILES, soft // 2))
