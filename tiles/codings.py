"""The forms that tiles and documents are compressed to on their way."""

from threading import local

import zstandard
from isal import igzip

GZIP, ZSTD = "gzip", "zstd"
CODINGS = (ZSTD, GZIP)
"""The better first: zstd is a tenth smaller and costs about the same."""

_GZIP_LEVEL = 2
_ZSTD_LEVEL = 3


class _Own(local):
    """A compressor serves one thread at a time, so each has its own."""

    def __init__(self) -> None:
        self.zstd = zstandard.ZstdCompressor(level=_ZSTD_LEVEL)


_own = _Own()


def pack(data: bytes | memoryview, coding: str) -> bytes:
    """Return data in a coding; the same data always give the same bytes.

    Other threads run meanwhile.

    >>> len(pack(bytes(100_000), "zstd")) < 100
    True
    """
    if coding == ZSTD:
        return _own.zstd.compress(data)
    if coding == GZIP:
        packed: bytes = igzip.compress(data, _GZIP_LEVEL, mtime=0)
        return packed
    raise ValueError(coding)


def unpack(packed: bytes) -> bytes:
    """Return what was packed as gzip.

    >>> unpack(pack(b"tile", "gzip"))
    b'tile'
    """
    data: bytes = igzip.decompress(packed)  # type: ignore[no-untyped-call]
    return data
