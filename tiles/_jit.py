"""How kernels are compiled."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., object])

_SOURCES = sha256(
    b"".join(file.read_bytes() for file in sorted(Path(__file__).parent.glob("_*.py")))
).hexdigest()


def kernel(function: F) -> F:
    """Return the function compiled by numba; it lets other threads run meanwhile.

    The machine code is kept beside the source, or in the user's cache folder if the source cannot
    be written to (``NUMBA_CACHE_DIR`` names another place).  Where nothing can be written it is
    compiled anew in every process.
    """
    return _compiled(function, counting=True)


def inner(function: F) -> F:
    """Return the function compiled as `kernel` does it, for the innermost loops.

    It counts no references to the arrays it is handed, which would take most of its time, and so it
    may not make any.
    """
    return _compiled(function, counting=False)


def _compiled(function: F, *, counting: bool) -> F:
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": counting}
    try:
        compiled = njit(cache=True, **options)(function)
    except RuntimeError:  # numba: "cannot cache function: no locator available"
        return cast(F, njit(**options)(function))
    # A kernel's machine code holds that of the kernels it calls.  numba keeps it as long as the
    # kernel's own file is unchanged; here it is thrown away when any of the files changes.
    compiled._cache._cache_file._source_stamp = _SOURCES
    return cast(F, compiled)
