"""How the kernels of the tiles are compiled."""

from collections.abc import Callable
from typing import TypeVar

from twin.jit import compiled

F = TypeVar("F", bound=Callable[..., object])


def kernel(function: F) -> F:
    """Return the function compiled; dividing by zero gives infinity, as everywhere in numpy."""
    return compiled(function, error_model="numpy", _nrt=True)


def inner(function: F) -> F:
    """Return the function compiled as `kernel` does it, for the innermost loops.

    It counts no references to the arrays it is handed, which would take most of its time, and so it
    may not make any.

    It becomes part of whichever loop calls it: to hand over a hundred columns, one by one, for each
    feature takes longer than to draw it.
    """
    return compiled(function, error_model="numpy", _nrt=False, forceinline=True)


def apart(function: F) -> F:
    """Return the function compiled as `inner` does it, but standing for itself.

    For what is long and called seldom from several places: it is compiled once, not in each.
    """
    return compiled(function, error_model="numpy", _nrt=False)
