"""Files that hold many tiles; each format is one file that defines ``ARCHIVE``."""

from pathlib import Path

from tiles.archives._archive import About, Archive, Batch, Writer
from tiles.archives._whole import require_free, whole
from twin.discover import discover
from twin.errors import InvalidInputError

__all__ = ["About", "Archive", "Batch", "Writer", "archive_of", "archives", "require_free", "whole"]


def archives() -> dict[str, Archive]:
    """Return every format, by the ending of its files' names."""
    return discover("tiles.archives", "ARCHIVE", Archive)


def archive_of(path: Path) -> Archive:
    """Return the format that a file's name stands for.

    Raises
    ------
    InvalidInputError
        If it stands for none; the message says which there are.

    Examples
    --------
    >>> archive_of(Path("harbour.pmtiles")).title
    'PMTiles 3'
    """
    found = archives()
    ending = path.suffix.removeprefix(".").lower()
    if ending not in found:
        possible = " or ".join(f".{name}" for name in found)
        raise InvalidInputError(f"an archive's name ends in {possible}, not {path.name!r}")
    return found[ending]
