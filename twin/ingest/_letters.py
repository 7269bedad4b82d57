"""Text of files that do not say in which encoding it is."""

from __future__ import annotations

from pathlib import Path

from twin.errors import InvalidInputError


def letters_of(path: Path) -> tuple[str, str]:
    """Return a file's text, and the encoding it was read in: UTF-8, GB18030 or Latin-1.

    UTF-8 hardly ever arises by chance.  Text of GB 18030 in common characters has pairs of bytes
    from A1 up; text in a Western encoding has single ones.

    Raises
    ------
    InvalidInputError
        If the file is not text.
    """
    content = path.read_bytes()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16"), "UTF-16"
    if b"\0" in content[:4096]:
        raise InvalidInputError(f"{path.name} is not a text file")
    try:
        return content.decode("utf-8-sig"), "UTF-8"
    except UnicodeDecodeError:
        encoding = "GB18030" if in_pairs(content) else "Latin-1"
        return content.decode(encoding, "replace"), encoding


def in_pairs(body: bytes) -> bool:
    """Return whether bytes from A1 up come in pairs, and none from 80 to A0 alone.

    >>> in_pairs("管径".encode("gb18030")), in_pairs("Ù 12".encode("latin-1"))
    (True, False)
    """
    run = 0
    for byte in body:
        if byte >= 0xA1:
            run += 1
        elif byte >= 0x80 or run % 2:
            return False
        else:
            run = 0
    return run % 2 == 0
