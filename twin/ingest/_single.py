"""Networks that are one file."""

from pathlib import Path

from twin.errors import InvalidInputError
from twin.ingest._features import NetworkRequest


def only_file(request: NetworkRequest) -> Path:
    """Return the one file of a request.

    Raises
    ------
    InvalidInputError
        If there are several: names in one would meet the same names in another.
    """
    if len(request.files) > 1:
        names = ", ".join(path.name for path, _ in request.files)
        raise InvalidInputError(
            f"each of {names} is a network of its own: load them one by one, each its own --source"
        )
    path, sublayer = request.files[0]
    if sublayer is not None:
        raise InvalidInputError(f"{path.name} has no layers to choose from, so not {sublayer!r}")
    return path
