"""How loops are compiled, and where their machine code is kept."""

import re
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., object])

_ROOT = Path(__file__).resolve().parent.parent
_IMPORT = re.compile(r"^from ([a-z_.]+) import", re.MULTILINE)


def compiled(function: F, **options: Any) -> F:
    """Return a function compiled by numba when it is first called.

    It lets other threads run meanwhile.  The machine code is kept beside the source, or in the
    user's cache folder if the source cannot be written to (``NUMBA_CACHE_DIR`` names another
    place).  Where nothing can be written it is compiled anew in every process.

    Parameters
    ----------
    function : callable
        The loop.
    **options
        For `numba.njit`, beside those that all have.

    Examples
    --------
    >>> @compiled
    ... def twice(number):
    ...     return 2 * number
    >>> twice(21)
    42
    """
    options = {"nogil": True, **options}
    try:
        found = njit(cache=True, **options)(function)
    except RuntimeError:  # numba: "cannot cache function: no locator available"
        return cast(F, njit(**options)(function))
    # Machine code holds that of the loops it calls, and the constants that it saw.  numba keeps it
    # as long as the function's own file is unchanged; here it is thrown away when any file of the
    # package changes that the own one imports, directly or not.
    file = Path(function.__code__.co_filename).resolve()
    if file.is_relative_to(_ROOT):
        found._cache._cache_file._source_stamp = _stamp(file)
    return cast(F, found)


@cache
def _stamp(file: Path) -> str:
    """Return a name for what is written in a file and in those of its folder that it imports."""
    seen, open_ = {file}, [file]
    while open_:
        for module in _IMPORT.findall(open_.pop().read_text()):
            found = _ROOT.joinpath(*module.split(".")).with_suffix(".py")
            if found.parent == file.parent and found.exists() and found not in seen:
                seen.add(found)
                open_.append(found)
    return sha256(b"\0".join(each.read_bytes() for each in sorted(seen))).hexdigest()
