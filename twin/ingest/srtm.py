"""SRTM height tiles (``.hgt``, ``.hgt.zip``): 3 or 1 arc-second, voids of -32768."""

import zipfile
from pathlib import Path

from twin.errors import InvalidInputError
from twin.ingest._features import Reader

_SIZES_BYTES = (2 * 1201 * 1201, 2 * 3601 * 3601)


def _open(path: Path) -> str:
    if path.suffix.lower() != ".zip":
        _require_size(path.name, path.stat().st_size)
        return str(path)
    try:
        with zipfile.ZipFile(path) as archive:
            tiles = [one for one in archive.infolist() if one.filename.lower().endswith(".hgt")]
            broken = archive.testzip()
    except zipfile.BadZipFile as error:
        raise InvalidInputError(f"{path.name} is not a whole zip archive") from error
    if len(tiles) != 1 or broken:
        raise InvalidInputError(f"{path.name} holds {len(tiles)} whole .hgt tiles instead of one")
    _require_size(tiles[0].filename, tiles[0].file_size)
    return f"/vsizip/{path.resolve()}/{tiles[0].filename}"


def _require_size(name: str, size: int) -> None:
    if size not in _SIZES_BYTES:
        raise InvalidInputError(
            f"{name} is truncated or no SRTM tile: {size} bytes instead of "
            f"{' or '.join(map(str, _SIZES_BYTES))}"
        )


READER = Reader(
    id="srtm",
    title={"zh": "SRTM 高程瓦片", "en": "SRTM height tile"},
    suffixes=(".hgt", ".hgt.zip"),
    raster=_open,
)
