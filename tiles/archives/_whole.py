"""Files that are there whole or not at all."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twin.errors import ConflictError, InvalidInputError, UnavailableError


@contextmanager
def whole(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give an empty file beside a place, and put it there if the block ends well.

    Parameters
    ----------
    path : Path
        The place.  What is there is kept until the new file is complete and on the disk.
    overwrite : bool
        Whether something may be there.

    Raises
    ------
    ConflictError
        If something is there, or another process writes to the same place.
    InvalidInputError
        If the place is a folder, or its folder is not there.
    UnavailableError
        If there is no room for the file, or no right to write it; nothing is left then.

    Notes
    -----
    The file beside it has always the same name and is locked while it is written: what a process
    that was killed has left is used by the next one, and never taken for an archive.
    """
    require_free(path, overwrite=overwrite)
    part = path.with_name(f".{path.name}.part")
    try:
        with _alone(part) as number:
            try:
                yield part
                os.fsync(number)
                require_free(path, overwrite=overwrite)
                part.replace(path)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
        _flush(path.parent)
    except OSError as error:
        raise UnavailableError(
            f"{path} cannot be written: {error.strerror or error}; nothing is left of it"
        ) from error
    except sqlite3.OperationalError as error:
        raise UnavailableError(
            f"{path} cannot be written: {error}; nothing is left of it"
        ) from error


def require_free(path: Path, *, overwrite: bool) -> None:
    """Refuse a place where no file can be put, or is there already; see `whole`."""
    if path.is_dir():
        raise InvalidInputError(f"{path} is a folder; an archive is a file")
    if not path.parent.is_dir():
        raise InvalidInputError(f"there is no folder {path.parent}")
    if path.exists() and not overwrite:
        raise ConflictError(f"{path} is there already; --overwrite replaces it")


@contextmanager
def _alone(part: Path) -> Iterator[int]:
    number = os.open(part, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Who had it may just have put it in its place: it is no longer ours to empty.
            mine = os.path.samestat(os.fstat(number), part.stat())
        except (BlockingIOError, FileNotFoundError):
            mine = False
        if not mine:
            raise ConflictError(f"another process writes {part.name.removeprefix('.')} now")
        os.ftruncate(number, 0)
        yield number
    finally:
        os.close(number)


def _flush(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
