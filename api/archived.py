"""The archives that the service offers: files of tiles in one folder of the data directory."""

import os
import stat
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import formatdate
from io import FileIO
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from api.ranges import Part, Version, asked
from tiles.archives import pmtiles
from twin.errors import InvalidInputError, NotFoundError

MEDIA_TYPE = "application/vnd.pmtiles"
ENDING = ".pmtiles"
_CHUNK = 2**18


class Opened(NamedTuple):
    """An archive that was opened for one answer, and what is sent of it."""

    file: FileIO
    head: dict[str, str]
    part: Part


def listed(folder: Path, root: str) -> list[dict[str, Any]]:
    """Return the archives in a folder with what each says of itself, by name.

    Parameters
    ----------
    folder : Path
        Where they are; it need not be there.
    root : str
        The address of the service.
    """
    found: list[dict[str, Any]] = []
    for name in _names(folder):
        path = folder / f"{name}{ENDING}"
        try:
            facts, about = path.stat(), pmtiles.read(path)
        except OSError:
            continue  # it was taken away meanwhile
        except InvalidInputError as error:
            found.append({"name": name, "problem": str(error)})
            continue
        found.append(
            {
                "name": name,
                "title": about.metadata.get("name"),
                "description": about.metadata.get("description"),
                "attribution": about.metadata.get("attribution"),
                "layers": _layers(about),
                "minzoom": about.zooms[0],
                "maxzoom": about.zooms[1],
                "bounds": list(about.box),
                "center": list(about.center),
                "tiles": about.tiles,
                "bytes": facts.st_size,
                "changed": datetime.fromtimestamp(facts.st_mtime, UTC).isoformat("T", "seconds"),
                "href": f"{root}/archives/{quote(name)}{ENDING}",
                "type": MEDIA_TYPE,
            }
        )
    return found


def opened(folder: Path, name: str, headers: Mapping[str, str]) -> Opened:
    """Open an archive for a request; the caller closes the file.

    Raises
    ------
    NotFoundError
        If there is no such archive.  What is opened is what the folder lists, so that no name can
        lead out of it.
    """
    if name not in _names(folder):
        raise NotFoundError(f"there is no archive {name[:80]!r}; /archives lists those there are")
    try:
        file = FileIO(folder / f"{name}{ENDING}")
    except FileNotFoundError as error:
        raise NotFoundError(f"the archive {name!r} was just taken away") from error
    facts = os.fstat(file.fileno())
    # An archive is never changed, only replaced by another file.
    etag = f'"{facts.st_ino:x}-{facts.st_mtime_ns:x}-{facts.st_size:x}"'
    version = Version(facts.st_size, etag, int(facts.st_mtime))
    part = asked(headers, version)
    return Opened(file, _head(part, version), part)


def read(found: Opened, at: int) -> bytes:
    """Return the next bytes to send from a place in the file on; none where the part ends."""
    end = found.part.begin + found.part.length
    return os.pread(found.file.fileno(), min(_CHUNK, end - at), at) if at < end else b""


def _head(part: Part, version: Version) -> dict[str, str]:
    head = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "no-cache",
        "ETag": version.etag,
        "Last-Modified": formatdate(version.changed, usegmt=True),
    }
    if part.status == 416:
        head["Content-Range"] = f"bytes */{version.size}"
    if part.status == 206:
        last = part.begin + part.length - 1
        head["Content-Range"] = f"bytes {part.begin}-{last}/{version.size}"
    if part.status in (200, 206):
        head["Content-Length"] = str(part.length)
    return head


def _names(folder: Path) -> list[str]:
    """Return the names of the whole files in the folder, without their ending."""
    try:
        with os.scandir(folder) as entries:
            return sorted(
                entry.name.removesuffix(ENDING)
                for entry in entries
                if entry.name.endswith(ENDING)
                and not entry.name.startswith(".")
                and _is_file(entry)
            )
    except FileNotFoundError:
        return []


def _is_file(entry: "os.DirEntry[str]") -> bool:
    try:
        return stat.S_ISREG(entry.stat().st_mode)
    except OSError:
        return False


def _layers(about: pmtiles.Found) -> list[str]:
    described = about.metadata.get("vector_layers")
    if not isinstance(described, list):
        return []
    return [str(each.get("id")) for each in described if isinstance(each, dict)]
