"""Arrays in one file that is mapped into memory, and that proves to be whole when opened."""

import json
import mmap
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from twin.errors import UnavailableError

_MAGIC = b"citytwin columns\n"
_ALIGNED = 64
_HEAD = len(_MAGIC) + 8 + 4
"""The magic word, the length of the description, and its checksum."""


class TornFileError(UnavailableError):
    """A file of arrays is not whole, or not what it should be."""


def save(path: Path, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> None:
    """Write arrays and facts about them, and wait until the disk has them."""
    entries, at = {}, 0
    for name, array in arrays.items():
        entries[name] = {
            "type": array.dtype.str,
            "shape": array.shape,
            "at": at,
            "sum": isal_zlib.crc32(_bytes(array)),
        }
        at += -(-array.nbytes // _ALIGNED) * _ALIGNED
    description = json.dumps({"arrays": entries, "facts": facts, "size": at}).encode()
    description += b" " * (-(_HEAD + len(description)) % _ALIGNED)
    with path.open("wb") as file:
        file.write(_MAGIC + len(description).to_bytes(8, "little"))
        file.write(isal_zlib.crc32(description).to_bytes(4, "little") + description)
        for array in arrays.values():
            file.write(_bytes(array))
            file.write(bytes(-array.nbytes % _ALIGNED))
        file.flush()
        os.fsync(file.fileno())


def load(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return the arrays of a file, mapped and not to be written to, and the facts about them.

    Raises
    ------
    TornFileError
        If the file is not one of these, is cut short, or is not as it was written.
    """
    try:
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        raise TornFileError(f"{path.name} cannot be opened: {error}") from error
    whole = memoryview(mapped)
    length = int.from_bytes(whole[len(_MAGIC) : len(_MAGIC) + 8], "little")
    description = whole[_HEAD : _HEAD + length]
    sum_at = len(_MAGIC) + 8
    if (
        bytes(whole[: len(_MAGIC)]) != _MAGIC
        or len(description) != length
        or isal_zlib.crc32(description).to_bytes(4, "little") != bytes(whole[sum_at:_HEAD])
    ):
        raise TornFileError(f"{path.name} is no file of columns, or its head is torn")
    told = json.loads(bytes(description))
    body = whole[_HEAD + length :]
    if len(body) != told["size"]:
        raise TornFileError(f"{path.name} has {len(body)} bytes of arrays, not {told['size']}")
    arrays = {}
    for name, entry in told["arrays"].items():
        kind = np.dtype(entry["type"])
        count = int(np.prod(entry["shape"], dtype=np.int64))
        data = body[entry["at"] : entry["at"] + count * kind.itemsize]
        if isal_zlib.crc32(data) != entry["sum"]:
            raise TornFileError(f"the array {name} in {path.name} is not as it was written")
        array = np.frombuffer(data, dtype=kind) if count else np.empty(0, kind)
        arrays[name] = frozen(array.reshape(entry["shape"]))
    return arrays, told["facts"]


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """Return a view of an array that cannot be written to, as arrays from files are."""
    view = array.view()
    view.flags.writeable = False
    return view


def _bytes(array: NDArray[Any]) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
