"""Text of ``.inp`` files, which EPANET and SWMM share: sections of lines of words.

A line's mistake is kept with its number; a file with mistakes is refused whole, as the programs
themselves do, and the message lists them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from twin.errors import InvalidInputError
from twin.ingest._letters import letters_of
from twin.ingest._network import Place

_WORD = re.compile(r'"[^"]*"|\S+')
_EPSG = re.compile(r"EPSG:\s*(\d{4,6})", re.I)
_SHOWN = 5
_LEAST_LETTERS = 4
"""So many letters of a section's name are enough for the programs."""

Line = tuple[int, list[str]]
"""A line's number in the file and its words, without the comment."""


@dataclass
class Inp:
    """A file's sections, and what is wrong in them."""

    name: str
    program: str
    encoding: str
    sections: Mapping[str, list[Line]]
    title: str
    mistakes: list[tuple[int, str]] = field(default_factory=list)

    def lines(self, section: str, at_least: int, form: str) -> list[Line]:
        """Return a section's lines that have enough words; the others are mistakes."""
        found = []
        for number, words in self.sections.get(section, []):
            if len(words) >= at_least:
                found.append((number, words))
            else:
                self.wrong(number, f"[{section}] {' '.join(words)!r} is too short: {form}")
        return found

    def number(self, line: Line, place: int, what: str) -> float | None:
        """Return a number among a line's words, None where the line is shorter."""
        number, words = line
        if place >= len(words):
            return None
        try:
            found = float(words[place])
        except ValueError:
            found = float("nan")
        if found != found or abs(found) == float("inf"):
            self.wrong(number, f"{words[place]!r} is no number: {what} of {words[0]} is expected")
            return None
        return found

    def wrong(self, number: int, what: str) -> None:
        """Keep a mistake."""
        self.mistakes.append((number, what))

    def once(self, seen: dict[str, int], line: Line, what: str) -> bool:
        """Return whether a line's first word names something new; else it is a mistake."""
        number, words = line
        first = seen.setdefault(words[0], number)
        if first != number:
            self.wrong(number, f"there is a {what} {words[0]!r} already, in line {first}")
        return first == number

    def places(self) -> dict[str, Place]:
        """Return the places of nodes."""
        found: dict[str, Place] = {}
        for line in self.lines("COORDINATES", 3, "node, x and y are expected"):
            x, y = self.number(line, 1, "x"), self.number(line, 2, "y")
            if x is not None and y is not None:
                found[line[1][0]] = (x, y)
        return found

    def vertices(self) -> dict[str, list[Place]]:
        """Return the vertices of links, in the file's order."""
        found: dict[str, list[Place]] = {}
        for line in self.lines("VERTICES", 3, "link, x and y are expected"):
            x, y = self.number(line, 1, "x"), self.number(line, 2, "y")
            if x is not None and y is not None:
                found.setdefault(line[1][0], []).append((x, y))
        return found

    def tags(self) -> dict[tuple[str, str], str]:
        """Return tags by the first letter of what they are on, and its name."""
        return {
            (words[0][:1].upper(), words[1]): words[2]
            for _, words in self.lines("TAGS", 3, "NODE or LINK, its name and a tag are expected")
        }

    def options(self) -> dict[str, Line]:
        """Return the options by their first word in capitals."""
        return {line[1][0].upper(): line for line in self.sections.get("OPTIONS", [])}

    def unknown(self, ends: tuple[str, str], nodes: Mapping[str, object], number: int) -> None:
        """Keep as mistakes the ends of a link that are no nodes."""
        for end in ends:
            if end not in nodes:
                self.wrong(number, f"there is no node {end!r} in the file")

    def hint(self) -> str:
        """Return the frame that the title names, in words; "" if none."""
        found = _EPSG.search(self.title)
        return f"its title names EPSG:{found[1]}" if found else ""

    def refuse_mistakes(self) -> None:
        """Refuse the file if anything is wrong in it."""
        if not self.mistakes:
            return
        several = len(self.mistakes) > 1
        shown = "; ".join(f"line {number}: {what}" for number, what in self.mistakes[:_SHOWN])
        more = len(self.mistakes) - _SHOWN
        raise InvalidInputError(
            f"{self.name} is not well-formed for {self.program}"
            + (f", {len(self.mistakes)} mistakes" if several else "")
            + f"; nothing was loaded: {shown}"
            + (f"; and {more} more" if more > 0 else "")
        )


def section_names(path: Path) -> list[str]:
    """Return the names between brackets that begin lines of a file, in capitals."""
    text, _ = letters_of(path)
    return [name.upper() for name in re.findall(r"^\s*\[(\w+)", text, re.M)]


def is_one_of(name: str, sections: Sequence[str]) -> str | None:
    """Return the section that a name stands for, None if none; its first letters are enough.

    >>> is_one_of("COORD", ["COORDINATES", "CONTROLS"]), is_one_of("FOO", ["COORDINATES"])
    ('COORDINATES', None)
    """
    found = [one for one in sections if one == name]
    if not found and len(name) >= _LEAST_LETTERS:
        found = [one for one in sections if one.startswith(name) or name.startswith(one)]
    return found[0] if found else None


def read_inp(path: Path, program: str, known: Sequence[str]) -> Inp:
    """Return a file's sections.

    Parameters
    ----------
    path : Path
        The file: UTF-8, GB 18030 or Latin-1.
    program : str
        Whose file it is, for messages.
    known : sequence of str
        The sections that the program has, in capitals.

    Raises
    ------
    InvalidInputError
        If it is not text.
    """
    text, encoding = letters_of(path)
    sections: dict[str, list[Line]] = {}
    inp = Inp(path.name, program, encoding, sections, "")
    title: list[str] = []
    current: list[Line] | None = None
    in_title = False
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if line.startswith("["):
            said = line[1:].split("]")[0].strip()
            section = is_one_of(said.upper(), known)
            if section is None:
                inp.wrong(
                    number,
                    f"{program} has no section [{said}]; it has "
                    + ", ".join(f"[{one}]" for one in known),
                )
            if section == "END":
                break
            in_title = section == "TITLE"
            current = sections.setdefault(section or f"?{said}", [])
            continue
        if in_title:
            title.append(line)
            continue
        words = [word.strip('"') for word in _WORD.findall(line.split(";", 1)[0])]
        if words and current is None:
            inp.wrong(number, f"{line[:40]!r} stands before the first [SECTION]")
            current = sections.setdefault("?", [])
        if words and current is not None:
            current.append((number, words))
    inp.title = " ".join(title)
    return inp
