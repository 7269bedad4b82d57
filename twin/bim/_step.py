"""What can be known of a STEP file without a parser: that it is whole, and how much it holds.

ISO 10303-21 clear text.  This is a second reader: it shares no code with the parser that meshes, so
that the two can be held against each other, and it is safe: nothing but regular expressions over
bytes, each linear in the file's length.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from twin.errors import InvalidInputError

_HEAD_BYTES = 65_536
_TAIL_BYTES = 4_096
_BEGIN = b"ISO-10303-21;"
_END = b"END-ISO-10303-21;"
_TEXT_OR_COMMENT = re.compile(rb"'[^']*'|/\*.*?\*/", re.S)
_SCHEMA = re.compile(rb"FILE_SCHEMA\s*\(\s*\(\s*'([^']*)'", re.I)
_ENTITY = re.compile(rb"\s*#(\d+)\s*=\s*([A-Za-z][A-Za-z0-9_]*)?\s*\(", re.S)
READABLE = re.compile(r"IFC2X3|IFC4(X[123](_(ADD|TC)\d)?|_ADD\d(_TC\d)?)?", re.I)
"""IFC 2x3, 4 and 4x3, in the words of FILE_SCHEMA."""


@dataclass(frozen=True)
class Scan:
    """What a file holds: how many instances, and of which classes (in capitals)."""

    instances: int
    classes: Counter[str]


def check_envelope(path: Path) -> str:
    """Return the schema that a file says it follows, having seen that it begins and ends.

    Reads the first 64 KiB and the last 4 KiB only.

    Raises
    ------
    InvalidInputError
        If it is not a STEP file, is truncated, has no header, or follows a schema that is none of
        IFC 2x3, 4, 4x3.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        file.seek(max(0, size - _TAIL_BYTES))
        tail = file.read()
    if head.startswith(b"PK\x03\x04"):
        raise InvalidInputError("a zip archive (ifcZIP?); unpack it and load the .ifc inside")
    if head.lstrip()[:1] == b"<":
        raise InvalidInputError("XML (ifcXML?); IFC is read in its STEP form, .ifc")
    if not head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(_BEGIN):
        raise InvalidInputError("not a STEP file: it does not begin with ISO-10303-21;")
    if not tail.rstrip(b"\0 \t\r\n").endswith(_END):
        raise InvalidInputError(
            f"truncated: it ends after {size:,} bytes without END-ISO-10303-21; – get a whole copy"
        )
    plain = _TEXT_OR_COMMENT.sub(lambda found: found[0][:1], head)
    if b"HEADER;" not in plain.upper():
        raise InvalidInputError("it has no HEADER section")
    found = _SCHEMA.search(head)
    if found is None:
        raise InvalidInputError("its header names no schema (FILE_SCHEMA)")
    schema = found[1].decode("ascii", "replace").strip().upper()
    if not READABLE.fullmatch(schema):
        raise InvalidInputError(
            f"its schema {schema[:60]!r} is none that can be read: IFC2X3, IFC4, IFC4X3"
        )
    return schema


def scan(content: bytes) -> Scan:
    """Return how many instances of which classes the DATA sections of a STEP file hold.

    Parameters
    ----------
    content : bytes
        The whole file.

    Raises
    ------
    InvalidInputError
        If a string is not closed, a statement is none, or a number is given twice.

    Examples
    --------
    >>> scan(b"DATA;#1=IFCWALL('a;#2=IFCDOOR()');/* #3=IFCSLAB(); */ENDSEC;").classes
    Counter({'IFCWALL': 1})
    """
    plain = _TEXT_OR_COMMENT.sub(_blank, content)
    for opened, called in ((b"'", "string"), (b"/*", "comment")):
        if opened in plain:
            raise InvalidInputError(f"a {called} is not closed{_line(plain, plain.index(opened))}")
    classes: Counter[str] = Counter()
    seen: set[bytes] = set()
    inside, at = False, 0
    for statement in plain.split(b";"):
        start, at = at, at + len(statement) + 1
        word = statement.strip()
        if not inside:
            inside = word[:4].upper() == b"DATA"
        elif word.upper() == b"ENDSEC":
            inside = False
        else:
            number, name = _instance(statement, word, plain, start)
            if number in seen:
                where = _line(plain, start + len(statement) - len(statement.lstrip()))
                raise InvalidInputError(f"#{number.decode()} is given twice{where}")
            seen.add(number)
            classes[name] += 1
    return Scan(len(seen), classes)


def _instance(statement: bytes, word: bytes, plain: bytes, start: int) -> tuple[bytes, str]:
    found = _ENTITY.match(statement)
    if found is None:
        said = "an empty statement" if not word else f"not an instance: {word[:40]!r}"
        raise InvalidInputError(f"{said}{_line(plain, start)}")
    return found[1], (found[2] or b"").decode("ascii").upper()


def _blank(found: re.Match[bytes]) -> bytes:
    """Return what stands for a string or comment: nothing but its lines."""
    return b"\n" * found[0].count(b"\n")


def _line(plain: bytes, at: int) -> str:
    number = plain.count(b"\n", 0, at) + 1
    return f" (line {number})"
