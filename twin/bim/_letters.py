r"""Letters beyond ASCII in a STEP file: the standard writes them \X2\5BA2\X0\, programs often raw.

The parser drops raw letters without a word, so they are rewritten before it sees the file.
"""

from __future__ import annotations

import re

_RUN = re.compile(r"[^\x00-\x7f]+")
_CODECS = ("utf-8", "gb18030")


def spelled_out(content: bytes) -> tuple[bytes, str | None]:
    r"""Return a file with its letters as the standard writes them, and how they were read.

    Raw letters are read as UTF-8, or as GB 18030 where they are not UTF-8; the second value names
    the one, or is None where there were none.

    >>> spelled_out("'客厅'".encode())
    (b"'\\X2\\5BA25385\\X0\\'", 'utf-8')
    >>> spelled_out("'客厅'".encode("gbk"))[1]
    'gb18030'
    >>> spelled_out(b"'hall'")
    (b"'hall'", None)
    """
    if content.isascii():
        return content, None
    marked = content.removeprefix(b"\xef\xbb\xbf")
    if marked.isascii():
        return marked, None
    for codec in _CODECS:
        try:
            words = marked.decode(codec)
        except UnicodeDecodeError:
            continue
        return _RUN.sub(_spell, words).encode("ascii"), codec
    return _RUN.sub(_spell, marked.decode("latin-1")).encode("ascii"), "latin-1"


def _spell(found: re.Match[str]) -> str:
    letters = found[0]
    if all(ord(letter) < 0x10000 for letter in letters):
        return rf"\X2\{letters.encode('utf-16-be').hex().upper()}\X0" + "\\"
    return rf"\X4\{letters.encode('utf-32-be').hex().upper()}\X0" + "\\"
