"""How kernels are compiled."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., object])

_SOURCES = sha256(
    b"".join(file.read_bytes() for file in sorted(Path(__file__).parent.glob("_*.py")))
).hexdigest()


def kernel(function: F) -> F:
    return _compiled(function, nrt=True)


def inner(function: F) -> F:
    return _compiled(function, nrt=False)


def _compiled(function: F, *, nrt: bool) -> F:
    """Return the function compiled by numba; it lets other threads run meanwhile.

    The machine code is kept beside the source, or in the user's cache folder if the source cannot
    be written to (``NUMBA_CACHE_DIR`` names another place).  Where nothing can be written it is
    compiled anew in every process.
    """
    try:
        compiled = njit(cache=True, nogil=True, error_model="numpy", _nrt=nrt)(function)
    except RuntimeError:  # numba: "cannot cache function: no locator available"
        return cast(F, njit(nogil=True)(function))
    # A kernel's machine code holds that of the kernels it calls.  numba keeps it as long as the
    # kernel's own file is unchanged; here it is thrown away when any of the files changes.
    compiled._cache._cache_file._source_stamp = _SOURCES
    return cast(F, compiled)
