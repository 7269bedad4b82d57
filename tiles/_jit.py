"""How kernels are compiled."""

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., object])


def kernel(function: F) -> F:
    """Return the function compiled by numba; it lets other threads run meanwhile.

    The machine code is kept beside the source, or in the user's cache folder if the source cannot
    be written to (``NUMBA_CACHE_DIR`` names another place).  Where nothing can be written it is
    compiled anew in every process.
    """
    try:
        return cast(F, njit(cache=True, nogil=True)(function))
    except RuntimeError:  # numba: "cannot cache function: no locator available"
        return cast(F, njit(nogil=True)(function))
